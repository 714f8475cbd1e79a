use std::ops::Range;

use super::*;
use crate::activations::Tanh;
use crate::engine::Variables;
use crate::layers::testing::{self, inference, training};

#[test]
fn behaves_as_a_layer() {
    for form in [VariationalForm::Sparse, VariationalForm::Layer] {
        testing::check(&VariationalDropout::new(3).form(form).kl_weight(0.0), &[&[1], &[4]]);
        let layer =
            VariationalDropout::new(2).form(form).use_bias(false).activation(Tanh).kl_weight(0.0).seed(7);
        testing::check(&layer, &[&[5]]);
    }
}

const WEIGHTS: [f32; 4] = [0.5, -1.0, 2.0, 0.75];

/// The variables of two inputs and two units.
fn values(form: VariationalForm, noise: f32) -> Vec<f32> {
    match form {
        VariationalForm::Sparse => {
            [&WEIGHTS[..], &[noise, noise - 1.0, noise + 1.0, noise], &[0.5, 0.0]].concat()
        }
        VariationalForm::Layer => [&WEIGHTS[..], &[noise], &[0.5, 0.0]].concat(),
    }
}

fn ranges(form: VariationalForm) -> [Range<usize>; 3] {
    match form {
        VariationalForm::Sparse => [0..4, 4..8, 8..10],
        VariationalForm::Layer => [0..4, 4..5, 5..7],
    }
}

#[test]
fn the_penalty_is_the_papers_and_its_gradient_is_its_slope() {
    for form in [VariationalForm::Sparse, VariationalForm::Layer] {
        let layer = VariationalDropout::new(2).form(form).kl_weight(0.5);
        for noise in [-4.0, -0.5, 1.5] {
            let values = values(form, noise);
            let of_alpha = |log_alpha: f64| match form {
                VariationalForm::Sparse => {
                    let gate = 1.0 / (1.0 + (-(1.87320 + 1.48695 * log_alpha)).exp());
                    0.63576 + 0.5 * (1.0 + (-log_alpha).exp()).ln() - 0.63576 * gate
                }
                VariationalForm::Layer => {
                    let a = log_alpha.exp().min(1.0);
                    -(0.5 * a.ln() + 1.161_451_24 * a - 1.502_041_18 * a * a + 0.586_299_21 * a * a * a)
                }
            };
            let each = (0..4).map(|element| match form {
                VariationalForm::Sparse => {
                    of_alpha(f64::from(values[4 + element]) - f64::from(WEIGHTS[element].powi(2) + TINY).ln())
                }
                VariationalForm::Layer => of_alpha(f64::from(values[4])),
            });
            let expected = 0.5 * each.sum::<f64>();
            let came = testing::penalty(&layer, &[2], &values);
            assert!((came - expected).abs() < 1e-6, "{form:?}: {came}, expected {expected}");
            let penalty = layer.build(&2.into()).unwrap().penalty.unwrap();
            let ranges = ranges(form);
            for (variable, range) in ranges.iter().enumerate() {
                for e in range.clone() {
                    let mut gradient = [0.0];
                    let variables = Variables::new(&values, &ranges);
                    penalty.add_gradient(variables, variable, e - range.start, &mut gradient);
                    let at = |h: f32| {
                        let mut moved = values.clone();
                        moved[e] += h;
                        testing::penalty(&layer, &[2], &moved)
                    };
                    let h = 1.0 / 128.0;
                    let slope =
                        (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * f64::from(h));
                    let error = (f64::from(gradient[0]) - slope).abs();
                    assert!(error < 1e-4, "{form:?}, element {e}: {}, expected {slope}", gradient[0]);
                }
            }
        }
    }
}

/// Over fresh seeds each of the eight bounds (5 standard errors) would be exceeded with a probability below 1e-6.
#[test]
fn units_have_the_mean_and_the_variance_of_noisy_weights() {
    let (n, x) = (1 << 16, [1.0_f32, -0.5]);
    for form in [VariationalForm::Sparse, VariationalForm::Layer] {
        let (values, ranges) = (values(form, -0.5), ranges(form));
        let built = VariationalDropout::new(2).form(form).kl_weight(0.0).build(&2.into()).unwrap();
        let Operation::Transform { operation, .. } = &built.operations[0] else { unreachable!() };
        let (mut y, mut scratch) = (vec![0.0; 2 * n], vec![0.0; operation.scratch(n)]);
        let variables = Variables::new(&values, &ranges);
        operation.forward(&training(1), variables, &x.repeat(n), &mut y, &mut scratch);
        for unit in 0..2 {
            let of_weight = |input: usize| match form {
                VariationalForm::Sparse => f64::from(values[4 + 2 * input + unit]).exp(),
                VariationalForm::Layer => (-0.5_f64).exp() * f64::from(WEIGHTS[2 * input + unit].powi(2)),
            };
            let variance = of_weight(0) + 0.25 * of_weight(1);
            let mean = f64::from(WEIGHTS[unit] - 0.5 * WEIGHTS[2 + unit]) + [0.5, 0.0][unit];
            let came = || y.iter().skip(unit).step_by(2).map(|&y| f64::from(y));
            let of_mean = came().sum::<f64>() / n as f64;
            let of_variance = came().map(|y| (y - mean).powi(2)).sum::<f64>() / n as f64;
            let error = 5.0 / (n as f64).sqrt();
            assert!((of_mean - mean).abs() < error * variance.sqrt(), "{of_mean}, expected {mean}");
            assert!((of_variance / variance - 1.0).abs() < error * 2f64.sqrt(), "{of_variance}, {variance}");
        }
    }
}

#[test]
fn weights_without_information_count_as_zero_in_inference() {
    // ln α: 3.1 + 1.39, 2.1, 4.1 − 1.39, 3.1 + 0.58.
    let values = values(VariationalForm::Sparse, 3.1);
    let ranges = ranges(VariationalForm::Sparse);
    let built = VariationalDropout::new(2).kl_weight(0.0).build(&2.into()).unwrap();
    let Operation::Transform { operation, .. } = &built.operations[0] else { unreachable!() };
    let (mut y, mut scratch) = ([0.0; 2], vec![0.0; operation.scratch(1)]);
    let variables = Variables::new(&values, &ranges);
    operation.forward(&inference(), variables, &[1.0, 10.0], &mut y, &mut scratch);
    assert_eq!(y, [20.5, -1.0]);
    assert_eq!(built.penalty.unwrap().report(variables), Some(("sparsity", 0.5)));
}

#[test]
fn bad_arguments_are_explained() {
    for (layer, message) in [
        (VariationalDropout::new(2), "kl_weight must be given: 1/N for N training samples, got none"),
        (VariationalDropout::new(0), "expected at least one input and one unit, got 3 and 0"),
        (
            VariationalDropout::new(2).kl_weight(-1.0),
            "kl_weight must be a number that is not negative, got -1",
        ),
        (
            VariationalDropout::new(2).kl_weight(0.0).form("sprase"),
            "unknown form of variational dropout `sprase`: did you mean `sparse`?",
        ),
        (
            VariationalDropout::new(2).kl_weight(0.0).threshold(f64::INFINITY),
            "threshold must be a finite number, got inf",
        ),
    ] {
        testing::fails(&layer, &[3], message);
    }
}

#[test]
fn the_divergence_s_weight_is_that_of_the_samples_unless_it_is_given() {
    let mut layer = VariationalDropout::new(2);
    assert!(layer.tell_samples(50));
    assert_eq!(layer, VariationalDropout::new(2).kl_weight(0.02));
    assert!(!layer.tell_samples(60));
}
