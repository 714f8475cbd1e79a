//! One line that puts a layer through what every layer must do: see [`check`].

use std::ops::Range;

use serde_json::Value;

use super::{
    Gradients, Layer, Needs, Operation, Transform, Variable, from_config, from_value, to_config, to_keras,
};
use crate::engine::{Batch, Context, Phase, Shards, Variables};
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

pub(crate) fn inference() -> Context {
    Context { phase: Phase::Inference, ..training(0) }
}

/// Puts a layer through, for each shape of a sample:
///
/// - the configuration's round trip, as a table and as Keras's JSON;
/// - the gradient by the input and by every variable against five-point difference quotients, in training and in
///   inference, with each operation's `backward` given only what it said that it needs;
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
            gradient(layer, &chain, &cx);
            sign(&chain, &cx);
            shards(&chain, &cx);
        }
        randomness(&chain);
    }
}

/// Asserts that building fails with this message.
#[track_caller]
pub(crate) fn fails(layer: &dyn Layer, shape: &[usize], message: &str) {
    assert_eq!(layer.build(&shape.into()).map(|built| built.output), Err(message.to_owned()));
}

/// What a layer adds to the loss for its variables together, given their values one after the other.
#[track_caller]
pub(crate) fn penalty(layer: &dyn Layer, shape: &[usize], values: &[f32]) -> f64 {
    let penalty = layer.build(&shape.into()).unwrap().penalty.unwrap();
    let chain = Chain { arena: values.to_vec(), ..Chain::build(layer, &shape.into()) };
    let variables = Variables::new(&chain.arena, &chain.ranges);
    // In pieces, as the engine adds it up.
    let pieces = chain.ranges.iter().enumerate().flat_map(|(variable, range)| {
        let middle = range.len() / 2;
        [(variable, 0..middle), (variable, middle..range.len())]
    });
    let pieces = pieces.filter(|(_, piece)| !piece.is_empty());
    pieces.map(|(variable, piece)| penalty.value(variables, variable, piece)).sum()
}

/// Compares the gradient of what a layer adds to the loss for its variables together with difference quotients.
#[track_caller]
pub(crate) fn check_penalty(layer: &dyn Layer, shape: &[usize]) {
    let of = layer.build(&shape.into()).unwrap().penalty.unwrap();
    let chain = Chain::build(layer, &shape.into());
    let variables = Variables::new(&chain.arena, &chain.ranges);
    for (variable, range) in chain.ranges.iter().enumerate() {
        for e in range.clone() {
            let mut gradient = [0.0];
            of.add_gradient(variables, variable, e - range.start, &mut gradient);
            let quotient = quotient(&|steps| penalty(layer, shape, &moved(&chain.arena, e, steps)));
            let error = (f64::from(gradient[0]) - quotient).abs();
            assert!(
                error < 1e-5 * quotient.abs().max(1.0),
                "{layer:?}: d/d {} at element {} is {}, the quotient {quotient}",
                chain.variables[variable].name,
                e - range.start,
                gradient[0]
            );
        }
    }
}

/// The five-point difference quotient of a function of steps.
fn quotient(at: &dyn Fn(f64) -> f64) -> f64 {
    (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * STEP)
}

/// Values of which one is some steps away.
fn moved(values: &[f32], e: usize, steps: f64) -> Vec<f32> {
    let mut values = values.to_vec();
    values[e] = (f64::from(values[e]) + steps * STEP) as f32;
    values
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

/// A layer's operations, and values of its variables.
#[derive(Clone)]
pub(super) struct Chain {
    operations: Vec<Operation>,
    variables: Vec<Variable>,
    ranges: Vec<Range<usize>>,
    /// The variables' values.
    pub(super) arena: Vec<f32>,
    /// Elements of an input sample and of an output sample.
    lens: [usize; 2],
}

/// The gradients by the input and by all variables.
pub(super) struct Slopes {
    pub(super) x: Vec<f32>,
    pub(super) arena: Vec<f32>,
}

/// Numbers before and after an operation, and the sums over the batch.
struct Recorded {
    y: Vec<f32>,
    sums: Vec<f64>,
}

/// A whole batch as one shard.
struct Whole<'a>(&'a [f32], &'a [f32]);

impl Shards for Whole<'_> {
    fn count(&self) -> usize {
        1
    }

    fn part(&self, _: usize, _: usize) -> (&[f32], &[f32]) {
        (self.0, self.1)
    }
}

impl Chain {
    #[track_caller]
    fn build(layer: &dyn Layer, input: &Shape) -> Self {
        Self::of(&[layer.clone_box()], input)
    }

    /// The operations of layers that stand one behind the other.
    #[track_caller]
    pub(super) fn of(layers: &[Box<dyn Layer>], input: &Shape) -> Self {
        let (mut variables, mut operations) = (Vec::new(), Vec::new());
        let mut shape = input.clone();
        for layer in layers {
            let built = layer.build(&shape).unwrap();
            let first = variables.len();
            operations.extend(built.operations.into_iter().map(|operation| match operation {
                Operation::Transform { operation, variables: Range { start, end } } => {
                    Operation::Transform { operation, variables: first + start..first + end }
                }
                other => other,
            }));
            variables.extend(built.variables);
            shape = built.output;
        }
        let (mut arena, mut ranges) = (Vec::new(), Vec::new());
        for variable in &variables {
            let start = arena.len();
            let positive = variable.name.ends_with("variance");
            let value = |i: usize| ((i * 7 % 13) as f32 - 5.5) / 8.0;
            let len: usize = variable.shape.iter().product();
            arena
                .extend((start..start + len).map(|i| if positive { value(i).abs() + 0.5 } else { value(i) }));
            ranges.push(start..arena.len());
        }
        Self { operations, variables, ranges, arena, lens: [input.len(), shape.len()] }
    }

    /// Each variable's name, shape and place in the arena.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&Variable, Range<usize>)> {
        self.variables.iter().zip(self.ranges.iter().cloned())
    }

    /// What the variables are after a training pass over x without an optimizer.
    pub(super) fn learn(&self, cx: &Context, x: &[f32]) -> Vec<f32> {
        let mut arena = self.arena.clone();
        for (operation, recorded) in self.operations.iter().zip(&self.record(cx, x)[1..]) {
            if let Operation::Transform { operation, variables } = operation
                && let Some(of_batch) = operation.batch_sums()
            {
                let ranges = &self.ranges[variables.clone()];
                of_batch.learn(cx.batch_size, &recorded.sums, &mut arena, ranges);
            }
        }
        arena
    }

    pub(super) fn forward(&self, cx: &Context, x: &[f32]) -> Vec<f32> {
        self.record(cx, x).pop().unwrap().y
    }

    fn is_summed(&self) -> bool {
        self.operations.iter().any(|operation| match operation {
            Operation::Transform { operation, .. } => operation.batch_sums().is_some(),
            _ => false,
        })
    }

    /// The input and every operation's output.
    fn record(&self, cx: &Context, x: &[f32]) -> Vec<Recorded> {
        let rows = x.len() / self.lens[0];
        let mut record = vec![Recorded { y: x.to_vec(), sums: Vec::new() }];
        for operation in &self.operations {
            let x = &record.last().unwrap().y;
            let mut sums = Vec::new();
            let y = match operation {
                Operation::Transform { operation, variables } => {
                    let variables = Variables::new(&self.arena, &self.ranges[variables.clone()]);
                    let prepared = prepared(&**operation, variables);
                    let mut variables = variables.with_prepared(&prepared);
                    if let (true, Some(of_batch)) = (cx.is_training(), operation.batch_sums()) {
                        sums.resize(of_batch.count(), f64::NAN);
                        of_batch.forward_sums(x, &mut sums);
                        variables = variables.with_sums(&sums, &[]);
                    }
                    let mut y = vec![f32::NAN; rows * operation.output_len()];
                    operation.forward(cx, variables, x, &mut y, &mut vec![f32::NAN; operation.scratch(rows)]);
                    y
                }
                Operation::InPlace(operation) => {
                    let mut y = x.clone();
                    if operation.is_active(cx) {
                        operation.forward(cx, &mut y, &mut vec![f32::NAN; operation.scratch()]);
                    }
                    y
                }
                Operation::Residual { .. } => panic!("residual connections are tested as models"),
            };
            record.push(Recorded { y, sums });
        }
        record
    }

    /// The gradients by x and the variables. What an operation did not ask for is NaN when it looks.
    pub(super) fn backward(&self, cx: &Context, x: &[f32], dy: &[f32]) -> Slopes {
        let record = self.record(cx, x);
        let rows = x.len() / self.lens[0];
        let (mut dy, mut arena) = (dy.to_vec(), vec![0.0; self.arena.len()]);
        for (operation, pair) in self.operations.iter().zip(record.windows(2)).rev() {
            let (x, y) = (&pair[0].y, &pair[1].y);
            match operation {
                Operation::Transform { operation, variables: places } => {
                    let ranges = &self.ranges[places.clone()];
                    let prepared = prepared(&**operation, Variables::new(&self.arena, ranges));
                    let variables = Variables::new(&self.arena, ranges).with_prepared(&prepared);
                    let mut variables = variables.with_sums(&pair[1].sums, &[]);
                    let mut sums = Vec::new();
                    if let (true, Some(of_batch)) = (cx.is_training(), operation.batch_sums()) {
                        sums.resize(of_batch.count(), f64::NAN);
                        let mut scratch = vec![f32::NAN; operation.scratch(rows)];
                        of_batch.backward_sums(cx, variables, x, &dy, &mut scratch, &mut sums);
                        variables = variables.with_sums(&pair[1].sums, &sums);
                    }
                    let mut together = None;
                    if cx.is_training() {
                        let first = ranges.first().map_or(0, |range| range.start);
                        let end = ranges.last().map_or(0, |range| range.end);
                        match operation.gradients() {
                            Gradients::None => {}
                            Gradients::ByPiece(by_piece) => {
                                for (index, range) in ranges.iter().enumerate() {
                                    let grain = by_piece.grain(index);
                                    for (piece, out) in arena[range.clone()].chunks_mut(grain).enumerate() {
                                        let whole = Whole(x, &dy);
                                        let mut scratch =
                                            vec![f32::NAN; by_piece.scratch(index, grain, rows)];
                                        let batch = Batch::new(&whole, 0);
                                        by_piece.gradient(index, piece * grain, batch, out, &mut scratch);
                                    }
                                }
                            }
                            Gradients::ByShard(by_shard) => {
                                let mut scratch = vec![f32::NAN; by_shard.scratch(rows)];
                                let len = end - first;
                                let mut sums = vec![0.0; len + by_shard.sums()];
                                // Row by row, as it may come.
                                let (x_len, dy_len) = (x.len() / rows, dy.len() / rows);
                                for (row, (x, dy)) in x.chunks(x_len).zip(dy.chunks(dy_len)).enumerate() {
                                    let cx = Context { first: cx.first + row, ..*cx };
                                    by_shard.gradient(&cx, variables, x, dy, None, &mut sums, &mut scratch);
                                }
                                by_shard.finish(&mut sums);
                                let (alone, mut dx) = (sums[..len].to_vec(), vec![f32::NAN; x.len()]);
                                sums.fill(0.0);
                                scratch.fill(f32::NAN);
                                by_shard.gradient(
                                    cx,
                                    variables,
                                    x,
                                    &dy,
                                    Some(&mut dx),
                                    &mut sums,
                                    &mut scratch,
                                );
                                by_shard.finish(&mut sums);
                                arena[first..end].copy_from_slice(&sums[..len]);
                                for (alone, sum) in alone.iter().zip(&sums) {
                                    let same = (alone - sum).abs() <= 1e-5 * (1.0 + sum.abs());
                                    assert!(same, "row by row {alone}, all rows with dx {sum}");
                                }
                                together = Some(dx);
                            }
                            Gradients::BySums(of_batch) => {
                                for (index, range) in ranges.iter().enumerate() {
                                    if self.variables[places.start + index].trainable {
                                        of_batch.gradient(index, 0, &sums, &mut arena[range.clone()]);
                                    }
                                }
                            }
                        }
                    }
                    let mut dx = vec![f32::NAN; x.len()];
                    let mut scratch = vec![f32::NAN; operation.scratch(rows)];
                    operation.backward(cx, variables, x, &dy, &mut dx, &mut scratch);
                    assert!(together.is_none_or(|together| together == dx), "both ways to dx give the same");
                    dy = dx;
                }
                Operation::InPlace(operation) if operation.is_active(cx) => {
                    let nothing = vec![f32::NAN; x.len()];
                    let signs: Vec<f32> =
                        y.iter().map(|&y| if y > 0.0 { 1e30 } else { y.min(0.0) * 1e30 }).collect();
                    let (x, y) = match operation.needs() {
                        Needs::Nothing => (&nothing, &nothing),
                        Needs::Sign => (&signs, &signs),
                        Needs::Output => (y, y),
                        Needs::Input => (x, y),
                    };
                    operation.backward(cx, x, y, &mut dy, &mut vec![f32::NAN; operation.scratch()]);
                }
                _ => {}
            }
        }
        Slopes { x: dy, arena }
    }
}

/// What an operation makes of its variables.
fn prepared(operation: &dyn Transform, variables: Variables) -> Vec<f32> {
    let Some(preparation) = operation.preparation() else { return Vec::new() };
    let mut all = Vec::new();
    for (part, len) in preparation.parts(true).into_iter().enumerate() {
        let mut out = vec![f32::NAN; len];
        preparation.prepare(variables, part, &mut out);
        all.extend(out);
    }
    all
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
fn gradient(layer: &dyn Layer, chain: &Chain, cx: &Context) {
    let [len, out] = chain.lens;
    let (x, weights) = (samples(len), weights(out));
    let value = |x: &[f32], arena: &[f32], rows: Range<usize>| -> f64 {
        let y = Chain { arena: arena.to_vec(), ..chain.clone() }.forward(cx, x);
        let places = rows.start * out..rows.end * out;
        y[places.clone()].iter().zip(&weights[places]).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum()
    };
    let slopes = chain.backward(cx, &x, &weights);
    for (e, &dx) in slopes.x.iter().enumerate() {
        let rows = if chain.is_summed() { 0..ROWS } else { e / len..e / len + 1 };
        let quotient = quotient(&|steps| value(&moved(&x, e, steps), &chain.arena, rows.clone()));
        let error = (f64::from(dx) - quotient).abs();
        assert!(
            error < 1e-4 * quotient.abs().max(1.0),
            "{layer:?}, {:?}: d/dx at element {e} (x = {}) is {dx}, the quotient {quotient}",
            cx.phase,
            x[e]
        );
    }
    if !cx.is_training() {
        return;
    }
    for (variable, range) in chain.variables.iter().zip(&chain.ranges).filter(|(v, _)| v.trainable) {
        for e in range.clone() {
            let quotient = quotient(&|steps| value(&x, &moved(&chain.arena, e, steps), 0..ROWS));
            let error = (f64::from(slopes.arena[e]) - quotient).abs();
            assert!(
                error < 3e-4 * quotient.abs().max(1.0),
                "{layer:?}: d/d {} at element {} is {}, the quotient {quotient}",
                variable.name,
                e - range.start,
                slopes.arena[e]
            );
        }
    }
}

#[track_caller]
fn sign(chain: &Chain, cx: &Context) {
    let x = samples(chain.lens[0]);
    let keeps_sign = |operation: &Operation| match operation {
        Operation::InPlace(operation) => operation.keeps_sign(),
        _ => false,
    };
    if chain.operations.iter().all(keeps_sign) {
        let y = chain.forward(cx, &x);
        let dx = chain.backward(cx, &x, &vec![1.0; x.len()]).x;
        for e in 0..x.len() {
            assert!(dx[e] == 0.0 || y[e].signum() == x[e].signum(), "f({}) = {}, f' = {}", x[e], y[e], dx[e]);
        }
    }
}

#[track_caller]
fn shards(chain: &Chain, cx: &Context) {
    if chain.is_summed() && cx.is_training() {
        return;
    }
    let [len, out] = chain.lens;
    let (x, dy) = (samples(len), weights(out));
    let (y, dx) = (chain.forward(cx, &x), chain.backward(cx, &x, &dy).x);
    for size in [1, 2, 3] {
        for (index, (x, dy)) in x.chunks(size * len).zip(dy.chunks(size * out)).enumerate() {
            let cx = Context { first: index * size, ..*cx };
            let (inputs, outputs) = (index * size * len, index * size * out);
            let y = &y[outputs..outputs + dy.len()];
            assert_eq!(bits(&chain.forward(&cx, x)), bits(y), "forward in shards of {size}");
            let dx = &dx[inputs..inputs + x.len()];
            assert_eq!(bits(&chain.backward(&cx, x, dy).x), bits(dx), "backward in shards of {size}");
        }
    }
}

#[track_caller]
fn randomness(chain: &Chain) {
    let x = samples(chain.lens[0]);
    let draw = |step| bits(&chain.forward(&training(step), &x));
    assert_eq!(draw(7), draw(7));
    let is_random = |operation: &Operation| match operation {
        Operation::InPlace(operation) => operation.is_random(),
        Operation::Transform { operation, .. } => operation.is_random(&training(7)),
        Operation::Residual { .. } => false,
    };
    if chain.operations.iter().any(is_random) {
        assert!((8..40).any(|step| draw(step) != draw(7)), "every step draws the same");
        let infer = |step| bits(&chain.forward(&Context { step, ..inference() }, &x));
        assert!((1..40).all(|step| infer(step) == infer(0)), "nothing is random in inference");
        let is_active = |operation: &Operation| match operation {
            Operation::InPlace(operation) => operation.is_active(&inference()),
            _ => true,
        };
        if !chain.operations.iter().any(is_active) {
            assert_eq!(infer(0), bits(&x), "what is not active changes nothing");
        }
    } else {
        assert_eq!(draw(7), draw(8));
        if !chain.is_summed() {
            assert_eq!(draw(7), bits(&chain.forward(&inference(), &x)));
        }
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}
