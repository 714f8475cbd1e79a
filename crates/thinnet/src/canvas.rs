//! A picture being drawn.

use std::io::Write;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

use crate::font::SANS;

const INK: u8 = 0x22;

/// A white picture of 8-bit RGB.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![255; width * height * 3] }
    }

    #[cfg(test)]
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// Sets a pixel; what lies outside is ignored.
    pub(crate) fn set(&mut self, x: usize, y: usize, rgb: [u8; 3]) {
        if x < self.width && y < self.height {
            self.rgb[(y * self.width + x) * 3..][..3].copy_from_slice(&rgb);
        }
    }

    /// Writes dark text that begins at `x` and whose line begins at `y`.
    pub(crate) fn text(&mut self, text: &Text, x: f32, y: f32) {
        let font = text.font.as_scaled(text.scale);
        let (mut pen, mut before) = (x, None);
        for letter in text.text.chars() {
            let mut glyph = font.scaled_glyph(letter);
            pen += before.map_or(0.0, |before| font.kern(before, glyph.id));
            glyph.position = point(pen, y + font.ascent());
            pen += font.h_advance(glyph.id);
            before = Some(glyph.id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|column, row, cover| {
                let shade = 255.0 - cover.min(1.0) * f32::from(255 - INK);
                let (x, y) = (corner.x + column as f32, corner.y + row as f32);
                if x >= 0.0 && y >= 0.0 && cover > 0.0 {
                    self.set(x as usize, y as usize, [shade as u8; 3]);
                }
            });
        }
    }

    /// Encodes the picture as PNG.
    pub(crate) fn write_png(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let (width, height) = (self.width as u32, self.height as u32);
        let mut encoder = png::Encoder::new(out, width, height);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        Ok(writer.finish()?)
    }
}

/// A line of text of a size.
pub(crate) struct Text {
    font: FontRef<'static>,
    scale: PxScale,
    text: String,
}

impl Text {
    /// `size` is the line's height in pixels.
    pub(crate) fn new(text: impl Into<String>, size: f32) -> Self {
        let font = FontRef::try_from_slice(SANS).expect("the embedded font is intact");
        Self { font, scale: PxScale::from(size), text: text.into() }
    }

    /// The same in lines of at most `width` pixels, broken between words; a wider word has a line of its own.
    pub(crate) fn lines(text: &str, size: f32, width: usize) -> Vec<Self> {
        let mut lines: Vec<Self> = Vec::new();
        for word in text.split_whitespace() {
            let longer = lines.last().map(|line| Self::new(format!("{} {word}", line.text), size));
            match (lines.last_mut(), longer) {
                (Some(last), Some(longer)) if longer.width() <= width as f32 => *last = longer,
                _ => lines.push(Self::new(word, size)),
            }
        }
        lines
    }

    /// Its width in pixels.
    pub(crate) fn width(&self) -> f32 {
        let font = self.font.as_scaled(self.scale);
        let ids: Vec<_> = self.text.chars().map(|letter| font.glyph_id(letter)).collect();
        let kerns: f32 = ids.windows(2).map(|pair| font.kern(pair[0], pair[1])).sum();
        ids.iter().map(|&id| font.h_advance(id)).sum::<f32>() + kerns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_within_its_width_and_line() {
        let text = Text::new("AVÄgµ−7", 20.0);
        let width = text.width().ceil() as usize;
        let mut canvas = Canvas::new(width + 20, 40);
        canvas.text(&text, 10.0, 10.0);
        let inked = |x: usize, y: usize| canvas.rgb[(y * canvas.width + x) * 3] < 255;
        let pixels = || (0..canvas.width).flat_map(|x| (0..canvas.height).map(move |y| (x, y)));
        let ink: Vec<_> = pixels().filter(|&(x, y)| inked(x, y)).collect();
        assert!(ink.len() > 100);
        assert!(ink.iter().all(|&(x, y)| (9..=width + 11).contains(&x) && (9..=31).contains(&y)));
    }

    #[test]
    fn every_letter_of_a_class_name_has_a_glyph() {
        let font = FontRef::try_from_slice(SANS).unwrap();
        let missing: Vec<char> = ('!'..='~')
            .chain("äöüßéñøåçčşłαβµσχ−±×≤≥≈…“”–—".chars())
            .filter(|&c| font.glyph_id(c).0 == 0)
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn text_is_broken_between_words() {
        let lines =
            |width: usize| Text::lines("one two  three", 15.0, width).into_iter().map(|line| line.text);
        let two = Text::new("one two", 15.0).width().ceil() as usize;
        assert_eq!(lines(two).collect::<Vec<_>>(), ["one two", "three"]);
        assert_eq!(lines(two - 5).collect::<Vec<_>>(), ["one", "two", "three"]);
        assert_eq!(lines(1000).collect::<Vec<_>>(), ["one two three"]);
        assert_eq!(lines(1).count(), 3);
    }
}
