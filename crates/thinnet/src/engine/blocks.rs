//! Which nodes of a plan run for a few rows of a shard at a time.

use std::ops::Range;

use super::plan::{Cut, Placed, Plan};
use crate::layers::{Gradients, InPlace, Needs};

/// f32 of the largest buffer of a block: what one node writes is still in the second-level cache when the next reads it.
const BLOCK_LEN: usize = 1 << 16;

/// The order in which a shard's work is done. Results do not depend on it, but for the order of sums over rows.
#[derive(Debug)]
pub(crate) struct Blocks {
    segments: Vec<Segment>,
    /// For each node, whether its values (its gradient) are needed only while its block runs. Then there is memory for one
    /// block.
    pub(crate) local_values: Vec<bool>,
    pub(crate) local_gradients: Vec<bool>,
}

/// Nodes that run one after the other for a number of rows, then for the next rows.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) nodes: Range<usize>,
    pub(crate) rows: usize,
}

impl Segment {
    /// The blocks of `rows` rows.
    pub(crate) fn blocks(&self, rows: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let each = self.rows;
        (0..rows).step_by(each).map(move |first| first..(first + each).min(rows))
    }
}

impl Blocks {
    /// For shards of at most `rows` rows. What lies before a cut and behind it runs apart.
    pub(crate) fn new(plan: &Plan, rows: usize, training: bool, cut: Option<Cut>) -> Self {
        // Products with large weights read them once for all rows.
        let is_whole = |node: usize| {
            plan.nodes[node].transform().is_some_and(|(Placed { operation, .. }, _)| {
                operation.takes_all_rows() || matches!(operation.gradients(), Gradients::ByPiece(_))
            })
        };
        let starts = |node: usize| {
            node == 0
                || is_whole(node)
                || is_whole(node - 1)
                || (training && plan.meetings.contains(&node))
                || cut.is_some_and(|cut| node == cut.node + 1)
        };
        let first_nodes: Vec<usize> = (0..plan.nodes.len()).filter(|&node| starts(node)).collect();
        let ends = first_nodes.iter().skip(1).copied().chain([plan.nodes.len()]);
        let segment = |(first, end): (&usize, usize)| {
            let largest = plan.nodes[*first..end].iter().map(|node| node.len).max().unwrap_or(0);
            let of_block = if is_whole(*first) { rows } else { (BLOCK_LEN / largest.max(1)).clamp(1, rows) };
            Segment { nodes: *first..end, rows: of_block }
        };
        let segments: Vec<Segment> = first_nodes.iter().zip(ends).map(segment).collect();
        let segment_of = |node: usize| segments.iter().position(|segment| segment.nodes.contains(&node));
        let mut is_local: Vec<bool> = (0..plan.nodes.len())
            .map(|node| node + 1 < plan.nodes.len() && !is_whole(node) && !plan.meetings.contains(&node))
            .collect();
        for (reader, node) in plan.nodes.iter().enumerate() {
            for edge in node.edges().iter().filter(|edge| segment_of(edge.node) != segment_of(reader)) {
                is_local[edge.node] = false;
            }
        }
        let mut local_values = is_local.clone();
        // The input is gathered for all rows.
        local_values[0] = false;
        if training {
            for (index, node) in plan.nodes.iter().enumerate() {
                let needs = |placed: &Placed<dyn InPlace>| placed.operation.needs() != Needs::Nothing;
                local_values[index] &= !node.chain.iter().any(needs);
                for edge in node.edges().iter().filter(|_| node.reads_back()) {
                    local_values[edge.node] = false;
                }
            }
        }
        Self { segments, local_values, local_gradients: is_local }
    }

    /// Rows of the block that a node is in.
    pub(crate) fn rows(&self, node: usize) -> usize {
        self.segments.iter().find(|segment| segment.nodes.contains(&node)).map_or(1, |segment| segment.rows)
    }

    /// The parts of segments that lie in a range of nodes.
    pub(crate) fn within(&self, nodes: Range<usize>) -> impl DoubleEndedIterator<Item = Segment> {
        self.segments.iter().filter_map(move |segment| {
            let common = segment.nodes.start.max(nodes.start)..segment.nodes.end.min(nodes.end);
            (!common.is_empty()).then_some(Segment { nodes: common, rows: segment.rows })
        })
    }
}
