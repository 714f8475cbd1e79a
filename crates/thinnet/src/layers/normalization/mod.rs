//! Layers that bring their inputs to mean 0 and variance 1.

mod batch_normalization;
mod layer_normalization;

pub use batch_normalization::BatchNormalization;
pub use layer_normalization::LayerNormalization;

use crate::shape::Shape;

/// An axis of samples as 0, 1, …, from Keras's number, which counts the batch as axis 0 or from the end.
pub(super) fn axis(number: i64, input: &Shape) -> Result<usize, String> {
    let rank = input.rank() as i64;
    let axis = if number < 0 { number + rank } else { number - 1 };
    if !(0..rank).contains(&axis) {
        return Err(format!(
            "axis must be in 1..={rank} or -{rank}..=-1 for an input of {input}, got {number}"
        ));
    }
    Ok(axis as usize)
}

/// Checks what is added to the variance.
fn check_epsilon(epsilon: f64) -> Result<(), String> {
    if epsilon >= 0.0 && epsilon.is_finite() {
        return Ok(());
    }
    Err(format!("epsilon must be a number from 0 on, got {epsilon}"))
}

/// The builder methods and the variables that both layers have, for a struct with the fields of Keras's names.
macro_rules! normalization_methods {
    () => {
        /// What is added to the variance. Default: 0.001.
        #[must_use]
        pub fn epsilon(mut self, epsilon: f64) -> Self {
            self.epsilon = epsilon;
            self
        }

        /// Whether β is added. Default: true.
        #[must_use]
        pub fn center(mut self, center: bool) -> Self {
            self.center = center;
            self
        }

        /// Whether γ multiplies. Default: true.
        #[must_use]
        pub fn scale(mut self, scale: bool) -> Self {
            self.scale = scale;
            self
        }

        $crate::layers::weight_methods!("β", beta_initializer = "zeros", beta_regularizer, beta_constraint);

        $crate::layers::weight_methods!("γ", gamma_initializer = "ones", gamma_regularizer, gamma_constraint);

        /// γ and β of this shape, unless they are switched off.
        fn gamma_and_beta(&self, shape: &[usize]) -> Result<Vec<Variable>, String> {
            let mut variables = Vec::new();
            if self.scale {
                variables.push(Variable::weights(
                    "gamma",
                    shape.to_vec(),
                    &self.gamma_initializer,
                    self.gamma_regularizer.as_ref(),
                    self.gamma_constraint.as_ref(),
                )?);
            }
            if self.center {
                variables.push(Variable::weights(
                    "beta",
                    shape.to_vec(),
                    &self.beta_initializer,
                    self.beta_regularizer.as_ref(),
                    self.beta_constraint.as_ref(),
                )?);
            }
            Ok(variables)
        }
    };
}
use normalization_methods;
