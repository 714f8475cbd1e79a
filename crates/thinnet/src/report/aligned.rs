//! Tables as text.

/// Rows of cells as text: columns of even width, the first flush left (names), the others flush right (numbers). All rows
/// have as many cells as the first.
///
/// ```
/// let rows = [vec!["".into(), "loss".into()], vec!["with dropout".into(), "0.07".into()]];
/// assert_eq!(thinnet::report::aligned(&rows), "               loss\nwith dropout   0.07\n");
/// ```
pub fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            text += &if column == 0 { format!("{cell}{padding}") } else { format!("   {padding}{cell}") };
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}
