//! The arguments of layers with kernels, a bias and an activation, and the builder methods for them.

use serde::{Deserialize, Serialize};

use super::{Built, Operation, Variable};
use crate::activations::Activation;
use crate::config::Argument;
use crate::constraints::Constraint;
use crate::initializers::Initializer;
use crate::regularizers::Regularizer;
use crate::shape::Shape;

/// Defines the arguments of layers with these kernels under Keras's names and in its order, which has all initializers
/// first. A layer holds them in a flattened field `weights`.
macro_rules! weights {
    ($(#[$meta:meta])* $name:ident {
        $($kernel:ident: $initializer:ident, $regularizer:ident, $constraint:ident;)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub(super) struct $name {
            pub(super) activation: Argument<Activation>,
            pub(super) use_bias: bool,
            $(pub(super) $initializer: Argument<Initializer>,)+
            pub(super) bias_initializer: Argument<Initializer>,
            $(pub(super) $regularizer: Option<Argument<Regularizer>>,)+
            pub(super) bias_regularizer: Option<Argument<Regularizer>>,
            pub(super) activity_regularizer: Option<Argument<Regularizer>>,
            $(pub(super) $constraint: Option<Argument<Constraint>>,)+
            pub(super) bias_constraint: Option<Argument<Constraint>>,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    activation: Activation::Linear.into(),
                    use_bias: true,
                    $($initializer: "glorot_uniform".into(),)+
                    bias_initializer: "zeros".into(),
                    $($regularizer: None,)+
                    bias_regularizer: None,
                    activity_regularizer: None,
                    $($constraint: None,)+
                    bias_constraint: None,
                }
            }
        }

        impl $name {
            /// The kernels, of these shapes, and a bias of some `units` unless it is switched off.
            pub(super) fn variables(
                &self,
                $($kernel: Vec<usize>,)+
                units: usize,
            ) -> Result<Vec<Variable>, String> {
                let mut variables = vec![$(Variable::weights(
                    stringify!($kernel),
                    $kernel,
                    &self.$initializer,
                    self.$regularizer.as_ref(),
                    self.$constraint.as_ref(),
                )?),+];
                if self.use_bias {
                    variables.push(Variable::weights(
                        "bias",
                        vec![units],
                        &self.bias_initializer,
                        self.bias_regularizer.as_ref(),
                        self.bias_constraint.as_ref(),
                    )?);
                }
                Ok(variables)
            }

            /// A layer of these transforms, with its activation and activity regularizer behind them.
            pub(super) fn built(
                &self,
                output: Shape,
                variables: Vec<Variable>,
                operations: Vec<Operation>,
            ) -> Result<Built, String> {
                let regularizer = self.activity_regularizer.as_ref();
                Built::weighted(output, variables, operations, &self.activation, regularizer)
            }
        }
    };
}

weights! {
    /// Of layers with one kernel.
    Weights {
        kernel: kernel_initializer, kernel_regularizer, kernel_constraint;
    }
}

weights! {
    /// Of a depthwise convolution, whose arguments do not have the name of its kernel.
    DepthwiseWeights {
        kernel: depthwise_initializer, depthwise_regularizer, depthwise_constraint;
    }
}

weights! {
    /// Of a separable convolution.
    SeparableWeights {
        depthwise_kernel: depthwise_initializer, depthwise_regularizer, depthwise_constraint;
        pointwise_kernel: pointwise_initializer, pointwise_regularizer, pointwise_constraint;
    }
}

/// The builder methods of layers with a field `weights`, but for those of their kernels.
macro_rules! activation_methods {
    () => {
        /// The function of the sums. Default: linear.
        #[must_use]
        pub fn activation(
            mut self,
            activation: impl Into<$crate::config::Argument<$crate::activations::Activation>>,
        ) -> Self {
            self.weights.activation = activation.into();
            self
        }

        /// Whether a bias is added. Default: true.
        #[must_use]
        pub fn use_bias(mut self, use_bias: bool) -> Self {
            self.weights.use_bias = use_bias;
            self
        }

        $crate::layers::weight_methods!(
            "bias" in weights,
            bias_initializer = "zeros",
            bias_regularizer,
            bias_constraint
        );

        /// What is added to the loss for the output, divided by the batch size. Default: nothing.
        #[must_use]
        pub fn activity_regularizer(
            mut self,
            regularizer: impl Into<$crate::config::Argument<$crate::regularizers::Regularizer>>,
        ) -> Self {
            self.weights.activity_regularizer = Some(regularizer.into());
            self
        }
    };
}
pub(crate) use activation_methods;

/// The builder methods for a variable's initializer, regularizer and constraint, which are the layer's own fields or those
/// of its field `place`.
macro_rules! weight_methods {
    (
        $what:literal $(in $place:ident)?,
        $initializer:ident = $default:literal,
        $regularizer:ident,
        $constraint:ident
    ) => {
        #[doc = concat!("How the ", $what, " starts. Default: `", $default, "`.")]
        #[must_use]
        pub fn $initializer(
            mut self,
            initializer: impl Into<$crate::config::Argument<$crate::initializers::Initializer>>,
        ) -> Self {
            self.$($place.)?$initializer = initializer.into();
            self
        }

        #[doc = concat!("What is added to the loss for the ", $what, ". Default: nothing.")]
        #[must_use]
        pub fn $regularizer(
            mut self,
            regularizer: impl Into<$crate::config::Argument<$crate::regularizers::Regularizer>>,
        ) -> Self {
            self.$($place.)?$regularizer = Some(regularizer.into());
            self
        }

        #[doc = concat!("What the ", $what, " is projected to after each update; Dropout's authors use ")]
        /// [`MaxNorm`](crate::constraints::MaxNorm). Default: nothing.
        #[must_use]
        pub fn $constraint(
            mut self,
            constraint: impl Into<$crate::config::Argument<$crate::constraints::Constraint>>,
        ) -> Self {
            self.$($place.)?$constraint = Some(constraint.into());
            self
        }
    };
}
pub(crate) use weight_methods;
