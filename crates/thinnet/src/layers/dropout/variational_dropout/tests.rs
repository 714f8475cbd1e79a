use std::ops::Range;

use ndarray::{Array1, Array2};

use super::*;
use crate::engine::{Context, Phase, Variables};
use crate::layers::testing::{self, inference, training};
use crate::prelude::*;

#[test]
fn behaves_as_a_layer() {
    for form in [VariationalForm::Sparse, VariationalForm::Layer] {
        // Shapes in whose checks ln α lies below its bound of 0.
        testing::check(&VariationalDropout::new(3).form(form).kl_weight(0.0), &[&[2], &[5]]);
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

/// The layer's outputs for some samples, before its activation.
fn outputs(form: VariationalForm, noise: f32, cx: &Context, x: &[f32]) -> Vec<f32> {
    let (values, ranges) = (values(form, noise), ranges(form));
    let built = VariationalDropout::new(2).form(form).kl_weight(0.0).build(&2.into()).unwrap();
    let Operation::Transform { operation, .. } = &built.operations[0] else { unreachable!() };
    let (mut y, mut scratch) = (vec![f32::NAN; x.len()], vec![f32::NAN; operation.scratch(x.len() / 2)]);
    operation.forward(cx, Variables::new(&values, &ranges), x, &mut y, &mut scratch);
    y
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

/// Many draws for one sample: among others, or of networks that all samples share.
fn draws(form: VariationalForm, x: &[f32], phase: Phase) -> Vec<f32> {
    let shared = phase == Phase::MonteCarlo { shared: true };
    let (steps, rows) = if shared { (1 << 13, 1) } else { (1, 1 << 16) };
    let cx = |step| Context { phase, ..training(step) };
    (0..steps).flat_map(|step| outputs(form, -0.5, &cx(step), &x.repeat(rows))).collect()
}

/// Over fresh seeds each of the 24 bounds (5 standard errors) would be exceeded with a probability below 1e-6.
#[test]
fn units_have_the_mean_and_the_variance_of_noisy_weights() {
    let x = [1.0_f32, -0.5];
    let [own, shared] = [false, true].map(|shared| Phase::MonteCarlo { shared });
    let forms = [VariationalForm::Sparse, VariationalForm::Layer];
    for (form, phase) in
        forms.into_iter().flat_map(|form| [Phase::Training, own, shared].map(|phase| (form, phase)))
    {
        let (values, y) = (values(form, -0.5), draws(form, &x, phase));
        let n = y.len() / 2;
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

/// The outputs are then affine functions of the inputs.
#[test]
fn inputs_that_share_masks_go_through_one_network() {
    let x = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0];
    for form in [VariationalForm::Sparse, VariationalForm::Layer] {
        let cx = Context { phase: Phase::MonteCarlo { shared: true }, ..training(3) };
        let y = outputs(form, -0.5, &cx, &x);
        for unit in 0..2 {
            let [first, second, both, none] = [0, 1, 2, 3].map(|row| y[2 * row + unit]);
            assert!((first + second - both - none).abs() < 1e-5, "{form:?}: {y:?}");
            assert!((first - none - WEIGHTS[unit]).abs() > 1e-3, "a weight is drawn");
        }
    }
}

/// Where labels follow from the inputs, noise is of no use; a large divergence asks for more than there may be.
#[test]
fn alpha_leaves_its_bound_and_does_not_pass_it() {
    let x = Array2::from_shape_fn((128, 4), |(i, j)| ((i * 7 + j * 5) % 11) as f32 / 5.0 - 1.0);
    let y = Array1::from_shape_fn(128, |i| u8::from(x[[i, 0]] > 0.0));
    let fit = |kl_weight| {
        let layer = VariationalDropout::new(2).form("layer").kl_weight(kl_weight).initial_log_variance(0.0);
        let mut model = Sequential::new().add(layer.activation(Softmax).input_shape([4]));
        model.compile(Adam::new(0.05), "sparse_categorical_crossentropy", [""; 0]).unwrap();
        let history = model.fit((&x, &y), Fit::new().epochs(20).verbose(false)).unwrap();
        let log_alpha = model.get_weights().unwrap()[NOISE][[0]];
        (*history["variational_dropout_alpha"].last().unwrap(), log_alpha)
    };
    let (alpha, _) = fit(0.0);
    assert!(alpha < 0.5, "{alpha}");
    let (alpha, log_alpha) = fit(10.0);
    assert!(alpha == 1.0 && log_alpha < 0.5, "{alpha}, {log_alpha}");
}

#[test]
fn weights_without_information_count_as_zero_in_inference() {
    // ln α: 3.1 + 1.39, 2.1, 4.1 − 1.39, 3.1 + 0.58.
    let sparse = VariationalForm::Sparse;
    assert_eq!(outputs(sparse, 3.1, &inference(), &[1.0, 10.0]), [20.5, -1.0]);
    let (values, ranges) = (values(sparse, 3.1), ranges(sparse));
    let penalty = VariationalDropout::new(2).kl_weight(0.0).build(&2.into()).unwrap().penalty.unwrap();
    assert_eq!(penalty.report(Variables::new(&values, &ranges)), Some(("sparsity", 0.5)));
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
        (
            VariationalDropout::new(2).kl_weight(0.0).initial_log_variance(89.0),
            "initial_log_variance must be a logarithm from -40 to 40, got 89.0",
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
