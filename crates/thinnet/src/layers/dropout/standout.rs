//! `Standout`: dropout whose rates depend on the activations.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thinnet_kernels::activations::sigmoid::sigmoid;

use super::Source;
use crate::activations::Activation;
use crate::config::Argument;
use crate::engine::Context;
use crate::layers::{
    Base, Built, InPlace, Layer, Needs, Operation, base_methods, layer_methods, seed_method,
};
use crate::shape::Shape;

/// An activation with adaptive dropout, behind a linear layer: of its input h = Wx + b a unit is kept with probability
/// π = σ(`alpha`·h + `beta`), so that units that are sure of themselves are kept more often. In training y = m·f(h) with
/// m ~ Bernoulli(π), in inference y = π·f(h).
///
/// Ba & Frey 2013, "Adaptive dropout for training deep neural networks", in the form whose dropout network shares the layer's
/// weights (their equation 5): π's weights are α times the layer's, and are not trained by themselves. So masks count as constants in
/// the backward pass, as in the paper.
///
/// ```
/// use thinnet::prelude::*;
/// let mut model = Sequential::new()
///     .add(Dense::new(64).input_shape([8]))
///     .add(Standout::new(Relu).alpha(1.0).beta(0.5))
///     .add(Dense::new(3).activation(Softmax));
/// assert!(model.build().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standout {
    #[serde(skip)]
    base: Base,
    activation: Argument<Activation>,
    alpha: f64,
    beta: f64,
    seed: Option<u64>,
}

impl Default for Standout {
    fn default() -> Self {
        Self::new("linear")
    }
}

impl Standout {
    /// With this function f.
    pub fn new(activation: impl Into<Argument<Activation>>) -> Self {
        Self { base: Base::default(), activation: activation.into(), alpha: 1.0, beta: 0.0, seed: None }
    }

    /// How much a unit's input counts. At 0, this is dropout of rate 1 − σ(`beta`). Default: 1.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// How many units are kept: at 0, half of those whose input is 0. Default: 0.
    #[must_use]
    pub fn beta(mut self, beta: f64) -> Self {
        self.beta = beta;
        self
    }

    seed_method!();

    base_methods!();
}

impl Layer for Standout {
    layer_methods!("Standout");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let activation = self.activation.get()?;
        activation.check()?;
        for (name, value) in [("alpha", self.alpha), ("beta", self.beta)] {
            if !(value as f32).is_finite() {
                return Err(format!("{name} must be a number that is finite in f32, got {value:?}"));
            }
        }
        let function = match activation.operation(input) {
            Some(Operation::InPlace(function)) => Some(function),
            _ => None,
        };
        let (source, len) = (Source::new(self.seed), input.len());
        let (alpha, beta) = (self.alpha as f32, self.beta as f32);
        Ok(Built::in_place(input, Gate { source, len, alpha, beta, function }))
    }
}

#[derive(Debug)]
struct Gate {
    source: Source,
    len: usize,
    alpha: f32,
    beta: f32,
    /// f; none for the identity.
    function: Option<Arc<dyn InPlace>>,
}

impl Gate {
    /// What a row is multiplied by: π, or 1 with probability π.
    fn gates(&self, cx: &Context, row: usize, h: &[f32], gates: &mut [f32]) {
        gates.iter_mut().zip(h).for_each(|(gate, h)| *gate = self.alpha * h + self.beta);
        sigmoid(gates);
        if cx.draws() {
            let mut draws = self.source.draws(cx, row);
            for gate in gates {
                let u = f64::from(draws.word()) / 2f64.powi(32);
                *gate = f32::from(u8::from(u < f64::from(*gate)));
            }
        }
    }
}

impl InPlace for Gate {
    fn needs(&self) -> Needs {
        Needs::Input
    }

    fn keeps_sign(&self) -> bool {
        false
    }

    fn is_random(&self) -> bool {
        true
    }

    fn scratch(&self) -> usize {
        3 * self.len + self.function.as_ref().map_or(0, |function| function.scratch())
    }

    fn forward(&self, cx: &Context, x: &mut [f32], scratch: &mut [f32]) {
        let (gates, scratch) = scratch.split_at_mut(self.len);
        for (row, x) in x.chunks_exact_mut(self.len).enumerate() {
            self.gates(cx, row, x, gates);
            if let Some(function) = &self.function {
                function.forward(cx, x, scratch);
            }
            x.iter_mut().zip(&*gates).for_each(|(x, gate)| *x *= gate);
        }
    }

    fn backward(&self, cx: &Context, x: &[f32], _: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        let (gates, scratch) = scratch.split_at_mut(self.len);
        let (value, scratch) = scratch.split_at_mut(self.len);
        let (of_gate, scratch) = scratch.split_at_mut(self.len);
        for (row, (h, dy)) in x.chunks_exact(self.len).zip(dy.chunks_exact_mut(self.len)).enumerate() {
            self.gates(cx, row, h, gates);
            value.copy_from_slice(h);
            if let Some(function) = &self.function {
                function.forward(cx, value, scratch);
            }
            // A drawn mask is a constant; π itself has a slope.
            let slope = if cx.draws() { 0.0 } else { self.alpha };
            for (((of_gate, gate), value), dy) in of_gate.iter_mut().zip(&*gates).zip(&*value).zip(&mut *dy) {
                *of_gate = *dy * value * slope * gate * (1.0 - gate);
                *dy *= gate;
            }
            if let Some(function) = &self.function {
                function.backward(cx, h, value, dy, scratch);
            }
            dy.iter_mut().zip(&*of_gate).for_each(|(dy, of_gate)| *dy += of_gate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activations::{Relu, Tanh};
    use crate::layers::testing::{self, infer, training};

    #[test]
    fn behaves_as_a_layer() {
        // Where the gates do not depend on the input, no difference quotient meets a mask that changes.
        for activation in ["linear", "relu", "tanh", "gelu"] {
            testing::check(&Standout::new(activation).alpha(0.0).beta(0.3), &[&[1], &[3, 5]]);
        }
        // Nor do those of this draw.
        testing::check(&Standout::new(Tanh).alpha(0.25).beta(0.3).seed(1), &[&[2]]);
    }

    #[test]
    fn inference_has_the_mean_of_the_masks() {
        let h = [-2.0_f32, -0.5, 0.0, 1.0];
        let y = infer(&Standout::new(Relu).alpha(2.0).beta(0.5), &[4], &h);
        for (h, y) in h.into_iter().zip(y) {
            let expected = h.max(0.0) / (1.0 + (-2.0 * h - 0.5).exp());
            assert!((y - expected).abs() < 1e-6, "{y}, expected {expected}");
        }
    }

    /// ±4.89 standard deviations of the binomial distribution: over fresh seeds one of the four would be exceeded with a
    /// probability of 4e-6.
    #[test]
    fn a_unit_is_kept_as_often_as_its_activation_says() {
        let n = 1 << 14;
        for h in [-2.0_f32, -0.5, 0.25, 1.0] {
            let layer = Standout::new("linear").alpha(1.5).beta(-0.25);
            let y = testing::train(&layer, &[64], &training(2), &vec![h; n]);
            assert!(y.iter().all(|&y| y == 0.0 || y == h), "what is kept is not scaled");
            let kept = y.iter().filter(|&&y| y != 0.0).count() as f64;
            let p = 1.0 / (1.0 + (-1.5 * f64::from(h) + 0.25).exp());
            let deviation = (kept - n as f64 * p) / (n as f64 * p * (1.0 - p)).sqrt();
            assert!(deviation.abs() < 4.89, "h = {h}: {kept} of {n}");
        }
    }

    #[test]
    fn bad_arguments_are_explained() {
        let message = "alpha must be a number that is finite in f32, got NaN";
        testing::fails(&Standout::new(Relu).alpha(f64::NAN), &[3], message);
        let message = "beta must be a number that is finite in f32, got -1e39";
        testing::fails(&Standout::new(Relu).beta(-1e39), &[3], message);
        let message = "unknown activation `rellu`: did you mean `relu`?";
        testing::fails(&Standout::new("rellu"), &[3], message);
    }
}
