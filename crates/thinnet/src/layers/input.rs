//! The model's entrance.

use serde::{Deserialize, Serialize};

use super::{Base, Built, Layer, base_methods, layer_methods};
use crate::shape::Shape;

/// Says which shape a sample has; does nothing to it. Keras's class is `InputLayer`.
///
/// ```
/// use thinnet::layers::{Input, Layer};
/// let input = Input::new([28, 28]);
/// assert_eq!(input.base().input_shape, Some(vec![28, 28]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    #[serde(skip)]
    base: Base,
}

impl Input {
    /// For samples of this shape (without the batch axis).
    pub fn new(shape: impl Into<Shape>) -> Self {
        Self::default().input_shape(shape)
    }

    base_methods!();
}

impl Layer for Input {
    layer_methods!("InputLayer");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        if input.is_empty() {
            return Err(format!("every axis of a sample must have a size of at least 1, got {input}"));
        }
        match &self.base.input_shape {
            Some(shape) if shape != input.axes() => {
                Err(format!("expected samples of shape {}, got {input}", Shape::from(shape.as_slice())))
            }
            _ => Ok(Built::view(input.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Input::new([2, 3]), &[&[2, 3]]);
    }

    #[test]
    fn shapes_that_do_not_meet_are_explained() {
        testing::fails(&Input::new(3), &[2], "expected samples of shape (None, 3), got (None, 2)");
        testing::fails(
            &Input::new([3, 0]),
            &[3, 0],
            "every axis of a sample must have a size of at least 1, got (None, 3, 0)",
        );
    }
}
