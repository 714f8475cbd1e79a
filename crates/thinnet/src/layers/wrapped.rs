//! A layer as another one's argument.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Built, Layer, Operation, from_value, to_keras};
use crate::shape::Shape;

/// The layer that another one wraps; none until it is given.
#[derive(Clone, Default)]
pub(super) struct Wrapped(Option<Box<dyn Layer>>);

impl Wrapped {
    pub(super) fn new(layer: impl Layer + 'static) -> Self {
        Self(Some(Box::new(layer)))
    }

    pub(super) fn class_name(&self) -> Option<&'static str> {
        self.0.as_ref().map(|layer| layer.class_name())
    }

    /// The layer's variables and operations for an input, and which variable is its kernel. `class` wraps it.
    pub(super) fn build(&self, class: &str, input: &Shape) -> Result<(Built, usize), String> {
        let Some(layer) = &self.0 else {
            return Err(format!("{class} wraps a layer: give it as `layer`"));
        };
        let name = layer.class_name();
        let mut built = layer.build(input).map_err(|message| format!("{name}: {message}"))?;
        let holds_others =
            built.operations.iter().any(|operation| matches!(operation, Operation::Residual { .. }));
        let kernel = built.variables.iter().position(|variable| variable.name == "kernel");
        let Some(kernel) = kernel.filter(|_| !holds_others && built.penalty.is_none()) else {
            return Err(format!(
                "{class} must wrap a layer with one kernel, such as Dense or Conv2D, got {name}"
            ));
        };
        let trainable = layer.base().trainable;
        built.variables.iter_mut().for_each(|variable| variable.trainable &= trainable);
        Ok((built, kernel))
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Wrapped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().map(|layer| to_keras(layer.as_ref())).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Wrapped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<Value>::deserialize(deserializer)?;
        value.map(|value| from_value(&value).map_err(D::Error::custom)).transpose().map(Self)
    }
}
