//! What a model's outputs say of an input.

use serde_json::Value;

use crate::losses::Link;
use crate::model::Sequential;

/// The distribution that a model's outputs are the parameters of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distribution {
    /// One class of several, along the last axis of `classes` outputs.
    Categorical { classes: usize, from_logits: bool },
    /// Each output says of a label how probable it is.
    Bernoulli { from_logits: bool },
    /// Numbers.
    Real,
}

impl Distribution {
    /// What follows from how a built model ends, else from its loss. `outputs` are the last axis's.
    pub(super) fn of(model: &Sequential, outputs: usize) -> Self {
        let compiled = model.compile_config().ok();
        let loss = compiled.as_ref().map_or(&Value::Null, |compiled| &compiled["loss"]);
        let from_logits = loss["config"]["from_logits"] == true;
        match (model.link(), loss["class_name"].as_str()) {
            (Some(Link::Softmax), _) => Self::Categorical { classes: outputs, from_logits: false },
            (Some(Link::Sigmoid), _) => Self::Bernoulli { from_logits: false },
            (None, Some("CategoricalCrossentropy" | "SparseCategoricalCrossentropy")) => {
                Self::Categorical { classes: outputs, from_logits }
            }
            (None, Some("BinaryCrossentropy")) => Self::Bernoulli { from_logits },
            _ => Self::Real,
        }
    }

    /// Writes the probabilities that outputs stand for.
    pub(super) fn probabilities(self, outputs: &[f32], probabilities: &mut [f64]) {
        for (p, &output) in probabilities.iter_mut().zip(outputs) {
            *p = f64::from(output);
        }
        match self {
            Self::Categorical { classes, from_logits: true } => {
                for row in probabilities.chunks_exact_mut(classes) {
                    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    row.iter_mut().for_each(|z| *z = (*z - largest).exp());
                    let sum: f64 = row.iter().sum();
                    row.iter_mut().for_each(|p| *p /= sum);
                }
            }
            Self::Bernoulli { from_logits: true } => {
                probabilities.iter_mut().for_each(|z| *z = 1.0 / (1.0 + (-*z).exp()));
            }
            _ => {}
        }
    }

    /// The entropy in nats of what has these probabilities: the sum over independent labels or places. Not a number where one of
    /// them is none.
    pub(super) fn entropy(self, probabilities: &[f64]) -> f64 {
        // The limit of p·ln p at 0 is 0; rounding may leave p a hair's breadth outside of 0 and 1.
        let term = |p: f64| if p <= 0.0 { 0.0 } else { -p * p.ln() };
        let terms = probabilities.iter().map(|&p| match self {
            Self::Bernoulli { .. } => term(p) + term(1.0 - p),
            _ => term(p),
        });
        let sum: f64 = terms.sum();
        if sum < 0.0 { 0.0 } else { sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    fn of(activation: &str, units: usize, loss: Option<serde_json::Value>) -> Distribution {
        let mut model = Sequential::new().add(Dense::new(units).activation(activation).input_shape([4]));
        match loss {
            Some(loss) => model.compile("sgd", loss, [""; 0]).unwrap(),
            None => model.build().unwrap(),
        }
        Distribution::of(&model, units)
    }

    #[test]
    fn it_follows_from_the_last_activation_or_the_loss() {
        use serde_json::json;
        let categorical = |from_logits| Distribution::Categorical { classes: 3, from_logits };
        let bernoulli = |from_logits| Distribution::Bernoulli { from_logits };
        assert_eq!(of("softmax", 3, None), categorical(false));
        assert_eq!(of("sigmoid", 3, None), bernoulli(false));
        let logits = |class: &str| Some(json!({"class": class, "from_logits": true}));
        assert_eq!(of("linear", 3, logits("SparseCategoricalCrossentropy")), categorical(true));
        assert_eq!(of("linear", 3, logits("BinaryCrossentropy")), bernoulli(true));
        assert_eq!(of("linear", 3, Some(json!("mse"))), Distribution::Real);
        assert_eq!(of("linear", 3, None), Distribution::Real);
    }

    #[test]
    fn entropies_are_those_of_the_definition() {
        let categorical = Distribution::Categorical { classes: 4, from_logits: false };
        assert!((categorical.entropy(&[0.25; 4]) - 4_f64.ln()).abs() < 1e-15);
        assert_eq!(categorical.entropy(&[0.0, 1.0, 0.0, 0.0]), 0.0);
        let bernoulli = Distribution::Bernoulli { from_logits: false };
        assert!((bernoulli.entropy(&[0.5, 1.0]) - 2_f64.ln()).abs() < 1e-15);
        assert!(categorical.entropy(&[f64::NAN, 0.0, 0.0, 1.0]).is_nan());
        assert!(bernoulli.entropy(&[f64::NAN]).is_nan());
    }

    #[test]
    fn logits_become_probabilities_without_overflow() {
        let mut probabilities = [0.0; 2];
        Distribution::Categorical { classes: 2, from_logits: true }
            .probabilities(&[1e4, 1e4], &mut probabilities);
        assert_eq!(probabilities, [0.5, 0.5]);
        Distribution::Bernoulli { from_logits: true }.probabilities(&[-1e4, 0.0], &mut probabilities);
        assert_eq!(probabilities, [0.0, 0.5]);
    }
}
