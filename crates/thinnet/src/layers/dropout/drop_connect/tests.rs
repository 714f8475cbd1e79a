use super::*;
use crate::activations::{Relu, Softmax, Tanh};
use crate::engine::Variables;
use crate::layers::testing::{self, inference, training};

#[test]
fn behaves_as_a_layer() {
    testing::check(&DropConnect::new(3, 0.4), &[&[1], &[4]]);
    testing::check(&DropConnect::new(3, 0.5).activation(Tanh).samples(10).seed(7), &[&[4]]);
    testing::check(&DropConnect::new(2, 0.2).use_bias(false), &[&[5]]);
}

fn connect(layer: &DropConnect) -> Built {
    layer.build(&3.into()).unwrap()
}

/// Runs the layer's operations on rows of three inputs with weights of its own.
fn run(layer: &DropConnect, cx: &Context, x: &[f32]) -> Vec<f32> {
    let arena = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5, 0.4, -0.3];
    let (mut y, mut scratch) = (vec![0.0; x.len() / 3 * 2], vec![0.0; 100]);
    for operation in connect(layer).operations {
        match operation {
            Operation::Transform { operation, .. } => {
                operation.forward(cx, Variables::new(&arena, &[0..6, 6..8]), x, &mut y, &mut scratch);
            }
            Operation::InPlace(operation) if operation.is_active(cx) => {
                operation.forward(cx, &mut y, &mut scratch);
            }
            _ => {}
        }
    }
    y
}

/// Over fresh seeds each of the eight bounds (5 standard errors) would be exceeded with a probability below 1e-6. With the few
/// weights here a unit's input is far from normal, so that only the linear layer's mean is exact: that of ReLU lies within 0.15.
#[test]
fn inference_has_the_mean_of_the_masks() {
    let n = 1 << 16;
    let x = [1.0, -0.5, 2.0].repeat(n);
    for (activation, bias) in [(Activation::Linear, 0.0), (Relu.into(), 0.15)] {
        for rate in [0.3, 0.5] {
            let layer = DropConnect::new(2, rate).activation(activation).samples(1000);
            let expected = run(&layer, &inference(), &x[..3]);
            let drawn = run(&layer, &training(3), &x);
            for (unit, &expected) in expected.iter().enumerate() {
                let of_unit = || drawn.iter().skip(unit).step_by(2).map(|&y| f64::from(y));
                let mean = of_unit().sum::<f64>() / n as f64;
                let variance = of_unit().map(|y| (y - mean).powi(2)).sum::<f64>() / n as f64;
                let error = (mean - f64::from(expected)).abs();
                let bound = bias + 5.0 * (variance / n as f64).sqrt();
                assert!(error < bound, "{activation:?}, {rate}: {mean}, expected {expected}");
            }
        }
    }
}

#[test]
fn each_weight_of_each_sample_has_its_draw() {
    let (cx, rate) = (training(3), 0.4);
    let x = [1.0, -0.5, 2.0].repeat(4);
    let y = run(&DropConnect::new(2, rate), &cx, &x);
    for (row, y) in y.chunks(2).enumerate() {
        let mut draws = cx.stream.at(3, row);
        let mut kept = || f32::from(u8::from(f64::from(draws.word()) / 2f64.powi(32) >= rate));
        let mut expected = [0.0; 2];
        let terms = [[0.5, -1.0], [-1.0, -0.125], [-1.5, 3.0], [0.4, -0.3]];
        for term in terms {
            (0..2).for_each(|unit| expected[unit] += term[unit] * kept());
        }
        assert!(
            y.iter().zip(expected).all(|(y, expected)| (y - expected).abs() < 1e-6),
            "{y:?} {expected:?}"
        );
    }
}

#[test]
fn bad_arguments_are_explained() {
    for (layer, message) in [
        (DropConnect::new(0, 0.5), "expected at least one input and one unit, got 3 and 0"),
        (DropConnect::new(2, 1.5), "rate must be in [0, 1] (the fraction that is dropped), got 1.5"),
        (DropConnect::new(2, 0.5).samples(3), "samples must be an even number from 2 to 1024, got 3"),
        (DropConnect::new(2, 0.5).samples(1026), "samples must be an even number from 2 to 1024, got 1026"),
        (
            DropConnect::new(2, 0.5).activation(Softmax),
            "activation must work on each unit alone: put a softmax in a layer behind",
        ),
    ] {
        testing::fails(&layer, &[3], message);
    }
    let message = "expected samples of shape (inputs), got (None, 2, 2): put a Flatten before";
    testing::fails(&DropConnect::new(2, 0.5), &[2, 2], message);
}
