//! The arena's pieces: their gradients, and the optimizer's step on them.

use std::ops::Range;

use thinnet_kernels::buffer::Buffer;
use thinnet_kernels::pool::Pool;

use super::Runner;
use crate::engine::context::Batch;
use crate::engine::parameters::Parameters;
use crate::engine::plan::{Node, Plan, Source};
use crate::engine::profile::{Work, Worker};
use crate::engine::shard::Done;
use crate::layers::Gradients;
use crate::optimizers::{Optimizer, Step};

/// The optimizer and what it remembers.
#[derive(Clone, Debug)]
pub(crate) struct Optimization {
    pub(crate) optimizer: Box<dyn Optimizer>,
    gradients: Buffer,
    pub(crate) slots: [Buffer; 3],
    /// Steps done.
    pub(crate) iterations: u64,
    /// See [`Optimizer::carry`].
    pub(crate) carry: f64,
}

impl Optimization {
    pub(crate) fn new(optimizer: Box<dyn Optimizer>, arena: usize) -> Self {
        let used = optimizer.slots().len();
        let slots = std::array::from_fn(|slot| {
            let mut buffer = Buffer::zeros(if slot < used { arena } else { 0 });
            if slot < used && optimizer.initial(slot) != 0.0 {
                buffer.fill(optimizer.initial(slot));
            }
            buffer
        });
        Self { optimizer, gradients: Buffer::zeros(arena), slots, iterations: 0, carry: 1.0 }
    }
}

/// A part of a variable whose gradient and update are one task.
#[derive(Debug)]
pub(super) struct Piece {
    entry: usize,
    node: usize,
    /// The variable's place among its operation's.
    pub(super) variable: usize,
    /// The variable's place among its layer's.
    of_layer: usize,
    /// Where the piece starts within the variable.
    start: usize,
    /// Where the variable starts among its operation's.
    offset: usize,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) penalty: f64,
    squares: f64,
}

impl Runner {
    /// Gradients, and the optimizer's step on them.
    pub(super) fn update(
        &mut self,
        pool: &mut Pool,
        plan: &Plan,
        parameters: &mut Parameters,
        optimization: &mut Optimization,
        active: usize,
    ) {
        let Optimization { optimizer, gradients, slots: [a, b, c], iterations, carry } = optimization;
        let optimizer = &**optimizer;
        let base = optimizer.base();
        let learning_rate = base.learning_rate.at(*iterations);
        *iterations += 1;
        *carry = optimizer.carry(*iterations, *carry);
        let step = Step { iteration: *iterations, learning_rate, carry: *carry };
        let (clipnorm, global_clipnorm) = (base.clipnorm, base.global_clipnorm);
        let needs_norms = clipnorm.is_some() || global_clipnorm.is_some();
        let clipvalue = base.clipvalue.map(|clip| clip as f32);
        let clip = |gradient: &mut [f32]| {
            if let Some(clip) = clipvalue {
                gradient.iter_mut().for_each(|g| *g = g.clamp(-clip, clip));
            }
        };
        // Penalties over several variables read them all before any is updated.
        let coupled = plan.layers.iter().any(|layer| layer.penalty.is_some());
        let (entries, values) = parameters.values_mut();
        let pieces = &self.pieces;
        let done = Done { plan, shards: &self.shards[..active] };
        let (sums, absent) = (&self.sums, &self.absent);
        let arenas = [&mut *values, gradients, a, b, c];
        pool.for_ranges(
            &self.ranges,
            arenas,
            &mut self.outcomes,
            &mut self.workers,
            |index, pieces_of, outcome, Worker { scratch, spans }| {
                let [values, gradient, a, b, c] = pieces_of;
                let piece = &pieces[index];
                let begin = spans.start();
                let Piece { node, variable, start, offset, .. } = *piece;
                match gradients_of(plan, piece) {
                    _ if absent[node] => gradient.fill(0.0),
                    Gradients::None => gradient.fill(0.0),
                    Gradients::ByPiece(gradients) => {
                        gradients.gradient(variable, start, Batch::new(&done, node), gradient, scratch);
                    }
                    Gradients::ByShard(_) => done.sum_partials(node, offset + start, gradient),
                    Gradients::BySums(of_batch) => {
                        let meeting = plan.meetings.iter().position(|&meeting| meeting == node);
                        let sums = &sums[meeting.expect("a node with sums is a meeting")].backward;
                        of_batch.gradient(variable, start, sums, gradient);
                    }
                }
                spans.end(begin, Work::Gradient(entries[piece.entry].layer));
                let begin = spans.start();
                *outcome = Outcome::default();
                if let Some(regularizer) = &entries[piece.entry].regularizer {
                    outcome.penalty = regularizer.penalty(values);
                    regularizer.add_gradient(values, gradient);
                }
                if needs_norms || coupled {
                    outcome.squares = squared_norm(gradient);
                } else {
                    clip(gradient);
                    optimizer.update(&step, values, gradient, [a, b, c]);
                }
                spans.end(begin, Work::Optimizer);
            },
        );
        if coupled {
            let values = &*values;
            let arenas = [&mut gradients[..]];
            pool.for_ranges(
                &self.ranges,
                arenas,
                &mut self.outcomes,
                &mut self.workers,
                |index, [gradient], outcome, worker| {
                    let begin = worker.spans.start();
                    let Piece { entry, of_layer, start, .. } = pieces[index];
                    if let Some((penalty, variables)) = plan.layers[entries[entry].layer].penalty(values) {
                        outcome.penalty += penalty.value(variables, of_layer, start..start + gradient.len());
                        penalty.add_gradient(variables, of_layer, start, gradient);
                        outcome.squares = squared_norm(gradient);
                    }
                    worker.spans.end(begin, Work::Optimizer);
                },
            );
        }
        if needs_norms || coupled {
            let squares = &mut self.squares;
            squares.fill(0.0);
            for (piece, outcome) in pieces.iter().zip(&self.outcomes) {
                squares[piece.entry] += outcome.squares;
            }
            let factor = |squares: f64, clip: f64| {
                let norm = squares.sqrt();
                if norm > clip { (clip / norm) as f32 } else { 1.0 }
            };
            let global = global_clipnorm.map(|clip| factor(squares.iter().sum(), clip));
            let arenas = [&mut *values, gradients, a, b, c];
            pool.for_ranges(
                &self.ranges,
                arenas,
                &mut self.outcomes,
                &mut self.workers,
                |index, pieces_of, _, worker| {
                    let begin = worker.spans.start();
                    let [values, gradient, a, b, c] = pieces_of;
                    let own = || clipnorm.map_or(1.0, |clip| factor(squares[pieces[index].entry], clip));
                    let factor = global.unwrap_or_else(own);
                    if factor != 1.0 {
                        gradient.iter_mut().for_each(|g| *g *= factor);
                    }
                    clip(gradient);
                    optimizer.update(&step, values, gradient, [a, b, c]);
                    worker.spans.end(begin, Work::Optimizer);
                },
            );
        }
        if !self.constrained.is_empty() {
            let constrained = &self.constrained;
            let outcomes = &mut self.outcomes[..constrained.len()];
            let arenas = [values];
            pool.for_ranges(
                &self.constrained_ranges,
                arenas,
                outcomes,
                &mut self.workers,
                |index, [values], _, worker| {
                    let begin = worker.spans.start();
                    let entry = &entries[constrained[index]];
                    if let Some(constraint) = &entry.constraint {
                        constraint.project(&entry.shape, values);
                    }
                    worker.spans.end(begin, Work::Optimizer);
                },
            );
        }
    }
}

/// How the gradient that a piece is of is computed.
pub(super) fn gradients_of<'a>(plan: &'a Plan, piece: &Piece) -> Gradients<'a> {
    plan.nodes[piece.node].transform().map_or(Gradients::None, |(placed, _)| placed.operation.gradients())
}

/// Σg²
fn squared_norm(gradient: &[f32]) -> f64 {
    gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum()
}

/// Cuts the variables to train into pieces of about equal work, in the arena's order.
pub(super) fn divide(
    plan: &Plan,
    parameters: &Parameters,
    batch_size: usize,
) -> (Vec<Piece>, Vec<Range<usize>>) {
    /// Multiply-adds of a piece: some tens of microseconds.
    const WORK: usize = 1 << 20;
    let mut pieces = Vec::new();
    for (node, Node { source, .. }) in plan.nodes.iter().enumerate() {
        let Source::Transform { placed, variables, trains: true, .. } = source else { continue };
        let of_layer = parameters.entries.iter().enumerate().filter(|(_, entry)| entry.layer == placed.layer);
        let of_operation = of_layer.skip(variables.start).take(variables.len());
        let mut offset = 0;
        for (variable, (index, entry)) in of_operation.enumerate() {
            let grain = match placed.operation.gradients() {
                Gradients::ByPiece(gradients) => gradients.grain(variable).max(1),
                _ => 64,
            };
            let len = (WORK / batch_size.max(1)).next_multiple_of(grain).max(grain);
            let starts = (0..entry.range.len()).step_by(len);
            for start in starts.filter(|_| entry.trainable) {
                let end = (start + len).min(entry.range.len());
                let of_layer = variables.start + variable;
                let range = entry.range.start + start..entry.range.start + end;
                pieces.push((Piece { entry: index, node, variable, of_layer, start, offset }, range));
            }
            offset += entry.range.len();
        }
    }
    // An operation may have variables that lie behind those of the operations that follow it.
    pieces.sort_by_key(|(_, range)| range.start);
    pieces.into_iter().unzip()
}
