//! Where the time of training steps goes: what each thread did, from when to when.
//!
//! Threads note their work in memory of their own, and only where somebody asked: without, a step pays a comparison for
//! each operation, reads no clock and allocates nothing. Results do not depend on it.

use std::time::{Duration, Instant};

use thinnet_kernels::buffer::Buffer;

/// What a thread does in a training step. Layers are counted as in [`Profile::layers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Copying samples and targets out of the data.
    Gather,
    /// The loss with its gradient, the metrics, and the last activation where the loss is computed without it.
    Loss,
    /// Regularizers, clipping, the optimizer's step and constraints.
    Optimizer,
    /// What a layer makes of its variables before a batch.
    Prepare(usize),
    /// A layer's output.
    Forward(usize),
    /// The gradient by a layer's input; for a convolution also that by its variables.
    Backward(usize),
    /// The gradient by a layer's variables.
    Gradient(usize),
}

impl Work {
    /// The place of its times among a step's.
    fn index(self) -> usize {
        match self {
            Self::Gather => 0,
            Self::Loss => 1,
            Self::Optimizer => 2,
            Self::Prepare(layer) => 3 + 4 * layer,
            Self::Forward(layer) => 4 + 4 * layer,
            Self::Backward(layer) => 5 + 4 * layer,
            Self::Gradient(layer) => 6 + 4 * layer,
        }
    }
}

/// A piece of work on a thread.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// What was done.
    pub work: Work,
    /// The thread, 0 being the one that called `fit`.
    pub thread: usize,
    /// From when, since the first step began.
    pub start: Duration,
    /// How long.
    pub length: Duration,
}

/// What a thread works with.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) scratch: Buffer,
    pub(crate) spans: Spans,
}

impl Worker {
    pub(crate) fn new(scratch: usize) -> Self {
        Self { scratch: Buffer::zeros(scratch), spans: Spans(None) }
    }
}

impl AsMut<Self> for Worker {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

/// A thread's record of a step, where one is kept.
#[derive(Debug)]
pub(crate) struct Spans(Option<Vec<(Work, Instant, Instant)>>);

impl Spans {
    /// Keeps a record from now on.
    pub(crate) fn keep(&mut self) {
        self.0 = Some(Vec::new());
    }

    /// The time, to be given to [`end`](Self::end).
    pub(crate) fn start(&self) -> Option<Instant> {
        self.0.is_some().then(Instant::now)
    }

    /// Notes work that began at `start`.
    pub(crate) fn end(&mut self, start: Option<Instant>, work: Work) {
        if let (Some(spans), Some(start)) = (&mut self.0, start) {
            spans.push((work, start, Instant::now()));
        }
    }
}

/// A step's seconds.
#[derive(Debug)]
struct StepTimes {
    begin: Duration,
    waited: Duration,
    length: Duration,
    /// Summed over threads, by [`Work::index`].
    works: Vec<f64>,
}

/// Where the time of each training step went: give it to [`Fit::profile`](crate::model::Fit::profile).
///
/// Training gives the same bits as without. Each step leaves some hundred bytes; with [`keep_spans`](Self::keep_spans)
/// some thousand.
///
/// ```
/// use ndarray::{Array1, Array2};
/// use thinnet::engine::{Profile, Work};
/// use thinnet::prelude::*;
///
/// let mut model = Sequential::new().add(Dense::new(8).input_shape([4])).add(Dense::new(1));
/// model.compile("adam", "mse", [] as [&str; 0])?;
/// let (x, y) = (Array2::<f32>::ones((64, 4)), Array1::<f32>::zeros(64));
/// let mut profile = Profile::new();
/// model.fit((&x, &y), Fit::new().verbose(false).profile(&mut profile))?;
/// assert_eq!(profile.layers(), ["dense", "dense_1"]);
/// // Seconds of each of the two steps, and of the first layer's forward pass in them.
/// assert_eq!(profile.step_seconds().len(), 2);
/// assert!(profile.seconds(Work::Forward(0))[1] <= profile.step_seconds()[1] * profile.threads() as f64);
/// # Ok::<(), thinnet::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Profile {
    layers: Vec<String>,
    threads: usize,
    batch_size: usize,
    origin: Option<Instant>,
    steps: Vec<StepTimes>,
    spans: Option<Vec<Span>>,
}

impl Profile {
    /// A profile of no steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps each single piece of work as well, for [`trace`](Self::trace).
    #[must_use]
    pub fn keep_spans(mut self) -> Self {
        self.spans = Some(Vec::new());
        self
    }

    /// The names of the layers, those within a layer behind it.
    pub fn layers(&self) -> &[String] {
        &self.layers
    }

    /// The threads that worked on a batch; fewer than the model's where a batch is too little work.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The samples of a step.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Seconds that each step took, with waiting for its samples.
    pub fn step_seconds(&self) -> Vec<f64> {
        self.steps.iter().map(|step| step.length.as_secs_f64()).collect()
    }

    /// Seconds that each step waited for samples that augmentation changes.
    pub fn waiting_seconds(&self) -> Vec<f64> {
        self.steps.iter().map(|step| step.waited.as_secs_f64()).collect()
    }

    /// Seconds that each step spent on this, summed over threads.
    pub fn seconds(&self, work: Work) -> Vec<f64> {
        self.steps.iter().map(|step| step.works.get(work.index()).copied().unwrap_or(0.0)).collect()
    }

    /// When each step began, how long it waited for its samples, and how long it took, since the first step began.
    pub(crate) fn step_spans(&self) -> impl Iterator<Item = [Duration; 3]> {
        self.steps.iter().map(|step| [step.begin, step.waited, step.length])
    }

    /// Each piece of work, where these are kept.
    pub fn spans(&self) -> &[Span] {
        self.spans.as_deref().unwrap_or_default()
    }

    /// Forgets the first steps, in which memory is touched for the first time and threads wake up.
    pub fn skip(&mut self, steps: usize) {
        let end = self.steps.get(steps).map_or(Duration::MAX, |step| step.begin);
        self.steps.drain(..steps.min(self.steps.len()));
        if let Some(spans) = &mut self.spans {
            spans.retain(|span| span.start >= end);
        }
    }

    /// Says what is trained.
    pub(crate) fn begin(&mut self, layers: &[String], threads: usize, batch_size: usize) {
        self.layers = layers.to_vec();
        (self.threads, self.batch_size) = (threads, batch_size);
    }

    /// Takes the threads' records of a step that began at `begin`, had its samples at `ready` and is now done.
    pub(crate) fn push(&mut self, begin: Instant, ready: Instant, workers: &mut [Worker]) {
        let length = begin.elapsed();
        let origin = *self.origin.get_or_insert(begin);
        let mut works = vec![0.0; Work::Prepare(self.layers.len()).index()];
        for (thread, worker) in workers.iter_mut().enumerate() {
            for (work, start, end) in worker.spans.0.iter_mut().flat_map(|spans| spans.drain(..)) {
                works[work.index()] += (end - start).as_secs_f64();
                if let Some(spans) = &mut self.spans {
                    spans.push(Span { work, thread, start: start - origin, length: end - start });
                }
            }
        }
        self.steps.push(StepTimes { begin: begin - origin, waited: ready - begin, length, works });
    }
}
