//! A shard: some rows of a batch, with memory of their own, on one thread.

use std::borrow::Cow;

use thinnet_kernels::buffer::Buffer;

use super::context::{Context, Phase, Shards, Variables};
use super::plan::{Placed, Plan};
use super::runner::Objective;
use crate::data::{Features, TargetRows};

/// Targets that were checked against the model's output.
#[derive(Debug)]
pub(crate) enum CheckedTargets<'a> {
    Classes(Vec<u32>),
    Values { len: usize, values: Cow<'a, [f32]> },
}

/// The rows of a batch: where they come from, and which.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    pub(crate) features: &'a Features<'a>,
    /// None to predict.
    pub(crate) targets: Option<&'a CheckedTargets<'a>>,
    /// A weight for each sample of the data.
    pub(crate) weights: Option<&'a [f32]>,
    /// The batch's samples, in order.
    pub(crate) order: &'a [u32],
}

/// What all shards of a batch are given.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) values: &'a [f32],
    pub(crate) objective: Option<&'a Objective>,
    pub(crate) samples: Samples<'a>,
    pub(crate) phase: Phase,
    pub(crate) step: u64,
}

/// Memory for some rows, from the input to the loss.
#[derive(Debug)]
pub(crate) struct Shard {
    rows: usize,
    /// Each node's buffer.
    values: Vec<Buffer>,
    /// The loss's gradient by each node's buffer; empty for nodes that the backward pass does not reach.
    gradients: Vec<Buffer>,
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
    pub(crate) fn new(plan: &Plan, capacity: usize, training: bool, metric_states: usize) -> Self {
        let output = plan.output.len();
        let reached = |node: usize| training && node >= plan.first_trainable;
        Self {
            rows: 0,
            values: plan.nodes.iter().map(|node| Buffer::zeros(capacity * node.len)).collect(),
            gradients: plan
                .nodes
                .iter()
                .enumerate()
                .map(|(index, node)| Buffer::zeros(if reached(index) { capacity * node.len } else { 0 }))
                .collect(),
            classes: vec![0; capacity],
            targets: vec![0.0; capacity * output],
            scales: vec![0.0; capacity],
            ones: vec![1.0; capacity],
            losses: vec![0.0; capacity],
            loss: 0.0,
            penalty: 0.0,
            metrics: vec![0.0; metric_states],
        }
    }

    /// The model's output for the shard's rows.
    pub(crate) fn output(&self, plan: &Plan) -> &[f32] {
        output(&self.values, self.rows * plan.output.len())
    }

    /// Everything that a batch needs of these rows; `first` is the place of the first in the batch.
    pub(crate) fn run(&mut self, pass: &Pass, first: usize, rows: usize, scratch: &mut [f32]) {
        self.rows = rows;
        self.penalty = 0.0;
        self.gather(pass, first);
        let training = pass.phase == Phase::Training;
        let linked = pass.objective.is_some_and(|objective| objective.linked);
        self.forward(pass, first, linked, scratch);
        if let Some(objective) = pass.objective {
            self.evaluate(pass, objective);
            if linked {
                self.apply_link(pass, first, scratch);
            }
            self.measure(pass, objective);
            if training {
                self.backward(pass, first, linked, scratch);
            }
        }
    }

    fn gather(&mut self, pass: &Pass, first: usize) {
        let order = &pass.samples.order[first..first + self.rows];
        let len = pass.plan.nodes[0].len;
        for (row, &sample) in self.values[0].chunks_exact_mut(len.max(1)).zip(order) {
            pass.samples.features.gather(sample as usize, row);
        }
        match pass.samples.targets {
            None => {}
            Some(CheckedTargets::Classes(classes)) => {
                for (class, &sample) in self.classes.iter_mut().zip(order) {
                    *class = classes[sample as usize];
                }
            }
            Some(CheckedTargets::Values { len, values }) => {
                for (row, &sample) in self.targets.chunks_exact_mut(*len).zip(order) {
                    row.copy_from_slice(&values[sample as usize * len..][..*len]);
                }
            }
        }
        let batch_size = pass.samples.order.len() as f32;
        for (scale, &sample) in self.scales.iter_mut().zip(order) {
            *scale = pass.samples.weights.map_or(1.0, |weights| weights[sample as usize]) / batch_size;
        }
    }

    fn context(pass: &Pass, layer: usize, first: usize) -> Context {
        let stream = pass.plan.layers[layer].stream;
        Context { phase: pass.phase, stream, step: pass.step, first, batch_size: pass.samples.order.len() }
    }

    fn variables<'a>(pass: &Pass<'a>, layer: usize) -> Variables<'a> {
        Variables::new(pass.values, &pass.plan.layers[layer].ranges)
    }

    /// Runs every operation, but not the link where the loss does without it.
    fn forward(&mut self, pass: &Pass, first: usize, linked: bool, scratch: &mut [f32]) {
        let last = pass.plan.nodes.len() - 1;
        for (index, node) in pass.plan.nodes.iter().enumerate() {
            let (before, rest) = self.values.split_at_mut(index);
            let y = &mut rest[0][..self.rows * node.len];
            if let Some(x) = before.last() {
                let x = &x[..self.rows * pass.plan.nodes[index - 1].len];
                match &node.transform {
                    Some(Placed { operation, layer }) => {
                        let cx = Self::context(pass, *layer, first);
                        operation.forward(&cx, Self::variables(pass, *layer), x, y, scratch);
                    }
                    None => y.copy_from_slice(x),
                }
            }
            let skipped = usize::from(linked && index == last);
            for Placed { operation, layer } in &node.chain[..node.chain.len() - skipped] {
                let cx = Self::context(pass, *layer, first);
                if operation.is_active(&cx) {
                    operation.forward(&cx, y, scratch);
                    self.penalty += operation.penalty(&cx, y);
                }
            }
        }
    }

    /// The loss, and in training its gradient by the last buffer.
    fn evaluate(&mut self, pass: &Pass, objective: &Objective) {
        let (shape, rows) = (&pass.plan.output, self.rows);
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
        let len = self.rows * pass.plan.output.len();
        if let Some(Placed { operation, layer }) = pass.plan.nodes.last().and_then(|node| node.chain.last()) {
            let cx = Self::context(pass, *layer, first);
            operation.forward(&cx, &mut self.values.last_mut().expect("node 0 is the input")[..len], scratch);
        }
    }

    fn measure(&mut self, pass: &Pass, objective: &Objective) {
        self.metrics.fill(0.0);
        let mut rest = &mut self.metrics[..];
        let (shape, rows) = (&pass.plan.output, self.rows);
        let predictions = output(&self.values, rows * shape.len());
        let targets = target_rows(pass, rows, &self.classes, &self.targets);
        for (metric, &len) in objective.metrics.iter().zip(&objective.state_lens) {
            let (state, others) = rest.split_at_mut(len);
            metric.update(state, shape, predictions, targets, &self.ones[..rows]);
            rest = others;
        }
    }

    fn backward(&mut self, pass: &Pass, first: usize, linked: bool, scratch: &mut [f32]) {
        let last = pass.plan.nodes.len() - 1;
        for index in (pass.plan.first_trainable..=last).rev() {
            let node = &pass.plan.nodes[index];
            let before = &self.values[index - 1][..self.rows * pass.plan.nodes[index - 1].len];
            let y = &self.values[index][..self.rows * node.len];
            let (lower, upper) = self.gradients.split_at_mut(index);
            let dy = &mut upper[0][..self.rows * node.len];
            let skipped = usize::from(linked && index == last);
            for (position, Placed { operation, layer }) in node.chain.iter().enumerate().rev().skip(skipped) {
                let cx = Self::context(pass, *layer, first);
                if operation.is_active(&cx) {
                    // Only the first of a chain behind a copy may need its input: `Node::accepts`.
                    let x = if position == 0 && node.transform.is_none() { before } else { y };
                    operation.backward(&cx, x, y, dy, scratch);
                }
            }
            if index > pass.plan.first_trainable {
                let dx = &mut lower[index - 1][..before.len()];
                match &node.transform {
                    Some(Placed { operation, layer }) => {
                        let cx = Self::context(pass, *layer, first);
                        operation.backward(&cx, Self::variables(pass, *layer), before, dy, dx, scratch);
                    }
                    None => dx.copy_from_slice(dy),
                }
            }
        }
    }
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
pub(super) struct Done<'a>(pub(super) &'a [Shard]);

impl Shards for Done<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn part(&self, shard: usize, node: usize) -> (&[f32], &[f32]) {
        let shard = &self.0[shard];
        let capacity = shard.classes.len();
        let of_rows = |buffer: &Buffer| buffer.len() / capacity * shard.rows;
        let (x, dy) = (&shard.values[node - 1], &shard.gradients[node]);
        (&x[..of_rows(x)], &dy[..of_rows(dy)])
    }
}
