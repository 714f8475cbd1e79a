//! What layers are called.

use std::collections::HashMap;

use super::Layer;
use crate::config::snake_case;
use crate::error::Problem;

/// The layers' names as given, else Keras's: the class in snake case, with a running number from the second on.
///
/// # Errors
/// Names that are empty, contain a `/` or stand twice.
pub(crate) fn names(layers: &[Box<dyn Layer>]) -> Result<Vec<String>, Vec<Problem>> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut names: Vec<String> = Vec::new();
    let mut problems = Vec::new();
    for layer in layers {
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
    if problems.is_empty() { Ok(names) } else { Err(problems) }
}
