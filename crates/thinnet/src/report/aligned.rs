//! Tables as text.

/// A table as text whose columns line up: the first one, of names, flush left, the others, of numbers, flush right.
///
/// ```
/// let rows = [["picture", "class"], ["a.png", "7"]].map(|row| row.map(String::from).to_vec());
/// assert_eq!(thinnet::report::aligned(&rows), "picture   class\na.png         7\n");
/// ```
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            text += &if column == 0 { format!("{cell}{padding}") } else { format!("   {padding}{cell}") };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
