//! `thinnet bench w1` to `w4`

use std::time::Instant;

use serde_json::{Value, json};
use thinnet::callbacks::{BatchEnd, Callback, Training};
use thinnet::data::{Data, Features, Targets};
use thinnet::prelude::*;
use thinnet::random::{Domain, Stream};
use thinnet::{Error, Result};

use super::{dropout, median, sorted};
use crate::arguments::{Bench, Workload};
use crate::exit::print;

/// Steps before the clock counts.
const WARM_UP: usize = 5;
/// Rounds in which augmentation is timed in turns.
const ROUNDS: usize = 6;

/// A model, compiled, and how it is timed.
struct Timed {
    name: &'static str,
    model: Sequential,
    batch: usize,
    steps: usize,
}

impl Timed {
    fn new(workload: Workload, threads: Option<usize>) -> Result<Self> {
        let model = Sequential::new();
        let model = match threads {
            Some(threads) => model.threads(threads),
            None => model,
        };
        let (name, mut model, batch, steps) = match workload {
            Workload::W1 => ("w1", mnist_network(model, 128), 128, 400),
            Workload::W2 => ("w2", spatial_network(model, 32), 128, 60),
            Workload::W3 => ("w3", cifar_network(model, 32), 64, 40),
            Workload::W4 => ("w4", regression_network(model), 128, 1000),
        };
        compile(name, &mut model)?;
        Ok(Self { name, model, batch, steps })
    }

    /// Milliseconds of each step, sorted; what the layers that drop cost goes into the line.
    fn train_in_turns(&mut self, line: &mut Value) -> Result<Vec<f64>> {
        let data = Data { x: self.inputs(self.batch)?, y: self.targets(self.batch) };
        let mut bare = Self { model: dropout::without(&mut self.model)?, ..*self };
        compile(self.name, &mut bare.model)?;
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..dropout::ROUNDS {
            with.extend(self.time(&data, self.steps.div_ceil(2), None)?);
            without.extend(bare.time(&data, self.steps.div_ceil(2), None)?);
        }
        let (with, without) = (sorted(with), sorted(without));
        line["dropout"] = dropout::comparison(median(&with), median(&without));
        Ok(with)
    }

    /// Random samples.
    fn inputs(&mut self, samples: usize) -> Result<Features<'static>> {
        let sample = self.model.input_shape()?.clone();
        let mut draws = Stream::new(0, Domain::Shuffle).at(0, 0);
        let x: Vec<f32> = (0..samples * sample.len()).map(|_| draws.uniform() as f32).collect();
        Ok(Features::floats(sample, x))
    }

    /// Random targets.
    fn targets(&self, samples: usize) -> Targets<'static> {
        let mut draws = Stream::new(1, Domain::Shuffle).at(0, 0);
        if self.name == "w4" {
            let values = (0..samples).map(|_| draws.uniform() as f32).collect();
            Targets::Values { sample: Shape::from(1), values }
        } else {
            Targets::Classes((0..samples).map(|_| i64::from(draws.below(10))).collect())
        }
    }

    /// Milliseconds of each step, sorted; what augmentation costs goes into the line.
    fn train(&mut self, augment: bool, line: &mut Value) -> Result<Vec<f64>> {
        let data = Data { x: self.inputs(self.batch)?, y: self.targets(self.batch) };
        if !augment {
            return Ok(sorted(self.time(&data, self.steps, None)?));
        }
        let datagen = ImageDataGenerator::new()
            .rotation_range(15.0)
            .width_shift_range(0.1)
            .height_shift_range(0.1)
            .horizontal_flip(true);
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            with.extend(self.time(&data, self.steps.div_ceil(2), Some(&datagen))?);
            without.extend(self.time(&data, self.steps.div_ceil(2), None)?);
        }
        let (with, without) = (sorted(with), sorted(without));
        line["augmentation"] = json!({
            "without_ms_per_step": median(&without),
            "share_of_step": median(&with) / median(&without) - 1.0,
        });
        Ok(with)
    }

    /// Milliseconds of each call of `predict`, sorted.
    fn predict(&mut self, samples: usize, calls: Option<usize>) -> Result<Vec<f64>> {
        let x = self.inputs(samples)?;
        calls_of(calls.unwrap_or(50), WARM_UP, || self.model.predict(&x).map(drop))
    }

    /// Milliseconds of each call of `predict_mc`, sorted.
    fn monte_carlo(&mut self, networks: usize, calls: Option<usize>) -> Result<Vec<f64>> {
        let x = self.inputs(INPUTS)?;
        // A call takes long enough to be its own warm-up; a few networks touch the memory first.
        self.model.predict_mc(&x, 2)?;
        calls_of(calls.unwrap_or(3), 0, || self.model.predict_mc(&x, networks).map(drop))
    }

    /// MiB of memory at most while training on many samples. Images are bytes, as the data sets hold them.
    fn memory(&mut self) -> Result<f64> {
        let sample = self.model.input_shape()?.clone();
        let mut draws = Stream::new(0, Domain::Shuffle).at(0, 0);
        let x = match self.name {
            "w4" => self.inputs(SAMPLES)?,
            _ => {
                let bytes: Vec<u8> = (0..SAMPLES * sample.len()).map(|_| draws.below(256) as u8).collect();
                Features::bytes(sample, bytes, 1.0 / 255.0)
            }
        };
        let data = Data { x, y: self.targets(SAMPLES) };
        self.time(&data, self.steps, None)?;
        peak_memory()
    }

    /// Milliseconds of each step.
    fn time(&mut self, data: &Data, steps: usize, augment: Option<&ImageDataGenerator>) -> Result<Vec<f64>> {
        let mut clock = Clock { last: Instant::now(), milliseconds: Vec::with_capacity(steps + WARM_UP) };
        let mut fit = Fit::new()
            .batch_size(self.batch)
            .steps_per_epoch(steps + WARM_UP)
            .verbose(false)
            .callback(&mut clock);
        if let Some(augment) = augment {
            fit = fit.augment(augment.clone());
        }
        self.model.fit(data, fit)?;
        Ok(clock.milliseconds.split_off(WARM_UP))
    }
}

/// Milliseconds of each call after some that do not count, sorted.
fn calls_of(calls: usize, warm_up: usize, mut call: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(calls);
    for index in 0..warm_up + calls {
        let start = Instant::now();
        call()?;
        if index >= warm_up {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(sorted(times))
}

/// A network's optimizer, loss and metrics.
fn compile(name: &str, model: &mut Sequential) -> Result<()> {
    match name {
        "w4" => model.compile("adam", "mse", [] as [&str; 0]),
        _ => model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"]),
    }
}

/// The tutorial's has 128 units.
pub(super) fn mnist_network(model: Sequential, units: usize) -> Sequential {
    model
        .add(Dense::new(units).activation(Relu).input_shape([784]))
        .add(Dropout::new(0.2))
        .add(Dense::new(units.div_ceil(2)).activation(Relu))
        .add(Dropout::new(0.3))
        .add(Dense::new(10).activation(Softmax))
}

/// The tutorial's has 32 filters.
pub(super) fn spatial_network(model: Sequential, filters: usize) -> Sequential {
    model
        .add(Conv2D::new(filters, 3).activation(Relu).input_shape([28, 28, 1]))
        .add(SpatialDropout2D::new(0.2))
        .add(MaxPooling2D::new(2))
        .add(Conv2D::new(2 * filters, 3).activation(Relu))
        .add(SpatialDropout2D::new(0.3))
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(128).activation(Relu))
        .add(Dropout::new(0.4))
        .add(Dense::new(10).activation(Softmax))
}

/// The tutorial's has 32 filters.
pub(super) fn cifar_network(model: Sequential, filters: usize) -> Sequential {
    let same = |filters: usize| Conv2D::new(filters, 3).padding("same").activation(Relu);
    model
        .add(same(filters).input_shape([32, 32, 3]))
        .add(same(filters))
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(0.25))
        .add(same(2 * filters))
        .add(same(2 * filters))
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(0.25))
        .add(Flatten::new())
        .add(Dense::new(512).activation(Relu))
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation(Softmax))
}

fn regression_network(model: Sequential) -> Sequential {
    model
        .add(Dropout::new(0.05).input_shape([13]))
        .add(Dense::new(50).activation(Relu).kernel_regularizer(L2::new(1e-6)))
        .add(Dropout::new(0.05))
        .add(Dense::new(1).kernel_regularizer(L2::new(1e-6)))
}

/// Times every step.
#[derive(Debug)]
struct Clock {
    last: Instant,
    milliseconds: Vec<f64>,
}

impl Callback for Clock {
    fn on_epoch_begin(&mut self, _: &mut Training, _: usize) -> Result<()> {
        self.last = Instant::now();
        Ok(())
    }

    fn on_batch_end(&mut self, _: &mut Training, _: &BatchEnd) -> Result<()> {
        let now = Instant::now();
        self.milliseconds.push((now - self.last).as_secs_f64() * 1e3);
        self.last = now;
        Ok(())
    }
}

/// How many inputs Monte-Carlo prediction is timed with.
const INPUTS: usize = 1000;
/// How many samples the memory of training is measured with: as many as CIFAR-10 has.
const SAMPLES: usize = 50_000;

pub(super) fn run(workload: Workload, arguments: &Bench, threads: Option<usize>) -> Result<()> {
    if arguments.augment && !matches!(workload, Workload::W2 | Workload::W3) {
        return Err(Error::Usage("--augment is for networks of images: w2 and w3".into()));
    }
    let mut timed = Timed::new(workload, threads)?;
    if let Some(steps) = arguments.steps {
        timed.steps = steps;
    }
    let mut line = json!({"peer": "thinnet", "workload": timed.name});
    if let Some(samples) = arguments.predict {
        line["batch"] = json!(samples);
        line["ms_per_predict"] = statistics(&timed.predict(samples, arguments.steps)?);
    } else if let Some(networks) = arguments.mc {
        (line["inputs"], line["samples"]) = (json!(INPUTS), json!(networks));
        line["ms_per_predict_mc"] = statistics(&timed.monte_carlo(networks, arguments.steps)?);
    } else if arguments.memory {
        (line["batch"], line["samples"]) = (json!(timed.batch), json!(SAMPLES));
        line["peak_memory_mib"] = json!(timed.memory()?);
    } else {
        line["batch"] = json!(timed.batch);
        let times = match arguments.dropout {
            true => timed.train_in_turns(&mut line)?,
            false => timed.train(arguments.augment, &mut line)?,
        };
        line["ms_per_step"] = statistics(&times);
    }
    line["threads"] = json!(timed.model.thread_count());
    line["kernels"] = json!(thinnet::kernels());
    print(&format!("{line}\n"))
}

fn statistics(sorted: &[f64]) -> Value {
    json!({"min": sorted[0], "median": median(sorted), "max": sorted[sorted.len() - 1]})
}

/// The most memory of this process that was in use at a time, in MiB.
fn peak_memory() -> Result<f64> {
    let path = "/proc/self/status";
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0).ok_or_else(|| Error::file(path, "expected a line `VmHWM: … kB`, found none"))
}
