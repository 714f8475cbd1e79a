//! The picture of a training run in characters.

use std::fmt::Write;

use super::plot::{COLORS, Cell, Curve, plot};

/// What the picture shows.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// What is trained.
    pub(super) title: String,
    /// What the bar is of: `Epoch 3/10`.
    pub(super) head: String,
    /// The share of it that is done.
    pub(super) done: f64,
    /// What is to be said beside the bar: speed, the time left.
    pub(super) pace: String,
    /// Values by name, as they are now.
    pub(super) values: Vec<(String, String)>,
    /// How many epochs the charts are long.
    pub(super) epochs: f64,
    /// Charts: what each shows, and its curves.
    pub(super) charts: Vec<(String, Vec<Curve>)>,
    /// What each colour is.
    pub(super) names: Vec<String>,
    /// Whether curves are of training and validation.
    pub(super) phases: bool,
}

/// What fewer columns than these are of no use for a chart.
const CHART: usize = 38;

impl Frame {
    /// The picture in `width` × `height` characters at most; colours are escape sequences around them.
    pub(super) fn text(&self, width: usize, height: usize, colors: bool) -> String {
        let mut lines = vec![plain(&self.title, width), self.bar(width)];
        let values = self.values.iter().map(|(name, value)| format!("{name} {value}"));
        lines.extend(wrapped(values, " · ", width).iter().map(|line| plain(line, width)));
        let legend = self.legend(width);
        lines.truncate(height.saturating_sub(legend.len()).max(2));
        let room = height.saturating_sub(lines.len() + legend.len());
        let charts = self.charts(width, room);
        // A terminal of a few lines has the numbers only.
        if !charts.is_empty() {
            lines.extend(charts);
            lines.extend(legend);
        }
        lines.truncate(height);
        let mut text = String::new();
        for line in lines {
            write_line(&mut text, &line, colors);
        }
        text
    }

    fn bar(&self, width: usize) -> Vec<Cell> {
        let head = format!("{} ", self.head);
        let tail = format!(" {}", self.pace);
        let length = width.saturating_sub(head.chars().count() + tail.chars().count()).clamp(5, 40);
        let full = (self.done.clamp(0.0, 1.0) * length as f64).round() as usize;
        plain(&format!("{head}{}{}{tail}", "━".repeat(full), "╌".repeat(length - full)), width)
    }

    /// The charts side by side as far as there is room, the others below; those for which there is none are left out.
    fn charts(&self, width: usize, height: usize) -> Vec<Vec<Cell>> {
        let count = self.charts.len();
        if count == 0 {
            return Vec::new();
        }
        let columns = (width / CHART).clamp(1, count);
        // Lower ones than eight lines say little; then fewer of them.
        let rows = count.div_ceil(columns).min((height / 8).max(1));
        let (each_width, each_height) = ((width + 1) / columns - 1, (height / rows).min(24));
        let mut lines = Vec::new();
        for row in self.charts.chunks(columns).take(rows) {
            let drawn: Option<Vec<_>> = row
                .iter()
                .map(|(name, curves)| plot(name, curves, self.epochs, each_width, each_height))
                .collect();
            for index in 0..each_height {
                let Some(drawn) = &drawn else { return lines };
                let cells = drawn.iter().map(|chart| chart[index].clone());
                lines.push(cells.collect::<Vec<_>>().join(&(' ', None)));
            }
        }
        lines
    }

    fn legend(&self, width: usize) -> Vec<Vec<Cell>> {
        let mut lines: Vec<Vec<Cell>> = vec![Vec::new()];
        let names = self.names.iter().enumerate().map(|(color, name)| ("━━ ", name.as_str(), Some(color)));
        let phases = [("╌╌ ", "training", None), ("── ", "validation", None)];
        for (sign, name, color) in names.chain(phases.into_iter().filter(|_| self.phases)) {
            let mut entry: Vec<Cell> = sign.chars().map(|letter| (letter, color)).collect();
            entry.extend(name.chars().map(|letter| (letter, None)));
            let line =
                lines.last_mut().filter(|line| line.is_empty() || line.len() + 3 + entry.len() <= width);
            match line {
                Some(line) => {
                    if !line.is_empty() {
                        line.extend([(' ', None); 3]);
                    }
                    line.extend(entry);
                }
                None => lines.push(entry),
            }
        }
        lines.iter_mut().for_each(|line| line.truncate(width));
        lines
    }
}

fn plain(text: &str, width: usize) -> Vec<Cell> {
    text.chars().take(width).map(|letter| (letter, None)).collect()
}

/// Pieces in lines of at most `width` characters.
fn wrapped(pieces: impl Iterator<Item = String>, between: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        let fits =
            |line: &String| (line.chars().count() + between.chars().count() + piece.chars().count()) <= width;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => *line += &format!("{between}{piece}"),
            None => lines.push(piece),
        }
    }
    lines
}

/// Writes a line, without the blanks at its end.
fn write_line(text: &mut String, cells: &[Cell], colors: bool) {
    let end = cells.iter().rposition(|(letter, _)| *letter != ' ').map_or(0, |last| last + 1);
    let mut current = None;
    for &(letter, color) in &cells[..end] {
        if colors && color != current {
            // Writing to a string does not fail.
            let _ = match color {
                Some(color) => write!(text, "\x1b[38;5;{}m", COLORS[color % COLORS.len()]),
                None => write!(text, "\x1b[39m"),
            };
            current = color;
        }
        text.push(letter);
    }
    if current.is_some() {
        text.push_str("\x1b[39m");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let curve = |color, dashed, values: [f64; 4]| {
            let points = values.iter().enumerate().map(|(index, value)| (1.0 + index as f64, *value));
            Curve { color, dashed, points: points.collect() }
        };
        Frame {
            title: "with_dropout · seed 42 · run 1 of 4".into(),
            head: "Epoch  5/10".into(),
            epochs: 10.0,
            phases: true,
            done: 0.5,
            pace: "188/375 · 12 s left · 31000 samples/s".into(),
            values: [
                ("loss", "0.1234"),
                ("accuracy", "0.9712"),
                ("val_loss", "0.0993"),
                ("val_accuracy", "0.9744"),
            ]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
            charts: vec![
                (
                    "loss".into(),
                    vec![curve(0, true, [0.5, 0.3, 0.2, 0.15]), curve(0, false, [0.3, 0.2, 0.15, 0.12])],
                ),
                (
                    "accuracy".into(),
                    vec![curve(0, true, [0.8, 0.9, 0.95, 0.96]), curve(1, false, [0.9, 0.93, 0.96, 0.97])],
                ),
            ],
            names: vec!["with_dropout".into(), "as_printed".into()],
        }
    }

    #[test]
    fn a_frame_fits_any_terminal() {
        for (width, height) in [(80, 24), (200, 60), (120, 12), (60, 40), (30, 10), (20, 3), (1, 1), (0, 0)] {
            let text = frame().text(width, height, false);
            assert!(text.lines().count() <= height, "{width} × {height}:\n{text}");
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width} × {height}:\n{text}");
        }
    }

    #[test]
    fn eighty_columns_have_two_charts_side_by_side() {
        let text = frame().text(80, 16, false);
        let expected = "\
with_dropout · seed 42 · run 1 of 4
Epoch  5/10 ━━━━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 188/375 · 12 s left · 31000 samples/s
loss 0.1234 · accuracy 0.9712 · val_loss 0.0993 · val_accuracy 0.9744
        loss                                    accuracy
";
        assert!(text.starts_with(expected), "\n{text}");
        assert!(
            text.ends_with("━━ with_dropout   ━━ as_printed   ╌╌ training   ── validation\n"),
            "\n{text}"
        );
        assert_eq!(text.lines().count(), 16, "\n{text}");
        assert!(text.contains("0.500┤") && text.contains("0.970┤"), "\n{text}");
    }

    #[test]
    fn narrow_terminals_have_one_chart_below_the_other_and_low_ones_the_numbers() {
        let narrow = frame().text(50, 40, false);
        let row = |name: &str| narrow.lines().position(|line| line.trim() == name);
        assert!(row("loss") < row("accuracy") && row("loss").is_some(), "\n{narrow}");
        let low = frame().text(80, 5, false);
        assert!(
            low.starts_with("with_dropout") && !low.contains('┤') && !low.contains("training"),
            "\n{low}"
        );
    }

    #[test]
    fn colours_are_only_where_they_are_wanted_and_end_with_the_line() {
        assert!(!frame().text(80, 24, false).contains('\x1b'));
        let colored = frame().text(80, 24, true);
        assert!(colored.contains("\x1b[38;5;25m") && colored.contains("\x1b[38;5;166m"));
        for line in colored.lines() {
            let last = line.rfind("\x1b[").map(|at| &line[at..at + 5]);
            assert!(last.is_none_or(|escape| escape == "\x1b[39m"), "{line:?}");
        }
    }
}
