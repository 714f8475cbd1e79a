//! Building: shapes, names, variables, the plan.

use super::{BuiltModel, Sequential};
use crate::engine::{Parameters, Plan, PlannedLayer};
use crate::error::{Error, Problem, Result};
use crate::layers::{self, Built, Operation};
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
        let names = layers::names(&self.layers).map_err(Error::Model)?;
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
        for (built, name) in built.iter().zip(&names).rev().skip(1).filter(|(built, _)| built.copies() > 1) {
            let message = "must be the model's last layer: each of its masks has a loss of its own";
            problems.push(Problem::new(name, format!("{message}, and there are {}", built.copies())));
        }
        if !problems.is_empty() {
            return Err(Error::Model(problems));
        }
        let mut flat = Vec::new();
        for ((name, layer), built) in names.iter().zip(&self.layers).zip(&built) {
            flatten(name.clone(), layer.base().trainable, built, &mut flat);
        }
        // More would end the program, not the call, when memory is asked for.
        const MOST: usize = 1 << 32;
        let sizes = flat
            .iter()
            .flat_map(|layer| &layer.built.variables)
            .map(|variable| variable.shape.iter().fold(1_usize, |size, &axis| size.saturating_mul(axis)));
        let widths = flat.iter().map(|layer| layer.built.output.len());
        let largest = sizes.clone().fold(0, usize::saturating_add).max(widths.max().unwrap_or(0));
        if largest > MOST {
            let message =
                format!("the model needs {largest} numbers in one place, more than {MOST}: make it smaller");
            return Err(Error::Model(vec![Problem::new(&self.name, message)]));
        }
        let wanted = flat.iter().map(|layer| (&*layer.name, layer.trainable, &layer.built.variables[..]));
        let parameters = Parameters::new(wanted, self.seed);
        let plan = Plan::new(&input, &self.planned(&flat, &parameters));
        let names_of_plan = flat.iter().map(|layer| layer.name.clone()).collect();
        let layers = names.into_iter().zip(built.iter().map(|built| built.output.clone())).collect();
        let planned = names_of_plan;
        self.built = Some(BuiltModel { input, layers, answers: built, planned, parameters, plan });
        Ok(())
    }

    /// The layers as a plan takes them.
    pub(super) fn planned<'a>(&self, flat: &[Flat<'a>], parameters: &Parameters) -> Vec<PlannedLayer<'a>> {
        // A layer's stream does not depend on whether the input's shape is given by a layer of its own.
        let inputs = usize::from(self.layers[0].class_name() == "InputLayer");
        let entries = &parameters.entries;
        let planned = flat.iter().enumerate().map(|(index, layer)| PlannedLayer {
            built: layer.built,
            stream: Stream::new(self.seed, Domain::Layer(index.saturating_sub(inputs) as u32)),
            ranges: entries.iter().filter(|e| e.layer == index).map(|e| e.range.clone()).collect(),
            trainable: layer.trainable,
        });
        planned.collect()
    }

    /// The built model's layers, each with those within it behind it.
    pub(super) fn flat<'a>(&self, built: &'a BuiltModel) -> Vec<Flat<'a>> {
        let mut flat = Vec::new();
        for (((name, _), answer), layer) in built.layers.iter().zip(&built.answers).zip(&self.layers) {
            flatten(name.clone(), layer.base().trainable, answer, &mut flat);
        }
        flat
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

/// A layer, or a layer within a layer.
pub(super) struct Flat<'a> {
    pub(super) name: String,
    trainable: bool,
    pub(super) built: &'a Built,
}

/// A layer and those within it, each behind the one that holds it.
fn flatten<'a>(name: String, trainable: bool, built: &'a Built, flat: &mut Vec<Flat<'a>>) {
    flat.push(Flat { name: name.clone(), trainable, built });
    for operation in &built.operations {
        if let Operation::Residual { stack, projection } = operation {
            for nested in stack.iter().chain(projection) {
                let name = format!("{name}/{}", nested.name);
                flatten(name, trainable && nested.trainable, &nested.built, flat);
            }
        }
    }
}
