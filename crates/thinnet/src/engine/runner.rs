//! A whole batch: its shards side by side, then the arena's pieces side by side.

use std::ops::Range;

use thinnet_kernels::buffer::Buffer;
use thinnet_kernels::pool::Pool;

use super::blocks::Blocks;
use super::context::{Batch, Phase};
use super::parameters::Parameters;
use super::plan::{Node, Plan, Source};
use super::prepared::Prepared;
use super::profile::{Work, Worker};
use super::shard::{Done, MeetingSums, Pass, Samples, Shard};
use crate::history::Logs;
use crate::layers::Gradients;
use crate::losses::Loss;
use crate::metrics::Metric;
use crate::optimizers::{Optimizer, Step};

/// What training makes small and what it reports.
#[derive(Clone, Debug)]
pub(crate) struct Objective {
    pub(crate) loss: Box<dyn Loss>,
    pub(crate) metrics: Vec<Box<dyn Metric>>,
    /// Each metric's name in logs: its own, with a number where others have the same.
    pub(crate) names: Vec<String>,
    /// How many numbers each metric's state has.
    pub(crate) state_lens: Vec<usize>,
    /// Whether the loss is computed from what comes before the model's link.
    pub(crate) linked: bool,
}

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

/// Sums over batches, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Totals {
    loss: f64,
    samples: usize,
    states: Vec<f64>,
}

impl Totals {
    pub(crate) fn new(objective: &Objective) -> Self {
        Self { loss: 0.0, samples: 0, states: vec![0.0; objective.state_lens.iter().sum()] }
    }

    /// The mean of the batches' losses, weighted by their sizes.
    pub(crate) fn loss(&self) -> f64 {
        self.loss / self.samples as f64
    }

    /// The samples so far.
    pub(crate) fn samples(&self) -> usize {
        self.samples
    }

    /// Begins anew.
    pub(crate) fn clear(&mut self) {
        self.loss = 0.0;
        self.samples = 0;
        self.states.fill(0.0);
    }

    /// The loss and the metrics by name.
    pub(crate) fn logs(&self, objective: &Objective) -> Logs {
        let metrics = self.metrics(objective).map(|(name, value)| (name.to_owned(), value));
        std::iter::once(("loss".to_owned(), self.loss())).chain(metrics).collect()
    }

    /// Each metric's value.
    pub(crate) fn metrics<'a>(&'a self, objective: &'a Objective) -> impl Iterator<Item = (&'a str, f64)> {
        let mut start = 0;
        objective.metrics.iter().zip(&objective.names).zip(&objective.state_lens).map(
            move |((metric, name), len)| {
                start += len;
                (name.as_str(), metric.result(&self.states[start - len..start]))
            },
        )
    }
}

/// A part of a variable whose gradient and update are one task.
#[derive(Debug)]
struct Piece {
    entry: usize,
    node: usize,
    /// The variable's place among its operation's.
    variable: usize,
    /// The variable's place among its layer's.
    of_layer: usize,
    /// Where the piece starts within the variable.
    start: usize,
    /// Where the variable starts among its operation's.
    offset: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    penalty: f64,
    squares: f64,
}

/// Memory and division of work for batches up to a size.
#[derive(Debug)]
pub(crate) struct Runner {
    batch_size: usize,
    phase: Phase,
    rows: usize,
    shards: Vec<Shard>,
    /// One for each thread.
    workers: Vec<Worker>,
    prepared: Prepared,
    blocks: Blocks,
    pieces: Vec<Piece>,
    ranges: Vec<Range<usize>>,
    outcomes: Vec<Outcome>,
    /// What the operations of the plan's meetings summed over the batch.
    sums: Vec<MeetingSums>,
    /// Each variable's sum of squared gradients.
    squares: Vec<f64>,
    constrained: Vec<usize>,
    constrained_ranges: Vec<Range<usize>>,
    threads: usize,
}

impl Runner {
    /// `threads` is how many there are; fewer are used where a batch is too little work.
    pub(crate) fn new(
        plan: &Plan,
        parameters: &Parameters,
        objective: Option<&Objective>,
        phase: Phase,
        batch_size: usize,
        threads: usize,
    ) -> Self {
        /// Multiply-adds of a batch from which a second thread is worth waking.
        const WORTHWHILE: usize = 1 << 16;
        let threads = if plan.cost() * batch_size < WORTHWHILE { 1 } else { threads };
        let rows = plan.shard_rows(batch_size);
        let blocks = Blocks::new(plan, rows, phase == Phase::Training);
        let states = objective.map_or(0, |objective| objective.state_lens.iter().sum());
        let training = phase == Phase::Training;
        let (pieces, ranges) =
            if training { divide(plan, parameters, batch_size) } else { Default::default() };
        let gradient_scratch =
            pieces.iter().zip(&ranges).map(|(piece, range)| match gradients_of(plan, piece) {
                Gradients::ByPiece(gradients) => gradients.scratch(piece.variable, range.len(), batch_size),
                _ => 0,
            });
        let scratch = gradient_scratch.max().unwrap_or(0).max(plan.scratch(rows));
        let is_constrained = |index: &usize| {
            let entry = &parameters.entries[*index];
            training && entry.trainable && entry.constraint.is_some()
        };
        let constrained: Vec<usize> = (0..parameters.entries.len()).filter(is_constrained).collect();
        Self {
            batch_size,
            phase,
            rows,
            shards: (0..batch_size.div_ceil(rows))
                .map(|_| Shard::new(plan, &blocks, rows, training, states))
                .collect(),
            blocks,
            workers: (0..threads).map(|_| Worker::new(scratch)).collect(),
            prepared: Prepared::new(plan, training),
            outcomes: vec![Outcome::default(); pieces.len()],
            sums: if training { MeetingSums::of(plan) } else { Vec::new() },
            squares: vec![0.0; parameters.entries.len()],
            constrained_ranges: constrained
                .iter()
                .map(|&index| parameters.entries[index].range.clone())
                .collect(),
            pieces,
            ranges,
            constrained,
            threads,
        }
    }

    /// How many threads this runner's pool must have.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Keeps a record of what each thread does.
    pub(crate) fn profile(&mut self) {
        self.workers.iter_mut().for_each(|worker| worker.spans.keep());
    }

    /// The threads, with their records.
    pub(crate) fn workers(&mut self) -> &mut [Worker] {
        &mut self.workers
    }

    /// The largest batch.
    pub(crate) fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Makes ready for batches with these parameters. A step of training does it by itself.
    pub(crate) fn prepare(&mut self, pool: &mut Pool, plan: &Plan, parameters: &Parameters) {
        self.prepared.refresh(pool, plan, &parameters.values, &mut self.workers);
    }

    /// One step of training.
    #[allow(clippy::too_many_arguments, reason = "the parts of a model that a step touches, borrowed apart")]
    pub(crate) fn train(
        &mut self,
        pool: &mut Pool,
        plan: &Plan,
        parameters: &mut Parameters,
        optimization: &mut Optimization,
        objective: &Objective,
        samples: Samples,
        totals: &mut Totals,
    ) {
        self.prepare(pool, plan, parameters);
        let (values, step) = (&parameters.values, optimization.iterations);
        let active = self.run(pool, plan, values, Some(objective), samples, step);
        self.learn(plan, parameters, samples.order.len());
        self.update(pool, plan, parameters, optimization, active);
        let penalty = self.outcomes.iter().map(|outcome| outcome.penalty).sum();
        self.add(samples.order.len(), active, penalty, totals);
    }

    /// The loss and metrics of one batch; `penalty` is what the regularizers add.
    #[allow(clippy::too_many_arguments, reason = "the parts of a model that a step touches, borrowed apart")]
    pub(crate) fn evaluate(
        &mut self,
        pool: &mut Pool,
        plan: &Plan,
        parameters: &Parameters,
        objective: &Objective,
        samples: Samples,
        penalty: f64,
        totals: &mut Totals,
    ) {
        let active = self.run(pool, plan, &parameters.values, Some(objective), samples, 0);
        self.add(samples.order.len(), active, penalty, totals);
    }

    /// The model's output for one batch; `step` is what random draws depend on.
    #[allow(clippy::too_many_arguments, reason = "the parts of a model that a step touches, borrowed apart")]
    pub(crate) fn predict(
        &mut self,
        pool: &mut Pool,
        plan: &Plan,
        parameters: &Parameters,
        samples: Samples,
        step: u64,
        output: &mut [f32],
    ) {
        let active = self.run(pool, plan, &parameters.values, None, samples, step);
        let mut rest = output;
        for shard in &self.shards[..active] {
            for row in shard.output(plan) {
                let (own, others) = rest.split_at_mut(row.len());
                own.copy_from_slice(row);
                rest = others;
            }
        }
    }

    /// Runs the batch's shards and says how many there were.
    fn run(
        &mut self,
        pool: &mut Pool,
        plan: &Plan,
        values: &[f32],
        objective: Option<&Objective>,
        samples: Samples,
        step: u64,
    ) -> usize {
        let (size, rows, phase) = (samples.order.len(), self.rows, self.phase);
        let (prepared, blocks) = (&self.prepared, &self.blocks);
        let active = size.div_ceil(rows);
        let mut sums = std::mem::take(&mut self.sums);
        let meetings = sums.len();
        for stage in 0..2 * meetings + 1 {
            let pass = Pass { plan, values, objective, samples, phase, step, prepared, blocks, sums: &sums };
            pool.for_each(&mut self.shards[..active], &mut self.workers, |index, shard, worker| {
                let first = index * rows;
                shard.run(&pass, stage, first, rows.min(size - first), worker);
            });
            let shards = &self.shards[..active];
            if stage < meetings {
                total(&mut sums[stage].forward, shards.iter().map(|shard| &shard.sums[stage].forward));
            } else if stage < 2 * meetings {
                let meeting = 2 * meetings - stage - 1;
                total(&mut sums[meeting].backward, shards.iter().map(|shard| &shard.sums[meeting].backward));
            }
        }
        self.sums = sums;
        active
    }

    /// What operations learn from a batch without the optimizer: moving averages.
    fn learn(&self, plan: &Plan, parameters: &mut Parameters, batch_size: usize) {
        for (&node, sums) in plan.meetings.iter().zip(&self.sums) {
            let Source::Transform { placed, variables, .. } = &plan.nodes[node].source else { continue };
            if let Some(of_batch) = placed.operation.batch_sums() {
                let ranges = &plan.layers[placed.layer].ranges[variables.clone()];
                of_batch.learn(batch_size, &sums.forward, &mut parameters.values, ranges);
            }
        }
    }

    fn add(&self, samples: usize, active: usize, penalty: f64, totals: &mut Totals) {
        let mut loss = penalty;
        for shard in &self.shards[..active] {
            loss += shard.loss + shard.penalty;
            for (total, state) in totals.states.iter_mut().zip(&shard.metrics) {
                *total += state;
            }
        }
        totals.loss += loss * samples as f64;
        totals.samples += samples;
    }

    /// Gradients, and the optimizer's step on them.
    fn update(
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
        let (pieces, entries) = (&self.pieces, &parameters.entries);
        let done = Done { plan, shards: &self.shards[..active] };
        let sums = &self.sums;
        let arenas = [&mut parameters.values[..], gradients, a, b, c];
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
            let values = &parameters.values[..];
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
            let arenas = [&mut parameters.values[..], gradients, a, b, c];
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
            let arenas = [&mut parameters.values[..]];
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
fn gradients_of<'a>(plan: &'a Plan, piece: &Piece) -> Gradients<'a> {
    plan.nodes[piece.node].transform().map_or(Gradients::None, |(placed, _)| placed.operation.gradients())
}

/// Σg²
fn squared_norm(gradient: &[f32]) -> f64 {
    gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum()
}

/// Adds up the shards' sums, in their order.
fn total<'a>(total: &mut [f64], shards: impl Iterator<Item = &'a Vec<f64>>) {
    total.fill(0.0);
    for sums in shards {
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
}

/// Cuts the variables to train into pieces of about equal work, in the arena's order.
fn divide(plan: &Plan, parameters: &Parameters, batch_size: usize) -> (Vec<Piece>, Vec<Range<usize>>) {
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
