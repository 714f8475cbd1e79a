//! `DropConnect`: a Dense layer whose weights are dropped one by one.

mod connect;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::connect::Connect;
use super::Source;
use crate::activations::Activation;
use crate::engine::Context;
use crate::layers::arguments::row;
use crate::layers::weights::Weights;
use crate::layers::{
    Base, Built, InPlace, Layer, Needs, Operation, activation_methods, base_methods, layer_methods,
    seed_method, weight_methods,
};
use crate::random::{Domain, Stream};
use crate::schedules::Rate;
use crate::shape::Shape;

/// `activation((M ∘ kernel)ᵀx + m ∘ bias)`, where each weight and each bias of each sample is dropped in training with
/// probability `rate`; what is kept is not scaled.
///
/// In inference, a unit's input is taken as normal, with the mean q·(Wᵀx + b) and the variance q·rate·((W²)ᵀx² + b²) that the masks
/// give it, q = 1 − rate, and the output is the mean of the activation over `samples` such numbers. The numbers are the same
/// for all units and samples, come in pairs ±z and have variance 1, so that inference is a function and exact for a linear
/// activation.
///
/// Wan, Zeiler, Zhang, LeCun & Fergus 2013, "Regularization of neural networks using DropConnect" (algorithms 1 and 2).
///
/// Variables: `kernel` (inputs, units) and, unless switched off, `bias` (units). A step draws inputs·units numbers for each
/// sample: meant for the last hidden layers.
///
/// ```
/// use thinnet::prelude::*;
/// let layer = DropConnect::new(128, 0.5).activation(Relu);
/// assert_eq!(layer.build(&Shape::from(64)).unwrap().output, Shape::from(128));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DropConnect {
    #[serde(skip)]
    base: Base,
    units: usize,
    rate: Rate,
    #[serde(flatten)]
    weights: Weights,
    samples: usize,
    seed: Option<u64>,
}

impl Default for DropConnect {
    /// Without units: they must be given.
    fn default() -> Self {
        Self {
            base: Base::default(),
            units: 0,
            rate: Rate::default(),
            weights: Weights::default(),
            samples: 100,
            seed: None,
        }
    }
}

impl DropConnect {
    /// A layer of `units` outputs whose weights are dropped at a rate in [0, 1]: a number, or a schedule, whose last rate is
    /// that of inference.
    pub fn new(units: usize, rate: impl Into<Rate>) -> Self {
        Self { units, rate: rate.into(), ..Self::default() }
    }

    /// Over how many numbers inference takes the mean of the activation: even, at most 1,024. Default: 100 (the paper: 1,000, not
    /// in pairs).
    #[must_use]
    pub fn samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }

    seed_method!();

    base_methods!();

    activation_methods!();

    weight_methods!(
        "kernel" in weights,
        kernel_initializer = "glorot_uniform", kernel_regularizer, kernel_constraint);
}

impl Layer for DropConnect {
    layer_methods!("DropConnect");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let inputs = row(input, self.units)?;
        self.rate.check()?;
        if !(2..=1 << 10).contains(&self.samples) || self.samples % 2 == 1 {
            return Err(format!("samples must be an even number from 2 to 1024, got {}", self.samples));
        }
        let activation = *self.weights.activation.get()?;
        activation.check()?;
        if matches!(activation, Activation::Softmax | Activation::LogSoftmax) {
            return Err("activation must work on each unit alone: put a softmax in a layer behind".into());
        }
        let variables = self.weights.variables(vec![inputs, self.units], self.units)?;
        let output = Shape::from(self.units);
        let function = match activation.operation(&output) {
            Some(Operation::InPlace(function)) => Some(function),
            _ => None,
        };
        let connect = Connect {
            source: Source::new(self.seed),
            rate: self.rate.clone(),
            inputs,
            units: self.units,
            use_bias: self.weights.use_bias,
            function: function.clone(),
            normals: normals(self.samples / 2),
        };
        let mut operations = vec![Operation::transform(connect, 0..variables.len())];
        operations.extend(function.map(|function| Operation::in_place(WhileDrawing(function))));
        Built::weighted(
            output,
            variables,
            operations,
            &Activation::Linear.into(),
            self.weights.activity_regularizer.as_ref(),
        )
    }
}

/// The positive halves of pairs of normal numbers, scaled to variance 1; always the same ones.
fn normals(pairs: usize) -> Vec<f32> {
    let mut draws = Stream::new(0, Domain::OwnSeed).at(u64::MAX, 0);
    let normals: Vec<f64> = (0..pairs).map(|_| draws.normal()).collect();
    let deviation = (normals.iter().map(|z| z * z).sum::<f64>() / pairs as f64).sqrt();
    normals.into_iter().map(|z| (z / deviation) as f32).collect()
}

/// An activation that the transform before it has applied already where nothing is drawn.
#[derive(Debug)]
struct WhileDrawing(Arc<dyn InPlace>);

impl InPlace for WhileDrawing {
    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn keeps_sign(&self) -> bool {
        self.0.keeps_sign()
    }

    fn is_active(&self, cx: &Context) -> bool {
        cx.draws()
    }

    fn scratch(&self) -> usize {
        self.0.scratch()
    }

    fn forward(&self, cx: &Context, x: &mut [f32], scratch: &mut [f32]) {
        self.0.forward(cx, x, scratch);
    }

    fn backward(&self, cx: &Context, x: &[f32], y: &[f32], dy: &mut [f32], scratch: &mut [f32]) {
        self.0.backward(cx, x, y, dy, scratch);
    }
}

#[cfg(test)]
mod tests;
