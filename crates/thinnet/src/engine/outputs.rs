//! What a model says of any number of samples. Memory is that of a few rows for each thread, and, for Monte-Carlo
//! prediction, of what all thinned networks have in common.

use std::ops::Range;

use thinnet_kernels::buffer::Buffer;
use thinnet_kernels::pool::Pool;

use super::blocks::Blocks;
use super::context::Phase;
use super::parameters::Parameters;
use super::plan::{Cut, Plan};
use super::prepared::Prepared;
use super::profile::Worker;
use super::runner::WORTHWHILE;
use super::samples::{Inputs, Samples};
use super::shard::{Pass, Shard};
use crate::data::Features;

/// Inputs that are cut as a batch of so many would be.
const BATCH: usize = 256;

/// Memory and division of work for outputs, of one phase.
#[derive(Debug)]
pub(crate) struct Outputs {
    phase: Phase,
    /// Rows of a task.
    rows: usize,
    /// The most rows of a task that there is memory for.
    capacity: usize,
    lanes: Vec<Lane>,
    prepared: Prepared,
    /// The parameters' changes when everything was prepared.
    changes: Option<u64>,
    blocks: Blocks,
    cut: Cut,
    frontier: Vec<usize>,
    /// The frontier's buffers, task by task.
    kept: Buffer,
    /// The inputs, counted.
    order: Vec<u32>,
    /// The place of the first of them, where draws depend on it.
    first: usize,
    /// Each task's inputs, and where their outputs lie.
    tasks: Vec<Range<usize>>,
    ranges: Vec<Range<usize>>,
    /// The nodes that a network leaves out.
    absent: Vec<bool>,
}

/// A thread's memory.
#[derive(Debug)]
struct Lane {
    shard: Shard,
    worker: Worker,
}

impl AsMut<Worker> for Lane {
    fn as_mut(&mut self) -> &mut Worker {
        &mut self.worker
    }
}

/// How many threads are worth their while for some inputs, and how many rows each task then has.
fn division(plan: &Plan, inputs: usize, threads: usize) -> (usize, usize) {
    let threads = if plan.cost() * inputs < WORTHWHILE { 1 } else { threads };
    let tasks = inputs.div_ceil(plan.shard_rows(inputs.min(BATCH))).next_multiple_of(threads);
    (threads, inputs.div_ceil(tasks))
}

impl Outputs {
    /// For so many inputs, one at least, on at most so many threads.
    pub(crate) fn new(plan: &Plan, phase: Phase, inputs: usize, threads: usize) -> Self {
        let (threads, rows) = division(plan, inputs, threads);
        let cut = match phase {
            Phase::MonteCarlo { .. } => plan.first_draw().unwrap_or(plan.end()),
            _ => plan.end(),
        };
        let blocks = Blocks::new(plan, rows, false, Some(cut));
        let lane = |_| Lane {
            shard: Shard::new(plan, &blocks, rows, false, 0),
            worker: Worker::new(plan.scratch(rows)),
        };
        Self {
            phase,
            rows,
            capacity: rows,
            lanes: (0..threads).map(lane).collect(),
            prepared: Prepared::new(plan, false),
            changes: None,
            frontier: plan.frontier(cut),
            cut,
            blocks,
            kept: Buffer::zeros(0),
            order: Vec::new(),
            first: 0,
            tasks: Vec::new(),
            ranges: Vec::new(),
            absent: vec![false; plan.nodes.len()],
        }
    }

    /// Whether this has the memory and the threads that [`new`](Self::new) would give for these inputs.
    pub(crate) fn suits(&self, plan: &Plan, inputs: usize, threads: usize) -> bool {
        let (threads, rows) = division(plan, inputs, threads);
        self.lanes.len() == threads && self.capacity >= rows
    }

    /// How many threads its pool must have.
    pub(crate) fn threads(&self) -> usize {
        self.lanes.len()
    }

    /// Makes ready for so many inputs and these parameters.
    pub(crate) fn prepare(&mut self, pool: &mut Pool, plan: &Plan, parameters: &Parameters, inputs: usize) {
        self.rows = division(plan, inputs, self.lanes.len()).1.min(self.capacity);
        if self.order.len() != inputs {
            self.order = (0..inputs as u32).collect();
        }
        if self.changes != Some(parameters.changes()) {
            self.prepared.refresh(pool, plan, parameters.values(), &mut self.lanes);
            self.changes = Some(parameters.changes());
        }
        self.kept = Buffer::zeros(0);
        self.tasks.clear();
        self.tasks.extend((0..inputs).step_by(self.rows).map(|first| first..(first + self.rows).min(inputs)));
        let width = plan.output.len();
        self.ranges.clear();
        self.ranges.extend(self.tasks.iter().map(|task| task.start * width..task.end * width));
    }

    /// Takes the inputs for a part of more, which begins at this place: draws depend on it.
    pub(crate) fn begin_at(&mut self, first: usize) {
        self.first = first;
    }

    /// How many inputs each task has.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = usize> {
        self.tasks.iter().map(Range::len)
    }

    /// Computes what all thinned networks have in common and keeps at most so many f32 of it; for inputs beyond, each network
    /// computes it anew. Results do not depend on whether this is called.
    pub(crate) fn keep(
        &mut self,
        pool: &mut Pool,
        plan: &Plan,
        parameters: &Parameters,
        features: &Features,
        most: usize,
    ) {
        if self.cut == (Cut { node: 0, chain: 0 }) {
            return;
        }
        let len = self.kept_len(plan);
        let tasks = self.tasks.iter().take_while(|task| task.end * len <= most).count();
        let mut kept = Buffer::zeros(self.tasks[..tasks].last().map_or(0, |task| task.end * len));
        let ranges: Vec<_> =
            self.tasks[..tasks].iter().map(|task| task.start * len..task.end * len).collect();
        let mut lanes = std::mem::take(&mut self.lanes);
        self.absent.fill(false);
        let pass = self.pass(plan, parameters, features, 0);
        let (tasks, cut, frontier) = (&self.tasks, self.cut, &self.frontier);
        pool.for_ranges(
            &ranges,
            [&mut kept[..]],
            &mut vec![(); ranges.len()],
            &mut lanes,
            |task, [kept], (), lane| {
                let rows = &tasks[task];
                lane.shard.start(&pass, rows.start, rows.len(), cut, &mut lane.worker);
                lane.shard.keep(plan, frontier, kept);
            },
        );
        (self.kept, self.lanes) = (kept, lanes);
    }

    /// Writes the outputs for all inputs; `step` is what random draws depend on. Each task's outputs are also given to `each`,
    /// with one of `states`, which must be as many as there are tasks.
    #[allow(clippy::too_many_arguments, reason = "the parts of a model that a pass reads, borrowed apart")]
    pub(crate) fn write<T: Send>(
        &mut self,
        pool: &mut Pool,
        plan: &Plan,
        parameters: &Parameters,
        features: &Features,
        step: u64,
        output: &mut [f32],
        states: &mut [T],
        each: impl Fn(&mut T, &[f32]) + Sync,
    ) {
        let (width, len) = (plan.output.len(), self.kept_len(plan));
        let mut lanes = std::mem::take(&mut self.lanes);
        plan.find_absent(self.phase, step, &mut self.absent);
        let pass = self.pass(plan, parameters, features, step);
        let (tasks, cut, frontier, kept) = (&self.tasks, self.cut, &self.frontier, &self.kept);
        pool.for_ranges(&self.ranges, [output], states, &mut lanes, |task, [output], state, lane| {
            let Lane { shard, worker } = lane;
            let rows = &tasks[task];
            let kept = kept.get(rows.start * len..rows.end * len).filter(|kept| !kept.is_empty());
            if kept.is_none() {
                shard.start(&pass, rows.start, rows.len(), cut, worker);
            }
            shard.go_on(&pass, rows.start, rows.len(), cut, frontier, kept, worker);
            for (row, output) in shard.output(plan).zip(output.chunks_exact_mut(width.max(1))) {
                output.copy_from_slice(row);
            }
            each(state, output);
        });
        self.lanes = lanes;
    }

    /// f32 of the frontier's buffers for one input.
    fn kept_len(&self, plan: &Plan) -> usize {
        self.frontier.iter().map(|&node| plan.nodes[node].len).sum()
    }

    fn pass<'a>(
        &'a self,
        plan: &'a Plan,
        parameters: &'a Parameters,
        features: &'a Features,
        step: u64,
    ) -> Pass<'a> {
        let samples = Samples {
            inputs: Inputs::All(features),
            targets: None,
            weights: None,
            order: &self.order,
            first: self.first,
        };
        let (phase, prepared, blocks) = (self.phase, &self.prepared, &self.blocks);
        Pass {
            plan,
            values: parameters.values(),
            objective: None,
            samples,
            phase,
            step,
            prepared,
            blocks,
            sums: &[],
            absent: &self.absent,
        }
    }
}
