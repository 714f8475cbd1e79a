//! A whole batch: its shards side by side, then the arena's pieces side by side.

mod update;

use std::ops::Range;

use thinnet_kernels::pool::Pool;

pub(crate) use self::update::Optimization;
use self::update::{Outcome, Piece, divide, gradients_of};
use super::blocks::Blocks;
use super::context::Phase;
use super::objective::{Objective, Totals};
use super::parameters::Parameters;
use super::plan::{Plan, Source};
use super::prepared::Prepared;
use super::profile::Worker;
use super::samples::Samples;
use super::shard::{MeetingSums, Pass, Shard};
use crate::layers::Gradients;

/// Multiply-adds of a forward pass from which a second thread is worth waking.
pub(super) const WORTHWHILE: usize = 1 << 19;

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
    /// The nodes that the step leaves out.
    absent: Vec<bool>,
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
        let threads = if plan.cost() * batch_size < WORTHWHILE { 1 } else { threads };
        let rows = plan.shard_rows(batch_size);
        let blocks = Blocks::new(plan, rows, phase == Phase::Training, None);
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
            absent: vec![false; plan.nodes.len()],
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
        self.prepared.refresh(pool, plan, parameters.values(), &mut self.workers);
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
        let (values, step) = (parameters.values(), optimization.iterations);
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
        let active = self.run(pool, plan, parameters.values(), Some(objective), samples, 0);
        self.add(samples.order.len(), active, penalty, totals);
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
        plan.find_absent(phase, step, &mut self.absent);
        let (prepared, blocks, absent) = (&self.prepared, &self.blocks, &self.absent[..]);
        let active = size.div_ceil(rows);
        let mut sums = std::mem::take(&mut self.sums);
        let meetings = sums.len();
        for stage in 0..2 * meetings + 1 {
            let pass =
                Pass { plan, values, objective, samples, phase, step, prepared, blocks, sums: &sums, absent };
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
        if plan.meetings.is_empty() {
            return;
        }
        let (_, values) = parameters.values_mut();
        for (&node, sums) in plan.meetings.iter().zip(&self.sums).filter(|(node, _)| !self.absent[**node]) {
            let Source::Transform { placed, variables, .. } = &plan.nodes[node].source else { continue };
            if let Some(of_batch) = placed.operation.batch_sums() {
                let ranges = &plan.layers[placed.layer].ranges[variables.clone()];
                of_batch.learn(batch_size, &sums.forward, values, ranges);
            }
        }
    }

    fn add(&self, samples: usize, active: usize, penalty: f64, totals: &mut Totals) {
        let shards = &self.shards[..active];
        let loss = shards.iter().fold(penalty, |loss, shard| loss + (shard.loss + shard.penalty));
        totals.add(loss, samples, shards.iter().map(|shard| &shard.metrics[..]));
    }
}

/// Adds up the shards' sums, in their order.
fn total<'a>(total: &mut [f64], shards: impl Iterator<Item = &'a Vec<f64>>) {
    total.fill(0.0);
    for sums in shards {
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
}
