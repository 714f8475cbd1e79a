//! `thinnet bench`

use std::time::Instant;

use serde_json::json;
use thinnet::callbacks::{BatchEnd, Callback, Training};
use thinnet::data::{Data, Features, Targets};
use thinnet::prelude::*;
use thinnet::random::{Domain, Stream};
use thinnet::{Error, Result};

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
            Workload::W1 => ("w1", mnist_network(model), 128, 400),
            Workload::W2 => ("w2", spatial_network(model), 128, 60),
            Workload::W3 => ("w3", cifar_network(model), 64, 40),
            Workload::W4 => ("w4", regression_network(model), 128, 1000),
        };
        match workload {
            Workload::W4 => model.compile("adam", "mse", [] as [&str; 0])?,
            _ => model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?,
        }
        Ok(Self { name, model, batch, steps })
    }

    /// Random samples of one batch.
    fn data(&mut self) -> Result<Data<'static>> {
        let sample = self.model.input_shape()?.clone();
        let mut draws = Stream::new(0, Domain::Shuffle).at(0, 0);
        let x: Vec<f32> = (0..self.batch * sample.len()).map(|_| draws.uniform() as f32).collect();
        let y = if self.name == "w4" {
            let values = (0..self.batch).map(|_| draws.uniform() as f32).collect();
            Targets::Values { sample: Shape::from(1), values }
        } else {
            Targets::Classes((0..self.batch).map(|_| i64::from(draws.below(10))).collect())
        };
        Ok(Data { x: Features::floats(sample, x), y })
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

fn mnist_network(model: Sequential) -> Sequential {
    model
        .add(Dense::new(128).activation(Relu).input_shape([784]))
        .add(Dropout::new(0.2))
        .add(Dense::new(64).activation(Relu))
        .add(Dropout::new(0.3))
        .add(Dense::new(10).activation(Softmax))
}

fn spatial_network(model: Sequential) -> Sequential {
    model
        .add(Conv2D::new(32, 3).activation(Relu).input_shape([28, 28, 1]))
        .add(SpatialDropout2D::new(0.2))
        .add(MaxPooling2D::new(2))
        .add(Conv2D::new(64, 3).activation(Relu))
        .add(SpatialDropout2D::new(0.3))
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(128).activation(Relu))
        .add(Dropout::new(0.4))
        .add(Dense::new(10).activation(Softmax))
}

fn cifar_network(model: Sequential) -> Sequential {
    let same = |filters: usize| Conv2D::new(filters, 3).padding("same").activation(Relu);
    model
        .add(same(32).input_shape([32, 32, 3]))
        .add(same(32))
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(0.25))
        .add(same(64))
        .add(same(64))
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

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

fn median(times: &[f64]) -> f64 {
    times[times.len() / 2]
}

pub(crate) fn run(arguments: &Bench, threads: Option<usize>) -> Result<()> {
    let mut timed = Timed::new(arguments.workload, threads)?;
    if arguments.augment && !matches!(arguments.workload, Workload::W2 | Workload::W3) {
        return Err(Error::Usage("--augment is for networks of images: w2 and w3".into()));
    }
    let data = timed.data()?;
    let steps = timed.steps;
    let mut line = json!({"peer": "thinnet", "workload": timed.name, "batch": timed.batch});
    let times = if arguments.augment {
        let datagen = ImageDataGenerator::new()
            .rotation_range(15.0)
            .width_shift_range(0.1)
            .height_shift_range(0.1)
            .horizontal_flip(true);
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            with.extend(timed.time(&data, steps.div_ceil(2), Some(&datagen))?);
            without.extend(timed.time(&data, steps.div_ceil(2), None)?);
        }
        let (with, without) = (sorted(with), sorted(without));
        line["augmentation"] = json!({
            "without_ms_per_step": median(&without),
            "share_of_step": median(&with) / median(&without) - 1.0,
        });
        with
    } else {
        sorted(timed.time(&data, steps, None)?)
    };
    line["ms_per_step"] = json!({"min": times[0], "median": median(&times), "max": times[times.len() - 1]});
    line["threads"] = json!(timed.model.thread_count());
    line["kernels"] = json!(thinnet::kernels());
    print(&format!("{line}\n"))
}
