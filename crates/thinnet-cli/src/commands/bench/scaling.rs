//! `thinnet bench scaling`

use serde_json::{Value, json};
use thinnet::Result;
use thinnet::engine::Profile;
use thinnet::prelude::*;
use thinnet::report::aligned;

use super::workload::{cifar_network, mnist_network, spatial_network};
use super::{median, sorted};
use crate::arguments::Bench;
use crate::exit::print;

/// Even sizes with odd ones between: a cliff would show as a jump of the time a sample.
const BATCHES: [usize; 10] = [1, 3, 7, 16, 33, 64, 127, 128, 256, 257];
/// How long a point is timed, in seconds, and with how many steps at least.
const PATIENCE: f64 = 0.3;
const FEWEST: usize = 5;

/// A network of the tutorial, of any width.
struct Family {
    name: &'static str,
    /// What the width counts.
    unit: &'static str,
    network: fn(Sequential, usize) -> Sequential,
    /// Multiply-adds of a sample's forward pass at a width.
    multiply_adds: fn(usize) -> usize,
    width: usize,
    widths: &'static [usize],
    batch: usize,
}

const FAMILIES: [Family; 3] = [
    Family {
        name: "w1",
        unit: "units",
        network: mnist_network,
        multiply_adds: |n| 784 * n + n * n.div_ceil(2) + n.div_ceil(2) * 10,
        width: 128,
        widths: &[7, 8, 16, 33, 64, 127, 128, 129, 256, 512],
        batch: 128,
    },
    Family {
        name: "w2",
        unit: "filters",
        network: spatial_network,
        multiply_adds: |n| 26 * 26 * 9 * n + 11 * 11 * 9 * n * 2 * n + 25 * 2 * n * 128 + 1280,
        width: 32,
        widths: &[7, 8, 16, 31, 32, 33, 64],
        batch: 128,
    },
    Family {
        name: "w3",
        unit: "filters",
        network: cifar_network,
        multiply_adds: |n| {
            1024 * 9 * (3 * n + n * n) + 256 * 9 * (2 * n * n + 4 * n * n) + 128 * n * 512 + 5120
        },
        width: 32,
        widths: &[7, 8, 16, 31, 32, 33, 64],
        batch: 64,
    },
];

/// A network's size and what it took.
struct Point {
    network: &'static str,
    unit: &'static str,
    width: usize,
    batch: usize,
    /// Microseconds of a training step for each sample.
    sample: f64,
    /// The same for a million multiply-adds of the forward pass.
    million: f64,
}

impl Family {
    fn measure(
        &self,
        width: usize,
        batch: usize,
        threads: Option<usize>,
        steps: Option<usize>,
    ) -> Result<Point> {
        let model = Sequential::new();
        let model = match threads {
            Some(threads) => model.threads(threads),
            None => model,
        };
        let mut model = (self.network)(model, width);
        model.compile("adam", "sparse_categorical_crossentropy", [] as [&str; 0])?;
        let sample = model.input_shape()?.clone();
        let x: Vec<f32> = (0..batch * sample.len()).map(|i| (i * 7 % 31) as f32 / 31.0).collect();
        let classes: Vec<i64> = (0..batch as i64).map(|i| i % 10).collect();
        let data = Data { x: Features::floats(sample, x), y: Targets::Classes(classes.into()) };
        let mut time = |steps: usize| -> Result<f64> {
            let mut profile = Profile::new();
            let fit = Fit::new().batch_size(batch).steps_per_epoch(steps + 1).verbose(false);
            model.fit(&data, fit.profile(&mut profile))?;
            profile.skip(1);
            Ok(median(&sorted(profile.step_seconds())))
        };
        let seconds = match steps {
            Some(steps) => time(steps)?,
            None => {
                let steps = (PATIENCE / time(2)?) as usize;
                time(steps.clamp(FEWEST, 1000))?
            }
        };
        let sample = seconds / batch as f64 * 1e6;
        let million = sample / ((self.multiply_adds)(width) as f64 / 1e6);
        Ok(Point { network: self.name, unit: self.unit, width, batch, sample, million })
    }
}

pub(super) fn run(arguments: &Bench, threads: Option<usize>) -> Result<()> {
    let (mut by_batch, mut by_width) = (Vec::new(), Vec::new());
    for family in &FAMILIES {
        for batch in BATCHES {
            by_batch.push(family.measure(family.width, batch, threads, arguments.steps)?);
        }
        for &width in family.widths {
            by_width.push(family.measure(width, family.batch, threads, arguments.steps)?);
        }
    }
    if arguments.json {
        let all = |points: &[Point]| points.iter().map(as_json).collect::<Vec<_>>();
        let threads = threads.unwrap_or_else(thinnet::default_threads);
        let curves = json!({
            "threads": threads,
            "kernels": thinnet::kernels(),
            "by_batch": all(&by_batch),
            "by_width": all(&by_width),
        });
        return print(&format!("{curves}\n"));
    }
    let head = |first: &str| {
        [first, "batch", "µs a sample", "µs a sample and million multiply-adds"].map(str::to_owned).to_vec()
    };
    let row = |point: &Point| {
        let Point { network, unit, width, batch, sample, million } = point;
        vec![
            format!("{network}, {width} {unit}"),
            format!("{batch}"),
            format!("{sample:.2}"),
            format!("{million:.2}"),
        ]
    };
    let table = |first: &str, points: &[Point]| {
        aligned(&std::iter::once(head(first)).chain(points.iter().map(row)).collect::<Vec<_>>())
    };
    print(&format!("{}\n{}", table("by batch", &by_batch), table("by width", &by_width)))
}

fn as_json(point: &Point) -> Value {
    json!({
        "network": point.network,
        "width": point.width,
        "batch": point.batch,
        "us_per_sample": point.sample,
        "us_per_sample_and_million_multiply_adds": point.million,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formulas against the shapes of the kernels and how often each is applied.
    #[test]
    fn multiply_adds_are_those_of_the_networks() {
        // Applications of each kernel to a sample, from the first layer on.
        let places = [vec![1, 1, 1], vec![26 * 26, 11 * 11, 1, 1], vec![1024, 1024, 256, 256, 1, 1]];
        for (family, places) in FAMILIES.iter().zip(places) {
            for width in [7, 32] {
                let mut model = (family.network)(Sequential::new(), width);
                model.build().unwrap();
                let kernels = model.get_weights().unwrap().into_iter().filter(|weights| weights.ndim() > 1);
                let counted: usize = kernels.zip(&places).map(|(kernel, places)| kernel.len() * places).sum();
                assert_eq!(counted, (family.multiply_adds)(width), "{} of width {width}", family.name);
            }
        }
    }
}
