//! `thinnet predict --image`

use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3};
use serde_json::{Value, json};
use thinnet::data::formats::image::{ColorMode, Interpolation, picture_size};
use thinnet::data::{Features, load_image};
use thinnet::model::Sequential;
use thinnet::report::aligned;
use thinnet::uncertainty::{Predictive, Sampling};
use thinnet::{Error, Result, Shape};

use crate::arguments::Predict;
use crate::exit::print;

/// How many classes are named for a picture.
const NAMED: usize = 3;

/// Prints the likeliest classes of each picture, or the likeliest of several labels.
pub(crate) fn classify(
    model: &mut Sequential,
    arguments: &Predict,
    sampling: Option<Sampling>,
) -> Result<()> {
    let x = samples(model, &arguments.image, arguments.resize)?;
    if let Some(sampling) = sampling {
        return sampled(model, arguments, sampling, &x);
    }
    let probabilities = probabilities(&model.predictive(&x)?)?;
    let mut text = String::new();
    let mut entries = Vec::new();
    for (path, row) in arguments.image.iter().zip(probabilities.outer_iter()) {
        let likely = likeliest(&row.to_vec());
        text += &format!("{}: {}\n", path.display(), named(model, &likely));
        entries.push(json!({"image": path, "classes": classes(model, &likely)}));
    }
    print(&if arguments.json { format!("{}\n", json!(entries)) } else { text })
}

/// Pictures as the model's inputs.
pub(crate) fn samples(model: &mut Sequential, paths: &[PathBuf], resize: bool) -> Result<Features<'static>> {
    let input = model.input_shape()?.clone();
    let wanted = Wanted::of(&input)?;
    let mut pixels = Vec::new();
    for path in paths {
        pixels.extend(wanted.picture(path, load_image(path)?, resize)?);
    }
    Ok(Features::bytes(input.clone(), pixels, 1.0 / 255.0))
}

/// Prints the likeliest classes of each picture over thinned networks, and how unsure those are.
fn sampled(model: &mut Sequential, arguments: &Predict, sampling: Sampling, x: &Features) -> Result<()> {
    let prediction = model.predict_mc(x, sampling)?;
    let probabilities = probabilities(&prediction)?;
    let (entropy, information) = (prediction.entropy()?, prediction.mutual_information()?);
    let head = ["picture", "entropy (nats)", "mutual information (nats)", "likeliest"];
    let mut table = vec![head.map(String::from).to_vec()];
    let mut entries = Vec::new();
    for (index, (path, row)) in arguments.image.iter().zip(probabilities.outer_iter()).enumerate() {
        let likely = likeliest(&row.to_vec());
        let (entropy, information) = (entropy[index], information[index]);
        table.push(vec![
            path.display().to_string(),
            format!("{entropy:.4}"),
            format!("{information:.4}"),
            named(model, &likely),
        ]);
        entries.push(json!({
            "image": path, "classes": classes(model, &likely), "entropy": entropy, "mutual_information": information,
        }));
    }
    print(&if arguments.json { format!("{}\n", json!(entries)) } else { aligned(&table) })
}

/// What a class is called: its number where the model knows no name.
pub(super) fn name(model: &Sequential, class: usize) -> String {
    model.class_names().get(class).cloned().unwrap_or_else(|| class.to_string())
}

/// Classes with their probabilities, for people.
fn named(model: &Sequential, likely: &[(usize, f32)]) -> String {
    let named = likely.iter().map(|&(class, probability)| format!("{} {probability:.4}", name(model, class)));
    named.collect::<Vec<_>>().join(", ")
}

/// Classes with their probabilities, for programs.
fn classes(model: &Sequential, likely: &[(usize, f32)]) -> Vec<Value> {
    let entry = |&(class, probability): &(usize, f32)| json!({"class": class, "name": name(model, class), "probability": probability});
    likely.iter().map(entry).collect()
}

/// The pictures that a model expects.
struct Wanted<'a> {
    input: &'a Shape,
    height: usize,
    width: usize,
    mode: ColorMode,
}

impl<'a> Wanted<'a> {
    fn of(input: &'a Shape) -> Result<Self> {
        let (height, width, channels) = picture_size(input).unwrap_or_default();
        let mode = match channels {
            1 => ColorMode::Grayscale,
            3 => ColorMode::Rgb,
            4 => ColorMode::Rgba,
            _ => {
                let message = format!("--image: the model's input {input} is no picture: give it --input");
                return Err(Error::Usage(message));
            }
        };
        Ok(Self { input, height, width, mode })
    }

    /// A picture's pixels if it is as expected, or if it may be changed.
    fn picture(&self, path: &Path, image: Array3<u8>, resize: bool) -> Result<Array3<u8>> {
        let Self { input, height, width, mode } = *self;
        let expected = (height, width, mode.channels());
        if image.dim() == expected {
            return Ok(image);
        }
        if resize {
            return Ok(Interpolation::Bilinear.resize(&mode.convert(image), height, width));
        }
        let described = |(height, width, channels): (usize, usize, usize)| {
            let mode = ["gray", "gray with opacity", "RGB", "RGBA"][channels - 1];
            format!("{height}×{width} pixels (height×width), {mode}")
        };
        Err(Error::file(
            path,
            format!(
                "expected a picture of {} for the model's input {input}, got {}: give --resize to change it",
                described(expected),
                described(image.dim())
            ),
        ))
    }
}

/// The probability of each class, or of each of several labels.
fn probabilities(prediction: &Predictive) -> Result<Array2<f32>> {
    let of_labels = |error: Error| {
        let labels = prediction.label_probabilities().ok().and_then(|p| p.into_dimensionality().ok());
        labels.ok_or_else(|| Error::Data(format!("--image: {error}: give it --input")))
    };
    checked(prediction.probabilities().or_else(of_labels)?)
}

/// A loss may call probabilities what a model's last layer does not make such; and a network may give NaN.
fn checked(probabilities: Array2<f32>) -> Result<Array2<f32>> {
    match probabilities.iter().find(|value| !(0.0..=1.0001).contains(*value)) {
        None => Ok(probabilities),
        Some(value) => Err(Error::Data(format!(
            "expected a model that gives probabilities (softmax or sigmoid), got an output of {value}: give it --input"
        ))),
    }
}

/// The likeliest classes with their probabilities; the first of equal ones first.
pub(super) fn likeliest(probabilities: &[f32]) -> Vec<(usize, f32)> {
    let mut classes: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    classes.truncate(NAMED);
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_follows_from_the_models_input() {
        let wanted = |axes: &[usize]| {
            let shape = Shape::from(axes);
            Wanted::of(&shape).ok().map(|wanted| (wanted.height, wanted.width, wanted.mode.channels()))
        };
        assert_eq!(wanted(&[28, 28]), Some((28, 28, 1)));
        assert_eq!(wanted(&[20, 30, 4]), Some((20, 30, 4)));
        assert_eq!(wanted(&[784]), Some((28, 28, 1)));
        assert_eq!(wanted(&[3072]), Some((32, 32, 3)));
        assert_eq!(wanted(&[36]), Some((6, 6, 1)));
        assert_eq!([wanted(&[13]), wanted(&[4, 4, 2]), wanted(&[2, 2, 2, 3])], [None; 3]);
    }

    #[test]
    fn outputs_are_probabilities_or_an_error() {
        let of = |value: f32| checked(Array2::from_elem((1, 2), value)).map_err(|error| error.to_string());
        assert!([0.0, 0.5, 1.0].into_iter().all(|value| of(value).is_ok()));
        assert!(of(3.5).unwrap_err().contains("got an output of 3.5"));
        assert!(of(-0.1).is_err() && of(f32::NAN).is_err());
    }

    #[test]
    fn the_likeliest_come_first() {
        assert_eq!(likeliest(&[0.1, 0.4, 0.1, 0.4, 0.0]), [(1, 0.4), (3, 0.4), (0, 0.1)]);
        assert_eq!(likeliest(&[0.3, 0.7]), [(1, 0.7), (0, 0.3)]);
    }
}
