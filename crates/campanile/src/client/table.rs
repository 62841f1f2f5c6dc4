//! Tables that fit a terminal of 100 columns.

use crate::client::text::cut;

/// The width of everything we print.
pub const WIDTH: usize = 100;

/// A column: its head, and the most that it takes. The last one takes what is left.
pub struct Column {
    pub head: &'static str,
    pub width_max: usize,
}

/// A table with blanks between columns, as wide as its content and at most [`WIDTH`]; no blanks at line ends.
pub fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(index))
            .map(|cell| cell.chars().count());
        let wanted = cells.chain([column.head.len()]).max().unwrap_or(0);
        let taken: usize = widths.iter().map(|width| width + 2).sum();
        widths.push(
            wanted
                .min(column.width_max)
                .min(WIDTH.saturating_sub(taken)),
        );
    }
    let heads = columns
        .iter()
        .map(|column| column.head.to_owned())
        .collect();
    let mut out = String::new();
    for row in std::iter::once(&heads).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let cell = cut(cell, *width);
            let fill = width - cell.chars().count().min(*width) + 2;
            line.push_str(&cell);
            line.extend(std::iter::repeat_n(' ', fill));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_a_hundred_columns() {
        let columns = ["A", "B", "TITLE"].map(|head| Column {
            head,
            width_max: 200,
        });
        let long = "word ".repeat(50);
        let rows = vec![
            vec!["1".into(), "b".repeat(60), long],
            vec!["22".into(), String::new(), "short".into()],
        ];
        let out = table(&columns, &rows);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("A   B "));
        assert_eq!(lines[1].chars().count(), WIDTH);
        assert!(lines[1].ends_with('…'));
        assert!(lines.iter().all(|line| line.trim_end() == *line));
    }
}
