//! One line that puts a layer through what every layer must do: see [`check`].

use serde_json::Value;

use super::{InPlace, Layer, Needs, Operation, from_config, from_value, to_config, to_keras};
use crate::engine::{Context, Phase};
use crate::random::{Domain, Stream};
use crate::shape::Shape;

const ROWS: usize = 5;
/// The step of the difference quotients. A power of two, so that the inputs that are compared are exact in f32.
const STEP: f64 = 1.0 / 64.0;

/// A training step's context, as a model's layer 1 under seed 42 has it.
pub(crate) fn training(step: u64) -> Context {
    let stream = Stream::new(42, Domain::Layer(1));
    Context { phase: Phase::Training, stream, step, first: 0, batch_size: ROWS }
}

fn inference() -> Context {
    Context { phase: Phase::Inference, ..training(0) }
}

/// Puts a layer through, for each shape of a sample:
///
/// - the configuration's round trip, as a table and as Keras's JSON;
/// - the gradient against five-point difference quotients, in training and in inference, with each operation's
///   `backward` given only what it said that it needs;
/// - the promise of [`InPlace::keeps_sign`];
/// - the same bits however the rows are cut into shards;
/// - the same bits for the same step; other draws at another step, and none in inference.
#[track_caller]
pub(crate) fn check(layer: &dyn Layer, shapes: &[&[usize]]) {
    for &shape in shapes {
        let input = Shape::from(shape);
        round_trip(layer);
        let chain = Chain::build(layer, &input);
        for cx in [training(7), inference()] {
            gradient(layer, &chain, &cx, input.len());
            sign(&chain, &cx, input.len());
            shards(&chain, &cx, input.len());
        }
        randomness(&chain, input.len());
    }
}

/// Asserts that building fails with this message.
#[track_caller]
pub(crate) fn fails(layer: &dyn Layer, shape: &[usize], message: &str) {
    assert_eq!(layer.build(&shape.into()).map(|built| built.output), Err(message.to_owned()));
}

/// The output for some samples, in inference.
#[track_caller]
pub(crate) fn infer(layer: &dyn Layer, shape: &[usize], x: &[f32]) -> Vec<f32> {
    Chain::build(layer, &shape.into()).forward(&inference(), x)
}

/// The output for some samples, in training.
#[track_caller]
pub(crate) fn train(layer: &dyn Layer, shape: &[usize], cx: &Context, x: &[f32]) -> Vec<f32> {
    Chain::build(layer, &shape.into()).forward(cx, x)
}

/// The operations of a layer that works in place.
struct Chain(Vec<std::sync::Arc<dyn InPlace>>);

impl Chain {
    #[track_caller]
    fn build(layer: &dyn Layer, input: &Shape) -> Self {
        let built = layer.build(input).unwrap();
        assert_eq!(built.output.len(), input.len(), "what works in place keeps the number of elements");
        let in_place = |operation| match operation {
            Operation::InPlace(operation) => operation,
            Operation::Transform(_) => panic!("only layers that work in place are checked here"),
        };
        Self(built.operations.into_iter().map(in_place).collect())
    }

    fn forward(&self, cx: &Context, x: &[f32]) -> Vec<f32> {
        self.record(cx, x).pop().unwrap()
    }

    /// The input and every operation's output.
    fn record(&self, cx: &Context, x: &[f32]) -> Vec<Vec<f32>> {
        let mut record = vec![x.to_vec()];
        for operation in &self.0 {
            let mut y = record.last().unwrap().clone();
            if operation.is_active(cx) {
                operation.forward(cx, &mut y, &mut vec![f32::NAN; operation.scratch()]);
            }
            record.push(y);
        }
        record
    }

    /// The gradient by x. What an operation did not ask for is NaN when it looks.
    fn backward(&self, cx: &Context, x: &[f32], dy: &[f32]) -> Vec<f32> {
        let record = self.record(cx, x);
        let mut dy = dy.to_vec();
        for (operation, pair) in self.0.iter().zip(record.windows(2)).rev() {
            if operation.is_active(cx) {
                let nothing = vec![f32::NAN; x.len()];
                let signs: Vec<f32> =
                    pair[1].iter().map(|&y| if y > 0.0 { 1e30 } else { y.min(0.0) * 1e30 }).collect();
                let (x, y) = match operation.needs() {
                    Needs::Nothing => (&nothing, &nothing),
                    Needs::Sign => (&signs, &signs),
                    Needs::Output => (&pair[1], &pair[1]),
                    Needs::Input => (&pair[0], &pair[1]),
                };
                operation.backward(cx, x, y, &mut dy, &mut vec![f32::NAN; operation.scratch()]);
            }
        }
        dy
    }
}

/// Odd multiples of 1/16 in ±3, in a fixed disorder: two steps away from the multiples of 1/8, where kinks may lie.
fn samples(len: usize) -> Vec<f32> {
    (0..ROWS * len).map(|i| ((i * 29 + i / 48 * 5) % 48) as f32 / 8.0 - 3.0 + 1.0 / 16.0).collect()
}

/// Weights of the outputs in the function whose gradient is compared.
fn weights(len: usize) -> Vec<f32> {
    (0..ROWS * len).map(|i| ((i * 11 % 17) as f32 - 7.5) / 8.0).collect()
}

fn round_trip(layer: &dyn Layer) {
    let mut named = layer.clone_box();
    named.base_mut().name = Some("a_name".into());
    named.base_mut().input_shape = Some(vec![2, 3]);
    let text = format!("{named:?}");
    let table = from_config(named.class_name(), &to_config(named.as_ref())).unwrap();
    assert_eq!(format!("{table:?}"), text);
    let json = to_keras(named.as_ref()).to_string();
    let keras = from_value(&serde_json::from_str::<Value>(&json).unwrap()).unwrap();
    assert_eq!(format!("{keras:?}"), text);
}

#[track_caller]
fn gradient(layer: &dyn Layer, chain: &Chain, cx: &Context, len: usize) {
    let (x, weights) = (samples(len), weights(len));
    let value = |x: &[f32], row: usize| -> f64 {
        let y = chain.forward(cx, x);
        let row = row * len..(row + 1) * len;
        y[row.clone()].iter().zip(&weights[row]).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum()
    };
    let dx = chain.backward(cx, &x, &weights);
    for (e, &dx) in dx.iter().enumerate() {
        let at = |steps: f64| {
            let mut x = x.clone();
            x[e] = (f64::from(x[e]) + steps * STEP) as f32;
            value(&x, e / len)
        };
        let quotient = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * STEP);
        let error = (f64::from(dx) - quotient).abs();
        assert!(
            error < 1e-4 * quotient.abs().max(1.0),
            "{layer:?}, {:?}: d/dx at element {e} (x = {}) is {dx}, the quotient {quotient}",
            cx.phase,
            x[e]
        );
    }
}

#[track_caller]
fn sign(chain: &Chain, cx: &Context, len: usize) {
    let x = samples(len);
    if chain.0.iter().all(|operation| operation.keeps_sign()) {
        let y = chain.forward(cx, &x);
        let dx = chain.backward(cx, &x, &vec![1.0; x.len()]);
        for e in 0..x.len() {
            assert!(dx[e] == 0.0 || y[e].signum() == x[e].signum(), "f({}) = {}, f' = {}", x[e], y[e], dx[e]);
        }
    }
}

#[track_caller]
fn shards(chain: &Chain, cx: &Context, len: usize) {
    let (x, dy) = (samples(len), weights(len));
    let (y, dx) = (chain.forward(cx, &x), chain.backward(cx, &x, &dy));
    for size in [1, 2, 3] {
        let shard = size * len;
        for (index, (x, dy)) in x.chunks(shard).zip(dy.chunks(shard)).enumerate() {
            let cx = Context { first: index * size, ..*cx };
            let range = index * shard..index * shard + x.len();
            assert_eq!(bits(&chain.forward(&cx, x)), bits(&y[range.clone()]), "forward in shards of {size}");
            assert_eq!(bits(&chain.backward(&cx, x, dy)), bits(&dx[range]), "backward in shards of {size}");
        }
    }
}

#[track_caller]
fn randomness(chain: &Chain, len: usize) {
    let x = samples(len);
    let draw = |step| bits(&chain.forward(&training(step), &x));
    assert_eq!(draw(7), draw(7));
    if chain.0.iter().any(|operation| operation.is_random()) {
        assert!((8..40).any(|step| draw(step) != draw(7)), "every step draws the same");
        assert_eq!(bits(&chain.forward(&inference(), &x)), bits(&x), "nothing is random in inference");
    } else {
        assert_eq!(draw(7), draw(8));
        assert_eq!(draw(7), bits(&chain.forward(&inference(), &x)));
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}
