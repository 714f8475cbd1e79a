//! A shard's backward pass.

use std::ops::Range;

use thinnet_kernels::add::add;
use thinnet_kernels::buffer::Buffer;

use super::{Pass, Shard, place};
use crate::engine::plan::{Edge, Placed, Source};
use crate::engine::profile::{Work, Worker};
use crate::layers::Gradients;

impl Shard {
    /// From a buffer's gradient to that before what works in place there, for some rows.
    pub(super) fn backward_chain(
        &mut self,
        pass: &Pass,
        index: usize,
        rows: Range<usize>,
        first: usize,
        linked: bool,
        worker: &mut Worker,
    ) {
        if pass.absent[index] {
            return;
        }
        let (node, blocks) = (&pass.plan.nodes[index], pass.blocks);
        let at = |index: usize| place(&rows, node.len, blocks.local_values[index]);
        let y = &self.values[index][at(index)];
        let dy = &mut self.gradients[index][place(&rows, node.len, blocks.local_gradients[index])];
        let skipped = usize::from(linked && index == pass.plan.nodes.len() - 1);
        let chain = &node.chain[..node.chain.len() - skipped];
        for (position, Placed { operation, layer }) in chain.iter().enumerate().rev() {
            let cx = Self::context(pass, *layer, first + rows.start);
            if operation.is_active(&cx) {
                // Only the first of a chain behind a copy may need its input: `Node::accepts`.
                let x = match &node.source {
                    Source::Copy(edge) if position == 0 => &self.values[edge.node][at(edge.node)],
                    _ => y,
                };
                let start = worker.spans.start();
                operation.backward(&cx, x, y, dy, &mut worker.scratch);
                worker.spans.end(start, Work::Backward(*layer));
            }
        }
    }

    /// From a buffer's gradient to that of its variables and of the buffers that it was written from, for some rows.
    pub(super) fn backward_source(
        &mut self,
        pass: &Pass,
        index: usize,
        rows: Range<usize>,
        first: usize,
        worker: &mut Worker,
    ) {
        let Worker { scratch, spans } = worker;
        let start = spans.start();
        let (plan, local) = (pass.plan, &pass.blocks.local_gradients);
        let node = &plan.nodes[index];
        let (lower, upper) = self.gradients.split_at_mut(index);
        if pass.absent[index] {
            // Others add to what this node would have written first.
            for edge in node.edges().iter().filter(|edge| !edge.adds && !pass.absent[edge.node]) {
                if let Some(dx) = reached(pass, edge, &rows, lower) {
                    dx.fill(0.0);
                }
            }
            return;
        }
        let dy = &upper[0][place(&rows, node.len, local[index])];
        match &node.source {
            Source::Input => {}
            Source::Copy(edge) => {
                pass_on(edge, dy, reached(pass, edge, &rows, lower));
                spans.end(start, Work::Backward(node.layer));
            }
            Source::Sum(edges) => {
                for edge in edges.iter().filter(|edge| !pass.absent[edge.node]) {
                    pass_on(edge, dy, reached(pass, edge, &rows, lower));
                }
                spans.end(start, Work::Backward(node.layer));
            }
            Source::Transform { edge, placed: Placed { operation, layer }, trains, .. } => {
                let cx = Self::context(pass, *layer, first + rows.start);
                let variables = Self::variables(pass, index);
                let len = plan.nodes[edge.node].len;
                let x = &self.values[edge.node][place(&rows, len, pass.blocks.local_values[edge.node])];
                let by_shard = match operation.gradients() {
                    Gradients::ByShard(gradients) if *trains => Some((gradients, &mut self.partials[index])),
                    _ => None,
                };
                let notes = &self.notes[index];
                let backward = |dx: Option<&mut [f32]>, scratch: &mut [f32]| match (by_shard, dx) {
                    (Some((gradients, sums)), dx) => {
                        gradients.gradient(&cx, variables, x, dy, dx, sums, scratch);
                    }
                    (None, Some(dx)) => match operation.largest() {
                        Some(largest) => {
                            largest.backward(&notes[place(&rows, node.len, false)], dy, dx);
                        }
                        None => operation.backward(&cx, variables, x, dy, dx, scratch),
                    },
                    (None, None) => {}
                };
                let dx = reached(pass, edge, &rows, lower);
                let work = if dx.is_some() { Work::Backward(*layer) } else { Work::Gradient(*layer) };
                match dx {
                    Some(dx) if edge.adds => {
                        let (own, scratch) = scratch.split_at_mut(x.len());
                        backward(Some(&mut *own), scratch);
                        add(own, dx);
                    }
                    dx => backward(dx, scratch),
                }
                spans.end(start, work);
            }
        }
    }

    /// After all rows: the sums of a node's [`ByShard`](crate::layers::ByShard) become its gradient.
    pub(super) fn finish(&mut self, pass: &Pass, index: usize, worker: &mut Worker) {
        if let Source::Transform { placed, trains: true, .. } = &pass.plan.nodes[index].source
            && let Gradients::ByShard(gradients) = placed.operation.gradients()
            && !pass.absent[index]
        {
            let start = worker.spans.start();
            gradients.finish(&mut self.partials[index]);
            worker.spans.end(start, Work::Gradient(placed.layer));
        }
    }
}

/// Some rows of the gradient of the buffer that an edge reads, where the backward pass goes on to it.
fn reached<'a>(
    pass: &Pass,
    edge: &Edge,
    rows: &Range<usize>,
    gradients: &'a mut [Buffer],
) -> Option<&'a mut [f32]> {
    let at = place(rows, pass.plan.nodes[edge.node].len, pass.blocks.local_gradients[edge.node]);
    (edge.node >= pass.plan.first_trainable).then(|| &mut gradients[edge.node][at])
}

/// The gradient of a buffer that was copied.
fn pass_on(edge: &Edge, dy: &[f32], dx: Option<&mut [f32]>) {
    match dx {
        Some(dx) if edge.adds => add(dy, dx),
        Some(dx) => dx.copy_from_slice(dy),
        None => {}
    }
}
