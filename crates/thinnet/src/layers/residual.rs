//! `Residual`: a stack of layers added to its input.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{
    Base, Built, Layer, Nested, Operation, base_methods, from_value, layer_methods, names, to_keras,
};
use crate::error::Problem;
use crate::shape::Shape;

/// stack(x) + x, or stack(x) + projection(x) where the stack's output has another shape than its input.
///
/// He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition". With it, deep networks are written without a
/// graph; Keras has no such layer (its configuration is read and written under this name).
///
/// The stack's variables are named `RESIDUAL/LAYER/VARIABLE`. Residual containers may hold others. Where one is not
/// `trainable`, no layer in it is.
///
/// ```
/// use thinnet::prelude::*;
/// let block = Residual::new()
///     .add(Conv2D::new(32, 3).strides(2).padding(Padding::Same))
///     .add(BatchNormalization::new())
///     .add(ReLU::new())
///     .add(Conv2D::new(32, 3).padding(Padding::Same))
///     .projection(Conv2D::new(32, 1).strides(2));
/// assert_eq!(block.build(&Shape::from([8, 8, 16])).unwrap().output, Shape::from([4, 4, 32]));
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Residual {
    #[serde(skip)]
    base: Base,
    layers: Stack,
    projection: Stack,
}

/// Layers, one behind the other.
#[derive(Clone, Default)]
struct Stack(Vec<Box<dyn Layer>>);

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Stack {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|layer| to_keras(layer.as_ref())))
    }
}

impl<'de> Deserialize<'de> for Stack {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let layers = Vec::<Value>::deserialize(deserializer)?;
        let layers: Result<_, _> = layers.iter().map(from_value).collect();
        layers.map(Self).map_err(D::Error::custom)
    }
}

impl Residual {
    /// Without layers: add some.
    pub fn new() -> Self {
        Self::default()
    }

    base_methods!();

    /// Puts a layer on top of the stack.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "as for `Sequential`")]
    pub fn add(mut self, layer: impl Layer + 'static) -> Self {
        self.layers.0.push(Box::new(layer));
        self
    }

    /// Puts a layer on top of those that bring the input into the shape of the stack's output. Default: none, the input is
    /// added as it is.
    #[must_use]
    pub fn projection(mut self, layer: impl Layer + 'static) -> Self {
        self.projection.0.push(Box::new(layer));
        self
    }
}

impl Stack {
    /// Builds the layers; `names` are theirs. None of them is trainable where the container is not.
    fn build(
        &self,
        names: &[String],
        input: &Shape,
        trainable: bool,
    ) -> Result<(Vec<Nested>, Shape), String> {
        let mut shape = input.clone();
        let mut nested = Vec::new();
        for (layer, name) in self.0.iter().zip(names) {
            // The layer must know: what it does may depend on it, as BatchNormalization's moving averages do.
            let mut layer = layer.clone();
            layer.base_mut().trainable &= trainable;
            let built = layer.build(&shape).map_err(|message| format!("{name}: {message}"))?;
            if built.copies() > 1 {
                return Err(format!("{name} must be the model's last layer, not one of a stack"));
            }
            shape = built.output.clone();
            nested.push(Nested { name: name.clone(), trainable: layer.base().trainable, built });
        }
        Ok((nested, shape))
    }
}

impl Layer for Residual {
    layer_methods!("Residual");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        if self.layers.0.is_empty() {
            return Err("the stack has no layers: add some".into());
        }
        let all: Vec<_> = self.layers.0.iter().chain(&self.projection.0).cloned().collect();
        let names = names(&all)
            .map_err(|problems| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "))?;
        let (of_stack, of_projection) = names.split_at(self.layers.0.len());
        let (stack, output) = self.layers.build(of_stack, input, self.base.trainable)?;
        let (projection, shortcut) = self.projection.build(of_projection, input, self.base.trainable)?;
        if output != shortcut {
            let what = if projection.is_empty() { "the input" } else { "the projection's output" };
            return Err(format!(
                "the stack's output {output} and {what} {shortcut} must have one shape to be added: change the stack, or give a \
                 projection"
            ));
        }
        Ok(Built {
            output,
            variables: Vec::new(),
            operations: vec![Operation::Residual { stack, projection }],
            penalty: None,
        })
    }

    fn tell_samples(&mut self, samples: usize) -> bool {
        let layers = self.layers.0.iter_mut().chain(&mut self.projection.0);
        layers.fold(false, |asked, layer| layer.tell_samples(samples) | asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::fails;
    use crate::layers::{Dense, Dropout, VariationalDropout, from_config, to_config};

    #[test]
    fn layers_within_are_told_the_number_of_samples() {
        let block = || Residual::new().add(VariationalDropout::new(3)).add(VariationalDropout::new(3));
        fails(
            &block(),
            &[3],
            "variational_dropout: kl_weight must be given: 1/N for N training samples, got none",
        );
        let mut told = block();
        assert!(told.tell_samples(10));
        assert!(told.build(&3.into()).is_ok());
        assert!(!told.tell_samples(10));
    }

    #[test]
    fn its_configuration_survives_a_round_trip() {
        let layer = Residual::new().add(Dense::new(4).name("inner")).projection(Dense::new(4)).name("outer");
        let read = from_config("Residual", &to_config(&layer)).unwrap();
        assert_eq!(format!("{read:?}"), format!("{layer:?}"));
        let error =
            from_config("Residual", serde_json::json!({"layers": [{"class": "Dens"}]}).as_object().unwrap());
        assert_eq!(
            error.unwrap_err().to_string(),
            "Residual.layers: unknown layer `Dens`: did you mean `Dense`?"
        );
    }

    #[test]
    fn what_does_not_fit_is_explained() {
        fails(&Residual::new(), &[3], "the stack has no layers: add some");
        fails(
            &Residual::new().add(Dense::new(4)),
            &[3],
            "the stack's output (None, 4) and the input (None, 3) must have one shape to be added: change the stack, or \
             give a projection",
        );
        fails(
            &Residual::new().add(Dense::new(4)).projection(Dense::new(5)),
            &[3],
            "the stack's output (None, 4) and the projection's output (None, 5) must have one shape to be added: change the \
             stack, or give a projection",
        );
        fails(
            &Residual::new().add(Dropout::new(2.0)),
            &[3],
            "dropout: rate must be in [0, 1] (the fraction that is dropped), got 2",
        );
    }
}
