//! Cross-entropies from logits, which never clip.

use thinnet_kernels::activations::softmax::{log_sum_exp, softmax_and_log_sum};

use super::rows::{Gradient, Target};

/// Cross-entropy of one position's targets and the softmax of its logits z: Σ y·(ln Σeᶻ − z), whose gradient is
/// softmax(z)·Σy − y. The targets are smoothed: y(1 − s) + s/C.
pub(super) fn softmax(logits: &[f32], target: Target, smoothing: f32, gradient: Option<Gradient>) -> f32 {
    let spread = smoothing / logits.len() as f32;
    let smoothed = |element: usize| target.value(element, logits.len()) * (1.0 - smoothing) + spread;
    let hot = match target {
        Target::Class(class) if smoothing == 0.0 => Some(class),
        _ => None,
    };
    let log_sum = match gradient {
        Some(Gradient { values, scale }) => {
            let log_sum = softmax_and_log_sum(logits, values);
            if let Some(class) = hot {
                values.iter_mut().for_each(|p| *p *= scale);
                values[class] -= scale;
            } else {
                let total: f32 = (0..logits.len()).map(smoothed).sum();
                for (element, p) in values.iter_mut().enumerate() {
                    *p = scale * (*p * total - smoothed(element));
                }
            }
            log_sum
        }
        None => log_sum_exp(logits),
    };
    if let Some(class) = hot {
        return log_sum - logits[class];
    }
    // A logit of −∞ that is not wanted costs nothing.
    let one = |(element, &z): (usize, &f32)| match smoothed(element) {
        0.0 => 0.0,
        y => y * (log_sum - z),
    };
    logits.iter().enumerate().map(one).sum()
}
