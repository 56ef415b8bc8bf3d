//! Columns that line up, and that fit where they are shown.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// What stands between two columns.
const GAP: &str = "  ";

/// A column is not cut to less.
const NARROWEST: usize = 8;

/// One line for each row. The widest columns give way first; what is cut ends in an ellipsis. Cells are one line each,
/// and escaped already.
pub fn lines(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let widths = fitted(natural(rows), width);
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| column(cell, *width))
                .collect();
            cells.join(GAP).trim_end().to_owned()
        })
        .collect()
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
