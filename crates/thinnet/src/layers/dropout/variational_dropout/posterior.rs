//! What is known of the weights: their means, their noise and its divergence from the prior.

use std::ops::Range;

use super::{KERNEL, NOISE, TINY};
use crate::engine::Variables;
use crate::layers::Penalty;

/// How weights and their noise belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posterior {
    pub(super) sparse: bool,
    pub(super) threshold: f64,
    pub(super) kl_weight: f64,
}

impl Posterior {
    /// ln α of a weight, in the sparse form.
    fn log_alpha(weight: f32, log_sigma2: f32) -> f64 {
        f64::from(log_sigma2) - f64::from(weight * weight + TINY).ln()
    }

    /// ln α of the layer in the other form, at most 0.
    fn log_alpha_of_layer(variables: Variables) -> f64 {
        f64::from(variables.get(NOISE)[0]).min(0.0)
    }

    /// The layer's α in the other form.
    pub(super) fn alpha(variables: Variables) -> f64 {
        Self::log_alpha_of_layer(variables).exp()
    }

    /// Writes each weight's variance.
    pub(super) fn variances(self, variables: Variables, out: &mut [f32]) {
        if self.sparse {
            out.iter_mut().zip(variables.get(NOISE)).for_each(|(out, log_sigma2)| *out = log_sigma2.exp());
        } else {
            let alpha = Self::alpha(variables) as f32;
            out.iter_mut().zip(variables.get(KERNEL)).for_each(|(out, w)| *out = alpha * w * w);
        }
    }

    /// Writes the weights of inference.
    pub(super) fn means(self, variables: Variables, out: &mut [f32]) {
        out.copy_from_slice(variables.get(KERNEL));
        self.remove(variables, [out]);
    }

    /// Sets what is there for each weight to zero for those that can be removed.
    pub(super) fn remove<const N: usize>(self, variables: Variables, mut of_weights: [&mut [f32]; N]) {
        if !self.sparse {
            return;
        }
        for element in 0..variables.get(KERNEL).len() {
            if self.is_removable(variables, KERNEL, element) {
                of_weights.iter_mut().for_each(|of_weights| of_weights[element] = 0.0);
            }
        }
    }
}

impl Penalty for Posterior {
    fn value(&self, variables: Variables, variable: usize, range: Range<usize>) -> f64 {
        let [kernel, noise] = [variables.get(KERNEL), variables.get(NOISE)];
        if variable != NOISE {
            return 0.0;
        }
        if !self.sparse {
            let log_alpha = Self::log_alpha_of_layer(variables);
            let (a, [c1, c2, c3]) = (log_alpha.exp(), LAYER);
            let of_each = 0.5 * log_alpha + a * (c1 + a * (c2 + a * c3));
            return -self.kl_weight * kernel.len() as f64 * of_each;
        }
        let [k1, k2, k3] = SPARSE;
        let pairs = kernel[range.clone()].iter().zip(&noise[range]);
        let of_pair = |(&w, &s): (&f32, &f32)| {
            let log_alpha = Self::log_alpha(w, s);
            k1 - k1 * logistic(k2 + k3 * log_alpha) + 0.5 * (-log_alpha).exp().ln_1p()
        };
        self.kl_weight * pairs.map(of_pair).sum::<f64>()
    }

    fn add_gradient(&self, variables: Variables, variable: usize, start: usize, gradient: &mut [f32]) {
        let [kernel, noise] = [variables.get(KERNEL), variables.get(NOISE)];
        if !self.sparse {
            if variable == NOISE {
                let (a, [c1, c2, c3]) = (Self::alpha(variables), LAYER);
                let slope = 0.5 + a * (c1 + a * (2.0 * c2 + a * 3.0 * c3));
                gradient[0] -= (self.kl_weight * kernel.len() as f64 * slope) as f32;
                // At the bound of α, ln α only goes back: what it gains by rising is not there.
                if noise[0] >= 0.0 {
                    gradient[0] = gradient[0].max(0.0);
                }
            }
            return;
        }
        if variable > NOISE {
            return;
        }
        let [k1, k2, k3] = SPARSE;
        for ((gradient, &w), &s) in gradient.iter_mut().zip(&kernel[start..]).zip(&noise[start..]) {
            let log_alpha = Self::log_alpha(w, s);
            let gate = logistic(k2 + k3 * log_alpha);
            let slope = -k1 * k3 * gate * (1.0 - gate) - 0.5 * logistic(-log_alpha);
            let inner = if variable == NOISE { 1.0 } else { f64::from(-2.0 * w / (w * w + TINY)) };
            *gradient += (self.kl_weight * slope * inner) as f32;
        }
    }

    fn report(&self, variables: Variables) -> Option<(&'static str, f64)> {
        if !self.sparse {
            return Some(("alpha", Self::alpha(variables)));
        }
        let len = variables.get(KERNEL).len();
        let removable = (0..len).filter(|&element| self.is_removable(variables, KERNEL, element)).count();
        Some(("sparsity", removable as f64 / len as f64))
    }

    fn is_removable(&self, variables: Variables, variable: usize, element: usize) -> bool {
        let [kernel, noise] = [variables.get(KERNEL), variables.get(NOISE)];
        self.sparse
            && variable == KERNEL
            && Self::log_alpha(kernel[element], noise[element]) >= self.threshold
    }
}

/// k₁, k₂, k₃
const SPARSE: [f64; 3] = [0.635_76, 1.873_20, 1.486_95];
/// c₁, c₂, c₃
const LAYER: [f64; 3] = [1.161_451_24, -1.502_041_18, 0.586_299_21];

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
