//! Charts: panels of lines, bars and points. What they show is described here; `panel` draws it, `file` puts panels side
//! by side into an SVG or PNG file, `page` puts them on a page.

mod axis;
mod file;
pub(super) mod number;
mod page;
mod panel;

use std::sync::Once;

pub(super) use file::wrapped;
use plotters::style::{FontStyle, IntoFont, RGBColor, TextStyle, register_font};

use crate::error::Error;

/// Okabe and Ito's colours, which colour-blind readers can tell apart, without the black and the yellow that only suit
/// light or dark pages.
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// The size of text.
const TEXT: u32 = 16;
/// What is text and axis; in SVG it becomes the page's own text colour.
const INK: RGBColor = RGBColor(27, 27, 27);
/// What separates.
const GRID: RGBColor = RGBColor(140, 140, 140);

/// A title, panels and a legend.
#[derive(Debug, Default)]
pub(super) struct Figure {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
    /// The legend: what each colour is.
    pub(super) names: Vec<String>,
    /// Whether the legend tells training from validation.
    pub(super) phases: bool,
}

/// A pair of axes and what is drawn between them.
#[derive(Debug, Default)]
pub(super) struct Panel {
    /// What is on the vertical axis.
    pub(super) name: String,
    pub(super) across: Across,
    pub(super) lines: Vec<Line>,
    pub(super) bars: Vec<Bar>,
    pub(super) points: Vec<Points>,
    /// Whether to draw the line on which both axes have the same value.
    pub(super) diagonal: bool,
}

/// What is on the horizontal axis.
#[derive(Debug, Default)]
pub(super) enum Across {
    #[default]
    Epochs,
    /// Something of this name, from the first number to the second; the vertical axis begins at 0 where there are bars.
    Values(&'static str, f64, f64),
    /// A number of this name that was varied. The axis is as long as its values need, and marked at them where they are few.
    Varied(String, Scale),
    /// Choices of something of this name, without an order: the first is at 0, the second at 1, …
    Choices(String, Vec<String>),
}

/// Whether equal steps of an axis are sums or factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    /// 0 has a place to the left of the least positive value. A negative value makes the axis linear.
    Logarithmic,
}

impl Scale {
    /// The scale that shows these values best: logarithmic where the positive ones differ by more than a factor of 20, and none is
    /// negative.
    pub(super) fn of(values: &[f64]) -> Self {
        let positive = || values.iter().copied().filter(|value| *value > 0.0);
        let (low, high) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
        match values.iter().all(|value| *value >= 0.0) && high > 20.0 * low {
            true => Self::Logarithmic,
            false => Self::Linear,
        }
    }
}

/// A bar that stands on the horizontal axis.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) height: f64,
    pub(super) color: usize,
    /// Between which values the true height may lie, where that is known.
    pub(super) interval: Option<(f64, f64)>,
    /// What to say of it, besides from where to where it reaches.
    pub(super) note: String,
}

/// A line, with a band where points have intervals.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) label: String,
    pub(super) color: usize,
    pub(super) dashed: bool,
    /// (place on the horizontal axis, value, half the interval)
    pub(super) points: Vec<(f64, f64, f64)>,
}

/// Points, with whiskers where they have intervals.
#[derive(Debug)]
pub(super) struct Points {
    pub(super) label: String,
    pub(super) color: usize,
    pub(super) joined: Joined,
    pub(super) points: Vec<Point>,
}

/// Whether a line joins points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    Not,
    Solid,
    /// As for what is measured in training; the points are hollow.
    Dashed,
}

/// A value that was found somewhere.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// The place on the horizontal axis.
    pub(super) at: f64,
    pub(super) value: f64,
    /// Between which values the true one may lie, where that is known.
    pub(super) interval: Option<(f64, f64)>,
    /// What to say of it besides place and value; may be empty.
    pub(super) note: String,
}

impl Point {
    /// A value with half its interval, which is infinite where nothing is known of it, as
    /// [`mean_interval`](super::statistics::mean_interval) gives it.
    pub(super) fn new(at: f64, (value, half): (f64, f64)) -> Self {
        let interval = half.is_finite().then_some((value - half, value + half));
        Self { at, value, interval, note: String::new() }
    }
}

/// What is to be said of something in a panel, and where it is.
#[derive(Debug)]
struct Mark {
    at: (i32, i32),
    /// Where on the horizontal axis, in words: marks with the same words are told together.
    place: String,
    text: String,
    color: usize,
}

fn color(index: usize) -> RGBColor {
    COLORS[index % COLORS.len()]
}

/// A colour as HTML has it.
fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

fn style(size: u32) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font()).color(&INK)
}

/// How wide a text is.
fn width(text: &str, size: u32) -> u32 {
    register();
    ("sans-serif", size).into_font().box_size(text).map_or(0, |(width, _)| width)
}

/// Makes the embedded font known, once.
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only for a broken font file, and then so does every drawing, with a message.
        let _ = register_font("sans-serif", FontStyle::Normal, crate::font::SANS);
    });
}

/// The fonts of an SVG: whatever the reader's machine has.
pub(super) const FONTS: &str = "font-family=\"system-ui, 'DejaVu Sans', Arial, sans-serif\"";

/// A drawing whose text has the page's colour and the reader's fonts.
fn adapted(svg: &str) -> String {
    svg.replace(&hex(INK), "currentColor").replace("font-family=\"sans-serif\"", FONTS)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Usage(format!("the figure could not be drawn: {error}"))
}

#[cfg(test)]
mod tests;
