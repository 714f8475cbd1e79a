//! Contact sheets: the first samples of a data set as a picture, each with its label.

use std::path::Path;

use super::{Data, Features, Targets};
use crate::canvas::{Canvas, Text};
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
    smallest_side: usize,
    title: Option<String>,
    note: Option<String>,
}

impl Default for ContactSheet {
    fn default() -> Self {
        Self { columns: 12, rows: 8, smallest_side: 56, title: None, note: None }
    }
}

/// Between samples, and around the sheet.
const GAP: usize = 10;
/// Between the versions of a sample.
const SMALL_GAP: usize = 3;
const LABEL_SIZE: f32 = 15.0;
const TITLE_SIZE: f32 = 20.0;
/// Between the beginnings of a note's lines.
const LINE: usize = 18;
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

    /// Smaller images are enlarged, by whole factors, to at least this height and width in pixels. Default: 56.
    pub fn smallest_side(mut self, side: usize) -> Self {
        self.smallest_side = side;
        self
    }

    /// A line above the samples. Default: none.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Smaller text below the title, in as many lines as it needs. Default: none.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
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
        self.write_versions(path, &[("", &data.x)], &data.y, class_names)
    }

    /// Draws versions of the same samples, such as augmented ones, to a PNG file: each below the one before, with the
    /// versions' names to the left of every row. How light values are drawn is found for each version by itself, as
    /// [`write`](Self::write) says.
    ///
    /// # Errors
    /// As [`write`](Self::write), and where versions differ in shape or number.
    ///
    /// ```no_run
    /// use thinnet::data::ContactSheet;
    /// use thinnet::data::augmentation::{Augment, ImageDataGenerator};
    ///
    /// let cifar = thinnet::datasets::cifar10_sample()?.train.take(40);
    /// let datagen = ImageDataGenerator::new().rotation_range(15.0).horizontal_flip(true);
    /// let augmented = datagen.augmented(&cifar.x, 42, 0);
    /// let versions = [("original", &cifar.x), ("augmented", &augmented)];
    /// ContactSheet::new().write_versions("augmented.png", &versions, &cifar.y, &[])?;
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    pub fn write_versions(
        &self,
        path: impl AsRef<Path>,
        versions: &[(&str, &Features<'_>)],
        y: &Targets<'_>,
        class_names: &[String],
    ) -> Result<()> {
        let canvas = self.draw(versions, y, class_names)?;
        write_whole(path, |out| canvas.write_png(out))
    }

    fn draw(
        &self,
        versions: &[(&str, &Features<'_>)],
        y: &Targets<'_>,
        class_names: &[String],
    ) -> Result<Canvas> {
        let (shape, shown) = self.check(versions, y)?;
        let text = |text: String| Text::new(text, LABEL_SIZE);
        let labels: Vec<Text> = (0..shown).map(|sample| text(label(y, sample, class_names))).collect();
        let names: Vec<Text> = versions.iter().map(|(name, _)| text((*name).to_owned())).collect();
        let title = self.title.as_deref().map(|title| Text::new(title, TITLE_SIZE));

        let scale = self.smallest_side.div_ceil(shape.0.min(shape.1)).max(1);
        let (image_height, image_width) = (shape.0 * scale, shape.1 * scale);
        let cell_inner = widest(&labels).max(image_width);
        let names_width = match widest(&names) {
            0 => 0,
            width => width + GAP,
        };
        let (cell_width, row_height) = (cell_inner + GAP, image_height + SMALL_GAP);
        let group_height = versions.len() * row_height - SMALL_GAP + LABEL_SIZE as usize + GAP;
        let columns = self.columns.min(shown);
        let groups = shown.div_ceil(columns);
        let title_width = title.as_ref().map_or(0, |title| title.width().ceil() as usize + 2 * GAP);
        let width = (names_width + columns * cell_width + GAP).max(title_width);
        let note: Vec<Text> =
            self.note.iter().flat_map(|note| Text::lines(note, LABEL_SIZE, width - 2 * GAP)).collect();
        let note_top = GAP + title.as_ref().map_or(0, |_| TITLE_SIZE as usize + GAP);
        let note_height = if note.is_empty() { 0 } else { note.len() * LINE + GAP };
        let top = note_top + note_height;
        let height = top + groups * group_height;
        if width.saturating_mul(height) > MOST_PIXELS {
            let message =
                format!("a contact sheet of {width}×{height} pixels is too large: show fewer samples");
            return Err(Error::Data(message));
        }

        let mut canvas = Canvas::new(width, height);
        if let Some(title) = &title {
            canvas.text(title, GAP as f32, GAP as f32);
        }
        for (number, line) in note.iter().enumerate() {
            canvas.text(line, GAP as f32, (note_top + number * LINE) as f32);
        }
        let cell = |sample: usize| {
            (GAP + names_width + sample % columns * cell_width, top + sample / columns * group_height)
        };
        for (version, ((_, x), name)) in versions.iter().zip(&names).enumerate() {
            let images = gather(x, shown);
            let shade = shades(&images);
            for (sample, image) in images.chunks_exact(shape.0 * shape.1 * shape.2).enumerate() {
                let (cell_x, cell_y) = cell(sample);
                let (left, upper) = (cell_x + (cell_inner - image_width) / 2, cell_y + version * row_height);
                if sample % columns == 0 {
                    let middle = upper as f32 + (image_height as f32 - LABEL_SIZE) / 2.0;
                    canvas.text(name, GAP as f32, middle);
                }
                for y in 0..image_height {
                    for x in 0..image_width {
                        let pixel = &image[(y / scale * shape.1 + x / scale) * shape.2..][..shape.2];
                        let rgb = match *pixel {
                            [red, green, blue] => [shade(red), shade(green), shade(blue)],
                            _ => [shade(pixel[0]); 3],
                        };
                        canvas.set(left + x, upper + y, rgb);
                    }
                }
            }
        }
        for (sample, label) in labels.iter().enumerate() {
            let (cell_x, cell_y) = cell(sample);
            let label_x = cell_x as f32 + (cell_inner as f32 - label.width()) / 2.0;
            let label_y = cell_y + versions.len() * row_height - SMALL_GAP;
            canvas.text(label, label_x, label_y as f32 + 1.0);
        }
        Ok(canvas)
    }

    /// The images' height, width and channels, and how many are shown.
    fn check(
        &self,
        versions: &[(&str, &Features<'_>)],
        y: &Targets<'_>,
    ) -> Result<((usize, usize, usize), usize)> {
        let Some((_, first)) = versions.first() else {
            return Err(Error::Data("expected a version of the samples to draw, got none".into()));
        };
        for (_, x) in versions {
            if x.sample_shape() != first.sample_shape() {
                let (expected, got) = (first.sample_shape(), x.sample_shape());
                return Err(Error::Data(format!(
                    "expected versions of one shape, got samples of {expected} and of {got}"
                )));
            }
            Data { x: Features::from(*x), y: Targets::from(y) }.check()?;
        }
        let shape = image_shape(first)?;
        let shown = first.len().min(self.columns.saturating_mul(self.rows));
        if shown == 0 {
            return Err(Error::Data(format!(
                "expected samples to draw, got {} samples for {} rows of {}",
                first.len(),
                self.rows,
                self.columns
            )));
        }
        Ok((shape, shown))
    }
}

/// The widest text's pixels.
fn widest(texts: &[Text]) -> usize {
    texts.iter().map(Text::width).fold(0.0, f32::max).ceil() as usize
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

    fn draw(sheet: &ContactSheet, data: &Data) -> Result<Canvas> {
        sheet.draw(&[("", &data.x)], &data.y, &[])
    }

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
        assert_eq!(message(draw(&sheet, &Data::from((&flat, &labels)))), expected);
        let images = Array3::<f32>::zeros((2, 4, 4));
        let data = Data::from((&images, &labels));
        assert!(message(draw(&sheet.clone().rows(0), &data)).contains("got 2 samples for 0 rows of 12"));
        assert!(draw(&sheet, &Data::from((&images, &array![0_u8]))).is_err());
        let wide = Array3::<f32>::zeros((2, 1, 1_000_000));
        assert!(message(draw(&sheet, &Data::from((&wide, &labels)))).contains("show fewer samples"));
    }

    fn read(path: &Path) -> (usize, usize, Vec<u8>) {
        let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        (info.width as usize, info.height as usize, rgb)
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

        let (width, height, rgb) = read(&path);
        assert_eq!((width, height), (2 * (56 + GAP) + GAP, GAP + 2 * (56 + 15 + GAP)));
        let at = |x: usize, y: usize| &rgb[(y * width + x) * 3..][..3];
        assert_eq!(at(GAP, GAP), [255, 0, 0]);
        assert_eq!(at(GAP + 66 + 55, GAP + 55), [0, 255, 0]);
        assert_eq!(at(GAP + 28, GAP + 81 + 28), [0, 0, 255]);
        assert_eq!(at(GAP + 66 + 28, GAP + 81 + 28), [255, 255, 255]);
    }

    #[test]
    fn versions_stand_below_each_other_with_their_names_to_the_left() {
        // Two images of 2×2, black and white, and the same the other way round, with another range of values.
        let images = Array3::from_shape_fn((2, 2, 2), |(sample, ..)| sample as f32);
        let others = images.mapv(|value| 5.0 - 10.0 * value);
        let (first, second) = (Features::from(&images), Features::from(&others));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        let sheet = ContactSheet::new().columns(1).smallest_side(20);
        let y = Targets::from(&[0_i64, 1][..]);
        sheet.write_versions(&path, &[("one", &first), ("two", &second)], &y, &[]).unwrap();
        let (width, height, rgb) = read(&path);
        assert_eq!(height, GAP + 2 * (2 * 20 + SMALL_GAP + 15 + GAP));
        let left = width - GAP - 20;
        let column = |x: usize| (0..height).map(|y| rgb[(y * width + x) * 3]).collect::<Vec<u8>>();
        let mut expected = vec![255_u8; height];
        expected[GAP..GAP + 20].fill(0);
        let next = GAP + 2 * 20 + SMALL_GAP + 15 + GAP;
        expected[next + 20 + SMALL_GAP..next + 40 + SMALL_GAP].fill(0);
        assert_eq!(column(left + 1), expected);
        // There is ink to the left of each row of images, within its height.
        for upper in [GAP, GAP + 20 + SMALL_GAP, next, next + 20 + SMALL_GAP] {
            let inked =
                (GAP..left - 5).any(|x| column(x)[upper..upper + 20].iter().any(|&value| value < 128));
            assert!(inked, "row at {upper}");
        }
        let draw = |versions: &[(&str, &Features)]| message(sheet.draw(versions, &y, &[]));
        assert_eq!(draw(&[]), "expected a version of the samples to draw, got none");
        let other = Features::floats([1, 4], vec![0.0; 8]);
        assert!(draw(&[("", &first), ("", &other)]).starts_with("expected versions of one shape"));
        let fewer = first.slice(0..1);
        assert!(draw(&[("", &first), ("", &fewer)]).starts_with("expected one target for each sample"));
    }

    #[test]
    fn a_note_takes_as_many_lines_as_it_needs() {
        let images = Array3::<f32>::zeros((3, 56, 56));
        let labels = array![0_u8, 1, 2];
        let data = Data::from((&images, &labels));
        let height =
            |note: &str| draw(&ContactSheet::new().note(note), &data).map(|canvas| canvas.height()).unwrap();
        let plain = draw(&ContactSheet::new(), &data).unwrap().height();
        assert_eq!(height("short"), plain + LINE + GAP);
        assert_eq!(height("some words that are together wider"), plain + 2 * LINE + GAP);
    }
}
