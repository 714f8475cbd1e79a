//! Curves in characters: two by four dots of Braille in each.

/// A curve's colour, by its place in [`COLORS`].
pub(super) type Color = usize;

/// The colours of charts (`report/figure`) among a terminal's 256.
pub(super) const COLORS: [u8; 6] = [25, 166, 36, 175, 214, 74];

/// A curve: its colour, whether it is dashed, and its points from left to right.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) color: Color,
    pub(super) dashed: bool,
    pub(super) points: Vec<(f64, f64)>,
}

/// A cell of a plot: a character, and its colour where it has one.
pub(super) type Cell = (char, Option<Color>);

/// How many characters the marks of the vertical axis take, with the axis.
const MARKS: usize = 8;

/// Draws curves over 0 to `epochs` in `width` × `height` characters: a line with the name, the curves between two axes, the
/// ends of both axes in numbers. `None` where there is no room.
pub(super) fn plot(
    name: &str,
    curves: &[Curve],
    epochs: f64,
    width: usize,
    height: usize,
) -> Option<Vec<Vec<Cell>>> {
    if width < MARKS + 12 || height < 5 {
        return None;
    }
    let (columns, rows) = (width - MARKS, height - 3);
    let values = || {
        curves
            .iter()
            .flat_map(|curve| &curve.points)
            .map(|(_, value)| *value)
            .filter(|value| value.is_finite())
    };
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let known = low.is_finite();
    // A flat curve runs in the middle.
    let margin = if high > low { 0.0 } else { high.abs().max(1e-3) * 0.1 };
    let (low, high) = if known { (low - margin, high + margin) } else { (0.0, 1.0) };

    let mut dots = Dots::new(columns, rows);
    for curve in curves {
        let place = |&(at, value): &(f64, f64)| {
            (
                at / epochs.max(1.0) * (2 * columns - 1) as f64,
                (high - value) / (high - low) * (4 * rows - 1) as f64,
            )
        };
        for part in curve.points.split(|(_, value)| !value.is_finite()) {
            dots.line(part.iter().map(place), curve.color, curve.dashed);
        }
    }
    let text = |text: &str, width: usize| -> Vec<Cell> {
        let mut cells: Vec<Cell> = text.chars().take(width).map(|letter| (letter, None)).collect();
        cells.resize(width, (' ', None));
        cells
    };
    let mut lines = vec![text(&format!("{:MARKS$}{name}", ""), width)];
    for row in 0..rows {
        let mark = match row {
            _ if !known => None,
            0 => Some(high),
            _ if row == rows - 1 => Some(low),
            _ if rows >= 5 && row == rows / 2 => Some(high - (high - low) * row as f64 / (rows - 1) as f64),
            _ => None,
        };
        let (label, axis) = mark.map_or((String::new(), '│'), |mark| (number(mark), '┤'));
        let mut line = text(&format!("{label:>width$}{axis}", width = MARKS - 1), MARKS);
        line.extend(dots.row(row));
        lines.push(line);
    }
    lines.push(text(&format!("{:>width$}{}", "└", "─".repeat(columns), width = MARKS), width));
    let last = format!("{epochs:.0}");
    let between = columns.saturating_sub(1 + last.len());
    lines.push(text(&format!("{:MARKS$}0{:between$}{last}", "", ""), width));
    Some(lines)
}

/// A number in at most six characters.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 99_999.5 || (size > 0.0 && size < 5e-4) => format!("{value:.0e}"),
        size if size >= 999.5 => format!("{value:.0}"),
        size if size >= 99.95 => format!("{value:.1}"),
        size if size >= 9.995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Braille characters, each with its dots and the colour of the last that was set.
struct Dots {
    columns: usize,
    rows: usize,
    cells: Vec<(u8, Color)>,
}

impl Dots {
    fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows, cells: vec![(0, 0); columns * rows] }
    }

    fn set(&mut self, x: i64, y: i64, color: Color) {
        // The bits of a character's dots, from the top left.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x < 2 * self.columns && y < 4 * self.rows {
            let (bits, of) = &mut self.cells[y / 4 * self.columns + x / 2];
            *bits |= BITS[y % 4][x % 2];
            *of = color;
        }
    }

    /// A line through points, which are in dots.
    fn line(&mut self, points: impl Iterator<Item = (f64, f64)>, color: Color, dashed: bool) {
        /// Dots of a dash, and with the gap behind it.
        const DASH: (usize, usize) = (4, 7);
        let mut count = 0;
        let mut before: Option<(f64, f64)> = None;
        for (x, y) in points {
            let (from_x, from_y) = before.unwrap_or((x, y));
            let steps = (x - from_x).abs().max((y - from_y).abs()).ceil().max(1.0) as usize;
            // The first point of a piece is the last one of the piece before.
            for step in usize::from(before.is_some())..=steps {
                let share = step as f64 / steps as f64;
                let at = (from_x + (x - from_x) * share, from_y + (y - from_y) * share);
                if !dashed || count % DASH.1 < DASH.0 {
                    self.set(at.0.round() as i64, at.1.round() as i64, color);
                }
                count += 1;
            }
            before = Some((x, y));
        }
    }

    fn row(&self, row: usize) -> impl Iterator<Item = Cell> {
        self.cells[row * self.columns..(row + 1) * self.columns].iter().map(|&(bits, color)| match bits {
            0 => (' ', None),
            bits => (char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' '), Some(color)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(curves: &[Curve], epochs: f64, width: usize, height: usize) -> Option<String> {
        let lines = plot("loss", curves, epochs, width, height)?;
        assert!(lines.len() == height && lines.iter().all(|line| line.len() == width));
        let line = |line: Vec<Cell>| {
            line.into_iter().map(|(letter, _)| letter).collect::<String>().trim_end().to_owned()
        };
        Some(lines.into_iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    fn curve(values: &[f64], dashed: bool) -> Curve {
        let points = values.iter().enumerate().map(|(index, value)| (index as f64, *value));
        Curve { color: 1, dashed, points: points.collect() }
    }

    #[test]
    fn a_falling_curve_falls_and_the_axes_say_from_where_to_where() {
        let falling = drawn(&[curve(&[0.9, 0.5, 0.3, 0.2, 0.15], false)], 4.0, 24, 8).unwrap();
        let expected = [
            "        loss",
            "  0.900┤⠱⡀",
            "       │ ⠈⠦⡀",
            "  0.525┤   ⠑⢄⡀",
            "       │     ⠈⠒⢄⡀",
            "  0.150┤        ⠉⠉⠒⠢⠤⠤⣀⣀",
            "       └────────────────",
            "        0              4",
        ]
        .join("\n");
        assert_eq!(falling, expected, "\n{falling}");
    }

    #[test]
    fn dashes_have_gaps_and_what_is_not_finite_leaves_one() {
        let count =
            |text: String| text.chars().filter(|letter| ('\u{2801}'..='\u{28ff}').contains(letter)).count();
        let values = [0.5; 10];
        let solid = count(drawn(&[curve(&values, false)], 9.0, 60, 6).unwrap());
        let dashed = count(drawn(&[curve(&values, true)], 9.0, 60, 6).unwrap());
        assert!(solid == 52 && (30..45).contains(&dashed), "{solid} {dashed}");
        let gap = [0.5, f64::NAN, f64::INFINITY, 0.5, 0.5];
        assert!(count(drawn(&[curve(&gap, false)], 4.0, 60, 6).unwrap()) < 20);
    }

    #[test]
    fn there_may_be_nothing_to_draw_or_no_room() {
        for values in [&[][..], &[0.0], &[f64::NAN], &[1e-9, 1e12]] {
            assert!(drawn(&[curve(values, false)], 1.0, 40, 6).is_some());
        }
        assert_eq!(drawn(&[], 5.0, 19, 8), None);
        assert_eq!(drawn(&[], 5.0, 80, 4), None);
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 0.1234, 12.345, 123.45, 12345.6, 1.5e6, -0.5, 1e-5].map(number);
        assert_eq!(numbers, ["0.000", "0.123", "12.35", "123.5", "12346", "2e6", "-0.500", "1e-5"]);
    }
}
