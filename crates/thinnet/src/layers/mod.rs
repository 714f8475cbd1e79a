//! Layers: small, serializable descriptions that hold no numbers.
//!
//! A [`Layer`] checks itself against its input's shape ([`Layer::build`]) and answers with what the engine needs: the
//! output's shape, the variables that it wants and the operations that it consists of. The numbers (variables,
//! activations, gradients) live in the model and the engine.

mod activation;
mod activity_regularization;
mod arguments;
mod augmentation;
mod convolution;
mod dense;
mod dropout;
mod elu;
mod flatten;
mod input;
#[cfg(test)]
mod keras;
mod leaky_relu;
mod names;
mod normalization;
mod operation;
mod pooling;
mod registry;
mod relu;
mod rescaling;
mod reshape;
mod reshaping;
mod residual;
mod softmax;
mod source;
#[cfg(test)]
pub(crate) mod testing;
mod weights;
mod wrapped;

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::activations::Activation as Function;
use crate::config::Argument;
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::regularizers::Regularizer;
use crate::shape::Shape;

pub use crate::config::Axes;
pub use crate::data::formats::image::Interpolation;
pub use activation::Activation;
pub(crate) use activity_regularization::ActivityRegularization;
pub use arguments::{Padding, Pair};
pub use augmentation::{
    Cutout, Factor, FlipMode, RandomContrast, RandomFlip, RandomRotation, RandomTranslation, RandomZoom,
};
pub use convolution::{Conv1D, Conv2D, DepthwiseConv2D, SeparableConv2D};
pub use dense::Dense;
pub use dropout::{
    AlphaDropout, ConcreteDropout, DropBlock2D, DropConnect, Dropout, GaussianDropout, GaussianNoise,
    MultiSampleDropout, NoiseShape, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D, Standout,
    StochasticDepth, VariationalDropout, VariationalForm,
};
pub use elu::ELU;
pub use flatten::Flatten;
pub use input::Input;
pub use leaky_relu::LeakyReLU;
pub(crate) use names::names;
pub use normalization::{BatchNormalization, LayerNormalization};
pub use operation::{
    BatchSums, ByPiece, ByShard, Gradients, InPlace, Largest, Needs, Nested, Operation, Penalty, Prepare,
    Transform,
};
pub use pooling::{
    AveragePooling1D, AveragePooling2D, GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalMaxPooling1D,
    GlobalMaxPooling2D, MaxPooling1D, MaxPooling2D,
};
pub use registry::{from_config, from_value, to_config, to_keras};
pub use relu::ReLU;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use reshaping::{Cropping2D, Margins, UpSampling2D, ZeroPadding2D};
pub use residual::Residual;
pub use softmax::Softmax;
pub(crate) use source::seed_method;
pub(crate) use weights::{activation_methods, weight_methods};

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

    /// Tells the layer on how many samples it will be trained, which weighs its prior against them. Whether it had asked: most
    /// layers do not.
    fn tell_samples(&mut self, _samples: usize) -> bool {
        false
    }

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
    /// What the layer adds to the loss for several of its variables together. Nothing for most.
    pub penalty: Option<Arc<dyn Penalty>>,
}

impl Built {
    /// How many outputs the operations give for each sample, one behind the other: in training, each has a loss of its own.
    /// More than 1 only for a model's last layer.
    pub fn copies(&self) -> usize {
        let of_transform = |operation: &Operation| match operation {
            Operation::Transform { operation, .. } => Some(operation.output_len() / self.output.len().max(1)),
            _ => None,
        };
        self.operations.iter().rev().find_map(of_transform).unwrap_or(1)
    }

    /// A layer that only gives its input another shape.
    pub fn view(output: Shape) -> Self {
        Self { output, variables: Vec::new(), operations: Vec::new(), penalty: None }
    }

    /// A layer without variables that works in place.
    pub fn in_place(shape: &Shape, operation: impl InPlace + 'static) -> Self {
        let operations = vec![Operation::InPlace(Arc::new(operation))];
        Self { output: shape.clone(), variables: Vec::new(), operations, penalty: None }
    }

    /// A layer with weights: its transforms, then its activation, then its activity regularizer.
    ///
    /// # Errors
    /// Where one of the latter two is not known or does not fit.
    pub fn weighted(
        output: Shape,
        variables: Vec<Variable>,
        mut operations: Vec<Operation>,
        activation: &Argument<Function>,
        activity_regularizer: Option<&Argument<Regularizer>>,
    ) -> Result<Self, String> {
        let activation = activation.get()?;
        activation.check()?;
        operations.extend(activation.operation(&output));
        if let Some(regularizer) = activity_regularizer {
            let regularizer = regularizer.get()?.clone();
            regularizer.check().map_err(|message| format!("activity_regularizer: {message}"))?;
            operations.push(Operation::in_place(ActivityRegularization(regularizer)));
        }
        Ok(Self { output, variables, operations, penalty: None })
    }

    /// A layer without variables that gives another output.
    pub fn transform(output: Shape, operation: impl Transform + 'static) -> Self {
        let operations = vec![Operation::transform(operation, 0..0)];
        Self { output, variables: Vec::new(), operations, penalty: None }
    }
}

impl Operation {
    /// A transform that has these of the layer's variables.
    pub fn transform(operation: impl Transform + 'static, variables: Range<usize>) -> Self {
        Self::Transform { operation: Arc::new(operation), variables }
    }

    /// An operation that works in place.
    pub fn in_place(operation: impl InPlace + 'static) -> Self {
        Self::InPlace(Arc::new(operation))
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
    /// A variable that training changes, with a layer's arguments for it.
    ///
    /// # Errors
    /// Where one of them is not known or does not fit.
    pub fn weights(
        name: &'static str,
        shape: Vec<usize>,
        initializer: &Argument<Initializer>,
        regularizer: Option<&Argument<Regularizer>>,
        constraint: Option<&Argument<Constraint>>,
    ) -> Result<Self, String> {
        let variable = Self {
            name,
            shape,
            initializer: initializer.get()?.clone(),
            regularizer: regularizer.map(|regularizer| regularizer.get().cloned()).transpose()?,
            constraint: constraint.map(|constraint| constraint.get().cloned()).transpose()?,
            trainable: true,
        };
        variable.check()?;
        Ok(variable)
    }

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
