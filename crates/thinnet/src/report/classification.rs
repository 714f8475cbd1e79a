//! Which classes a model tells apart, and which samples it gets most wrong.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use ndarray::{ArrayD, Axis};

use crate::data::{Features, Targets};

/// Samples that are shown as most wrong.
const WORST: usize = 24;

/// A model's predictions for samples whose classes are known.
#[derive(Clone, Debug)]
pub struct Classification {
    names: Vec<String>,
    /// How often a sample of each class (row) was taken for each class (column).
    confusion: Vec<Vec<u64>>,
    /// Those that are wrong with the highest probability, first the worst.
    worst: Vec<Mistake>,
}

/// A sample that was taken for something else.
#[derive(Clone, Debug)]
struct Mistake {
    sample: usize,
    class: usize,
    said: usize,
    probability: f32,
    /// The sample as a PNG file, where it is an image.
    picture: Option<Vec<u8>>,
}

impl Classification {
    /// Compares probabilities (samples, classes) with the true classes; `names` are what the classes are called. None where
    /// the numbers are of no classification.
    pub(crate) fn new(
        x: &Features,
        y: &Targets,
        probabilities: &ArrayD<f32>,
        names: &[String],
    ) -> Option<Self> {
        let Targets::Classes(classes) = y else { return None };
        let count = names.len();
        if count < 2 || probabilities.shape() != [classes.len(), count] {
            return None;
        }
        let mut confusion = vec![vec![0; count]; count];
        let mut mistakes = Vec::new();
        for (sample, (row, &class)) in probabilities.axis_iter(Axis(0)).zip(classes.iter()).enumerate() {
            let class = usize::try_from(class).ok().filter(|&class| class < count)?;
            let better =
                |best: (usize, f32), (at, &p): (usize, &f32)| if p > best.1 { (at, p) } else { best };
            let (said, probability) = row.iter().enumerate().fold((0, f32::NEG_INFINITY), better);
            confusion[class][said] += 1;
            if said != class {
                mistakes.push(Mistake { sample, class, said, probability, picture: None });
            }
        }
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        mistakes.truncate(WORST);
        for mistake in &mut mistakes {
            mistake.picture = picture(x, mistake.sample);
        }
        Some(Self { names: names.to_vec(), confusion, worst: mistakes })
    }

    /// (right, all) of a class's samples.
    fn of_class(&self, class: usize) -> (u64, u64) {
        (self.confusion[class][class], self.confusion[class].iter().sum())
    }

    /// A row for each class, the worst first: name, share that is right, what it is most often taken for.
    pub fn rows(&self) -> Vec<[String; 4]> {
        let share = |class: usize| {
            let (right, all) = self.of_class(class);
            right as f64 / all.max(1) as f64
        };
        let mut order: Vec<usize> =
            (0..self.names.len()).filter(|&class| self.of_class(class).1 > 0).collect();
        order.sort_by(|&a, &b| share(a).total_cmp(&share(b)));
        let row = |class: usize| {
            let (right, all) = self.of_class(class);
            let others = (0..self.names.len()).filter(|&other| other != class);
            let taken_for = others.max_by_key(|&other| self.confusion[class][other]);
            let taken_for = taken_for.filter(|&other| self.confusion[class][other] > 0).map_or_else(
                || "–".to_owned(),
                |other| format!("{} ({})", self.names[other], self.confusion[class][other]),
            );
            [
                self.names[class].clone(),
                format!("{:.3}", share(class)),
                format!("{right} of {all}"),
                taken_for,
            ]
        };
        order.into_iter().map(row).collect()
    }

    /// The confusion matrix as CSV: a row for each true class, a column for each predicted one.
    pub(super) fn write_csv(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(std::iter::once("class").chain(self.names.iter().map(String::as_str)))?;
        for (name, row) in self.names.iter().zip(&self.confusion) {
            csv.write_record(std::iter::once(name.clone()).chain(row.iter().map(u64::to_string)))?;
        }
        csv.flush()
    }

    /// The part of a report.
    pub(super) fn section(&self) -> Markup {
        html! {
            h2 { "Class by class" }
            div.scroll { table {
                thead { tr { th scope="col" { "class" } th scope="col" { "accuracy" } th scope="col" { "right" } th scope="col" { "most often taken for" } } }
                tbody { @for [name, share, right, taken_for] in self.rows() {
                    tr { th scope="row" { (name) } td { (share) } td { (right) } td { (taken_for) } }
                } }
            } }
            h2 { "What is taken for what" }
            p { "Rows are what the test samples are, columns what the model says. Blue is right, orange is wrong; the stronger the colour, the larger the share of the row." }
            div.scroll { table.confusion {
                thead { tr { th {} @for name in &self.names { th scope="col" { (name) } } } }
                tbody { @for (class, row) in self.confusion.iter().enumerate() {
                    tr { th scope="row" { (self.names[class]) } @for (said, &count) in row.iter().enumerate() {
                        td style=(shade(class == said, count, self.of_class(class).1)) { (count) }
                    } }
                } }
            } }
            @if !self.worst.is_empty() {
                h2 { "Most wrong" }
                p { "Test samples that the model is surest of, and wrong." }
                div.pictures { @for mistake in &self.worst { (self.mistake(mistake)) } }
            }
        }
    }

    fn mistake(&self, Mistake { sample, class, said, probability, picture }: &Mistake) -> Markup {
        let (class, said) = (&self.names[*class], &self.names[*said]);
        html! {
            figure {
                @if let Some(png) = picture {
                    img src=(format!("data:image/png;base64,{}", STANDARD.encode(png)))
                        alt=(format!("test sample {sample}, {class}"));
                }
                figcaption { b { (class) } br; (format!("“{said}”, {:.0} %", 100.0 * probability)) }
            }
        }
    }
}

/// A cell's colour: Okabe and Ito's blue or vermilion, as strong as its share of the row.
fn shade(right: bool, count: u64, all: u64) -> String {
    let strength = 0.75 * (count as f64 / all.max(1) as f64).sqrt();
    let rgb = if right { "0, 114, 178" } else { "213, 94, 0" };
    format!("background: rgba({rgb}, {strength:.2})")
}

/// A sample as a PNG file: values from 0 to 1, one channel or three.
fn picture(x: &Features, sample: usize) -> Option<Vec<u8>> {
    let (height, width, color) = match *x.sample_shape().axes() {
        [height, width] | [height, width, 1] => (height, width, png::ColorType::Grayscale),
        [height, width, 3] => (height, width, png::ColorType::Rgb),
        _ => return None,
    };
    let mut values = vec![0.0; x.sample_shape().len()];
    x.gather(sample, &mut values);
    let bytes: Vec<u8> = values.iter().map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(color);
    encoder.write_header().ok()?.write_image_data(&bytes).ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn classification() -> Classification {
        let x = Features::floats([2, 2, 1], vec![0.5; 16]);
        let y = Targets::Classes(vec![0, 0, 1, 2].into());
        let probabilities = array![[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.05, 0.95], [0.1, 0.1, 0.8]];
        let names = ["cat", "dog", "<ship>"].map(String::from);
        Classification::new(&x, &y, &probabilities.into_dyn(), &names).unwrap()
    }

    #[test]
    fn predictions_are_counted_by_class() {
        let classification = classification();
        assert_eq!(classification.confusion, [[1, 1, 0], [0, 0, 1], [0, 0, 1]]);
        let rows = classification.rows();
        assert_eq!(rows[0], ["dog", "0.000", "0 of 1", "<ship> (1)"].map(String::from));
        assert_eq!(rows[1], ["cat", "0.500", "1 of 2", "dog (1)"].map(String::from));
        let mut csv = Vec::new();
        classification.write_csv(&mut csv).unwrap();
        assert_eq!(
            String::from_utf8(csv).unwrap(),
            "class,cat,dog,<ship>\ncat,1,1,0\ndog,0,0,1\n<ship>,0,0,1\n"
        );
    }

    #[test]
    fn the_surest_mistakes_come_first_with_their_pictures() {
        let classification = classification();
        let samples: Vec<usize> = classification.worst.iter().map(|mistake| mistake.sample).collect();
        assert_eq!(samples, [2, 1]);
        let page = classification.section().into_string();
        assert_eq!(page.matches("data:image/png;base64,iVBOR").count(), 2);
        assert!(page.contains("“&lt;ship&gt;”, 95 %") && !page.contains("<ship>"));
    }

    #[test]
    fn regressions_and_unnamed_classes_have_none() {
        let x = Features::floats([1], vec![0.5; 2]);
        let probabilities = array![[0.5, 0.5], [0.5, 0.5]].into_dyn();
        let none =
            |y: Targets, names: &[String]| Classification::new(&x, &y, &probabilities, names).is_none();
        let names = ["a", "b"].map(String::from);
        assert!(none(Targets::Classes(vec![0, 1].into()), &[]));
        assert!(none(Targets::Classes(vec![0, 7].into()), &names));
        let values = Targets::Values { sample: 1.into(), values: vec![0.0, 1.0].into() };
        assert!(none(values, &names));
    }
}
