//! Layers: small, serializable descriptions that hold no numbers.
//!
//! A [`Layer`] checks itself against its input's shape ([`Layer::build`]) and answers with what the engine needs: the
//! output's shape, the variables that it wants and the operations that it consists of. The numbers (variables,
//! activations, gradients) live in the model and the engine.

mod activation;
mod activity_regularization;
mod dense;
mod dropout;
mod elu;
mod flatten;
mod input;
mod leaky_relu;
mod registry;
mod relu;
mod rescaling;
mod reshape;
mod softmax;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::constraints::Constraint;
use crate::engine::{Batch, Context, Variables};
use crate::error::Result;
use crate::initializers::Initializer;
use crate::losses::Link;
use crate::regularizers::Regularizer;
use crate::shape::Shape;

pub use activation::Activation;
pub(crate) use activity_regularization::ActivityRegularization;
pub use dense::Dense;
pub use dropout::{AlphaDropout, Dropout, GaussianDropout, GaussianNoise, NoiseShape};
pub use elu::ELU;
pub use flatten::Flatten;
pub use input::Input;
pub use leaky_relu::LeakyReLU;
pub use registry::{from_config, from_value, to_config, to_keras};
pub use relu::ReLU;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use softmax::Softmax;

/// A layer's description. See the module's text.
pub trait Layer: Debug + Send + Sync {
    /// Keras's class name: `Dense`, `Dropout` …
    fn class_name(&self) -> &'static str;

    /// What every layer has.
    fn base(&self) -> &Base;

    /// What every layer has.
    fn base_mut(&mut self) -> &mut Base;

    /// The arguments under Keras's names, without those of [`Base`].
    fn config(&self) -> Map<String, Value>;

    /// Checks the arguments against a sample's shape. An error says what was expected, what came and what to do; the
    /// model adds the layer's name.
    fn build(&self, input: &Shape) -> Result<Built, String>;

    /// A copy behind a box.
    fn clone_box(&self) -> Box<dyn Layer>;
}

impl Clone for Box<dyn Layer> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// What every layer has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Base {
    /// The layer's name; by default Keras's: the class in snake case with a running number.
    pub name: Option<String>,
    /// Whether training changes the layer's variables. Default: true.
    pub trainable: bool,
    /// The shape of one input sample, needed for a model's first layer only.
    pub input_shape: Option<Vec<usize>>,
}

impl Default for Base {
    fn default() -> Self {
        Self { name: None, trainable: true, input_shape: None }
    }
}

/// What a layer answers to an input shape.
#[derive(Clone, Debug)]
pub struct Built {
    /// The shape of one output sample.
    pub output: Shape,
    /// The variables that the layer wants, in Keras's order.
    pub variables: Vec<Variable>,
    /// The operations, in order. None for a layer that only changes the shape.
    pub operations: Vec<Operation>,
}

impl Built {
    /// A layer that only gives its input another shape.
    pub fn view(output: Shape) -> Self {
        Self { output, variables: Vec::new(), operations: Vec::new() }
    }

    /// A layer without variables that works in place.
    pub fn in_place(shape: &Shape, operation: impl InPlace + 'static) -> Self {
        let operations = vec![Operation::InPlace(Arc::new(operation))];
        Self { output: shape.clone(), variables: Vec::new(), operations }
    }
}

/// A variable that a layer wants.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name within the layer: `kernel`, `bias` …
    pub name: &'static str,
    /// Keras's shape: a Dense kernel is (in, out).
    pub shape: Vec<usize>,
    /// How it starts.
    pub initializer: Initializer,
    /// What is added to the loss for it.
    pub regularizer: Option<Regularizer>,
    /// What it is projected to after each update.
    pub constraint: Option<Constraint>,
    /// Whether the optimizer changes it.
    pub trainable: bool,
}

impl Variable {
    /// Checks how it starts, its regularizer and its constraint.
    ///
    /// # Errors
    /// Which of them is wrong and how.
    pub fn check(&self) -> Result<(), String> {
        let name = self.name;
        let of = |what: &'static str| move |message: String| format!("{name}_{what}: {message}");
        self.initializer.check(&self.shape).map_err(of("initializer"))?;
        self.regularizer.iter().try_for_each(|regularizer| regularizer.check().map_err(of("regularizer")))?;
        self.constraint
            .iter()
            .try_for_each(|constraint| constraint.check(&self.shape).map_err(of("constraint")))
    }
}

/// A step of the plan.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Reads one buffer and writes another.
    Transform(Arc<dyn Transform>),
    /// Changes a buffer where it lies: runs fused behind what wrote it.
    InPlace(Arc<dyn InPlace>),
}

/// An operation with an input and an output of its own, such as a matrix product.
///
/// All methods work on whole samples: `x` holds some number of rows of the input's size, `y` as many of the output's.
/// A row's result must not depend on the other rows, nor on how many there are.
pub trait Transform: Debug + Send + Sync {
    /// f32 of scratch memory that a call with `rows` samples needs.
    fn scratch(&self, rows: usize) -> usize;

    /// Multiply-adds for one sample's forward pass, for choosing how many threads are worth their while.
    fn cost(&self) -> usize;

    /// y = f(x)
    fn forward(&self, cx: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]);

    /// dx = dy·∂f/∂x
    fn backward(
        &self,
        cx: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    );

    /// A variable's gradient may be computed in pieces, side by side: the pieces' lengths are multiples of this.
    fn grain(&self, variable: usize) -> usize;

    /// The gradient of elements `start..start + out.len()` of a variable, summed over the batch in its order.
    fn gradient(&self, variable: usize, start: usize, batch: Batch, out: &mut [f32], scratch: &mut [f32]);

    /// f32 of scratch memory that [`gradient`](Self::gradient) needs for a piece of `len` elements of a variable.
    fn gradient_scratch(&self, variable: usize, len: usize) -> usize;
}

/// What the backward pass of an [`InPlace`] operation reads besides dy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: a mask is made again, a scale is known.
    Nothing,
    /// Which elements of the output are zero or negative.
    Sign,
    /// The output.
    Output,
    /// The input: the operation then gets a buffer of its own for its output.
    Input,
}

/// An operation whose output may overwrite its input: an activation, a mask, noise.
///
/// The engine runs it right behind the operation that wrote the buffer, while the rows are in the cache.
pub trait InPlace: Debug + Send + Sync {
    /// What [`backward`](Self::backward) reads.
    fn needs(&self) -> Needs;

    /// Whether, wherever ∂y/∂x is not zero, y has x's sign. Then an operation before that needs only its output's
    /// sign may share the buffer.
    fn keeps_sign(&self) -> bool;

    /// The link that this operation is, where a loss can be computed more precisely without it (see
    /// [`Loss::link`](crate::losses::Loss::link)).
    fn link(&self) -> Option<Link> {
        None
    }

    /// Whether the operation draws random numbers in training.
    fn is_random(&self) -> bool {
        false
    }

    /// Whether the operation does anything in this context; if not, it is left out (both directions).
    fn is_active(&self, _cx: &Context) -> bool {
        true
    }

    /// f32 of scratch memory that a call needs, whatever the number of rows.
    fn scratch(&self) -> usize {
        0
    }

    /// x ← f(x)
    fn forward(&self, cx: &Context, x: &mut [f32], scratch: &mut [f32]);

    /// dy ← dy·∂f/∂x. `x` is the input only where [`needs`](Self::needs) says so, else the same as `y`.
    fn backward(&self, cx: &Context, x: &[f32], y: &[f32], dy: &mut [f32], scratch: &mut [f32]);

    /// What the operation adds to the batch's loss, given its output for some rows: an activity regularizer.
    fn penalty(&self, _cx: &Context, _y: &[f32]) -> f64 {
        0.0
    }
}

/// The builder methods that every layer has, for a struct with a field `base: Base`.
macro_rules! base_methods {
    () => {
        /// Names the layer. Default: the class in snake case, with a running number from the second on.
        #[must_use]
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.base.name = Some(name.into());
            self
        }

        /// The shape of one input sample; needed only for a model's first layer, and there only without
        /// [`Input`](crate::layers::Input).
        #[must_use]
        pub fn input_shape(mut self, shape: impl Into<$crate::Shape>) -> Self {
            self.base.input_shape = Some(shape.into().axes().to_vec());
            self
        }

        /// Whether training changes the layer's variables. Default: true.
        #[must_use]
        pub fn trainable(mut self, trainable: bool) -> Self {
            self.base.trainable = trainable;
            self
        }
    };
}
pub(crate) use base_methods;

/// The methods of [`Layer`] that are the same for every struct with a field `base: Base`, for use inside its `impl`.
macro_rules! layer_methods {
    ($class:literal) => {
        fn class_name(&self) -> &'static str {
            $class
        }

        fn base(&self) -> &$crate::layers::Base {
            &self.base
        }

        fn base_mut(&mut self) -> &mut $crate::layers::Base {
            &mut self.base
        }

        fn config(&self) -> serde_json::Map<String, serde_json::Value> {
            $crate::config::to_map(self)
        }

        fn clone_box(&self) -> Box<dyn $crate::layers::Layer> {
            Box::new(self.clone())
        }
    };
}
pub(crate) use layer_methods;
