//! `thinnet bench`

use std::time::Instant;

use serde_json::json;
use thinnet::Result;
use thinnet::callbacks::{BatchEnd, Callback, Training};
use thinnet::data::{Data, Features, Targets};
use thinnet::prelude::*;
use thinnet::random::{Domain, Stream};

use crate::arguments::{Bench, Workload};
use crate::exit::print;

const BATCH: usize = 128;
/// Steps before the clock counts.
const WARM_UP: usize = 5;

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

pub(crate) fn run(arguments: &Bench, threads: Option<usize>) -> Result<()> {
    let (name, mut model, inputs, steps) = match arguments.workload {
        Workload::W1 => {
            let model = Sequential::new()
                .add(Dense::new(128).activation(Relu).input_shape([784]))
                .add(Dropout::new(0.2))
                .add(Dense::new(64).activation(Relu))
                .add(Dropout::new(0.3))
                .add(Dense::new(10).activation(Softmax));
            ("w1", model, 784, 400)
        }
        Workload::W4 => {
            let model = Sequential::new()
                .add(Dropout::new(0.05).input_shape([13]))
                .add(Dense::new(50).activation(Relu).kernel_regularizer(L2::new(1e-6)))
                .add(Dropout::new(0.05))
                .add(Dense::new(1).kernel_regularizer(L2::new(1e-6)));
            ("w4", model, 13, 1000)
        }
    };
    if let Some(threads) = threads {
        model = model.threads(threads);
    }
    let mut draws = Stream::new(0, Domain::Shuffle).at(0, 0);
    let x: Vec<f32> = (0..BATCH * inputs).map(|_| draws.uniform() as f32).collect();
    let y = match arguments.workload {
        Workload::W1 => Targets::Classes((0..BATCH).map(|_| i64::from(draws.below(10))).collect()),
        Workload::W4 => {
            let values = (0..BATCH).map(|_| draws.uniform() as f32).collect();
            Targets::Values { sample: Shape::from(1), values }
        }
    };
    match arguments.workload {
        Workload::W1 => model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?,
        Workload::W4 => model.compile("adam", "mse", [] as [&str; 0])?,
    }
    let data = Data { x: Features::floats(inputs, x), y };
    let mut clock = Clock { last: Instant::now(), milliseconds: Vec::with_capacity(steps + WARM_UP) };
    let fit =
        Fit::new().batch_size(BATCH).steps_per_epoch(steps + WARM_UP).verbose(false).callback(&mut clock);
    model.fit(&data, fit)?;
    let mut times = clock.milliseconds.split_off(WARM_UP);
    times.sort_by(f64::total_cmp);
    let line = json!({
        "peer": "thinnet",
        "workload": name,
        "batch": BATCH,
        "ms_per_step": {"min": times[0], "median": times[times.len() / 2], "max": times[times.len() - 1]},
        "threads": model.thread_count(),
        "kernels": thinnet::kernels(),
    });
    print(&format!("{line}\n"))
}
