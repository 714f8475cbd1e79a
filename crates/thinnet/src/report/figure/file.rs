//! A figure as a file: title above, panels side by side, legend below.

use std::path::Path;

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::page::titled;
use super::{Figure, INK, Mark, Panel, TEXT, adapted, color, failed, register, style, width};
use crate::error::{Error, Result};
use crate::files::write_whole;

const WIDTH: u32 = 1080;
/// How high a row of panels is, without the extra height of its panels.
const ROW: u32 = 366;
const LINE: u32 = 28;
const SIDE: u32 = 14;
const TITLE: u32 = 20;
/// How much larger the bitmap is, for screens with fine pixels.
const PNG_SCALE: u32 = 2;

/// An entry of the legend.
struct Entry {
    name: String,
    stroke: ShapeStyle,
    dashed: bool,
}

/// How a figure is laid out.
struct Layout {
    title: Vec<String>,
    columns: u32,
    rows: u32,
    row_height: u32,
    /// Rows of the legend, each entry with its distance from the left.
    legend: Vec<Vec<(u32, Entry)>>,
}

impl Layout {
    fn height(&self) -> u32 {
        self.head() + self.rows * self.row_height + self.legend.len() as u32 * LINE + 10
    }

    fn head(&self) -> u32 {
        self.title.len() as u32 * LINE + 12
    }
}

impl Figure {
    /// The figure as SVG, with a value for each point that a browser shows under the pointer.
    pub(in crate::report) fn svg(&self) -> Result<String> {
        register();
        let layout = self.layout();
        let mut text = String::new();
        let marks = {
            let root = SVGBackend::with_string(&mut text, (WIDTH, layout.height())).into_drawing_area();
            // Or dark viewers would show black on black.
            root.fill(&WHITE).map_err(failed)?;
            let marks = self.draw(&root, &layout, 1)?;
            root.present().map_err(failed)?;
            marks
        };
        let mut text = adapted(&text);
        text.truncate(text.trim_end().trim_end_matches("</svg>").len());
        Ok(text + &titled(&marks, 7).into_string() + "</svg>\n")
    }

    pub(in crate::report) fn png(&self) -> Result<Vec<u8>> {
        register();
        let layout = self.layout();
        let (width, height) = (WIDTH * PNG_SCALE, layout.height() * PNG_SCALE);
        let mut pixels = vec![0; (width * height * 3) as usize];
        {
            let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
            root.fill(&WHITE).map_err(failed)?;
            self.draw(&root, &layout, PNG_SCALE)?;
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
    pub(in crate::report) fn write(&self, path: &Path) -> Result<()> {
        let bytes = match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => self.svg()?.into_bytes(),
            Some("png") => self.png()?,
            _ => return Err(Error::file(path, "a figure's name must end in .svg or .png")),
        };
        write_whole(path, |out| out.write_all(&bytes))
    }

    fn layout(&self) -> Layout {
        let panels = self.panels.len().max(1) as u32;
        // Four are two and two; more come in threes.
        let columns = if panels == 4 { 2 } else { panels.min(3) };
        let mut legend: Vec<Vec<(u32, Entry)>> = Vec::new();
        let mut left = SIDE;
        for entry in self.legend() {
            let wide = 33 + width(&entry.name, TEXT) + 24;
            if legend.is_empty() || left + wide > WIDTH {
                legend.push(Vec::new());
                left = SIDE;
            }
            if let Some(row) = legend.last_mut() {
                row.push((left, entry));
            }
            left += wide;
        }
        Layout {
            title: wrapped(&self.title, TITLE, WIDTH - 2 * SIDE),
            columns,
            rows: panels.div_ceil(columns),
            row_height: ROW + self.panels.iter().map(Panel::extra_height).max().unwrap_or(0),
            legend,
        }
    }

    fn legend(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        if self.names.len() > 1 {
            let named = |(index, name): (usize, &String)| Entry {
                name: name.clone(),
                stroke: color(index).stroke_width(3),
                dashed: false,
            };
            entries.extend(self.names.iter().enumerate().map(named));
        }
        if self.phases {
            let phase = |(name, dashed): (&str, bool)| Entry {
                name: name.into(),
                stroke: INK.stroke_width(2),
                dashed,
            };
            entries.extend([("training", true), ("validation", false)].map(phase));
        }
        entries
    }

    fn draw<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, Shift>,
        layout: &Layout,
        scale: u32,
    ) -> Result<Vec<Mark>> {
        let px = |size: u32| (size * scale) as i32;
        let (head, rest) = root.split_vertically(px(layout.head()));
        for (index, line) in layout.title.iter().enumerate() {
            let at = (px(SIDE), px(12 + index as u32 * LINE));
            head.draw(&Text::new(line.clone(), at, style(TITLE * scale))).map_err(failed)?;
        }
        let (body, legend) = rest.split_vertically(px(layout.rows * layout.row_height));
        let areas = body.split_evenly((layout.rows as usize, layout.columns as usize));
        let mut marks = Vec::new();
        for (panel, area) in self.panels.iter().zip(areas) {
            marks.extend(panel.draw(&area, scale)?);
        }
        for (row, entries) in layout.legend.iter().enumerate() {
            let middle = px(14 + row as u32 * LINE);
            for (left, Entry { name, stroke, dashed }) in entries {
                let (start, end) = (px(*left), px(left + 26));
                let stroke = ShapeStyle { stroke_width: stroke.stroke_width * scale, ..*stroke };
                let dash = if *dashed { px(5) } else { end - start };
                for from in (start..end).step_by((2 * dash) as usize) {
                    let piece = [(from, middle), ((from + dash).min(end), middle)];
                    legend.draw(&PathElement::new(piece, stroke)).map_err(failed)?;
                }
                let text = Text::new(name.clone(), (start + px(33), middle - px(6)), style(TEXT * scale));
                legend.draw(&text).map_err(failed)?;
            }
        }
        Ok(marks)
    }
}

/// A text in lines that are no wider than that.
pub(in crate::report) fn wrapped(text: &str, size: u32, most: u32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= most => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
