//! Panels of pictures in a grid, such as filters, maps and matrices: drawn as SVG or PNG.

use std::fmt::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};

use super::color_map::ColorMap;
use super::figure::{FONTS, wrapped};
use crate::canvas::{Canvas, Text};
use crate::error::{Error, Result};
use crate::files::write_whole;

const WIDTH: usize = 1080;
const MARGIN: usize = 14;
/// Where panels begin, below a title of one line; and how high each further line is.
const HEAD: usize = 38;
const TITLE_LINE: usize = 24;
/// Between panels, and above each its name: of one line, and each further one.
const GAP: usize = 24;
const NAME: usize = 22;
const NAME_LINE: usize = 17;
/// The sizes of their letters.
const TITLE_SIZE: usize = 18;
const NAME_SIZE: usize = 13;
/// The scale below, with its numbers.
const SCALE: usize = 56;
const SCALE_WIDTH: usize = 240;
/// A line is so many times as high as its letters' size.
const LINE: f32 = 1.17;
/// How much larger the bitmap is, for screens with fine pixels.
const PNG_SCALE: usize = 2;

/// A title, panels side by side and a scale of the colours below.
#[derive(Debug)]
pub(super) struct Pictures {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
    /// What the colours mean, and of what.
    pub(super) scale: Option<(ColorMap, String)>,
}

/// Pictures of one size in a grid.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) name: String,
    /// Pixels of each picture.
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) tiles: Vec<Tile>,
    /// How many stand side by side.
    pub(super) columns: usize,
    /// How many times as large as it is a pixel is shown at most.
    pub(super) magnified: usize,
}

/// A picture.
#[derive(Debug)]
pub(super) struct Tile {
    /// Its rows, one after the other.
    pub(super) pixels: Vec<[u8; 3]>,
    /// What to say of it: of all of it, or of each row.
    pub(super) notes: Vec<String>,
}

/// A panel's place.
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

/// Where everything lies.
struct Layout {
    title: Vec<String>,
    /// Each panel's place, and the lines of its name.
    panels: Vec<(Place, Vec<String>)>,
    height: usize,
}

impl Panel {
    fn rows(&self) -> usize {
        self.tiles.len().div_ceil(self.columns.max(1))
    }

    /// Pixels between two pictures; none where there is one.
    fn gap(&self) -> usize {
        usize::from(self.tiles.len() > 1)
    }

    /// All pictures as one: (width, height) in their pixels.
    fn size(&self) -> (usize, usize) {
        let all = |count: usize, side: usize| (count * (side + self.gap())).saturating_sub(self.gap()).max(1);
        (all(self.columns.min(self.tiles.len()), self.width), all(self.rows(), self.height))
    }

    /// Where a tile begins, in pixels of the pictures.
    fn corner(&self, tile: usize) -> (usize, usize) {
        let (row, column) = (tile / self.columns.max(1), tile % self.columns.max(1));
        (column * (self.width + self.gap()), row * (self.height + self.gap()))
    }

    /// The colour at a place of the whole; none between pictures.
    fn pixel(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let (across, down) = (self.width + self.gap(), self.height + self.gap());
        let (column, row) = (x / across, y / down);
        let (x, y) = (x % across, y % down);
        let tile = self.tiles.get(row * self.columns + column)?;
        (x < self.width && y < self.height).then(|| tile.pixels[y * self.width + x])
    }

    /// All pictures as a PNG file, see-through between them.
    fn mosaic(&self) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        let rgba: Vec<u8> = (0..width * height)
            .flat_map(|at| self.pixel(at % width, at / width).map_or([0; 4], |[r, g, b]| [r, g, b, 255]))
            .collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgba);
        // Neighbours in noise tell nothing of each other.
        encoder.set_filter(png::Filter::NoFilter);
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&rgba)).map_err(failed)?;
        Ok(file)
    }
}

impl Pictures {
    fn layout(&self) -> Layout {
        let count = self.panels.len().max(1);
        let each = (WIDTH - 2 * MARGIN - (count - 1) * GAP) / count;
        let title = lines(&self.title, TITLE_SIZE, WIDTH - 2 * MARGIN);
        let names: Vec<_> = self.panels.iter().map(|panel| lines(&panel.name, NAME_SIZE, each)).collect();
        let longest = names.iter().map(Vec::len).max().unwrap_or(1);
        let head = HEAD + (title.len() - 1) * TITLE_LINE;
        let top = head + NAME + (longest - 1) * NAME_LINE;
        let place = |(index, panel): (usize, &Panel)| {
            let (width, height) = panel.size();
            let shown = each.min(width * panel.magnified);
            let left = MARGIN + index * (each + GAP);
            Place { left, top, width: shown, height: (shown * height).div_ceil(width) }
        };
        let places: Vec<Place> = self.panels.iter().enumerate().map(place).collect();
        let bottom = places.iter().map(|place| place.top + place.height).max().unwrap_or(head);
        let height = bottom + if self.scale.is_some() { SCALE } else { MARGIN };
        Layout { title, panels: places.into_iter().zip(names).collect(), height }
    }

    /// The figure as a page has it: all text is the page's own, and each panel is a drawing of its own, so that narrow screens
    /// show one below the other.
    pub(super) fn markup(&self, caption: &str) -> Result<Markup> {
        const PANEL: usize = 480;
        let mut drawings = Vec::new();
        for panel in &self.panels {
            let (width, height) = panel.size();
            let shown = PANEL.min(width * panel.magnified);
            let place = Place { left: 0, top: 0, width: shown, height: (shown * height).div_ceil(width) };
            let mut inner = String::new();
            draw(&mut inner, panel, &place)?;
            drawings.push((format!("0 0 {PANEL} {}", place.height), inner, &panel.name));
        }
        Ok(html! {
            figure.chart {
                p.title { (self.title) }
                div.panels {
                    @for (size, inner, name) in &drawings {
                        div.panel {
                            @if !name.is_empty() { p.name { (name) } }
                            svg viewBox=(size) role="img" aria-label=(format!("{}: {name}", self.title)) { (PreEscaped(inner)) }
                        }
                    }
                }
                @if let Some((map, name)) = &self.scale {
                    div.scale {
                        div {
                            svg viewBox=(format!("0 0 {SCALE_WIDTH} 12")) preserveAspectRatio="none" aria-hidden="true" {
                                (PreEscaped(bar(*map, 0)))
                            }
                            div.ends { @for (label, ..) in ends(*map) { span { (label) } } }
                        }
                        span { (name) }
                    }
                }
                figcaption { (caption) }
            }
        })
    }

    fn svg(&self) -> Result<String> {
        let Layout { title, panels, height } = self.layout();
        let mut svg = format!(
            "<svg width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" xmlns=\"http://www.w3.org/2000/svg\" {FONTS}>\n"
        );
        // Or dark viewers would show black on black.
        svg += "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
        for (index, line) in title.iter().enumerate() {
            write_text(&mut svg, line, MARGIN, 26 + index * TITLE_LINE, TITLE_SIZE);
        }
        for (panel, (place, name)) in self.panels.iter().zip(&panels) {
            for (index, line) in name.iter().rev().enumerate() {
                write_text(&mut svg, line, place.left, place.top - 7 - index * NAME_LINE, NAME_SIZE);
            }
            draw(&mut svg, panel, place)?;
        }
        if let Some((map, name)) = &self.scale {
            let mut scale = String::new();
            draw_scale(&mut scale, *map, name, height - SCALE + 18);
            let _ = writeln!(svg, "<g transform=\"translate({MARGIN} 0)\">{scale}</g>");
        }
        svg += "</svg>\n";
        Ok(svg)
    }

    fn canvas(&self) -> Canvas {
        let Layout { title, panels, height } = self.layout();
        let mut canvas = Canvas::new(WIDTH * PNG_SCALE, height * PNG_SCALE);
        let text = |canvas: &mut Canvas, text: &str, x: f32, y: usize, size: usize| {
            let line = Text::new(text, (size * PNG_SCALE) as f32 * LINE);
            canvas.text(&line, x * PNG_SCALE as f32, (y * PNG_SCALE) as f32);
        };
        for (index, line) in title.iter().enumerate() {
            text(&mut canvas, line, MARGIN as f32, 9 + index * TITLE_LINE, TITLE_SIZE);
        }
        for (panel, (Place { left, top, width, height }, name)) in self.panels.iter().zip(&panels) {
            for (index, line) in name.iter().rev().enumerate() {
                text(&mut canvas, line, *left as f32, top - NAME + 3 - index * NAME_LINE, NAME_SIZE);
            }
            let (across, down) = panel.size();
            let (wide, high) = (width * PNG_SCALE, height * PNG_SCALE);
            for y in 0..high {
                for x in 0..wide {
                    if let Some(rgb) = panel.pixel(x * across / wide, y * down / high) {
                        canvas.set(left * PNG_SCALE + x, top * PNG_SCALE + y, rgb);
                    }
                }
            }
        }
        if let Some((map, name)) = &self.scale {
            let top = height - SCALE + 18;
            let wide = SCALE_WIDTH * PNG_SCALE;
            for x in 0..wide {
                let rgb = map.color(at(*map, x, wide));
                (0..12 * PNG_SCALE)
                    .for_each(|y| canvas.set(MARGIN * PNG_SCALE + x, top * PNG_SCALE + y, rgb));
            }
            for (label, x, anchor) in ends(*map) {
                let width = Text::new(label.as_str(), 12.0 * LINE).width();
                let left = (MARGIN + x) as f32
                    - match anchor {
                        "start" => 0.0,
                        "middle" => width / 2.0,
                        _ => width,
                    };
                text(&mut canvas, &label, left, top + 14, 12);
            }
            text(&mut canvas, name, (MARGIN + SCALE_WIDTH + 14) as f32, top - 2, 13);
        }
        canvas
    }

    /// Writes SVG or PNG, by the file's ending.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => {
                let svg = self.svg()?;
                write_whole(path, |out| out.write_all(svg.as_bytes()))
            }
            Some("png") => {
                let canvas = self.canvas();
                write_whole(path, |out| canvas.write_png(out))
            }
            _ => Err(Error::file(path, "a picture's name must end in .svg or .png")),
        }
    }
}

/// A panel's pictures and what is to be said of them, as parts of an SVG.
fn draw(svg: &mut String, panel: &Panel, place: &Place) -> Result<()> {
    let Place { left, top, width, height } = place;
    let _ = writeln!(
        svg,
        "<image x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
         style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
        STANDARD.encode(panel.mosaic()?)
    );
    let scale = *width as f64 / panel.size().0 as f64;
    *svg += "<g class=\"marks\" fill=\"transparent\" color=\"#1b1b1b\">\n";
    for (index, tile) in panel.tiles.iter().enumerate() {
        let (x, y) = panel.corner(index);
        let each = panel.height as f64 / tile.notes.len().max(1) as f64;
        for (row, note) in tile.notes.iter().enumerate() {
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
                *left as f64 + x as f64 * scale,
                *top as f64 + (y as f64 + row as f64 * each) * scale,
                panel.width as f64 * scale,
                each * scale,
                escaped(note)
            );
        }
    }
    *svg += "</g>\n";
    Ok(())
}

/// The colours of the scale in a row, as parts of an SVG, from the left border on.
fn bar(map: ColorMap, top: usize) -> String {
    const STEPS: usize = 48;
    let mut svg = String::new();
    for step in 0..STEPS {
        let [r, g, b] = map.color(at(map, step, STEPS));
        // Neighbours overlap, or the page shows through between them where it is not drawn pixel by pixel.
        let (x, width) = (step * SCALE_WIDTH / STEPS, SCALE_WIDTH / STEPS + usize::from(step + 1 < STEPS));
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"12\" fill=\"rgb({r},{g},{b})\"/>"
        );
    }
    svg
}

/// The scale of the colours with its numbers and its name, as parts of an SVG, from the left border on.
fn draw_scale(svg: &mut String, map: ColorMap, name: &str, top: usize) {
    *svg += &bar(map, top);
    for (label, x, anchor) in ends(map) {
        let y = top + 26;
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"12\" text-anchor=\"{anchor}\" fill=\"currentColor\">{label}</text>"
        );
    }
    write_text(svg, name, SCALE_WIDTH + 14, top + 11, 13);
}

fn write_text(svg: &mut String, text: &str, x: usize, y: usize, size: usize) {
    let text = escaped(text);
    let _ =
        writeln!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"currentColor\">{text}</text>");
}

/// A text of letters of that size in lines that are no wider than that; a longer word is broken.
fn lines(text: &str, size: usize, most: usize) -> Vec<String> {
    let size = (size as f32 * LINE).ceil();
    let mut lines = Vec::new();
    for line in wrapped(text, size as u32, most as u32) {
        let fits = |text: &str| Text::new(text, size).width() <= most as f32;
        let mut rest = line.as_str();
        while !fits(rest) {
            let ends = rest.char_indices().map(|(end, _)| end).skip(1);
            let Some(end) = ends.take_while(|end| fits(&rest[..*end])).last() else { break };
            let (part, others) = rest.split_at(end);
            lines.push(part.to_owned());
            rest = others;
        }
        lines.push(rest.to_owned());
    }
    lines
}

/// The number at a step of the scale.
fn at(map: ColorMap, step: usize, steps: usize) -> f64 {
    let (low, high) = map.ends();
    low + (high - low) * (step as f64 + 0.5) / steps as f64
}

/// The scale's numbers: text, place, and what of the text stands there.
fn ends(map: ColorMap) -> [(String, usize, &'static str); 3] {
    let (low, high) = map.ends();
    let digits = if high - low < 0.1 { 3 } else { 2 };
    let label = |value: f64| format!("{value:.digits$}").replace('-', "−");
    [
        (label(low), 0, "start"),
        (label((low + high) / 2.0), SCALE_WIDTH / 2, "middle"),
        (label(high), SCALE_WIDTH, "end"),
    ]
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Usage(format!("the picture could not be drawn: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures() -> Pictures {
        let tile =
            |color: u8| Tile { pixels: vec![[color, 0, 0]; 6], notes: vec![format!("{color} < 9 & more")] };
        let panel = Panel {
            name: "a & b".into(),
            height: 2,
            width: 3,
            tiles: vec![tile(1), tile(2), tile(3)],
            columns: 2,
            magnified: 24,
        };
        let scale = Some((ColorMap::BlueOrange { size: 1.0 }, "weight".into()));
        Pictures { title: "three <tiles>".into(), panels: vec![panel], scale }
    }

    #[test]
    fn tiles_lie_in_a_grid_with_gaps() {
        let panel = &pictures().panels[0];
        assert_eq!(panel.size(), (7, 5));
        let row = |y: usize| (0..7).map(|x| panel.pixel(x, y).map_or(0, |rgb| rgb[0])).collect::<Vec<_>>();
        assert_eq!(row(0), [1, 1, 1, 0, 2, 2, 2]);
        assert_eq!(row(2), [0; 7]);
        assert_eq!(row(4), [3, 3, 3, 0, 0, 0, 0]);
    }

    #[test]
    fn the_drawing_is_escaped_and_holds_its_pictures() {
        let svg = pictures().svg().unwrap();
        assert!(
            svg.contains("three &lt;tiles>")
                && svg.contains("a &amp; b")
                && svg.contains("<title>1 &lt; 9 &amp; more")
        );
        assert_eq!(svg.matches("href=\"data:image/png;base64,iVBORw0KGgo").count(), 1);
        assert!(svg.contains("−1.00") && !svg.contains("http://www.w3.org/1999"));
    }

    #[test]
    fn long_titles_and_names_stay_within_the_figure_and_their_panel() {
        let name = "runs/with-a-long-name-without-any-blank/and-a-folder-below/model.safetensors, all seeds";
        let panel = |_| Panel { name: name.into(), ..pictures().panels.remove(0) };
        let title = "the highest of all correlations, ".repeat(12);
        let long = Pictures { title, panels: (0..6).map(panel).collect(), scale: None };
        let Layout { title, panels, height } = long.layout();
        let width = |line: &String, size: usize| Text::new(line.as_str(), size as f32 * LINE).width();
        assert!(title.len() > 2 && title.iter().all(|line| width(line, TITLE_SIZE) <= 1052.0), "{title:?}");
        assert!(height > pictures().layout().height);
        for (index, (place, lines)) in panels.iter().enumerate() {
            assert_eq!(lines.concat().replace(' ', ""), name.replace(' ', ""));
            assert!(lines.len() > 2 && lines.iter().all(|line| width(line, NAME_SIZE) <= 155.0), "{lines:?}");
            assert_eq!(place.left, 14 + index * (155 + 24));
            // The first line of the name lies below the last one of the title.
            let (first, last) =
                (place.top - 7 - (lines.len() - 1) * NAME_LINE, 26 + (title.len() - 1) * TITLE_LINE);
            assert!(first > last + NAME_SIZE, "{first} {last}");
        }
        assert_eq!(long.svg().unwrap().matches("<text").count(), title.len() + 6 * panels[0].1.len());
        assert_eq!(long.canvas().height(), height * PNG_SCALE);
    }

    #[test]
    fn the_ground_is_white() {
        let svg = pictures().svg().unwrap();
        let ground = svg.find("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
        assert!(ground.is_some() && ground < svg.find("<text"), "{svg}");
        // A page has its own.
        assert!(!pictures().markup("").unwrap().into_string().contains("100%"));
    }

    #[test]
    fn files_are_told_by_their_ending() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.svg", "a.png"] {
            pictures().write(&folder.path().join(name)).unwrap();
        }
        let png = std::fs::read(folder.path().join("a.png")).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        let error = pictures().write(&folder.path().join("a.gif")).unwrap_err().to_string();
        assert!(error.ends_with("a picture's name must end in .svg or .png"), "{error}");
    }
}
