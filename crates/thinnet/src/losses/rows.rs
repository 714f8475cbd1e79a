//! What the losses share: going over rows, positions and elements.

use super::TargetKind;
use crate::data::TargetRows;
use crate::shape::Shape;

/// Keras's `epsilon`: probabilities are kept this far from 0 and 1.
pub(super) const EPSILON: f32 = 1e-7;

/// The arguments of [`Loss::evaluate`](super::Loss::evaluate).
pub(super) struct Rows<'a> {
    pub(super) outputs: &'a Shape,
    pub(super) predictions: &'a [f32],
    pub(super) targets: TargetRows<'a>,
    pub(super) scales: &'a [f32],
    pub(super) losses: &'a mut [f32],
    pub(super) gradient: Option<&'a mut [f32]>,
}

/// The targets of one position of a row.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// The class's number, which stands for its one-hot vector.
    Class(usize),
    /// A value for each prediction.
    Values(&'a [f32]),
}

impl Target<'_> {
    /// The class's number; that of a one-hot vector.
    pub(crate) fn class(self) -> usize {
        match self {
            Self::Class(class) => class,
            Self::Values(values) => argmax(values),
        }
    }

    /// The target of one of `count` predictions. A class number is the target of a single prediction as it stands.
    pub(crate) fn value(self, prediction: usize, count: usize) -> f32 {
        match self {
            Self::Class(class) if count == 1 => class as f32,
            Self::Class(class) => f32::from(u8::from(prediction == class)),
            Self::Values(values) => values[prediction],
        }
    }
}

/// The place of the largest value, the first of several. NaN is never the largest.
pub(crate) fn argmax(values: &[f32]) -> usize {
    let (mut best, mut largest) = (0, f32::NEG_INFINITY);
    for (place, &value) in values.iter().enumerate() {
        if value > largest {
            (best, largest) = (place, value);
        }
    }
    best
}

/// Where a position's gradient goes, and what it is multiplied by.
pub(super) struct Gradient<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) scale: f32,
}

impl Rows<'_> {
    /// `loss` gives the loss of one position, the predictions along the last axis; a row's loss is the mean over its
    /// positions.
    pub(super) fn by_position(self, loss: impl Fn(&[f32], Target, Option<Gradient>) -> f32) {
        let Rows { outputs, predictions, targets, scales, losses, mut gradient } = self;
        let (len, width) = (outputs.len(), outputs.last());
        let positions = len / width;
        let share = 1.0 / positions as f32;
        for (row, row_loss) in losses.iter_mut().enumerate() {
            let mut sum = 0.0;
            for start in (row * len..(row + 1) * len).step_by(width) {
                let range = start..start + width;
                let target = match targets {
                    TargetRows::Classes(classes) => Target::Class(classes[row] as usize),
                    TargetRows::Values(values) => Target::Values(&values[range.clone()]),
                };
                let gradient = gradient
                    .as_deref_mut()
                    .map(|all| Gradient { values: &mut all[range.clone()], scale: scales[row] * share });
                sum += loss(&predictions[range], target, gradient);
            }
            *row_loss = sum * share;
        }
    }

    /// `loss` gives the loss of one prediction and its slope; a row's loss is the mean over its predictions.
    pub(super) fn by_element(self, loss: impl Fn(f32, f32) -> (f32, f32)) {
        let share = 1.0 / self.outputs.last() as f32;
        self.by_position(|predictions, target, gradient| {
            share
                * match target {
                    Target::Values(values) => {
                        sum_elements(predictions, |e| values[e], gradient, share, &loss)
                    }
                    Target::Class(_) => {
                        let count = predictions.len();
                        sum_elements(predictions, |e| target.value(e, count), gradient, share, &loss)
                    }
                }
        });
    }
}

fn sum_elements(
    predictions: &[f32],
    target: impl Fn(usize) -> f32,
    gradient: Option<Gradient>,
    share: f32,
    loss: impl Fn(f32, f32) -> (f32, f32),
) -> f32 {
    let mut sum = 0.0;
    match gradient {
        Some(Gradient { values, scale }) => {
            for (element, (&prediction, gradient)) in predictions.iter().zip(values).enumerate() {
                let (value, slope) = loss(prediction, target(element));
                sum += value;
                *gradient = scale * share * slope;
            }
        }
        None => {
            for (element, &prediction) in predictions.iter().enumerate() {
                sum += loss(prediction, target(element)).0;
            }
        }
    }
    sum
}

/// Whether the targets have the output's shape; axes of size 1 do not count, as in Keras.
pub(crate) fn check_same_shape(output: &Shape, targets: &Shape) -> Result<(), String> {
    let counting = |shape: &Shape| shape.axes().iter().copied().filter(|&size| size != 1).collect::<Vec<_>>();
    if counting(output) == counting(targets) {
        return Ok(());
    }
    Err(format!(
        "expected targets of the output's shape {output}, got {targets}: change the last layer's units or the targets"
    ))
}

/// The check of losses that compare numbers with numbers.
pub(super) fn check_values(loss: &str, output: &Shape, targets: &TargetKind) -> Result<(), String> {
    match targets {
        TargetKind::Values(shape) => check_same_shape(output, shape),
        TargetKind::Classes => Err(format!(
            "{loss} expects values of the output's shape {output}, got one class number a sample: give values, or use \
             sparse_categorical_crossentropy for classes"
        )),
    }
}

/// The check of a share by which targets are smoothed.
pub(super) fn check_smoothing(label_smoothing: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&label_smoothing) {
        Ok(())
    } else {
        Err(format!("label_smoothing must be from 0 to 1, got {label_smoothing}"))
    }
}
