//! Rows of tables for spreadsheets (RFC 4180).

use super::escape::terminal;

/// One row with its line end.
pub(super) fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell that no spreadsheet takes for a formula (OWASP, "CSV Injection").
fn escaped(cell: &str) -> String {
    let cell = terminal(cell);
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { format!("'{cell}") } else { cell };
    if cell.contains([',', '"', ';', '\'', ' ']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn no_cell_is_a_formula_or_leaves_its_place() {
        assert_eq!(
            row(&["=cmd|' /c calc'!a", "a\"b,c", "line\nbreak", "plain"]),
            "\"'=cmd|' /c calc'!a\",\"a\"\"b,c\",line\\u{a}break,plain\r\n"
        );
    }
}
