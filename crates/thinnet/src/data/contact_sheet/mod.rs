//! Contact sheets: the first samples of a data set as a picture, each with its label.

mod canvas;

use std::path::Path;

use canvas::{Canvas, Text};

use super::{Data, Features, Targets};
use crate::error::{Error, Result};
use crate::files::write_whole;

/// How the samples of a data set are drawn: in rows, with the label below each.
///
/// ```no_run
/// use thinnet::data::ContactSheet;
///
/// let mnist = thinnet::datasets::mnist()?;
/// ContactSheet::new().title("MNIST, training").write("digits.png", &mnist.train, &mnist.class_names)?;
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactSheet {
    columns: usize,
    rows: usize,
    title: Option<String>,
}

impl Default for ContactSheet {
    fn default() -> Self {
        Self { columns: 12, rows: 8, title: None }
    }
}

/// Between samples, and around the sheet.
const GAP: usize = 10;
const LABEL_SIZE: f32 = 15.0;
const TITLE_SIZE: f32 = 20.0;
/// Smaller images are enlarged, by whole factors, to at least this side.
const SMALLEST_SIDE: usize = 56;
/// A sheet of more pixels is nothing to look at.
const MOST_PIXELS: usize = 100_000_000;

impl ContactSheet {
    /// 8 rows of 12 samples.
    pub fn new() -> Self {
        Self::default()
    }

    /// The samples in a row. Default: 12.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns;
        self
    }

    /// The most rows. Default: 8.
    pub fn rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// A line above the samples. Default: none.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Draws the first samples to a PNG file, which appears whole or not at all.
    ///
    /// Samples are images of shape (height, width), (height, width, 1) or (height, width, 3). Values from 0 to 1 are
    /// drawn from black to white; if any shown is outside, those from the smallest to the largest shown. Labels are
    /// `class_names`, or numbers where there is no name; of several outputs, the classes with more than ½.
    ///
    /// # Errors
    /// [`Error::Data`] where samples are no images, samples and targets differ in number, or the sheet would be empty or
    /// enormous; [`Error::Io`] where the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>, data: &Data<'_>, class_names: &[String]) -> Result<()> {
        let canvas = self.draw(data, class_names)?;
        write_whole(path, |out| canvas.write_png(out))
    }

    fn draw(&self, data: &Data<'_>, class_names: &[String]) -> Result<Canvas> {
        data.check()?;
        let (height, width, channels) = image_shape(&data.x)?;
        let shown = data.len().min(self.columns.saturating_mul(self.rows));
        if shown == 0 {
            return Err(Error::Data(format!(
                "expected samples to draw, got {} samples for {} rows of {}",
                data.len(),
                self.rows,
                self.columns
            )));
        }
        let labels: Vec<Text> =
            (0..shown).map(|sample| Text::new(label(&data.y, sample, class_names), LABEL_SIZE)).collect();
        let title = self.title.as_deref().map(|title| Text::new(title, TITLE_SIZE));

        let scale = SMALLEST_SIDE.div_ceil(height.min(width)).max(1);
        let (image_height, image_width) = (height * scale, width * scale);
        let widest = labels.iter().map(Text::width).fold(image_width as f32, f32::max).ceil() as usize;
        let (cell_width, cell_height) = (widest + GAP, image_height + LABEL_SIZE as usize + GAP);
        let columns = self.columns.min(shown);
        let rows = shown.div_ceil(columns);
        let top = GAP + title.as_ref().map_or(0, |_| TITLE_SIZE as usize + GAP);
        let title_width = title.as_ref().map_or(0, |title| title.width().ceil() as usize + 2 * GAP);
        let sheet_width = (columns * cell_width + GAP).max(title_width);
        let sheet_height = top + rows * cell_height;
        if sheet_width.saturating_mul(sheet_height) > MOST_PIXELS {
            let message = format!(
                "a contact sheet of {sheet_width}×{sheet_height} pixels is too large: show fewer samples"
            );
            return Err(Error::Data(message));
        }

        let mut canvas = Canvas::new(sheet_width, sheet_height);
        if let Some(title) = &title {
            canvas.text(title, GAP as f32, GAP as f32);
        }
        let images = gather(&data.x, shown);
        let shade = shades(&images);
        for (sample, (image, label)) in
            images.chunks_exact(height * width * channels).zip(&labels).enumerate()
        {
            let cell_x = GAP + sample % columns * cell_width;
            let cell_y = top + sample / columns * cell_height;
            let image_x = cell_x + (widest - image_width) / 2;
            for y in 0..image_height {
                for x in 0..image_width {
                    let pixel = &image[(y / scale * width + x / scale) * channels..][..channels];
                    let rgb = match *pixel {
                        [red, green, blue] => [shade(red), shade(green), shade(blue)],
                        _ => [shade(pixel[0]); 3],
                    };
                    canvas.set(image_x + x, cell_y + y, rgb);
                }
            }
            let label_x = cell_x as f32 + (widest as f32 - label.width()) / 2.0;
            canvas.text(label, label_x, (cell_y + image_height) as f32 + 1.0);
        }
        Ok(canvas)
    }
}

/// Height, width and channels of the samples.
fn image_shape(x: &Features<'_>) -> Result<(usize, usize, usize)> {
    let shape = match *x.sample_shape().axes() {
        [height, width] => (height, width, 1),
        [height, width, channels @ (1 | 3)] => (height, width, channels),
        _ => (0, 0, 0),
    };
    if shape.0 == 0 || shape.1 == 0 {
        let got = x.sample_shape();
        return Err(Error::Data(format!("expected images of shape (height, width[, 1 or 3]), got {got}")));
    }
    Ok(shape)
}

/// The values of the first samples.
fn gather(x: &Features<'_>, shown: usize) -> Vec<f32> {
    let length = x.sample_shape().len();
    let mut values = vec![0.0; shown * length];
    for (sample, values) in values.chunks_exact_mut(length).enumerate() {
        x.gather(sample, values);
    }
    values
}

/// How light each value is drawn; NaN is black.
fn shades(values: &[f32]) -> impl Fn(f32) -> u8 {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let extremes = (f32::INFINITY, f32::NEG_INFINITY);
    let (low, high) = finite.fold(extremes, |(low, high), value| (low.min(value), high.max(value)));
    let (low, high) = if low >= 0.0 && high <= 1.0 { (0.0, 1.0) } else { (low, high) };
    let contrast = if high > low { 255.0 / (high - low) } else { 0.0 };
    move |value| ((value - low) * contrast).round() as u8
}

/// A sample's label.
fn label(y: &Targets<'_>, sample: usize, class_names: &[String]) -> String {
    let name = |class: usize| class_names.get(class).cloned().unwrap_or_else(|| class.to_string());
    match y {
        Targets::Classes(classes) => {
            usize::try_from(classes[sample]).map_or_else(|_| classes[sample].to_string(), name)
        }
        Targets::Values { sample: shape, values } => match &values[sample * shape.len()..][..shape.len()] {
            [value] => format!("{value:.3}"),
            several => {
                let likely = several.iter().enumerate().filter(|(_, value)| **value > 0.5);
                likely.map(|(class, _)| name(class)).collect::<Vec<_>>().join(", ")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Array3, Array4, array};

    fn message(result: Result<Canvas>) -> String {
        result.map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn labels_are_names_numbers_or_values() {
        let names = ["cat".to_owned(), "dog".to_owned()];
        let classes = Targets::from(&[1_i64, 7, -1][..]);
        let labels: Vec<_> = (0..3).map(|sample| label(&classes, sample, &names)).collect();
        assert_eq!(labels, ["dog", "7", "-1"]);
        let hot = array![[0.0_f32, 1.0], [1.0, 1.0]];
        let hot = Targets::from(&hot);
        assert_eq!([0, 1].map(|sample| label(&hot, sample, &names)), ["dog", "cat, dog"]);
        assert_eq!(label(&Targets::from(&[0.12345_f32][..]), 0, &[]), "0.123");
    }

    #[test]
    fn values_outside_0_to_1_are_drawn_from_the_smallest_to_the_largest() {
        assert_eq!([0.0, 0.2, 1.0].map(shades(&[0.2, 0.4])), [0, 51, 255]);
        assert_eq!([-1.0, 0.0, 1.0].map(shades(&[-1.0, 1.0])), [0, 128, 255]);
        assert_eq!([100.0, 200.0].map(shades(&[200.0, 100.0, f32::NAN])), [0, 255]);
        assert_eq!([f32::NAN, 7.0].map(shades(&[7.0])), [0, 0]);
    }

    #[test]
    fn what_cannot_be_drawn_is_told() {
        let sheet = ContactSheet::new();
        let (flat, labels) = (Array2::<f32>::zeros((2, 784)), array![0_u8, 1]);
        let expected = "expected images of shape (height, width[, 1 or 3]), got (None, 784)";
        assert_eq!(message(sheet.draw(&Data::from((&flat, &labels)), &[])), expected);
        let images = Array3::<f32>::zeros((2, 4, 4));
        let data = Data::from((&images, &labels));
        assert!(message(sheet.clone().rows(0).draw(&data, &[])).contains("got 2 samples for 0 rows of 12"));
        assert!(sheet.draw(&Data::from((&images, &array![0_u8])), &[]).is_err());
        let wide = Array3::<f32>::zeros((2, 1, 1_000_000));
        assert!(message(sheet.draw(&Data::from((&wide, &labels)), &[])).contains("show fewer samples"));
    }

    #[test]
    fn the_sheet_is_a_png_with_the_samples_in_their_places() {
        // A red, a green and a blue image in two columns; no label wider than its image.
        let images =
            Array4::from_shape_fn((3, 2, 2, 3), |(sample, _, _, channel)| u8::from(sample == channel) * 255);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        let labels = array![0_u8, 1, 2];
        let data = Data::from((&images, &labels));
        ContactSheet::new().columns(2).write(&path, &data, &[]).unwrap();

        let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        let (width, height) = (info.width as usize, info.height as usize);
        assert_eq!((width, height), (2 * (56 + GAP) + GAP, GAP + 2 * (56 + 15 + GAP)));
        let at = |x: usize, y: usize| &rgb[(y * width + x) * 3..][..3];
        assert_eq!(at(GAP, GAP), [255, 0, 0]);
        assert_eq!(at(GAP + 66 + 55, GAP + 55), [0, 255, 0]);
        assert_eq!(at(GAP + 28, GAP + 81 + 28), [0, 0, 255]);
        assert_eq!(at(GAP + 66 + 28, GAP + 81 + 28), [255, 255, 255]);
    }
}
