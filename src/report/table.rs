//! Columns that line up, and that fit where they are shown.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The text between two columns.
const GAP: &str = "  ";

/// A column is not cut to less.
const NARROWEST: usize = 8;

/// One line for each row. The widest columns give way first; what is cut ends in an ellipsis. Cells are one line each,
/// and escaped already.
pub fn lines(rows: &[Vec<String>], width: usize) -> Vec<String> {
    aligned(rows, &fitted(natural(rows), width))
}

/// The same where one column matters most: it keeps its width as long as others can give way, and then those that can be done
/// without are left out, the first of them first.
pub fn lines_keeping(
    mut rows: Vec<Vec<String>>,
    width: usize,
    mut kept: usize,
    dispensable: &[usize],
) -> Vec<String> {
    let mut gone: Vec<usize> = Vec::new();
    let mut rest = dispensable.iter().copied();
    loop {
        let widths = natural(&rows);
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        let least: usize = widths
            .iter()
            .enumerate()
            .map(|(at, width)| {
                if at == kept {
                    *width
                } else {
                    (*width).min(NARROWEST)
                }
            })
            .sum();
        if least + gaps <= width {
            break;
        }
        let Some(next) = rest.next() else { break };
        // Those before it have moved it.
        let at = next - gone.iter().filter(|gone| **gone < next).count();
        for row in &mut rows {
            if at < row.len() {
                row.remove(at);
            }
        }
        if at < kept {
            kept -= 1;
        }
        gone.push(next);
    }
    aligned(&rows, &fitted_keeping(natural(&rows), width, kept))
}

/// The rows with columns of these widths.
fn aligned(rows: &[Vec<String>], widths: &[usize]) -> Vec<String> {
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| column(cell, *width))
                .collect();
            cells.join(GAP).trim_end().to_owned()
        })
        .collect()
}

/// As [`fitted`], the column that is kept last.
fn fitted_keeping(mut widths: Vec<usize>, width: usize, kept: usize) -> Vec<usize> {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    while over > 0 {
        let others = widths.iter_mut().enumerate().filter(|(at, _)| *at != kept);
        let Some((_, widest)) = others
            .max_by_key(|(_, width)| **width)
            .filter(|(_, widest)| **widest > NARROWEST)
        else {
            break;
        };
        *widest -= 1;
        over -= 1;
    }
    fitted(widths, width)
}

/// What each column needs.
fn natural(rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    widths
}

/// What each column gets. Where even the narrowest do not fit, lines are longer than they should be.
fn fitted(mut widths: Vec<usize>, width: usize) -> Vec<usize> {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    while over > 0 {
        let Some(widest) = widths
            .iter_mut()
            .max()
            .filter(|widest| **widest > NARROWEST)
        else {
            break;
        };
        *widest -= 1;
        over -= 1;
    }
    widths
}

/// A text of exactly so many columns.
pub(in crate::report) fn column(text: &str, width: usize) -> String {
    let mut cell = String::new();
    let mut used = 0;
    if text.width() <= width {
        cell.push_str(text);
        used = text.width();
    } else {
        for character in text.chars() {
            let wide = character.width().unwrap_or(0);
            if used + wide + 1 > width {
                break;
            }
            used += wide;
            cell.push(character);
        }
        if width > 0 {
            cell.push('…');
            used += 1;
        }
    }
    cell.push_str(&" ".repeat(width.saturating_sub(used)));
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[&str]], width: usize) -> Vec<String> {
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect();
        lines(&rows, width)
    }

    #[test]
    fn columns_line_up() {
        assert_eq!(
            table(&[&["user", "n"], &["alice", "12"], &["李雷", "3"]], 80),
            ["user   n", "alice  12", "李雷   3"]
        );
        assert_eq!(table(&[], 80), Vec::<String>::new());
        assert_eq!(table(&[&["a", "b"], &["c"]], 80), ["a  b", "c"]);
    }

    #[test]
    fn the_widest_gives_way() {
        let long = "orders.customers_of_the_last_year";
        assert_eq!(
            table(
                &[
                    &["alice", "SELECT", long],
                    &["bob", "COPY", "李雷李雷李雷李雷"]
                ],
                29
            ),
            [
                "alice  SELECT  orders.custom…",
                "bob    COPY    李雷李雷李雷…"
            ]
        );
    }

    #[test]
    fn the_column_that_matters_gives_way_last() {
        let rows = || {
            let row = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
            vec![
                row(["user", "database", "command", "object", "records"]),
                row([
                    "alice_from_the_team",
                    "orders_production",
                    "SELECT",
                    "orders.customers_2026",
                    "12",
                ]),
            ]
        };
        let shown = |width| lines_keeping(rows(), width, 3, &[1, 4]);
        for width in [44, 60, 80] {
            let lines = shown(width);
            assert!(
                lines.iter().all(|line| line.width() <= width),
                "{width}: {lines:?}"
            );
            assert!(
                lines[1].contains("orders.customers_2026"),
                "{width}: {lines:?}"
            );
        }
        assert!(shown(80)[0].contains("database"));
        assert!(!shown(50)[0].contains("database") && shown(50)[0].contains("records"));
        assert!(!shown(44)[0].contains("records"));
        // Where nothing else is left, it gives way too.
        assert!(shown(30)[1].contains('…'));
    }

    #[test]
    fn every_width_is_kept_to_that_can_be() {
        let row = [
            "a".repeat(50),
            "é漢".repeat(20),
            "c".repeat(9),
            "d".to_owned(),
        ];
        for width in 31..200 {
            for line in lines(&[row.to_vec()], width) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
        // Too narrow: still a table.
        assert_eq!(lines(&[row.to_vec()], 5).len(), 1);
    }
}
