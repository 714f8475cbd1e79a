//! Operations: what layers consist of, and what the engine runs.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use super::Built;
use crate::engine::{Batch, Context, Variables};
use crate::losses::Link;

/// A step of the plan.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Reads one buffer and writes another.
    Transform {
        /// What is done.
        operation: Arc<dyn Transform>,
        /// Which of the layer's variables it has.
        variables: Range<usize>,
    },
    /// Changes a buffer where it lies: runs fused behind what wrote it.
    InPlace(Arc<dyn InPlace>),
    /// Two branches that read one buffer and whose outputs are added.
    Residual {
        /// The first branch, one layer at least.
        stack: Vec<Nested>,
        /// The second branch; empty for the identity.
        projection: Vec<Nested>,
    },
}

/// A layer within a layer.
#[derive(Clone, Debug)]
pub struct Nested {
    /// Its name within the layer that holds it.
    pub name: String,
    /// Whether training changes its variables.
    pub trainable: bool,
    /// What it consists of.
    pub built: Built,
}

/// An operation with an input and an output of its own, such as a matrix product.
///
/// All methods work on whole samples: `x` holds some number of rows of the input's size, `y` as many of the output's.
/// A row's result must not depend on the other rows, nor on how many there are, but through [`BatchSums`].
pub trait Transform: Debug + Send + Sync {
    /// Elements of an output sample.
    fn output_len(&self) -> usize;

    /// f32 of scratch memory that a call with `rows` samples needs.
    fn scratch(&self, rows: usize) -> usize;

    /// Multiply-adds for one sample's forward pass, for choosing how many threads are worth their while.
    fn cost(&self) -> usize;

    /// Whether the operation draws random numbers in this context.
    fn is_random(&self, _cx: &Context) -> bool {
        false
    }

    /// Whether a call costs much whatever the number of rows: then it is given all rows of a shard at once.
    fn takes_all_rows(&self) -> bool {
        false
    }

    /// y = f(x)
    fn forward(&self, cx: &Context, variables: Variables, x: &[f32], y: &mut [f32], scratch: &mut [f32]);

    /// dx = dy·∂f/∂x
    fn backward(
        &self,
        cx: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    );

    /// What it makes of its variables before it runs; nothing for most.
    fn preparation(&self) -> Option<&dyn Prepare> {
        None
    }

    /// Where it takes the largest of several places.
    fn largest(&self) -> Option<&dyn Largest> {
        None
    }

    /// How the gradient by its variables is computed.
    fn gradients(&self) -> Gradients<'_> {
        Gradients::None
    }

    /// What it sums over the whole batch in training; nothing for most.
    fn batch_sums(&self) -> Option<&dyn BatchSums> {
        None
    }
}

/// A [`Transform`] whose outputs are the largest of several places of a channel, all of one sample. In training it notes which
/// place that was, one number for each output, so that its backward pass does not read the input again: an input that
/// nothing else needs then never leaves the cache.
pub trait Largest: Debug + Send + Sync {
    /// The size of the last axis.
    fn channels(&self) -> usize;

    /// [`Transform::forward`], with notes.
    fn forward(&self, x: &[f32], y: &mut [f32], notes: &mut [f32]);

    /// [`Transform::backward`], from the notes.
    fn backward(&self, notes: &[f32], dy: &[f32], dx: &mut [f32]);
}

/// Numbers that depend on an operation's variables only, such as packed weights: made once before a batch, in parts that
/// are computed side by side. The operation finds them in [`Variables::prepared`].
pub trait Prepare: Debug + Send + Sync {
    /// The parts' lengths: those that the forward pass reads, then, where `backward` is set, those that only the backward
    /// pass reads.
    fn parts(&self, backward: bool) -> Vec<usize>;

    /// Makes a part.
    fn prepare(&self, variables: Variables, part: usize, out: &mut [f32]);
}

/// The ways to compute the gradient by an operation's variables. In each, the plan fixes the order of every sum.
#[derive(Clone, Copy, Debug)]
pub enum Gradients<'a> {
    /// It has no variables to train.
    None,
    /// Piece by piece over the whole batch, after the backward pass: for large variables.
    ByPiece(&'a dyn ByPiece),
    /// Shard by shard in the backward pass, while the shard's rows are in the cache; the shards' parts are then added up
    /// in their order: for small variables that are used often.
    ByShard(&'a dyn ByShard),
    /// From what the operation sums over the batch anyway.
    BySums(&'a dyn BatchSums),
}

/// The gradient of a piece of a variable, over the whole batch.
pub trait ByPiece: Debug + Send + Sync {
    /// The pieces' lengths are multiples of this.
    fn grain(&self, variable: usize) -> usize;

    /// The gradient of elements `start..start + out.len()` of a variable, summed over the batch in its order.
    fn gradient(&self, variable: usize, start: usize, batch: Batch, out: &mut [f32], scratch: &mut [f32]);

    /// f32 of scratch memory that [`gradient`](Self::gradient) needs for a piece of `len` elements of a variable.
    fn scratch(&self, variable: usize, len: usize, batch_size: usize) -> usize;
}

/// The gradient of all variables, over the rows of a shard, of which a few come at a time.
pub trait ByShard: Debug + Send + Sync {
    /// Adds the gradient of all variables, one after the other, to `sums`, which has [`sums`](Self::sums) numbers more;
    /// first all are zero. Where `dx` is asked for, it also writes what [`Transform::backward`] does: the two may share
    /// work.
    #[allow(
        clippy::too_many_arguments,
        reason = "what the forward and the backward pass have, and the gradient"
    )]
    fn gradient(
        &self,
        cx: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        dx: Option<&mut [f32]>,
        sums: &mut [f32],
        scratch: &mut [f32],
    );

    /// How many numbers are summed up besides the gradient.
    fn sums(&self) -> usize {
        0
    }

    /// After all rows of the shard: completes the gradient from the sums.
    fn finish(&self, _sums: &mut [f32]) {}

    /// f32 of scratch memory that [`gradient`](Self::gradient) needs for `rows` samples.
    fn scratch(&self, rows: usize) -> usize;
}

/// Sums over the whole batch, in training: batch statistics. All shards wait for each other before the operation's
/// forward pass, and again before its backward pass. Each sums up its own rows; the engine adds the shards' sums in their
/// order and gives them to the operation with its [`Variables`].
pub trait BatchSums: Debug + Send + Sync {
    /// How many sums there are for each pass.
    fn count(&self) -> usize;

    /// Writes the sums that the forward pass needs of some rows.
    fn forward_sums(&self, x: &[f32], sums: &mut [f64]);

    /// Writes the sums that the backward pass needs of some rows. `scratch` is that of the operation.
    fn backward_sums(
        &self,
        cx: &Context,
        variables: Variables,
        x: &[f32],
        dy: &[f32],
        scratch: &mut [f32],
        sums: &mut [f64],
    );

    /// The gradient of elements `start..start + out.len()` of a variable, from the backward pass's sums over the batch.
    fn gradient(&self, variable: usize, start: usize, sums: &[f64], out: &mut [f32]);

    /// Learns from the forward pass's sums over the batch, by changing variables that the optimizer does not: `values` is
    /// the arena, `variables` are their places in it.
    fn learn(&self, batch_size: usize, sums: &[f64], values: &mut [f32], variables: &[Range<usize>]);
}

/// What a layer adds to the loss for several of its variables together, where a regularizer of each alone cannot say it.
/// Variables are numbered as in [`Built::variables`]; the penalty is the sum of what pieces of them contribute.
pub trait Penalty: Debug + Send + Sync {
    /// What some elements of a variable contribute.
    fn value(&self, variables: Variables, variable: usize, range: Range<usize>) -> f64;

    /// Adds the whole penalty's gradient by elements `start..start + gradient.len()` of a variable to that of everything else in
    /// the loss. Where the variable is at a bound, it may then take away what points beyond.
    fn add_gradient(&self, variables: Variables, variable: usize, start: usize, gradient: &mut [f32]);

    /// What the history reports of the variables after each epoch, as `LAYER_NAME`.
    fn report(&self, variables: Variables) -> Option<(&'static str, f64)>;

    /// Checks that integer labels of so many classes can outweigh what the penalty rewards: else the loss is least where the
    /// layer is all noise, whatever the labels of the `samples` that are trained on say. An error says what to do; the model adds
    /// the layer's name.
    fn check_labels(&self, _classes: usize, _samples: usize) -> Result<(), String> {
        Ok(())
    }

    /// Whether an element of a variable can be set to zero, since the layer has learned that it says nothing: it counts as zero
    /// wherever the model predicts, before and after.
    fn is_removable(&self, _variables: Variables, _variable: usize, _element: usize) -> bool {
        false
    }
}

/// What the backward pass of an [`InPlace`] operation reads besides dy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: a mask is made again, a scale is known.
    Nothing,
    /// Which elements of the output are zero or negative.
    Sign,
    /// The output.
    Output,
    /// The input: the operation then gets a buffer of its own for its output.
    Input,
}

/// An operation whose output may overwrite its input: an activation, a mask, noise.
///
/// The engine runs it right behind the operation that wrote the buffer, while the rows are in the cache.
pub trait InPlace: Debug + Send + Sync {
    /// What [`backward`](Self::backward) reads.
    fn needs(&self) -> Needs;

    /// Whether, wherever ∂y/∂x is not zero, y has x's sign. Then an operation before that needs only its output's
    /// sign may share the buffer.
    fn keeps_sign(&self) -> bool;

    /// The operation that does behind a maximum over places, on samples of `len` elements, what this one does before it:
    /// there it has less to do. Only for one function for all places of a channel that never decreases, not even by rounding.
    fn behind_largest(&self, _channels: usize, _len: usize) -> Option<Arc<dyn InPlace>> {
        None
    }

    /// Whether the gradient by the input is zero wherever the output is zero.
    fn stops_at_zero(&self) -> bool {
        false
    }

    /// The same operation where one before in the buffer [stops at zero](Self::stops_at_zero): the gradient may be anything where the
    /// output is zero, so that a mask need not be drawn again.
    fn behind_stop(&self) -> Option<Arc<dyn InPlace>> {
        None
    }

    /// The link that this operation is, where a loss can be computed more precisely without it (see
    /// [`Loss::link`](crate::losses::Loss::link)).
    fn link(&self) -> Option<Link> {
        None
    }

    /// Whether the operation draws random numbers in training.
    fn is_random(&self) -> bool {
        false
    }

    /// Whether the operation does anything in this context; if not, it is left out (both directions).
    fn is_active(&self, _cx: &Context) -> bool {
        true
    }

    /// Whether the output is zero in this context, whatever the input, for all samples. Where it is only added to something
    /// else, what it comes from is then not computed, in both directions.
    fn leaves_out(&self, _cx: &Context) -> bool {
        false
    }

    /// f32 of scratch memory that a call needs, whatever the number of rows.
    fn scratch(&self) -> usize {
        0
    }

    /// x ← f(x)
    fn forward(&self, cx: &Context, x: &mut [f32], scratch: &mut [f32]);

    /// dy ← dy·∂f/∂x. `x` is the input only where [`needs`](Self::needs) says so, else the same as `y`.
    fn backward(&self, cx: &Context, x: &[f32], y: &[f32], dy: &mut [f32], scratch: &mut [f32]);

    /// What the operation adds to the batch's loss, given its output for some rows: an activity regularizer.
    fn penalty(&self, _cx: &Context, _y: &[f32]) -> f64 {
        0.0
    }
}
