//! What layers are called.

use std::collections::HashMap;

use super::Layer;
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
