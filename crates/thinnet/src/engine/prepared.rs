//! What operations make of their variables before a batch.

use std::ops::Range;

use thinnet_kernels::buffer::Buffer;
use thinnet_kernels::pool::Pool;

use super::context::Variables;
use super::plan::{Plan, Source};
use super::profile::{Work, Worker};

/// Memory for what the operations of a plan prepare.
#[derive(Debug)]
pub(crate) struct Prepared {
    memory: Buffer,
    /// Each node's part of the memory.
    nodes: Vec<Range<usize>>,
    /// (node, its part), in the memory's order.
    parts: Vec<(usize, usize)>,
    ranges: Vec<Range<usize>>,
    /// The pool gives each task something to fill in besides the memory.
    outcomes: Vec<()>,
}

impl Prepared {
    pub(crate) fn new(plan: &Plan, training: bool) -> Self {
        let (mut nodes, mut parts, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
        let mut end = 0;
        for (index, node) in plan.nodes.iter().enumerate() {
            let start = end;
            if let Source::Transform { edge, placed, .. } = &node.source
                && let Some(preparation) = placed.operation.preparation()
            {
                let backward = training && edge.node >= plan.first_trainable;
                for (part, len) in preparation.parts(backward).into_iter().enumerate() {
                    parts.push((index, part));
                    ranges.push(end..end + len);
                    end += len;
                }
            }
            nodes.push(start..end);
        }
        let outcomes = vec![(); parts.len()];
        Self { memory: Buffer::zeros(end), nodes, parts, ranges, outcomes }
    }

    /// Makes everything from the variables' values.
    pub(crate) fn refresh<L: AsMut<Worker> + Send>(
        &mut self,
        pool: &mut Pool,
        plan: &Plan,
        values: &[f32],
        locals: &mut [L],
    ) {
        if self.parts.is_empty() {
            return;
        }
        let parts = &self.parts;
        let arenas = [&mut self.memory[..]];
        pool.for_ranges(&self.ranges, arenas, &mut self.outcomes, locals, |index, [out], (), local| {
            let worker = local.as_mut();
            let (node, part) = parts[index];
            let Source::Transform { placed, variables, .. } = &plan.nodes[node].source else { return };
            if let Some(preparation) = placed.operation.preparation() {
                let ranges = &plan.layers[placed.layer].ranges[variables.clone()];
                let start = worker.spans.start();
                preparation.prepare(Variables::new(values, ranges), part, out);
                worker.spans.end(start, Work::Prepare(placed.layer));
            }
        });
    }

    /// What a node's operation prepared.
    pub(crate) fn of(&self, node: usize) -> &[f32] {
        &self.memory[self.nodes[node].clone()]
    }
}
