//! A shard: some rows of a batch, with memory of their own, on one thread.

mod backward;
mod cut;

use std::ops::Range;

use thinnet_kernels::add::add;
use thinnet_kernels::buffer::Buffer;

use super::blocks::Blocks;
use super::context::{Context, Phase, Shards, Variables};
use super::objective::Objective;
use super::plan::{Edge, Node, Placed, Plan, Source};
use super::prepared::Prepared;
use super::profile::{Work, Worker};
use super::samples::{CheckedTargets, Inputs, Samples};
use crate::data::TargetRows;

/// What all shards of a batch are given.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) values: &'a [f32],
    pub(crate) objective: Option<&'a Objective>,
    pub(crate) samples: Samples<'a>,
    pub(crate) phase: Phase,
    pub(crate) step: u64,
    pub(crate) prepared: &'a Prepared,
    pub(crate) blocks: &'a Blocks,
    /// What the operations of [`Plan::meetings`] summed over the batch, one after the other.
    pub(crate) sums: &'a [MeetingSums],
    /// For each node, whether it is left out: see [`Plan::find_absent`].
    pub(crate) absent: &'a [bool],
}

/// What an operation summed up for its forward and its backward pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct MeetingSums {
    pub(crate) forward: Vec<f64>,
    pub(crate) backward: Vec<f64>,
}

impl MeetingSums {
    /// Zeros for each of a plan's meetings.
    pub(crate) fn of(plan: &Plan) -> Vec<Self> {
        let count = |&node: &usize| {
            let (placed, _) = plan.nodes[node].transform()?;
            Some(placed.operation.batch_sums()?.count())
        };
        let zeros = |count: usize| Self { forward: vec![0.0; count], backward: vec![0.0; count] };
        plan.meetings.iter().map(|node| zeros(count(node).unwrap_or(0))).collect()
    }
}

/// Memory for some rows, from the input to the loss.
#[derive(Debug)]
pub(crate) struct Shard {
    rows: usize,
    /// Each node's buffer.
    values: Vec<Buffer>,
    /// The loss's gradient by each node's buffer; empty for nodes that the backward pass does not reach.
    gradients: Vec<Buffer>,
    /// What each node that takes the largest of several places noted: see [`Largest`](crate::layers::Largest).
    notes: Vec<Buffer>,
    /// The rows' part of the gradient of each node's variables, where that is summed by shard.
    partials: Vec<Buffer>,
    /// The rows' sums for each of the plan's meetings.
    pub(crate) sums: Vec<MeetingSums>,
    classes: Vec<u32>,
    targets: Vec<f32>,
    /// What each row's loss counts in the batch's: its weight / the batch size.
    scales: Vec<f32>,
    /// Keras's metrics do not see the weights.
    ones: Vec<f32>,
    losses: Vec<f32>,
    /// The rows' part of the batch's loss.
    pub(crate) loss: f64,
    /// What in-place operations added to the batch's loss.
    pub(crate) penalty: f64,
    /// The metrics' states, one after the other.
    pub(crate) metrics: Vec<f64>,
}

impl Shard {
    pub(crate) fn new(
        plan: &Plan,
        blocks: &Blocks,
        capacity: usize,
        training: bool,
        metric_states: usize,
    ) -> Self {
        let output = plan.output.len();
        let outputs = capacity * plan.copies();
        let reached = |node: usize| training && node >= plan.first_trainable;
        let rows = |node: usize, local: &[bool]| if local[node] { blocks.rows(node) } else { capacity };
        let values = |(index, node): (usize, &Node)| rows(index, &blocks.local_values) * node.len;
        let gradients = |(index, node): (usize, &Node)| match reached(index) {
            true => rows(index, &blocks.local_gradients) * node.len,
            false => 0,
        };
        let notes = |node: &Node| match node.transform() {
            Some((placed, _)) if training && placed.operation.largest().is_some() => capacity * node.len,
            _ => 0,
        };
        Self {
            rows: 0,
            values: plan.nodes.iter().enumerate().map(|node| Buffer::zeros(values(node))).collect(),
            gradients: plan.nodes.iter().enumerate().map(|node| Buffer::zeros(gradients(node))).collect(),
            notes: plan.nodes.iter().map(|node| Buffer::zeros(notes(node))).collect(),
            partials: plan
                .nodes
                .iter()
                .map(|node| Buffer::zeros(if training { node.partial_len(plan) } else { 0 }))
                .collect(),
            sums: if training { MeetingSums::of(plan) } else { Vec::new() },
            classes: vec![0; outputs],
            targets: vec![0.0; outputs * output],
            scales: vec![0.0; outputs],
            ones: vec![1.0; outputs],
            losses: vec![0.0; outputs],
            loss: 0.0,
            penalty: 0.0,
            metrics: vec![0.0; metric_states],
        }
    }

    /// The model's output for the shard's rows, each sample's first.
    pub(crate) fn output(&self, plan: &Plan) -> impl Iterator<Item = &[f32]> {
        let (len, copies) = (plan.output.len(), plan.copies());
        output(&self.values, self.rows * copies * len)
            .chunks_exact((copies * len).max(1))
            .map(move |all| &all[..len])
    }

    /// The part of a batch's work on these rows that lies between two meetings: in training, stage s of 2m + 1 with m
    /// meetings, the last m of them backwards; otherwise everything at once. `first` is the place of the first row in the
    /// batch.
    pub(crate) fn run(&mut self, pass: &Pass, stage: usize, first: usize, rows: usize, worker: &mut Worker) {
        let plan = pass.plan;
        let training = pass.phase == Phase::Training;
        let meetings = if training { &plan.meetings[..] } else { &[] };
        let linked = pass.objective.is_some_and(|objective| objective.linked);
        if stage == 0 {
            self.rows = rows;
            self.penalty = 0.0;
            let start = worker.spans.start();
            self.gather(pass, first);
            worker.spans.end(start, Work::Gather);
        }
        if stage <= meetings.len() {
            let start = if stage == 0 { 0 } else { meetings[stage - 1] };
            let end = meetings.get(stage).copied().unwrap_or(plan.nodes.len());
            for segment in pass.blocks.within(start..end) {
                for block in segment.blocks(rows) {
                    for node in segment.nodes.clone() {
                        self.forward(pass, node, block.clone(), first, linked, worker);
                    }
                }
            }
            if let Some(&node) = meetings.get(stage) {
                self.sum_forward(pass, stage, node, worker);
                return;
            }
            let Some(objective) = pass.objective else { return };
            let start = worker.spans.start();
            self.evaluate(pass, objective);
            if linked {
                self.apply_link(pass, first, &mut worker.scratch);
            }
            self.measure(pass, objective);
            worker.spans.end(start, Work::Loss);
            if !training {
                return;
            }
            self.partials.iter_mut().for_each(|partial| partial.fill(0.0));
        }
        // Backwards, the operation at a meeting runs in two parts: what comes behind it before, the rest after.
        let done = stage - meetings.len();
        if done > 0 && meetings[meetings.len() - done] >= plan.first_trainable {
            self.backward_source(pass, meetings[meetings.len() - done], 0..rows, first, worker);
        }
        let upper = if done == 0 { plan.nodes.len() } else { meetings[meetings.len() - done] };
        let lower = meetings.len().checked_sub(done + 1).map_or(0, |meeting| meetings[meeting]);
        let meeting = (done < meetings.len()).then_some(lower);
        for segment in pass.blocks.within(lower.max(plan.first_trainable)..upper).rev() {
            for block in segment.blocks(rows) {
                for node in segment.nodes.clone().rev() {
                    self.backward_chain(pass, node, block.clone(), first, linked, worker);
                    if meeting != Some(node) {
                        self.backward_source(pass, node, block.clone(), first, worker);
                    }
                }
            }
            for node in segment.nodes {
                self.finish(pass, node, worker);
            }
        }
        if let Some(node) = meeting.filter(|&node| node >= plan.first_trainable) {
            self.sum_backward(pass, meetings.len() - done - 1, node, first, worker);
        }
    }

    fn gather(&mut self, pass: &Pass, first: usize) {
        let order = &pass.samples.order[first..first + self.rows];
        let (len, copies) = (pass.plan.nodes[0].len, pass.plan.copies());
        match pass.samples.inputs {
            Inputs::All(features) => {
                for (row, &sample) in self.values[0].chunks_exact_mut(len.max(1)).zip(order) {
                    features.gather(sample as usize, row);
                }
            }
            Inputs::Batch(rows) => {
                self.values[0][..self.rows * len].copy_from_slice(&rows[first * len..][..self.rows * len]);
            }
        }
        match pass.samples.targets {
            None => {}
            Some(CheckedTargets::Classes(classes)) => {
                for (class, &sample) in self.classes.chunks_exact_mut(copies).zip(order) {
                    class.fill(classes[sample as usize]);
                }
            }
            Some(CheckedTargets::Values { len, values }) => {
                for (rows, &sample) in self.targets.chunks_exact_mut(copies * len).zip(order) {
                    let row = &values[sample as usize * len..][..*len];
                    rows.chunks_exact_mut(*len).for_each(|copy| copy.copy_from_slice(row));
                }
            }
        }
        let batch_size = (pass.samples.order.len() * copies) as f32;
        for (scale, &sample) in self.scales.chunks_exact_mut(copies).zip(order) {
            scale.fill(pass.samples.weights.map_or(1.0, |weights| weights[sample as usize]) / batch_size);
        }
    }

    fn context(pass: &Pass, layer: usize, first: usize) -> Context {
        let stream = pass.plan.layers[layer].stream;
        let first = pass.samples.first + first;
        Context { phase: pass.phase, stream, step: pass.step, first, batch_size: pass.samples.order.len() }
    }

    /// The variables of a node's transform, and what it summed over the batch.
    fn variables<'a>(pass: &Pass<'a>, node: usize) -> Variables<'a> {
        let Source::Transform { placed, variables, .. } = &pass.plan.nodes[node].source else {
            return Variables::new(pass.values, &[]);
        };
        let of_operation = &pass.plan.layers[placed.layer].ranges[variables.clone()];
        let variables = Variables::new(pass.values, of_operation).with_prepared(pass.prepared.of(node));
        let meeting = pass.plan.meetings.iter().position(|&meeting| meeting == node);
        match meeting.and_then(|meeting| pass.sums.get(meeting)) {
            Some(MeetingSums { forward, backward }) => variables.with_sums(forward, backward),
            None => variables,
        }
    }

    /// Runs the operations of a node for some rows, but not the link where the loss does without it.
    fn forward(
        &mut self,
        pass: &Pass,
        index: usize,
        rows: Range<usize>,
        first: usize,
        linked: bool,
        worker: &mut Worker,
    ) {
        self.forward_source(pass, index, rows.clone(), first, worker);
        let skipped = usize::from(linked && index == pass.plan.nodes.len() - 1);
        let chain = 0..pass.plan.nodes[index].chain.len() - skipped;
        self.forward_chain(pass, index, chain, rows, first, worker);
    }

    /// Writes a node's buffer for some rows.
    fn forward_source(
        &mut self,
        pass: &Pass,
        index: usize,
        rows: Range<usize>,
        first: usize,
        worker: &mut Worker,
    ) {
        let Worker { scratch, spans } = worker;
        let (plan, local) = (pass.plan, &pass.blocks.local_values);
        if pass.absent[index] {
            return;
        }
        let node = &plan.nodes[index];
        let (before, rest) = self.values.split_at_mut(index);
        let y = &mut rest[0][place(&rows, node.len, local[index])];
        let read =
            |edge: &Edge| &before[edge.node][place(&rows, plan.nodes[edge.node].len, local[edge.node])];
        let first = first + rows.start;
        let start = spans.start();
        match &node.source {
            Source::Input => {}
            Source::Copy(edge) => y.copy_from_slice(read(edge)),
            Source::Transform { edge, placed: Placed { operation, layer }, .. } => {
                match operation.largest().filter(|_| pass.phase == Phase::Training) {
                    Some(largest) => {
                        let notes = &mut self.notes[index][place(&rows, node.len, false)];
                        largest.forward(read(edge), y, notes);
                    }
                    None => {
                        let cx = Self::context(pass, *layer, first);
                        operation.forward(&cx, Self::variables(pass, index), read(edge), y, scratch);
                    }
                }
            }
            Source::Sum(edges) => {
                let mut present = edges.iter().filter(|edge| !pass.absent[edge.node]);
                match present.next() {
                    Some(edge) => y.copy_from_slice(read(edge)),
                    None => y.fill(0.0),
                }
                present.for_each(|edge| add(read(edge), y));
            }
        }
        if index > 0 {
            spans.end(start, Work::Forward(node.layer));
        }
    }

    /// Runs some of the operations that change a node's buffer where it lies, for some rows.
    fn forward_chain(
        &mut self,
        pass: &Pass,
        index: usize,
        chain: Range<usize>,
        rows: Range<usize>,
        first: usize,
        worker: &mut Worker,
    ) {
        if pass.absent[index] {
            return;
        }
        let Worker { scratch, spans } = worker;
        let node = &pass.plan.nodes[index];
        let y = &mut self.values[index][place(&rows, node.len, pass.blocks.local_values[index])];
        for Placed { operation, layer } in &node.chain[chain] {
            let cx = Self::context(pass, *layer, first + rows.start);
            if operation.is_active(&cx) {
                let start = spans.start();
                operation.forward(&cx, y, scratch);
                if pass.objective.is_some() {
                    self.penalty += operation.penalty(&cx, y);
                }
                spans.end(start, Work::Forward(*layer));
            }
        }
    }

    /// The loss, and in training its gradient by the last buffer.
    fn evaluate(&mut self, pass: &Pass, objective: &Objective) {
        let (shape, rows) = (&pass.plan.output, self.rows * pass.plan.copies());
        let gradient = self.gradients.last_mut().filter(|_| pass.phase == Phase::Training);
        objective.loss.evaluate(
            objective.linked,
            shape,
            output(&self.values, rows * shape.len()),
            target_rows(pass, rows, &self.classes, &self.targets),
            &self.scales[..rows],
            &mut self.losses[..rows],
            // Empty where there is nothing to train.
            gradient.and_then(|gradient| gradient.get_mut(..rows * shape.len())),
        );
        let weighted =
            self.losses[..rows].iter().zip(&self.scales).map(|(&l, &scale)| f64::from(l) * f64::from(scale));
        self.loss = weighted.sum();
    }

    fn apply_link(&mut self, pass: &Pass, first: usize, scratch: &mut [f32]) {
        let len = self.rows * pass.plan.copies() * pass.plan.output.len();
        if let Some(Placed { operation, layer }) = pass.plan.nodes.last().and_then(|node| node.chain.last()) {
            let cx = Self::context(pass, *layer, first);
            operation.forward(&cx, &mut self.values.last_mut().expect("node 0 is the input")[..len], scratch);
        }
    }

    fn measure(&mut self, pass: &Pass, objective: &Objective) {
        self.metrics.fill(0.0);
        let mut rest = &mut self.metrics[..];
        let (shape, rows) = (&pass.plan.output, self.rows * pass.plan.copies());
        let predictions = output(&self.values, rows * shape.len());
        let targets = target_rows(pass, rows, &self.classes, &self.targets);
        for (metric, &len) in objective.metrics.iter().zip(&objective.state_lens) {
            let (state, others) = rest.split_at_mut(len);
            metric.update(state, shape, predictions, targets, &self.ones[..rows]);
            rest = others;
        }
    }

    fn sum_forward(&mut self, pass: &Pass, meeting: usize, node: usize, worker: &mut Worker) {
        let Some((placed, source)) = pass.plan.nodes[node].transform().filter(|_| !pass.absent[node]) else {
            return;
        };
        if let Some(of_batch) = placed.operation.batch_sums() {
            let x = &self.values[source][..self.rows * pass.plan.nodes[source].len];
            let start = worker.spans.start();
            of_batch.forward_sums(x, &mut self.sums[meeting].forward);
            worker.spans.end(start, Work::Forward(placed.layer));
        }
    }

    fn sum_backward(&mut self, pass: &Pass, meeting: usize, node: usize, first: usize, worker: &mut Worker) {
        let Some((placed, source)) = pass.plan.nodes[node].transform().filter(|_| !pass.absent[node]) else {
            return;
        };
        if let Some(of_batch) = placed.operation.batch_sums() {
            let x = &self.values[source][..self.rows * pass.plan.nodes[source].len];
            let dy = &self.gradients[node][..self.rows * pass.plan.nodes[node].len];
            let cx = Self::context(pass, placed.layer, first);
            let sums = &mut self.sums[meeting].backward;
            let start = worker.spans.start();
            of_batch.backward_sums(&cx, Self::variables(pass, node), x, dy, &mut worker.scratch, sums);
            worker.spans.end(start, Work::Backward(placed.layer));
        }
    }
}

/// Where some rows of a shard lie in a buffer, which holds either all rows or those of a block.
fn place(rows: &Range<usize>, len: usize, local: bool) -> Range<usize> {
    if local { 0..rows.len() * len } else { rows.start * len..rows.end * len }
}

fn output(values: &[Buffer], len: usize) -> &[f32] {
    &values.last().expect("node 0 is the input")[..len]
}

fn target_rows<'a>(pass: &Pass, rows: usize, classes: &'a [u32], values: &'a [f32]) -> TargetRows<'a> {
    match pass.samples.targets {
        Some(CheckedTargets::Values { len, .. }) => TargetRows::Values(&values[..rows * len]),
        _ => TargetRows::Classes(&classes[..rows]),
    }
}

/// The shards of a batch, after they ran.
pub(super) struct Done<'a> {
    pub(super) plan: &'a Plan,
    pub(super) shards: &'a [Shard],
}

impl Shards for Done<'_> {
    fn count(&self) -> usize {
        self.shards.len()
    }

    fn part(&self, shard: usize, node: usize) -> (&[f32], &[f32]) {
        let shard = &self.shards[shard];
        let source = self.plan.nodes[node].transform().map_or(0, |(_, source)| source);
        let len = |node: usize| self.plan.nodes[node].len * shard.rows;
        (&shard.values[source][..len(source)], &shard.gradients[node][..len(node)])
    }
}

impl Done<'_> {
    /// The sum of the shards' parts of a gradient, in their order: `start` is the place in a node's variables.
    pub(super) fn sum_partials(&self, node: usize, start: usize, out: &mut [f32]) {
        let range = start..start + out.len();
        for (index, shard) in self.shards.iter().enumerate() {
            let partial = &shard.partials[node][range.clone()];
            if index == 0 { out.copy_from_slice(partial) } else { add(partial, out) }
        }
    }
}
