//! `VariationalDropout`: a Dense layer whose weights have learned Gaussian noise.

mod noisy;
mod posterior;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::noisy::Noisy;
use self::posterior::Posterior;
use super::Source;
use crate::config::not_negative;
use crate::config::{Argument, words};
use crate::initializers::{Constant, Initializer};
use crate::layers::arguments::row;
use crate::layers::weights::Weights;
use crate::layers::{
    Base, Built, Layer, Operation, Variable, activation_methods, base_methods, layer_methods, seed_method,
    weight_methods,
};
use crate::shape::Shape;

words! {
    /// What has noise of its own.
    VariationalForm("form of variational dropout") {
        /// Each weight: sparse variational dropout (Molchanov, Ashukha & Vetrov 2017). A variable `log_sigma2` (inputs, units) holds
        /// ln σ², and α = σ²/w².
        Sparse = "sparse",
        /// The layer: one α ≤ 1 for all weights (Kingma, Salimans & Welling 2015). A variable `log_alpha` (1) holds ln α.
        Layer = "layer",
    }
}

/// `activation(xW + bias)` with weights w·N(1, α) in training, whose noise is learned. By the local reparametrization, a unit's
/// input is drawn for each sample: N(xW + b, x²·σ²), where σ² = α·w² is the variance of a weight. Inference takes the means.
/// Monte-Carlo prediction draws as training does, but with shared masks the weights themselves, once for all inputs. In the
/// sparse form, weights with ln α ≥ `threshold` count as zero in both, without noise.
///
/// The loss gains `kl_weight` times the divergence of the weights from the log-uniform prior, for each weight
///
/// - sparse: −(k₁·σ(k₂ + k₃·ln α) − ½·ln(1 + 1/α) − k₁), k = (0.63576, 1.87320, 1.48695);
/// - layer: −(½·ln α + c₁α + c₂α² + c₃α³), c = (1.16145124, −1.50204118, 0.58629921); α counts as at most 1.
///
/// `kl_weight` should be 1/N for N training samples and a cross-entropy; an experiment knows N by itself. Both from Kingma, Salimans & Welling 2015, "Variational
/// dropout and the local reparameterization trick", and Molchanov, Ashukha & Vetrov 2017, "Variational dropout sparsifies deep
/// neural networks". Of the sparse form, the history reports the share of weights that can be removed as `LAYER_sparsity`
/// ([`prune`](crate::model::Sequential::prune) removes them); of the other, α as `LAYER_alpha`.
///
/// Variables: `kernel` (inputs, units), `log_sigma2` or `log_alpha`, and, unless switched off, `bias` (units).
///
/// ```
/// use thinnet::prelude::*;
/// let layer = VariationalDropout::new(100).activation(Relu).kl_weight(1.0 / 60_000.0);
/// assert_eq!(layer.build(&Shape::from(784)).unwrap().variables[1].shape, [784, 100]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VariationalDropout {
    #[serde(skip)]
    base: Base,
    units: usize,
    form: Argument<VariationalForm>,
    kl_weight: Option<f64>,
    threshold: f64,
    initial_log_variance: f64,
    #[serde(flatten)]
    weights: Weights,
    seed: Option<u64>,
}

impl Default for VariationalDropout {
    /// Without units: they must be given.
    fn default() -> Self {
        Self {
            base: Base::default(),
            units: 0,
            form: VariationalForm::Sparse.into(),
            kl_weight: None,
            threshold: 3.0,
            initial_log_variance: -10.0,
            weights: Weights::default(),
            seed: None,
        }
    }
}

impl VariationalDropout {
    /// A layer of `units` outputs, in the sparse form.
    pub fn new(units: usize) -> Self {
        Self { units, ..Self::default() }
    }

    /// What has noise of its own. Default: each weight, `sparse`.
    #[must_use]
    pub fn form(mut self, form: impl Into<Argument<VariationalForm>>) -> Self {
        self.form = form.into();
        self
    }

    /// What the divergence from the prior counts in the loss: 1/N for N training samples. Must be given, but in an experiment,
    /// where N is known.
    #[must_use]
    pub fn kl_weight(mut self, weight: f64) -> Self {
        self.kl_weight = Some(weight);
        self
    }

    /// From which ln α on a weight can be removed, in the sparse form. Default: 3.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// What ln σ² (or ln α) starts with, from −40 to 40. Default: −10.
    #[must_use]
    pub fn initial_log_variance(mut self, value: f64) -> Self {
        self.initial_log_variance = value;
        self
    }

    seed_method!();

    base_methods!();

    activation_methods!();

    weight_methods!(
        "kernel" in weights,
        kernel_initializer = "glorot_uniform", kernel_regularizer, kernel_constraint);
}

impl Layer for VariationalDropout {
    layer_methods!("VariationalDropout");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        let units = self.units;
        let inputs = row(input, units)?;
        let kl_weight =
            self.kl_weight.ok_or("kl_weight must be given: 1/N for N training samples, got none")?;
        not_negative("kl_weight", kl_weight)?;
        if !self.threshold.is_finite() {
            return Err(format!("threshold must be a finite number, got {}", self.threshold));
        }
        let initial = self.initial_log_variance;
        if !(-40.0..=40.0).contains(&initial) {
            return Err(format!("initial_log_variance must be a logarithm from -40 to 40, got {initial:?}"));
        }
        let sparse = *self.form.get()? == VariationalForm::Sparse;
        let mut variables = self.weights.variables(vec![inputs, units], units)?;
        let noise = Variable {
            name: if sparse { "log_sigma2" } else { "log_alpha" },
            shape: if sparse { vec![inputs, units] } else { vec![1] },
            initializer: Initializer::from(Constant { value: initial }),
            regularizer: None,
            constraint: None,
            trainable: true,
        };
        variables.insert(NOISE, noise);
        let posterior = Posterior { sparse, threshold: self.threshold, kl_weight };
        let source = Source::new(self.seed);
        let noisy = Noisy { source, inputs, units, use_bias: self.weights.use_bias, posterior };
        let operations = vec![Operation::transform(noisy, 0..variables.len())];
        let built = self.weights.built(Shape::from(units), variables, operations)?;
        Ok(Built { penalty: Some(Arc::new(posterior)), ..built })
    }

    fn tell_samples(&mut self, samples: usize) -> bool {
        let asks = self.kl_weight.is_none();
        if asks {
            self.kl_weight = Some(1.0 / samples as f64);
        }
        asks
    }
}

/// The places of the variables.
const KERNEL: usize = 0;
const NOISE: usize = 1;
const BIAS: usize = 2;

/// What is added to w² before its logarithm, and to variances before their root.
const TINY: f32 = 1e-8;

#[cfg(test)]
mod tests;
