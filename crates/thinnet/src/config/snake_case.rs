//! Classes' names in snake case.

/// Keras's default names: `GaussianDropout` is `gaussian_dropout`, `ReLU` is `re_lu`, `Conv2D` is `conv2d`.
pub(crate) fn snake_case(class: &str) -> String {
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
            ("KLDivergence", "kl_divergence"),
        ] {
            assert_eq!(snake_case(class), name);
        }
    }
}
