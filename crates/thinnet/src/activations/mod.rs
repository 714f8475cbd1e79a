//! Activations, by Keras's names.
//!
//! Wherever an activation is an argument it may be given by value or by name, with or without arguments of its own:
//!
//! ```
//! use thinnet::activations::{Activation, LeakyRelu, Relu, Softmax};
//! use thinnet::config::Argument;
//!
//! let forms: [Argument<Activation>; 5] =
//!     [Relu.into(), "relu".into(), Softmax.into(), Relu.max_value(6.0).into(), LeakyRelu.negative_slope(0.1).into()];
//! assert_eq!(forms[0], forms[1]);
//! ```
//!
//! Keras has layers of the same names. Here `Relu`, `LeakyRelu`, `Elu` and `Softmax` are activations, and the layers
//! are spelled as in Keras: [`ReLU`](crate::layers::ReLU), [`LeakyReLU`](crate::layers::LeakyReLU),
//! [`ELU`](crate::layers::ELU). Only `Softmax` is spelled the same twice: the prelude's is the activation, the layer
//! (which has an axis) is written [`layers::Softmax`](crate::layers::Softmax).

mod form;
mod operation;

use serde::{Deserialize, Serialize};

use crate::config::not_negative;

pub use Activation::{Linear, LogSoftmax, Selu, Sigmoid, Softmax, Softplus, Swish, Tanh};

/// The function at the end of a layer.
///
/// As text: Keras's names (`"relu"`, `"silu"` or `"swish"`, `"log_softmax"` …), and with arguments the table forms
/// `{ class = "relu", max_value = 6.0 }` and Keras's JSON of the layer (`ReLU`, `LeakyReLU`, `ELU`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// x
    #[default]
    Linear,
    /// max(x, 0), and its generalization
    Relu(Relu),
    /// x, but less steep below zero
    LeakyRelu(LeakyRelu),
    /// x, but α·(eˣ − 1) below zero
    Elu(Elu),
    /// [`Elu`](struct@Elu) with α = 1.6732632423543772, times 1.0507009873554805 (Klambauer et al. 2017, "Self-normalizing neural
    /// networks")
    Selu,
    /// x·Φ(x)
    Gelu(Gelu),
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// Hyperbolic tangent
    Tanh,
    /// ln(1 + eˣ)
    Softplus,
    /// x / (1 + e⁻ˣ); Keras's other name is `silu` (Ramachandran et al. 2017, "Searching for activation functions")
    Swish,
    /// eˣ / Σ eˣ over the last axis
    Softmax,
    /// x − ln Σ eˣ over the last axis
    LogSoftmax,
}

/// x above `threshold` (at most `max_value`), `negative_slope`·(x − `threshold`) below.
///
/// The constant [`Relu`](const@Relu) of the same name is the plain one: max(x, 0).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Relu {
    /// The largest value. Default: none. Must be positive.
    pub max_value: Option<f64>,
    /// The slope below the threshold. Default: 0. Must not be negative.
    pub negative_slope: f64,
    /// Where it starts. Default: 0. Must not be negative.
    pub threshold: f64,
}

/// max(x, 0)
#[allow(non_upper_case_globals, reason = "reads as the value that it is: `.activation(Relu)`")]
pub const Relu: Relu = Relu { max_value: None, negative_slope: 0.0, threshold: 0.0 };

impl Relu {
    /// The largest value. Default: none.
    #[must_use]
    pub fn max_value(self, max_value: f64) -> Self {
        Self { max_value: Some(max_value), ..self }
    }

    /// The slope below the threshold. Default: 0.
    #[must_use]
    pub fn negative_slope(self, negative_slope: f64) -> Self {
        Self { negative_slope, ..self }
    }

    /// Where it starts. Default: 0.
    #[must_use]
    pub fn threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }
}

/// x above zero, `negative_slope`·x below.
///
/// The constant [`LeakyRelu`](const@LeakyRelu) of the same name has Keras's default slope.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeakyRelu {
    /// The slope below zero. Default: 0.2, as Keras's activation (its layer has 0.3). Must not be negative.
    pub negative_slope: f64,
}

/// x above zero, 0.2·x below
#[allow(non_upper_case_globals, reason = "reads as the value that it is: `.activation(LeakyRelu)`")]
pub const LeakyRelu: LeakyRelu = LeakyRelu { negative_slope: 0.2 };

impl LeakyRelu {
    /// The slope below zero. Default: 0.2.
    #[must_use]
    pub fn negative_slope(self, negative_slope: f64) -> Self {
        Self { negative_slope }
    }
}

/// x above zero, `alpha`·(eˣ − 1) below (Clevert, Unterthiner & Hochreiter 2016, "Fast and accurate deep network
/// learning by exponential linear units").
///
/// The constant [`Elu`](const@Elu) of the same name has Keras's default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Elu {
    /// Minus the limit far below zero. Default: 1. Must not be negative.
    pub alpha: f64,
}

/// x above zero, eˣ − 1 below
#[allow(non_upper_case_globals, reason = "reads as the value that it is: `.activation(Elu)`")]
pub const Elu: Elu = Elu { alpha: 1.0 };

impl Elu {
    /// Minus the limit far below zero. Default: 1.
    #[must_use]
    pub fn alpha(self, alpha: f64) -> Self {
        Self { alpha }
    }
}

/// x·Φ(x), Φ the normal distribution's cumulative function (Hendrycks & Gimpel 2016, "Gaussian error linear units").
///
/// The constant [`Gelu`](const@Gelu) of the same name is the exact one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gelu {
    /// Whether to compute x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))) instead. Default: false.
    pub approximate: bool,
}

/// x·Φ(x), exactly
#[allow(non_upper_case_globals, reason = "reads as the value that it is: `.activation(Gelu)`")]
pub const Gelu: Gelu = Gelu { approximate: false };

impl Gelu {
    /// Whether to use the formula with tanh. Default: false.
    #[must_use]
    pub fn approximate(self, approximate: bool) -> Self {
        Self { approximate }
    }
}

macro_rules! parametrized {
    ($($name:ident)*) => {$(
        impl Default for $name {
            fn default() -> Self {
                $name
            }
        }

        impl From<$name> for Activation {
            fn from(function: $name) -> Self {
                Self::$name(function)
            }
        }

        impl From<$name> for crate::config::Argument<Activation> {
            fn from(function: $name) -> Self {
                Activation::$name(function).into()
            }
        }
    )*};
}
parametrized!(Relu LeakyRelu Elu Gelu);

impl Activation {
    /// Checks the arguments. An error says what was expected, what came and what to do.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Self::Relu(Relu { max_value, negative_slope, threshold }) => {
                match max_value {
                    None => {}
                    Some(max_value) if max_value > 0.0 => {}
                    Some(other) => {
                        return Err(format!("max_value must be positive (or absent), got {other}"));
                    }
                }
                not_negative("negative_slope", negative_slope)?;
                not_negative("threshold", threshold)
            }
            Self::LeakyRelu(LeakyRelu { negative_slope }) => not_negative("negative_slope", negative_slope),
            Self::Elu(Elu { alpha }) => not_negative("alpha", alpha),
            _ => Ok(()),
        }
    }
}
