//! Building: shapes, names, variables, the plan.

use std::collections::HashMap;

use super::{BuiltModel, Sequential};
use crate::engine::{Parameters, Plan, PlannedLayer};
use crate::error::{Error, Problem, Result};
use crate::layers::Built;
use crate::random::{Domain, Stream};
use crate::shape::Shape;

impl Sequential {
    /// Checks all layers, gives them their names and their variables their initial values. Does nothing where the
    /// model is built already; [`compile`](Self::compile) builds by itself.
    ///
    /// # Errors
    /// [`Error::Model`] with everything that is wrong, layer by layer.
    pub fn build(&mut self) -> Result<()> {
        if self.built.is_some() {
            return Ok(());
        }
        let names = self.layer_names()?;
        let input = self.first_shape(&names)?;
        let mut problems = Vec::new();
        let mut built: Vec<Built> = Vec::new();
        let mut shape = input.clone();
        for (layer, name) in self.layers.iter().zip(&names) {
            match layer.build(&shape) {
                Ok(layer) => {
                    shape = layer.output.clone();
                    built.push(layer);
                }
                Err(message) => {
                    problems.push(Problem::new(name, message));
                    // What follows is checked against the last shape that is known.
                    built.push(Built::view(shape.clone()));
                }
            }
        }
        if !problems.is_empty() {
            return Err(Error::Model(problems));
        }
        // More would end the program, not the call, when memory is asked for.
        const MOST: usize = 1 << 32;
        let sizes = built
            .iter()
            .flat_map(|layer| &layer.variables)
            .map(|variable| variable.shape.iter().fold(1_usize, |size, &axis| size.saturating_mul(axis)));
        let widths = built.iter().map(|layer| layer.output.len());
        let largest = sizes.clone().fold(0, usize::saturating_add).max(widths.max().unwrap_or(0));
        if largest > MOST {
            let message =
                format!("the model needs {largest} numbers in one place, more than {MOST}: make it smaller");
            return Err(Error::Model(vec![Problem::new(&self.name, message)]));
        }
        let wanted = names.iter().zip(&self.layers).zip(&built);
        let wanted = wanted
            .map(|((name, layer), built)| (name.as_str(), layer.base().trainable, &built.variables[..]));
        let parameters = Parameters::new(wanted, self.seed);
        let layers = names.into_iter().zip(built.iter().map(|built| built.output.clone())).collect();
        // A layer's stream does not depend on whether the input's shape is given by a layer of its own.
        let inputs = usize::from(self.layers[0].class_name() == "InputLayer");
        let planned = built.into_iter().enumerate().map(|(index, built)| PlannedLayer {
            built,
            stream: Stream::new(self.seed, Domain::Layer(index.saturating_sub(inputs) as u32)),
            ranges: parameters.entries.iter().filter(|e| e.layer == index).map(|e| e.range.clone()).collect(),
            trainable: self.layers[index].base().trainable,
        });
        let plan = Plan::new(&input, planned.collect());
        self.built = Some(BuiltModel { input, layers, parameters, plan });
        Ok(())
    }

    /// The layers' names as given, else Keras's: the class in snake case, with a running number from the second on.
    pub(super) fn layer_names(&self) -> Result<Vec<String>> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut names: Vec<String> = Vec::new();
        let mut problems = Vec::new();
        for layer in &self.layers {
            let name = layer.base().name.clone().unwrap_or_else(|| {
                let count = counts.entry(layer.class_name()).or_default();
                *count += 1;
                match *count {
                    1 => snake_case(layer.class_name()),
                    count => format!("{}_{}", snake_case(layer.class_name()), count - 1),
                }
            });
            if name.is_empty() || name.contains('/') {
                problems.push(Problem::new(&name, "a layer's name must not be empty nor contain `/`"));
            } else if names.contains(&name) {
                problems.push(Problem::new(&name, "two layers have this name: give each its own"));
            }
            names.push(name);
        }
        if problems.is_empty() { Ok(names) } else { Err(Error::Model(problems)) }
    }

    fn first_shape(&self, names: &[String]) -> Result<Shape> {
        let Some(first) = self.layers.first() else {
            return Err(Error::Model(vec![Problem::new(&self.name, "the model has no layers: add some")]));
        };
        let Some(shape) = &first.base().input_shape else {
            let message = "the first layer's input shape is not known: start with Input::new(shape), \
                           or call input_shape(shape) on the layer";
            return Err(Error::Model(vec![Problem::new(&names[0], message)]));
        };
        let shape = Shape::from(shape.clone());
        if shape.is_empty() {
            let message = format!("expected an input shape without zeros, got {shape}");
            return Err(Error::Model(vec![Problem::new(&names[0], message)]));
        }
        Ok(shape)
    }
}

/// Keras's default names: `GaussianDropout` is `gaussian_dropout`, `ReLU` is `re_lu`, `Conv2D` is `conv2d`.
fn snake_case(class: &str) -> String {
    let chars: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (index, &c) in chars.iter().enumerate() {
        let follows_lower = index > 0 && chars[index - 1].is_lowercase();
        let begins_word = index > 0
            && chars[index - 1].is_uppercase()
            && chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (follows_lower || begins_word) {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_are_keras_s() {
        for (class, name) in [
            ("Dense", "dense"),
            ("GaussianDropout", "gaussian_dropout"),
            ("ReLU", "re_lu"),
            ("ELU", "elu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("SpatialDropout2D", "spatial_dropout2d"),
            ("InputLayer", "input_layer"),
        ] {
            assert_eq!(snake_case(class), name);
        }
    }
}
