//! Activations as operations of the plan.

use std::sync::Arc;

use thinnet_kernels::activations::{elu, gelu, relu, sigmoid, softmax};

use super::{Activation, Elu, Gelu, LeakyRelu, Relu};
use crate::engine::Context;
use crate::layers::{InPlace, Needs, Operation};
use crate::losses::Link;
use crate::shape::Shape;

/// α and the scale of [`Activation::Selu`].
const SELU: [f32; 2] = [1.673_263_2, 1.050_701];

impl Activation {
    /// The function on samples of this shape; nothing to do for [`Linear`](Self::Linear).
    pub fn operation(&self, shape: &Shape) -> Option<Operation> {
        match self {
            Self::Linear => None,
            _ => Some(Operation::InPlace(Arc::new(Apply { function: *self, row: shape.last() }))),
        }
    }

    /// The link that a loss may do without (see [`Loss::link`](crate::losses::Loss::link)).
    pub fn link(&self) -> Option<Link> {
        match self {
            Self::Softmax => Some(Link::Softmax),
            Self::Sigmoid => Some(Link::Sigmoid),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
struct Apply {
    function: Activation,
    /// The size of the last axis.
    row: usize,
}

impl InPlace for Apply {
    fn needs(&self) -> Needs {
        match self.function {
            Activation::Relu(Relu { max_value: None, .. }) | Activation::LeakyRelu(_) => Needs::Sign,
            Activation::Gelu(_) | Activation::Swish => Needs::Input,
            _ => Needs::Output,
        }
    }

    fn keeps_sign(&self) -> bool {
        match self.function {
            Activation::Relu(Relu { negative_slope, threshold, .. }) => {
                negative_slope == 0.0 || threshold == 0.0
            }
            Activation::LeakyRelu(_) | Activation::Elu(_) | Activation::Selu | Activation::Tanh => true,
            _ => false,
        }
    }

    fn behind_largest(&self, _: usize, _: usize) -> Option<Arc<dyn InPlace>> {
        // The others do not decrease either, but for the last bit, or go over several channels.
        let never_decreases = match self.function {
            Activation::Relu(Relu { negative_slope, .. }) => negative_slope >= 0.0,
            Activation::LeakyRelu(LeakyRelu { negative_slope }) => negative_slope >= 0.0,
            _ => false,
        };
        never_decreases.then(|| Arc::new(self.clone()) as Arc<dyn InPlace>)
    }

    fn stops_at_zero(&self) -> bool {
        matches!(self.function, Activation::Relu(plain) if plain == Relu)
    }

    fn link(&self) -> Option<Link> {
        self.function.link()
    }

    fn forward(&self, _cx: &Context, x: &mut [f32], _scratch: &mut [f32]) {
        match self.function {
            Activation::Linear => {}
            Activation::Relu(plain) if plain == Relu => relu::relu(x),
            Activation::Relu(Relu { max_value, negative_slope, threshold }) => {
                relu::bounded_relu(negative_slope as f32, limit(max_value), threshold as f32, x);
            }
            Activation::LeakyRelu(LeakyRelu { negative_slope }) => relu::leaky_relu(negative_slope as f32, x),
            Activation::Elu(Elu { alpha }) => elu::elu(alpha as f32, 1.0, x),
            Activation::Selu => elu::elu(SELU[0], SELU[1], x),
            Activation::Gelu(Gelu { approximate: false }) => gelu::gelu(x),
            Activation::Gelu(Gelu { approximate: true }) => gelu::approximate_gelu(x),
            Activation::Sigmoid => sigmoid::sigmoid(x),
            Activation::Tanh => sigmoid::tanh(x),
            Activation::Softplus => sigmoid::softplus(x),
            Activation::Swish => sigmoid::swish(x),
            Activation::Softmax => softmax::softmax(self.row, x),
            Activation::LogSoftmax => softmax::log_softmax(self.row, x),
        }
    }

    fn backward(&self, _cx: &Context, x: &[f32], y: &[f32], dy: &mut [f32], _scratch: &mut [f32]) {
        match self.function {
            Activation::Linear => {}
            Activation::Relu(plain) if plain == Relu => relu::relu_backward(y, dy),
            Activation::Relu(Relu { max_value, negative_slope, .. }) => {
                relu::bounded_relu_backward(negative_slope as f32, limit(max_value), y, dy);
            }
            Activation::LeakyRelu(LeakyRelu { negative_slope }) => {
                relu::bounded_relu_backward(negative_slope as f32, f32::INFINITY, y, dy);
            }
            Activation::Elu(Elu { alpha }) => elu::elu_backward(alpha as f32, 1.0, y, dy),
            Activation::Selu => elu::elu_backward(SELU[0], SELU[1], y, dy),
            Activation::Gelu(Gelu { approximate: false }) => gelu::gelu_backward(x, dy),
            Activation::Gelu(Gelu { approximate: true }) => gelu::approximate_gelu_backward(x, dy),
            Activation::Sigmoid => sigmoid::sigmoid_backward(y, dy),
            Activation::Tanh => sigmoid::tanh_backward(y, dy),
            Activation::Softplus => sigmoid::softplus_backward(y, dy),
            Activation::Swish => sigmoid::swish_backward(x, dy),
            Activation::Softmax => softmax::softmax_backward(self.row, y, dy),
            Activation::LogSoftmax => softmax::log_softmax_backward(self.row, y, dy),
        }
    }
}

fn limit(max_value: Option<f64>) -> f32 {
    max_value.map_or(f32::INFINITY, |max_value| max_value as f32)
}
