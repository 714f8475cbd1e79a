//! A shard's forward pass without the loss, in two parts: up to a cut in the plan, and from there on.

use std::ops::Range;

use super::{Pass, Shard, place};
use crate::engine::plan::{Cut, Plan};
use crate::engine::profile::Worker;

impl Shard {
    /// Forward only, without the loss: from the samples up to a cut.
    pub(crate) fn start(&mut self, pass: &Pass, first: usize, rows: usize, until: Cut, worker: &mut Worker) {
        self.rows = rows;
        self.gather(pass, first);
        for segment in pass.blocks.within(0..until.node + 1) {
            for block in segment.blocks(rows) {
                for node in segment.nodes.clone() {
                    self.forward_source(pass, node, block.clone(), first, worker);
                    let whole = pass.plan.nodes[node].chain.len();
                    let chain = if node == until.node { until.chain } else { whole };
                    self.forward_chain(pass, node, 0..chain, block.clone(), first, worker);
                }
            }
        }
    }

    /// Copies the frontier's buffers out, one after the other.
    pub(crate) fn keep(&self, plan: &Plan, frontier: &[usize], mut kept: &mut [f32]) {
        for &node in frontier {
            let (own, rest) = kept.split_at_mut(self.rows * plan.nodes[node].len);
            own.copy_from_slice(&self.values[node][..own.len()]);
            kept = rest;
        }
    }

    /// Forward only, without the loss: from a cut to the end. `kept` is what [`keep`](Self::keep) copied there, None right
    /// behind [`start`](Self::start).
    #[allow(clippy::too_many_arguments, reason = "a pass over rows, where it begins and what is there")]
    pub(crate) fn go_on(
        &mut self,
        pass: &Pass,
        first: usize,
        rows: usize,
        from: Cut,
        frontier: &[usize],
        kept: Option<&[f32]>,
        worker: &mut Worker,
    ) {
        self.rows = rows;
        let nodes = &pass.plan.nodes;
        let mut of_cut = None;
        if let Some(mut kept) = kept {
            for &node in frontier {
                let (own, rest) = kept.split_at(rows * nodes[node].len);
                if node == from.node {
                    of_cut = Some(own);
                } else {
                    self.values[node][..own.len()].copy_from_slice(own);
                }
                kept = rest;
            }
        }
        // What is in place at the cut runs for the rows that are read next, so that they stay in the cache.
        let at_cut = |shard: &mut Self, block: &Range<usize>, worker: &mut Worker| {
            let at = place(block, nodes[from.node].len, false);
            if let Some(own) = of_cut {
                shard.values[from.node][at.clone()].copy_from_slice(&own[at]);
            }
            let chain = from.chain..nodes[from.node].chain.len();
            shard.forward_chain(pass, from.node, chain, block.clone(), first, worker);
        };
        if from.node + 1 == nodes.len() {
            at_cut(self, &(0..rows), worker);
        }
        for segment in pass.blocks.within(from.node + 1..nodes.len()) {
            for block in segment.blocks(rows) {
                for node in segment.nodes.clone() {
                    if node == from.node + 1 {
                        at_cut(self, &block, worker);
                    }
                    self.forward(pass, node, block.clone(), first, false, worker);
                }
            }
        }
    }
}
