//! `Sequential`: a stack of layers, and everything that one does with it.

mod activations;
mod build;
mod compile;
mod evaluate;
mod file;
mod fit;
mod predict;
mod save;
mod standardized;
mod state;
mod summary;
mod weights;

use std::fmt;

use thinnet_kernels::pool::Pool;

use crate::data::Standardization;
use crate::engine::{Objective, Optimization, Outputs, Parameters, Plan, Runner};
use crate::error::{Error, Result};
use crate::layers::{Built, Layer};
use crate::losses::Link;
use crate::metrics::Metric;
use crate::shape::Shape;

pub use activations::LayerValues;
pub use fit::{ClassWeight, Fit};
pub(crate) use summary::thousands;

/// The seed of a model that was given none.
pub const DEFAULT_SEED: u64 = 42;

/// A stack of layers.
///
/// Builder methods never fail: what is wrong with a model is reported by [`compile`](Self::compile) (or
/// [`build`](Self::build)), all at once, each with the layer's name.
///
/// ```
/// use ndarray::{Array1, Array2};
/// use thinnet::prelude::*;
///
/// # fn main() -> thinnet::Result<()> {
/// let mut model = Sequential::new()
///     .add(Dense::new(8).activation(Relu).input_shape([4]))
///     .add(Dropout::new(0.2))
///     .add(Dense::new(3).activation(Softmax));
/// model.compile(Adam::default(), SparseCategoricalCrossentropy::default(), [Accuracy::default()])?;
///
/// let x = Array2::from_shape_fn((60, 4), |(sample, feature)| if sample % 3 == feature { 1.0 } else { 0.0 });
/// let y = Array1::from_shape_fn(60, |sample| (sample % 3) as u8);
/// let history = model.fit((&x, &y), Fit::new().epochs(3).verbose(false))?;
/// assert!(history["loss"][2] < history["loss"][0]);
/// # Ok(())
/// # }
/// ```
pub struct Sequential {
    name: String,
    seed: u64,
    layers: Vec<Box<dyn Layer>>,
    class_names: Vec<String>,
    standardization: Option<Standardization>,
    threads: Option<usize>,
    pool: Option<Pool>,
    built: Option<BuiltModel>,
    compiled: Option<Compiled>,
    /// The runner of the last [`train_on_batch`](Self::train_on_batch).
    batch_runner: Option<Runner>,
    /// What the last [`predict`](Self::predict) worked with.
    outputs: Option<Outputs>,
}

/// What building makes.
#[derive(Debug)]
struct BuiltModel {
    input: Shape,
    /// Each layer's name and output shape.
    layers: Vec<(String, Shape)>,
    /// What each layer answered to its input's shape.
    answers: Vec<Built>,
    /// The names of all layers of the plan, those within a layer behind it.
    planned: Vec<String>,
    parameters: Parameters,
    plan: Plan,
}

/// What compiling makes.
#[derive(Debug)]
struct Compiled {
    objective: Objective,
    /// As they were given, while those of the objective are measured in the targets' units.
    metrics: Vec<Box<dyn Metric>>,
    optimization: Optimization,
}

impl Default for Sequential {
    fn default() -> Self {
        Self::new()
    }
}

impl Sequential {
    /// A model without layers, named `sequential`, with seed 42.
    pub fn new() -> Self {
        Self {
            name: "sequential".into(),
            seed: DEFAULT_SEED,
            layers: Vec::new(),
            class_names: Vec::new(),
            standardization: None,
            threads: None,
            pool: None,
            built: None,
            compiled: None,
            batch_runner: None,
            outputs: None,
        }
    }

    /// Names the model. Default: `sequential`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The model's name.
    pub fn model_name(&self) -> &str {
        &self.name
    }

    /// What the classes are called that the model tells apart, by number; empty where that is not known.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Says what the classes are called. The names are kept with the model by [`save`](Self::save); nothing else depends
    /// on them.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("pets.safetensors");
    /// use thinnet::prelude::*;
    ///
    /// let mut model = Sequential::new().add(Dense::new(2).activation(Softmax).input_shape([4]));
    /// model.set_class_names(["cat", "dog"]);
    /// model.save(&path)?;
    /// assert_eq!(Sequential::load(&path)?.class_names(), ["cat", "dog"]);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    pub fn set_class_names(&mut self, names: impl IntoIterator<Item = impl Into<String>>) {
        self.class_names = names.into_iter().map(Into::into).collect();
    }

    /// How the model standardizes its inputs and targets, where it does.
    pub fn standardization(&self) -> Option<&Standardization> {
        self.standardization.as_ref()
    }

    /// Makes the network see standardized inputs and learn standardized targets, while whoever calls the model gives and gets
    /// numbers in their own units: `fit`, `evaluate`, `predict` and `predict_mc` standardize what comes and scale back what
    /// goes. The loss is that of the standardized targets, since that is what is minimized; metrics and predictions are in
    /// the targets' units. [`save`](Self::save) keeps it with the model.
    ///
    /// ```
    /// use ndarray::{Array1, Array2};
    /// use thinnet::data::{Data, Standardization};
    /// use thinnet::prelude::*;
    ///
    /// let x = Array2::from_shape_fn((50, 2), |(sample, column)| (sample * (column + 3)) as f32);
    /// let y = Array1::from_shape_fn(50, |sample| 1000.0 + sample as f32);
    /// let mut model = Sequential::new().add(Dense::new(1).input_shape([2]));
    /// model.compile(Adam::default(), "mse", ["mae"])?;
    /// model.set_standardization(Standardization::of(&Data::from((&x, &y)))?);
    /// model.fit((&x, &y), Fit::new().epochs(5).verbose(false))?;
    /// // An untrained network gives 0, which is the mean of the targets.
    /// assert!((model.predict(&x)?[[25, 0]] - 1024.5).abs() < 50.0);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    pub fn set_standardization(&mut self, standardization: impl Into<Option<Standardization>>) {
        self.standardization = standardization.into();
        let measured = self.compiled.as_ref().map(|compiled| self.measured(&compiled.metrics));
        if let (Some(compiled), Some(measured)) = (&mut self.compiled, measured) {
            compiled.objective.metrics = measured;
        }
        self.batch_runner = None;
    }

    /// The seed of all that is random: initial values, masks, noise, the samples' order. Default: 42.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self.forget();
        self
    }

    /// How many threads work on a batch. The results do not depend on it. Default: the environment variable
    /// `THINNET_THREADS`, else the machine's cores. More than the system can start are an error of the call that needs them.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self.pool = None;
        self
    }

    /// Puts a layer on top.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "Keras's name")]
    pub fn add(mut self, layer: impl Layer + 'static) -> Self {
        self.push(Box::new(layer));
        self
    }

    /// Puts a layer on top, for models that are made in a loop.
    pub fn push(&mut self, layer: Box<dyn Layer>) {
        self.layers.push(layer);
        self.forget();
    }

    /// Takes the top layer away. The model must be built again, which gives its variables initial values.
    pub fn pop(&mut self) -> Option<Box<dyn Layer>> {
        self.forget();
        self.layers.pop()
    }

    /// The layers, from the input on.
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.layers
    }

    /// Whether the outputs are the probabilities of classes.
    pub(crate) fn ends_in_softmax(&self) -> bool {
        self.link() == Some(Link::Softmax)
    }

    /// The link that the model ends in.
    pub(crate) fn link(&self) -> Option<Link> {
        self.built.as_ref().and_then(|built| built.plan.link)
    }

    /// Whether the model has dropout or noise that [`predict_mc`](Self::predict_mc) draws. A rate of 0 draws nothing, and
    /// layers that augment images are on in training only.
    ///
    /// ```
    /// use thinnet::prelude::*;
    /// let mut model = Sequential::new().add(Dropout::new(0.0).input_shape([4])).add(Dense::new(1));
    /// assert!(!model.is_stochastic()?);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn is_stochastic(&mut self) -> Result<bool> {
        self.build()?;
        Ok(self.built()?.plan.first_draw().is_some())
    }

    /// Drops what was made of the layers.
    fn forget(&mut self) {
        self.built = None;
        self.compiled = None;
        self.batch_runner = None;
        self.outputs = None;
    }

    /// The shape of one input sample.
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn input_shape(&mut self) -> Result<&Shape> {
        self.build()?;
        Ok(&self.built()?.input)
    }

    /// The shape of one sample's output.
    ///
    /// # Errors
    /// Where the model cannot be built.
    pub fn output_shape(&mut self) -> Result<&Shape> {
        self.build()?;
        Ok(&self.built()?.plan.output)
    }

    fn built(&self) -> Result<&BuiltModel> {
        self.built
            .as_ref()
            .ok_or_else(|| Error::Usage("the model is not built: call build() or compile() first".into()))
    }

    /// The number of threads that batches are worked on with.
    pub fn thread_count(&self) -> usize {
        self.threads.unwrap_or_else(crate::default_threads)
    }
}

/// A pool of at least `threads` threads: the one at hand, or a new one.
fn pool_of(pool: &mut Option<Pool>, threads: usize) -> Result<&mut Pool> {
    if pool.as_ref().is_none_or(|pool| pool.threads() < threads) {
        let advice = "give fewer with --threads or THINNET_THREADS";
        let refused = |error| Error::Usage(format!("cannot start {threads} threads: {error}: {advice}"));
        *pool = Some(Pool::new(threads).map_err(refused)?);
    }
    Ok(pool.as_mut().expect("just made"))
}

impl fmt::Debug for Sequential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequential")
            .field("name", &self.name)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}
