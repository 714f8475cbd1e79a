//! The samples of a batch: where they come from, and which.

use std::borrow::Cow;

use crate::data::Features;

/// Targets that were checked against the model's output.
#[derive(Debug)]
pub(crate) enum CheckedTargets<'a> {
    Classes(Vec<u32>),
    Values { len: usize, values: Cow<'a, [f32]> },
}

/// The rows of a batch: where they come from, and which.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    pub(crate) inputs: Inputs<'a>,
    /// None to predict.
    pub(crate) targets: Option<&'a CheckedTargets<'a>>,
    /// A weight for each sample of the data.
    pub(crate) weights: Option<&'a [f32]>,
    /// The batch's samples, in order.
    pub(crate) order: &'a [u32],
    /// The place of the first, where draws depend on it: 0 in training, where they depend on the place in the batch.
    pub(crate) first: usize,
}

/// Where a batch's inputs come from.
#[derive(Clone, Copy)]
pub(crate) enum Inputs<'a> {
    /// All samples of the data.
    All(&'a Features<'a>),
    /// The batch's own, in its order.
    Batch(&'a [f32]),
}
