//! The plan: which operations run fused, in which order, and how large each buffer is.

use std::ops::Range;
use std::sync::Arc;

use super::context::{Context, Phase, Variables};
use crate::layers::{Built, Gradients, InPlace, Needs, Operation, Penalty, Transform};
use crate::losses::Link;
use crate::random::Stream;
use crate::shape::Shape;

/// A layer as the plan sees it. Layers within a layer follow it.
#[derive(Clone)]
pub(crate) struct PlannedLayer<'a> {
    pub(crate) built: &'a Built,
    pub(crate) stream: Stream,
    /// Where its variables lie in the arena.
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) trainable: bool,
}

/// What runs, in order. Node 0 is the input, gathered from the data; the others read buffers of nodes before them.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Node>,
    pub(crate) output: Shape,
    pub(crate) layers: Vec<PlanLayer>,
    /// The first node whose operation has variables to train: the backward pass ends there.
    pub(crate) first_trainable: usize,
    /// The link that the model ends in.
    pub(crate) link: Option<Link>,
    /// The nodes whose operations sum over the batch: in training, the shards wait for each other there.
    pub(crate) meetings: Vec<usize>,
    branches: Vec<Branch>,
    /// f32 of scratch memory for a shard, by its rows.
    scratch_in_place: usize,
}

/// Nodes that need not run where the last of them is zero, since it is only added to others.
#[derive(Debug)]
struct Branch {
    last: usize,
    nodes: Vec<usize>,
}

/// What a layer's operations are given.
#[derive(Debug)]
pub(crate) struct PlanLayer {
    pub(crate) stream: Stream,
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) penalty: Option<Arc<dyn Penalty>>,
}

/// A buffer, and what writes it.
#[derive(Debug)]
pub(crate) struct Node {
    /// What the buffer is written from.
    pub(crate) source: Source,
    /// What then changes it where it lies.
    pub(crate) chain: Vec<Placed<dyn InPlace>>,
    /// Elements for a sample.
    pub(crate) len: usize,
    /// The layer that asked for it.
    pub(crate) layer: usize,
    /// Whether another branch reads the buffer too, so that nothing more may change it.
    shared: bool,
}

/// What a node's buffer is written from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The data.
    Input,
    /// Another node's buffer, as it is.
    Copy(Edge),
    /// Another node's buffer, by an operation.
    Transform { edge: Edge, placed: Placed<dyn Transform>, variables: Range<usize>, trains: bool },
    /// The sum of two nodes' buffers.
    Sum([Edge; 2]),
}

/// A buffer that a node reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) node: usize,
    /// Whether, in the backward pass, another reader has written the buffer's gradient before: then this one adds.
    pub(crate) adds: bool,
}

/// A place in the plan between two operations: behind some of a node's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) node: usize,
    /// How many operations of the node's chain come before.
    pub(crate) chain: usize,
}

/// An operation and the layer that it is of.
#[derive(Debug)]
pub(crate) struct Placed<T: ?Sized> {
    pub(crate) operation: Arc<T>,
    pub(crate) layer: usize,
}

impl PlanLayer {
    /// What the layer adds to the loss for several of its variables together, and these.
    pub(crate) fn penalty<'a>(&'a self, arena: &'a [f32]) -> Option<(&'a dyn Penalty, Variables<'a>)> {
        Some((self.penalty.as_deref()?, Variables::new(arena, &self.ranges)))
    }
}

impl Node {
    fn new(source: Source, len: usize, layer: usize) -> Self {
        Self { source, chain: Vec::new(), len, layer, shared: false }
    }

    /// Whether `next` may work in this node's buffer: everything before it must find what its backward pass needs in
    /// what `next` leaves there, and `next` itself must not need what it overwrites.
    fn accepts(&self, next: &dyn InPlace) -> bool {
        let before = self.chain.iter().all(|placed| match placed.operation.needs() {
            // An operation that needs its input stands first behind a copy, so that its input lies elsewhere.
            Needs::Nothing | Needs::Input => true,
            Needs::Sign => next.keeps_sign(),
            Needs::Output => false,
        });
        !self.shared && before && next.needs() != Needs::Input
    }

    /// Gives the operations that stand behind a stop their form for that, now that the chain is whole. Whoever joined the buffer
    /// behind it keeps the sign: [`accepts`](Self::accepts).
    fn stop_early(&mut self) {
        let mut is_behind_stop = false;
        for placed in &mut self.chain {
            let special = if is_behind_stop { placed.operation.behind_stop() } else { None };
            is_behind_stop |= placed.operation.stops_at_zero();
            if let Some(special) = special {
                placed.operation = special;
            }
        }
    }

    /// The buffers that the node reads.
    pub(crate) fn edges(&self) -> &[Edge] {
        match &self.source {
            Source::Input => &[],
            Source::Copy(edge) | Source::Transform { edge, .. } => std::slice::from_ref(edge),
            Source::Sum(edges) => edges,
        }
    }

    /// The transform that writes the buffer, and the node that it reads.
    pub(crate) fn transform(&self) -> Option<(&Placed<dyn Transform>, usize)> {
        match &self.source {
            Source::Transform { placed, edge, .. } => Some((placed, edge.node)),
            _ => None,
        }
    }

    /// Whether the backward pass reads the values of the node that this one reads.
    pub(crate) fn reads_back(&self) -> bool {
        match &self.source {
            Source::Transform { placed, .. } => placed.operation.largest().is_none(),
            // Only an operation that needs its input stands first behind a copy for it.
            Source::Copy(_) => self.chain.first().is_some_and(|p| p.operation.needs() == Needs::Input),
            Source::Input | Source::Sum(_) => false,
        }
    }

    /// f32 for each row of a shard's part of the gradient of the operation's variables, by [`ByShard`].
    ///
    /// [`ByShard`]: crate::layers::ByShard
    pub(crate) fn partial_len(&self, plan: &Plan) -> usize {
        match &self.source {
            Source::Transform { placed, variables, trains: true, .. } => match placed.operation.gradients() {
                Gradients::ByShard(gradients) => {
                    let variables = &plan.layers[placed.layer].ranges[variables.clone()];
                    variables.iter().map(Range::len).sum::<usize>() + gradients.sums()
                }
                _ => 0,
            },
            _ => 0,
        }
    }
}

impl Plan {
    pub(crate) fn new(input: &Shape, layers: &[PlannedLayer]) -> Self {
        let nodes = vec![Node::new(Source::Input, input.len(), 0)];
        let mut builder = Builder { layers, next: 0, nodes, current: 0, output: input.clone() };
        while builder.next < layers.len() {
            builder.layer();
        }
        let Builder { mut nodes, output, .. } = builder;
        order_gradients(&mut nodes);
        nodes.iter_mut().for_each(Node::stop_early);
        let trains = |node: &Node| matches!(node.source, Source::Transform { trains: true, .. });
        let sums = |node: &Node| node.transform().is_some_and(|(t, _)| t.operation.batch_sums().is_some());
        let link = nodes.last().and_then(|node| node.chain.last()).and_then(|placed| {
            // A view behind it may have changed what a row is, over which a softmax goes.
            let row = layers[placed.layer].built.output.last();
            placed.operation.link().filter(|link| *link != Link::Softmax || row == output.last())
        });
        let chains = nodes.iter().flat_map(|node| &node.chain);
        Self {
            output,
            layers: layers
                .iter()
                .map(|layer| PlanLayer {
                    stream: layer.stream,
                    ranges: layer.ranges.clone(),
                    penalty: layer.built.penalty.clone(),
                })
                .collect(),
            first_trainable: nodes.iter().position(trains).unwrap_or(usize::MAX),
            link,
            meetings: (0..nodes.len()).filter(|&node| sums(&nodes[node])).collect(),
            scratch_in_place: chains.map(|placed| placed.operation.scratch()).max().unwrap_or(0),
            branches: branches(&nodes),
            nodes,
        }
    }

    /// How many outputs each sample has (see [`Built::copies`]).
    pub(crate) fn copies(&self) -> usize {
        self.nodes.last().map_or(1, |node| node.len / self.output.len().max(1)).max(1)
    }

    /// Says for each node whether it is absent from a step: in a branch that is left out.
    pub(crate) fn find_absent(&self, phase: Phase, step: u64, absent: &mut [bool]) {
        absent.fill(false);
        for Branch { last, nodes } in &self.branches {
            let leaves_out = |placed: &Placed<dyn InPlace>| {
                let stream = self.layers[placed.layer].stream;
                placed.operation.leaves_out(&Context { phase, stream, step, first: 0, batch_size: 1 })
            };
            // What stands behind it in the buffer may make something else of zeros.
            if self.nodes[*last].chain.last().is_some_and(leaves_out) {
                nodes.iter().for_each(|&node| absent[node] = true);
            }
        }
    }

    /// Multiply-adds of a sample's forward pass, and one for each element that is written.
    pub(crate) fn cost(&self) -> usize {
        self.nodes.iter().map(|node| node.len + node.transform().map_or(0, |(t, _)| t.operation.cost())).sum()
    }

    /// Where Monte-Carlo prediction draws its first random numbers; None where it draws none. What lies before is the same
    /// in all its thinned networks.
    pub(crate) fn first_draw(&self) -> Option<Cut> {
        let phase = Phase::MonteCarlo { shared: false };
        // Monte-Carlo prediction counts from behind training's steps on: there, schedules are at their end.
        let context = |layer: usize| {
            let stream = self.layers[layer].stream;
            Context { phase, stream, step: u64::MAX, first: 0, batch_size: 1 }
        };
        let draws = |placed: &Placed<dyn InPlace>| {
            placed.operation.is_random() && placed.operation.is_active(&context(placed.layer))
        };
        self.nodes.iter().enumerate().find_map(|(index, node)| {
            if node.transform().is_some_and(|(placed, _)| placed.operation.is_random(&context(placed.layer)))
            {
                return Some(Cut { node: index - 1, chain: self.nodes[index - 1].chain.len() });
            }
            node.chain.iter().position(draws).map(|chain| Cut { node: index, chain })
        })
    }

    /// Behind everything.
    pub(crate) fn end(&self) -> Cut {
        let last = self.nodes.len() - 1;
        Cut { node: last, chain: self.nodes[last].chain.len() }
    }

    /// The nodes before a cut whose buffers are read behind it; the cut's own is the last.
    pub(crate) fn frontier(&self, cut: Cut) -> Vec<usize> {
        let is_read = |node: usize| {
            self.nodes[cut.node + 1..].iter().flat_map(Node::edges).any(|edge| edge.node == node)
        };
        (0..cut.node).filter(|&node| is_read(node)).chain([cut.node]).collect()
    }

    /// How many rows of a batch make a shard: enough to be worth handing out, few enough that several threads have
    /// work. Depends on the batch size and the model alone, so that the bits do.
    pub(crate) fn shard_rows(&self, batch_size: usize) -> usize {
        const WORTHWHILE: usize = 1 << 17;
        let even = batch_size.div_ceil(4).next_multiple_of(8).min(64);
        let worthwhile = WORTHWHILE.div_ceil(self.cost().max(1)).next_multiple_of(8).min(256);
        even.max(worthwhile).min(batch_size).max(1)
    }

    /// f32 of scratch memory that a thread needs for shards of `rows` rows.
    pub(crate) fn scratch(&self, rows: usize) -> usize {
        let of_node = |node: &Node| match &node.source {
            Source::Transform { placed, edge, .. } => {
                let operation = &placed.operation;
                let gradients = match operation.gradients() {
                    Gradients::ByShard(gradients) => gradients.scratch(rows),
                    _ => 0,
                };
                let added = if edge.adds { rows * self.nodes[edge.node].len } else { 0 };
                operation.scratch(rows).max(gradients) + added
            }
            _ => 0,
        };
        self.nodes.iter().map(of_node).max().unwrap_or(0).max(self.scratch_in_place)
    }
}

/// The nodes so far, and the layers still to come.
struct Builder<'a> {
    layers: &'a [PlannedLayer<'a>],
    next: usize,
    nodes: Vec<Node>,
    /// The node whose buffer the next operation reads.
    current: usize,
    output: Shape,
}

impl Builder<'_> {
    /// Appends the next layer's operations, with those of the layers within it.
    fn layer(&mut self) {
        let layer = self.next;
        self.next += 1;
        let PlannedLayer { built, trainable, .. } = &self.layers[layer];
        for operation in &built.operations {
            match operation {
                Operation::Transform { operation, variables } => {
                    let has_variables = built.variables[variables.clone()].iter().any(|v| v.trainable);
                    let len = operation.output_len();
                    let placed = Placed { operation: Arc::clone(operation), layer };
                    let (edge, variables) = (self.edge(), variables.clone());
                    let trains = *trainable && has_variables;
                    let moved = self.take_behind(&**operation);
                    self.push(Source::Transform { edge, placed, variables, trains }, len, layer);
                    self.nodes[self.current].chain = moved;
                }
                Operation::InPlace(operation) => {
                    if !self.nodes[self.current].accepts(&**operation) {
                        self.push(Source::Copy(self.edge()), self.nodes[self.current].len, layer);
                    }
                    let placed = Placed { operation: Arc::clone(operation), layer };
                    self.nodes[self.current].chain.push(placed);
                }
                Operation::Residual { stack, projection } => {
                    let fork = self.current;
                    self.nodes[fork].shared = true;
                    stack.iter().for_each(|_| self.layer());
                    let end = self.edge();
                    self.current = fork;
                    projection.iter().for_each(|_| self.layer());
                    let len = self.nodes[self.current].len;
                    self.push(Source::Sum([self.edge(), end]), len, layer);
                }
            }
        }
        self.output = built.output.clone();
    }

    /// The last operations of the current buffer that can as well run behind a transform that takes the largest values of it, where
    /// they have less to do.
    fn take_behind(&mut self, transform: &dyn Transform) -> Vec<Placed<dyn InPlace>> {
        let node = &mut self.nodes[self.current];
        let Some(largest) = transform.largest().filter(|_| !node.shared) else { return Vec::new() };
        let mut moved = Vec::new();
        while let Some(Placed { operation, layer }) = node.chain.last()
            && let Some(operation) = operation.behind_largest(largest.channels(), transform.output_len())
        {
            moved.push(Placed { operation, layer: *layer });
            node.chain.pop();
        }
        moved.reverse();
        moved
    }

    fn edge(&self) -> Edge {
        Edge { node: self.current, adds: false }
    }

    fn push(&mut self, source: Source, len: usize, layer: usize) {
        self.nodes.push(Node::new(source, len, layer));
        self.current = self.nodes.len() - 1;
    }
}

/// The branches that could be left out. A node is in one where all that read it are.
fn branches(nodes: &[Node]) -> Vec<Branch> {
    let reads = |reader: &Node, node: usize| reader.edges().iter().any(|edge| edge.node == node);
    let branch = |last: usize| {
        let mut readers = nodes[last..].iter().filter(|reader| reads(reader, last)).peekable();
        let is_added =
            readers.peek().is_some() && readers.all(|reader| matches!(reader.source, Source::Sum(_)));
        if !is_added || nodes[last].chain.is_empty() {
            return None;
        }
        let mut within = vec![last];
        for node in (1..last).rev() {
            let mut readers = (node..nodes.len()).filter(|&reader| reads(&nodes[reader], node));
            if readers.all(|reader| within.contains(&reader)) {
                within.push(node);
            }
        }
        Some(Branch { last, nodes: within })
    };
    (1..nodes.len()).filter_map(branch).collect()
}

/// Finds, for each buffer that several nodes read, which of them comes first in the backward pass.
fn order_gradients(nodes: &mut [Node]) {
    let mut written = vec![false; nodes.len()];
    for node in nodes.iter_mut().rev() {
        let edges: &mut [Edge] = match &mut node.source {
            Source::Input => &mut [],
            Source::Copy(edge) | Source::Transform { edge, .. } => std::slice::from_mut(edge),
            Source::Sum(edges) => edges,
        };
        for edge in edges {
            edge.adds = std::mem::replace(&mut written[edge.node], true);
        }
    }
}
