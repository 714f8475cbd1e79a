use super::*;
use crate::engine::Variables;
use crate::layers::testing::{self, training};
use crate::layers::{Conv2D, Dense, Dropout, Transform, from_config};

#[test]
fn behaves_as_a_layer() {
    testing::check(&ConcreteDropout::new(Dense::new(3)), &[&[4], &[3, 2]]);
    testing::check(&ConcreteDropout::new(Dense::new(2).use_bias(false)).seed(7), &[&[5]]);
    let spatial = ConcreteDropout::new(Conv2D::new(2, 2)).spatial(true);
    testing::check(&spatial, &[&[3, 3, 2]]);
}

#[test]
fn the_penalty_is_the_papers_and_its_gradient_is_its_slope() {
    let layer = ConcreteDropout::new(Dense::new(3)).weight_regularizer(0.02).dropout_regularizer(0.3);
    let kernel = [0.5_f32, -1.0, 0.25, 2.0, -0.5, 1.5];
    let squares: f64 = kernel.iter().map(|&w| f64::from(w * w)).sum();
    for logit in [-3.0_f32, -0.5, 0.0, 1.25] {
        let values = [&kernel[..], &[7.0; 3], &[logit]].concat();
        let p = 1.0 / (1.0 + f64::from(-logit).exp());
        let entropy = p * p.ln() + (1.0 - p) * (1.0 - p).ln();
        let expected = 0.02 * squares / (1.0 - p) + 0.3 * 2.0 * entropy;
        let came = testing::penalty(&layer, &[2], &values);
        assert!((came - expected).abs() < 1e-9, "{came}, expected {expected}");
    }
    testing::check_penalty(&layer, &[2]);
    testing::check_penalty(&ConcreteDropout::new(Conv2D::new(2, 2)).spatial(true), &[3, 3, 2]);
}

/// P(z > ½) = p, whatever the temperature. ±4.89 standard deviations of the binomial distribution: over fresh seeds one of
/// the four would be exceeded with a probability of 4e-6.
#[test]
fn half_or_more_is_dropped_as_often_as_the_rate_says() {
    for rate in [0.1, 0.5] {
        for temperature in [0.1, 2.0 / 3.0] {
            let (rows, len) = (1 << 10, 64);
            let kept = Relax { source: Source::new(None), len, draws: len, temperature };
            let logit = [f64::ln(rate / (1.0 - rate)) as f32];
            let (mut y, mut scratch) = (vec![0.0; rows * len], vec![0.0; len]);
            let variables = Variables::new(&logit, std::slice::from_ref(&(0..1)));
            kept.forward(&training(4), variables, &vec![1.0; rows * len], &mut y, &mut scratch);
            let half = 0.5 / (1.0 - rate) as f32;
            let (dropped, n) = (y.iter().filter(|&&y| y < half).count() as f64, (rows * len) as f64);
            let deviation = (dropped - n * rate) / (n * rate * (1.0 - rate)).sqrt();
            assert!(deviation.abs() < 4.89, "rate {rate}, temperature {temperature}: {dropped} of {n}");
        }
    }
}

#[test]
fn weights_of_the_penalty_come_from_the_prior() {
    let of = |layer: ConcreteDropout| layer.regularizers().unwrap();
    let dense = || ConcreteDropout::new(Dense::new(3));
    assert_eq!(of(dense()), [1e-6, 1e-5]);
    assert_eq!(of(dense().regression(0.1, 4.0, 100)), [0.1 * 0.1 / 400.0, 0.005]);
    assert_eq!(of(dense().classification(0.1, 100)), [0.1 * 0.1 / 100.0, 0.01]);
    assert_eq!(of(dense().classification(0.1, 100).dropout_regularizer(0.5)), [0.1 * 0.1 / 100.0, 0.5]);
}

/// Whoever knows the number of samples tells it; what was said before stays.
#[test]
fn samples_are_told_where_they_are_asked_for() {
    let read =
        |config| from_config("ConcreteDropout", serde_json::Value::as_object(&config).unwrap()).unwrap();
    let dense = serde_json::json!({"class": "Dense", "units": 3});
    let mut layer = read(serde_json::json!({"layer": dense, "length_scale": 0.1}));
    assert!(layer.tell_samples(50));
    assert_eq!(layer.config()["samples"], 50);
    assert!(!layer.tell_samples(60));
    assert_eq!(layer.config()["samples"], 50);
    assert!(!read(serde_json::json!({"layer": dense})).tell_samples(50));
}

#[test]
fn bad_arguments_are_explained() {
    let dense = || ConcreteDropout::new(Dense::new(3));
    for (layer, message) in [
        (ConcreteDropout::default(), "ConcreteDropout wraps a layer: give it as `layer`"),
        (
            ConcreteDropout::new(Dropout::new(0.5)),
            "ConcreteDropout must wrap a layer with one kernel, such as Dense or Conv2D, got Dropout",
        ),
        (
            ConcreteDropout::new(dense()),
            "ConcreteDropout must wrap a layer with one kernel, such as Dense or Conv2D, got ConcreteDropout",
        ),
        (ConcreteDropout::new(Dense::new(0)), "Dense: units must be a positive integer, got 0"),
        (dense().initial_rate(0.0), "initial_rate must be within (0, 1), where its logit is finite, got 0"),
        (dense().temperature(0.0), "temperature must be from 1.2e-38 to 3.4e38, got 0.0"),
        (dense().temperature(1e-40), "temperature must be from 1.2e-38 to 3.4e38, got 1e-40"),
        (dense().classification(0.0, 100), "length_scale must be positive, got 0"),
        (dense().regression(0.1, -1.0, 100), "precision must be positive, got -1"),
        (
            dense().classification(0.1, 0),
            "length_scale needs samples, the number of training samples, at least 1: got 0",
        ),
        (
            ConcreteDropout { length_scale: Some(0.1), ..dense() },
            "length_scale needs samples, the number of training samples, at least 1: got none",
        ),
        (ConcreteDropout { samples: Some(5), ..dense() }, "samples goes with a length_scale, got none"),
        (
            dense().weight_regularizer(-1.0),
            "weight_regularizer must be a number that is not negative, got -1",
        ),
        (
            dense().spatial(true),
            "expected maps of shape (rows, columns, channels), got samples of shape (None, 4): for images \
             without an axis of channels, put a Reshape before",
        ),
    ] {
        testing::fails(&layer, &[4], message);
    }
}
