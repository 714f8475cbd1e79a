//! What every loss is tested with.

use super::Loss;
use crate::data::TargetRows;
use crate::shape::Shape;

/// Probabilities with extremes, and a row that does not sum to 1; this and what follows as in
/// `tools/keras_losses_and_metrics.py`.
pub(crate) const PROBABILITIES: [f32; 12] = [0.05, 0.95, 0.0, 0.1, 0.8, 0.1, 1.0, 0.0, 0.0, 0.4, 0.4, 0.4];
pub(crate) const LOGITS: [f32; 12] = [0.3, -1.2, 2.0, 0.0, 0.5, -0.5, 30.0, -20.0, 1.0, 0.0, 100.0, -100.0];
pub(crate) const ONE_HOT: [f32; 12] = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
pub(crate) const SOFT: [f32; 12] = [0.2, 0.5, 0.3, 1.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.1, 0.1, 0.8];
pub(crate) const HITS: [f32; 12] = [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
pub(crate) const NUMBERS: [f32; 12] = [1.0, -1.0, 3.0, 0.5, 90.0, 0.75, -2.0, 0.0, 0.3, 1e-3, 7.0, -7.0];
pub(crate) const GUESSES: [f32; 12] = [0.5, -1.5, 3.0, 0.0, 100.0, -0.25, 2.0, 0.1, 0.3, 0.0, 6.0, -7.5];

/// The losses of some rows and, by scales of 1, the gradient.
pub(super) fn evaluate(
    loss: &dyn Loss,
    from_link: bool,
    outputs: &Shape,
    predictions: &[f32],
    targets: TargetRows,
) -> (Vec<f32>, Vec<f32>) {
    let rows = predictions.len() / outputs.len();
    let (mut losses, mut gradient) = (vec![0.0; rows], vec![f32::NAN; predictions.len()]);
    let scales = vec![1.0; rows];
    loss.evaluate(from_link, outputs, predictions, targets, &scales, &mut losses, Some(&mut gradient));
    (losses, gradient)
}

/// Compares losses and gradient with `reference`, one row's loss in f64, and its central differences; also that scales
/// multiply the gradient only, and that losses without a gradient are the same.
#[track_caller]
pub(super) fn agrees(
    loss: &dyn Loss,
    from_link: bool,
    outputs: impl Into<Shape>,
    predictions: &[f32],
    targets: TargetRows,
    reference: impl Fn(usize, &[f64]) -> f64,
) {
    let outputs = outputs.into();
    let (losses, gradient) = evaluate(loss, from_link, &outputs, predictions, targets);
    for (row, (got, values)) in losses.iter().zip(predictions.chunks(outputs.len())).enumerate() {
        let mut values: Vec<f64> = values.iter().map(|&p| f64::from(p)).collect();
        let want = reference(row, &values);
        assert!(
            (f64::from(*got) - want).abs() <= 2e-6 * want.abs().max(1.0),
            "row {row}: loss {got}, not {want}"
        );
        for element in 0..values.len() {
            let (middle, step) = (values[element], 1e-6);
            values[element] = middle + step;
            let above = reference(row, &values);
            values[element] = middle - step;
            let slope = (above - reference(row, &values)) / (2.0 * step);
            values[element] = middle;
            let got = f64::from(gradient[row * outputs.len() + element]);
            let tolerance = 5e-6 * slope.abs().max(1.0);
            assert!(
                (got - slope).abs() <= tolerance,
                "row {row}, element {element}: gradient {got}, not {slope}"
            );
        }
    }
    let scales: Vec<f32> = (0..losses.len()).map(|row| row as f32 * 0.25).collect();
    let (mut again, mut scaled) = (vec![0.0; losses.len()], vec![0.0; gradient.len()]);
    loss.evaluate(from_link, &outputs, predictions, targets, &scales, &mut again, Some(&mut scaled));
    assert_eq!(losses, again);
    for (place, (scaled, gradient)) in scaled.iter().zip(&gradient).enumerate() {
        let want = gradient * scales[place / outputs.len()];
        assert!((scaled - want).abs() <= 1e-6 * want.abs().max(1e-3), "{scaled}, not {want}");
    }
    loss.evaluate(from_link, &outputs, predictions, targets, &scales, &mut again, None);
    for (without, with) in again.iter().zip(&losses) {
        assert!(
            (without - with).abs() <= 1e-6 * with.abs().max(1.0),
            "{without} without gradient, {with} with"
        );
    }
}

/// Compares losses with fixed numbers.
#[track_caller]
pub(super) fn equals(
    loss: &dyn Loss,
    outputs: impl Into<Shape>,
    predictions: &[f32],
    targets: TargetRows,
    want: &[f32],
) {
    let (losses, _) = evaluate(loss, false, &outputs.into(), predictions, targets);
    assert_eq!(losses.len(), want.len());
    for (got, want) in losses.iter().zip(want) {
        assert!((got - want).abs() <= 2e-6 * want.abs().max(1.0), "got {losses:?}, expected {want}");
    }
}

/// ln of the class's softmax: z\[class\] − ln Σeᶻ
pub(super) fn log_softmax(logits: &[f64], class: usize) -> f64 {
    logits[class] - logits.iter().map(|z| z.exp()).sum::<f64>().ln()
}
