//! The rates of a model's layers that follow schedules.

use serde_json::Value;

use super::Rate;
use crate::layers::{self, Layer};

/// Each rate that a schedule gives at a step, as `LAYER ARGUMENT` (`dropout rate`). Layers within a layer count to it.
pub(crate) fn scheduled(layers: &[Box<dyn Layer>], step: u64) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    for (layer, name) in layers.iter().zip(layers::names(layers).unwrap_or_default()) {
        for (argument, value) in layer.config() {
            search(&value, &argument, &mut |argument, rate| {
                found.push((format!("{name} {argument}"), rate.at(step)));
            });
        }
    }
    found
}

fn search(value: &Value, argument: &str, found: &mut impl FnMut(&str, Rate)) {
    match value {
        Value::Object(entries) => match serde_json::from_value(value.clone()) {
            Ok(rate @ Rate::Schedule(_)) => found(argument, rate),
            _ => entries.iter().for_each(|(argument, value)| search(value, argument, found)),
        },
        Value::Array(list) => list.iter().for_each(|value| search(value, argument, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Dense, Dropout, Residual, SpatialDropout1D};
    use crate::schedules::Linear;

    #[test]
    fn rates_that_change_are_found_wherever_they_are() {
        let rate = || Linear::new(0.0, 0.5, 10);
        let layers: Vec<Box<dyn Layer>> = vec![
            Box::new(Dense::new(3).kernel_initializer("he_normal")),
            Box::new(Dropout::new(0.2)),
            Box::new(Dropout::new(rate())),
            Box::new(Residual::new().add(SpatialDropout1D::new(rate()))),
        ];
        let expected = [("dropout_1 rate".to_owned(), 0.25), ("residual rate".to_owned(), 0.25)];
        assert_eq!(scheduled(&layers, 5), expected);
    }
}
