//! Cross-entropies from logits, which never clip.

use super::rows::{Gradient, Target};

/// Cross-entropy of one position's targets and the softmax of its logits z: Σ y·(ln Σeᶻ − z), whose gradient is
/// softmax(z)·Σy − y. The targets are smoothed: y(1 − s) + s/C.
pub(super) fn softmax(logits: &[f32], target: Target, smoothing: f32, gradient: Option<Gradient>) -> f32 {
    let max = logits.iter().fold(f32::NEG_INFINITY, |max, &z| max.max(z));
    let (mut unused, mut sum) = ([], 0.0);
    // The exponentials are kept where the gradient will be.
    let (exponentials, scale) = match gradient {
        Some(Gradient { values, scale }) => {
            for (exponential, &z) in values.iter_mut().zip(logits) {
                *exponential = (z - max).exp();
                sum += *exponential;
            }
            (values, scale)
        }
        None => {
            sum = logits.iter().map(|&z| (z - max).exp()).sum();
            (&mut unused[..], 0.0)
        }
    };
    let log_sum = sum.ln() + max;
    let spread = smoothing / logits.len() as f32;
    if let (Target::Class(class), true) = (target, smoothing == 0.0) {
        let factor = scale / sum;
        exponentials.iter_mut().for_each(|e| *e *= factor);
        if let Some(right) = exponentials.get_mut(class) {
            *right -= scale;
        }
        return log_sum - logits[class];
    }
    let smoothed = |element: usize| target.value(element, logits.len()) * (1.0 - smoothing) + spread;
    let (mut loss, mut total) = (0.0, 0.0);
    for (element, &z) in logits.iter().enumerate() {
        let y = smoothed(element);
        total += y;
        // A logit of −∞ that is not wanted costs nothing.
        if y != 0.0 {
            loss += y * (log_sum - z);
        }
    }
    let factor = total / sum;
    for (element, exponential) in exponentials.iter_mut().enumerate() {
        *exponential = scale * (*exponential * factor - smoothed(element));
    }
    loss
}
