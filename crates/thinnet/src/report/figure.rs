//! Panels of lines and bars, drawn as SVG or PNG.

use std::path::Path;
use std::sync::Once;

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::{FontStyle, RGBColor, TextStyle, register_font};

use crate::error::{Error, Result};
use crate::files::write_whole;

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

/// What is text and axis; in SVG it becomes the page's own text colour.
const INK: RGBColor = RGBColor(27, 27, 27);
/// What separates.
const GRID: RGBColor = RGBColor(140, 140, 140);

const WIDTH: u32 = 1080;
const HEIGHT: u32 = 430;
/// How much larger the bitmap is, for screens with fine pixels.
const PNG_SCALE: u32 = 2;

/// A title, panels side by side and a legend below.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
    /// The legend: what each colour is.
    pub(super) names: Vec<String>,
    /// Whether the legend tells training from validation.
    pub(super) phases: bool,
}

/// Lines and bars.
#[derive(Debug)]
pub(super) struct Panel {
    /// What is on the vertical axis.
    pub(super) name: String,
    pub(super) across: Across,
    pub(super) lines: Vec<Line>,
    pub(super) bars: Vec<Bar>,
    /// Whether to draw the line on which both axes have the same value.
    pub(super) diagonal: bool,
}

/// What is on the horizontal axis.
#[derive(Debug)]
pub(super) enum Across {
    Epochs,
    /// Something of this name, from the first number to the second; the vertical axis begins at 0.
    Values(&'static str, f64, f64),
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
    /// What to say of it.
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

/// A point's place in the picture and what to say of it.
struct Note {
    at: (i32, i32),
    text: String,
}

impl Figure {
    pub(super) fn svg(&self) -> Result<String> {
        register();
        let mut text = String::new();
        let notes = {
            let root = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
            let notes = self.draw(&root, 1)?;
            root.present().map_err(failed)?;
            notes
        };
        let ink = format!("#{:02X}{:02X}{:02X}", INK.0, INK.1, INK.2);
        let mut text = text.replace(&ink, "currentColor").replace("font-family=\"sans-serif\"", FONTS);
        text.truncate(text.trim_end().trim_end_matches("</svg>").len());
        for Note { at: (x, y), text: note } in notes {
            let note = note.replace('&', "&amp;").replace('<', "&lt;");
            text += &format!(
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"7\" fill=\"transparent\"><title>{note}</title></circle>\n"
            );
        }
        text += "</svg>\n";
        Ok(text)
    }

    pub(super) fn png(&self) -> Result<Vec<u8>> {
        register();
        let (width, height) = (WIDTH * PNG_SCALE, HEIGHT * PNG_SCALE);
        let mut pixels = vec![0; (width * height * 3) as usize];
        {
            let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
            root.fill(&WHITE).map_err(failed)?;
            self.draw(&root, PNG_SCALE)?;
            root.present().map_err(failed)?;
        }
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(file)
    }

    /// Writes SVG or PNG, by the file's ending.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let bytes = match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => self.svg()?.into_bytes(),
            Some("png") => self.png()?,
            _ => return Err(Error::file(path, "a figure's name must end in .svg or .png")),
        };
        write_whole(path, |out| out.write_all(&bytes))
    }

    fn draw<DB: DrawingBackend>(&self, root: &DrawingArea<DB, Shift>, scale: u32) -> Result<Vec<Note>> {
        let px = |size: u32| size * scale;
        let (head, rest) = root.split_vertically(px(38));
        head.draw(&Text::new(self.title.clone(), (px(14) as i32, px(12) as i32), style(px(18))))
            .map_err(failed)?;
        let (body, legend) = rest.split_vertically(px(HEIGHT - 38 - 34));
        let mut notes = Vec::new();
        for (panel, area) in self.panels.iter().zip(body.split_evenly((1, self.panels.len().max(1)))) {
            notes.extend(panel.draw(&area, scale)?);
        }
        self.draw_legend(&legend, scale)?;
        Ok(notes)
    }

    fn draw_legend<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: u32) -> Result<()> {
        let px = |size: i32| size * scale as i32;
        let text = style(px(13) as u32);
        let mut x = px(16);
        let middle = px(14);
        let mut entry = |label: &str, stroke: ShapeStyle, dash: Option<i32>| -> Result<()> {
            let ends = [(x, middle), (x + px(26), middle)];
            match dash {
                None => area.draw(&PathElement::new(ends, stroke)).map_err(failed)?,
                Some(dash) => {
                    for start in (x..x + px(26)).step_by((2 * dash) as usize) {
                        let piece = [(start, middle), ((start + dash).min(x + px(26)), middle)];
                        area.draw(&PathElement::new(piece, stroke)).map_err(failed)?;
                    }
                }
            }
            area.draw(&Text::new(label.to_owned(), (x + px(33), middle - px(6)), text.clone()))
                .map_err(failed)?;
            let (width, _) = area.estimate_text_size(label, &text).map_err(failed)?;
            x += px(33) + width as i32 + px(24);
            Ok(())
        };
        if self.names.len() > 1 {
            for (index, name) in self.names.iter().enumerate() {
                entry(name, COLORS[index % COLORS.len()].stroke_width(px(3) as u32), None)?;
            }
        }
        if !self.phases {
            return Ok(());
        }
        entry("training", INK.stroke_width(px(2) as u32), Some(px(5)))?;
        entry("validation", INK.stroke_width(px(2) as u32), None)
    }
}

impl Panel {
    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: u32) -> Result<Vec<Note>> {
        let px = |size: u32| size * scale;
        let [(left, right), (bottom, top)] = self.ranges();
        let mut chart = ChartBuilder::on(area)
            .margin_left(px(10))
            .margin_right(px(14))
            .margin_top(px(4))
            .x_label_area_size(px(38))
            .y_label_area_size(px(62))
            .build_cartesian_2d(left..right, bottom..top)
            .map_err(failed)?;
        let digits = match top - bottom {
            height if height < 0.0224 => 4,
            height if height < 0.56 => 3,
            height if height < 5.6 => 2,
            _ => 1,
        };
        let (across, labels) = match self.across {
            Across::Epochs => ("epoch", ((right - left) as usize + 1).clamp(1, 10)),
            Across::Values(name, ..) => (name, 6),
        };
        let label = |value: &f64| match self.across {
            Across::Epochs if value.fract() != 0.0 => String::new(),
            Across::Epochs => format!("{value:.0}"),
            Across::Values(..) => format!("{:.*}", if right - left < 0.06 { 3 } else { 2 }, value),
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.mix(0.25).stroke_width(scale))
            .axis_style(GRID.stroke_width(scale))
            .x_desc(across)
            .y_desc(self.name.clone())
            .x_labels(labels)
            .y_labels(6)
            .x_label_formatter(&label)
            .y_label_formatter(&|value| format!("{value:.digits$}"))
            .label_style(style(px(12)))
            .axis_desc_style(style(px(13)))
            .draw()
            .map_err(failed)?;
        let mut notes = self.draw_bars(&mut chart, scale)?;
        if self.diagonal {
            let (start, end) = (left.max(bottom), right.min(top));
            let ends = [(start, start), (end, end)];
            let line = DashedLineSeries::new(ends, px(4), px(4), GRID.stroke_width(px(1)));
            chart.draw_series(line).map_err(failed)?;
        }
        for line in &self.lines {
            let color = COLORS[line.color % COLORS.len()];
            // Values that are not finite leave gaps.
            for part in line.points.split(|(_, value, _)| !value.is_finite()) {
                if part.iter().any(|(.., half)| *half > 0.0) {
                    let upper = part.iter().map(|(epoch, value, half)| (*epoch, value + half));
                    let lower = part.iter().rev().map(|(epoch, value, half)| (*epoch, value - half));
                    let band = Polygon::new(upper.chain(lower).collect::<Vec<_>>(), color.mix(0.15));
                    chart.draw_series(std::iter::once(band)).map_err(failed)?;
                }
                let points = part.iter().map(|(epoch, value, _)| (*epoch, *value));
                let stroke = color.stroke_width(px(2));
                if let [(epoch, value, _)] = part {
                    let dot = Circle::new((*epoch, *value), px(4), color.filled());
                    chart.draw_series(std::iter::once(dot)).map_err(failed)?;
                } else if line.dashed {
                    chart.draw_series(DashedLineSeries::new(points, px(6), px(4), stroke)).map_err(failed)?;
                } else {
                    chart.draw_series(LineSeries::new(points, stroke)).map_err(failed)?;
                }
                for (epoch, value, half) in part {
                    let interval = if *half > 0.0 { format!(" ± {half:.4}") } else { String::new() };
                    let place = match self.across {
                        Across::Epochs => format!("epoch {epoch}"),
                        Across::Values(name, ..) => format!("{name} {epoch:.3}"),
                    };
                    let text = format!("{}, {place}: {} {value:.4}{interval}", line.label, self.name);
                    notes.push(Note { at: chart.backend_coord(&(*epoch, *value)), text });
                }
            }
        }
        Ok(notes)
    }

    /// What the axes show: from and to.
    fn ranges(&self) -> [(f64, f64); 2] {
        if let Across::Values(_, left, right) = self.across {
            let highs =
                self.bars.iter().map(|bar| bar.interval.map_or(bar.height, |(_, high)| high.max(bar.height)));
            if !self.bars.is_empty() {
                let top = highs.fold(0.0, f64::max).max(1e-9);
                return [(left, right), (0.0, if self.diagonal { 1.0 } else { top * 1.06 })];
            }
        }
        let finite =
            self.lines.iter().flat_map(|line| &line.points).filter(|(_, value, _)| value.is_finite());
        let bounds = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let (first, last) = bounds(&mut finite.clone().map(|(epoch, ..)| *epoch));
        let (low, high) =
            bounds(&mut finite.clone().flat_map(|(_, value, half)| [value - half, value + half]));
        let (first, last, low, high) =
            if low.is_finite() { (first, last, low, high) } else { (1.0, 1.0, 0.0, 1.0) };
        let margin = ((high - low) * 0.06).max(high.abs() * 1e-3 + 1e-9);
        let side = ((last - first) * 0.03).max(0.1);
        let across = match self.across {
            Across::Epochs => (first - side, last + side),
            Across::Values(_, left, right) => (left, right),
        };
        [across, (low - margin, high + margin)]
    }

    /// Draws the bars, and says what is to be said of them.
    fn draw_bars<DB: DrawingBackend>(&self, chart: &mut Chart<'_, DB>, scale: u32) -> Result<Vec<Note>> {
        let mut notes = Vec::new();
        for bar in &self.bars {
            let color = COLORS[bar.color % COLORS.len()];
            let corners = [(bar.low, 0.0), (bar.high, bar.height)];
            let fill = Rectangle::new(corners, color.mix(0.4).filled());
            let edge = Rectangle::new(corners, color.mix(0.8).stroke_width(scale));
            chart.draw_series([fill, edge]).map_err(failed)?;
            let middle = (bar.low + bar.high) / 2.0;
            if let Some((low, high)) = bar.interval {
                let whisker = PathElement::new([(middle, low), (middle, high)], INK.stroke_width(scale));
                chart.draw_series(std::iter::once(whisker)).map_err(failed)?;
            }
            notes.push(Note { at: chart.backend_coord(&(middle, bar.height)), text: bar.note.clone() });
        }
        Ok(notes)
    }
}

/// A chart as a panel has it.
type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// The fonts of an SVG: whatever the reader's machine has.
const FONTS: &str = "font-family=\"system-ui, 'DejaVu Sans', Arial, sans-serif\"";

fn style(size: u32) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font()).color(&INK)
}

/// Makes the embedded font known, once.
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only for a broken font file, and then so does every drawing, with a message.
        let _ = register_font("sans-serif", FontStyle::Normal, crate::font::SANS);
    });
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Usage(format!("the figure could not be drawn: {error}"))
}
