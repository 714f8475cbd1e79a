//! The plan: which operations run fused, and how large each buffer is.

use std::ops::Range;
use std::sync::Arc;

use crate::layers::{Built, InPlace, Needs, Operation, Transform};
use crate::losses::Link;
use crate::random::Stream;
use crate::shape::Shape;

/// A layer as the plan sees it.
pub(crate) struct PlannedLayer {
    pub(crate) built: Built,
    pub(crate) stream: Stream,
    /// Where its variables lie in the arena.
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) trainable: bool,
}

/// What runs, in order. Node 0 is the input, gathered from the data; each other node reads the buffer of the node
/// before it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Node>,
    pub(crate) output: Shape,
    pub(crate) layers: Vec<PlanLayer>,
    /// The first node whose operation has variables to train: the backward pass ends there.
    pub(crate) first_trainable: usize,
    /// The link that the model ends in.
    pub(crate) link: Option<Link>,
    /// f32 of scratch memory for a shard, by its rows.
    scratch_in_place: usize,
}

/// What a layer's operations are given.
#[derive(Debug)]
pub(crate) struct PlanLayer {
    pub(crate) stream: Stream,
    pub(crate) ranges: Vec<Range<usize>>,
}

/// A buffer, and what writes it.
#[derive(Debug)]
pub(crate) struct Node {
    /// What writes the buffer from that of the node before; a copy where there is none.
    pub(crate) transform: Option<Placed<dyn Transform>>,
    /// What then changes it where it lies.
    pub(crate) chain: Vec<Placed<dyn InPlace>>,
    /// Elements for a sample.
    pub(crate) len: usize,
}

/// An operation and the layer that it is of.
#[derive(Debug)]
pub(crate) struct Placed<T: ?Sized> {
    pub(crate) operation: Arc<T>,
    pub(crate) layer: usize,
}

impl Node {
    /// Whether `next` may work in this node's buffer: everything before it must find what its backward pass needs in
    /// what `next` leaves there, and `next` itself must not need what it overwrites.
    fn accepts(&self, next: &dyn InPlace) -> bool {
        let before = self.chain.iter().all(|placed| match placed.operation.needs() {
            // An operation that needs its input stands first behind a copy, so that its input lies elsewhere.
            Needs::Nothing | Needs::Input => true,
            Needs::Sign => next.keeps_sign(),
            Needs::Output => false,
        });
        before && next.needs() != Needs::Input
    }
}

impl Plan {
    pub(crate) fn new(input: &Shape, layers: Vec<PlannedLayer>) -> Self {
        let mut nodes = vec![Node { transform: None, chain: Vec::new(), len: input.len() }];
        let mut output = input.clone();
        let mut planned = Vec::new();
        let mut first_trainable = usize::MAX;
        for (layer, PlannedLayer { built, stream, ranges, trainable }) in layers.into_iter().enumerate() {
            let has_transform = built.operations.iter().any(|op| matches!(op, Operation::Transform(_)));
            for operation in built.operations {
                let last = nodes.last_mut().expect("node 0 is the input");
                match operation {
                    Operation::Transform(operation) => {
                        let transform = Some(Placed { operation, layer });
                        nodes.push(Node { transform, chain: Vec::new(), len: built.output.len() });
                        if trainable && !ranges.is_empty() && first_trainable == usize::MAX {
                            first_trainable = nodes.len() - 1;
                        }
                    }
                    Operation::InPlace(operation) => {
                        let placed = Placed { operation, layer };
                        if last.accepts(&*placed.operation) {
                            last.chain.push(placed);
                        } else {
                            let len = last.len;
                            nodes.push(Node { transform: None, chain: vec![placed], len });
                        }
                    }
                }
            }
            debug_assert!(has_transform || ranges.is_empty(), "only transforms have variables");
            output = built.output;
            planned.push(PlanLayer { stream, ranges });
        }
        let link = nodes.last().and_then(|node| node.chain.last()).and_then(|placed| placed.operation.link());
        let chains = nodes.iter().flat_map(|node| &node.chain);
        let scratch_in_place = chains.map(|placed| placed.operation.scratch()).max().unwrap_or(0);
        Self { nodes, output, layers: planned, first_trainable, link, scratch_in_place }
    }

    /// Multiply-adds of a sample's forward pass, and one for each element that is written.
    pub(crate) fn cost(&self) -> usize {
        self.nodes
            .iter()
            .map(|node| node.len + node.transform.as_ref().map_or(0, |t| t.operation.cost()))
            .sum()
    }

    /// How many rows of a batch make a shard: enough to be worth handing out, few enough that several threads have
    /// work. Depends on the batch size alone, so that the bits do.
    pub(crate) fn shard_rows(&self, batch_size: usize) -> usize {
        const WORTHWHILE: usize = 1 << 17;
        let even = batch_size.div_ceil(4).next_multiple_of(8).min(64);
        let worthwhile = WORTHWHILE.div_ceil(self.cost().max(1)).next_multiple_of(8).min(256);
        even.max(worthwhile).min(batch_size).max(1)
    }

    /// f32 of scratch memory that a thread needs for shards of `rows` rows.
    pub(crate) fn scratch(&self, rows: usize) -> usize {
        let transforms = self.nodes.iter().filter_map(|node| node.transform.as_ref());
        transforms.map(|placed| placed.operation.scratch(rows)).max().unwrap_or(0).max(self.scratch_in_place)
    }
}
