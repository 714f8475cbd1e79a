//! `thinnet bench kernels`

use serde_json::{Value, json};
use thinnet::engine::{Profile, Work};
use thinnet::prelude::*;
use thinnet::report::aligned;
use thinnet::{Result, default_threads, peak};

use super::{median, sorted};
use crate::arguments::Bench;
use crate::exit::print;

/// Rounds, in which the peak is measured and every kernel runs on one thread and on all.
const ROUNDS: usize = 7;
/// The layer that is measured: the second, so that training needs the gradient by its input.
const MEASURED: usize = 1;
/// What is timed of it.
///
/// Both gradients together, since convolutions compute them so.
const PASSES: [(&str, &[Work], f64); 2] = [
    ("forward", &[Work::Forward(MEASURED)], 1.0),
    ("both gradients", &[Work::Backward(MEASURED), Work::Gradient(MEASURED)], 2.0),
];

/// A layer at the shapes that a network of the tutorial gives it.
struct Kernel {
    name: String,
    batch: usize,
    /// One input sample.
    input: Vec<usize>,
    units: usize,
    /// None for Dense, otherwise the padding of a 3×3 convolution.
    padding: Option<Padding>,
}

impl Kernel {
    fn dense(network: &str, batch: usize, inputs: usize, units: usize) -> Self {
        let name = format!("{network} dense {batch}×{inputs}×{units}");
        Self { name, batch, input: vec![inputs], units, padding: None }
    }

    fn convolution(network: &str, batch: usize, input: [usize; 3], filters: usize, padding: Padding) -> Self {
        let [height, width, channels] = input;
        let how = if padding == Padding::Same { "same" } else { "valid" };
        let name = format!("{network} conv 3×3 {how} {height}×{width}×{channels}→{filters}");
        Self { name, batch, input: input.to_vec(), units: filters, padding: Some(padding) }
    }

    /// Floating-point operations of each pass over a batch by the direct algorithm.
    fn operations(&self) -> f64 {
        let taps = match self.padding {
            None => self.input[0],
            Some(Padding::Same) => self.input.iter().product::<usize>() * 9,
            Some(_) => (self.input[0] - 2) * (self.input[1] - 2) * self.input[2] * 9,
        };
        2.0 * (self.batch * taps * self.units) as f64
    }

    /// The layer in a model that is as little else as can be.
    fn model(&self, threads: usize) -> Result<Sequential> {
        let model = Sequential::new().threads(threads);
        let model = model.add(LayerNormalization::new().input_shape(self.input.clone()));
        let mut model = match self.padding {
            None => model.add(Dense::new(self.units)),
            Some(padding) => {
                model.add(Conv2D::new(self.units, 3).padding(padding)).add(GlobalAveragePooling2D::new())
            }
        };
        model.compile("sgd", "mse", [] as [&str; 0])?;
        Ok(model)
    }

    fn data(&self) -> Data<'static> {
        let value = |i: usize| ((i * 7 + i / 13 * 5) % 31) as f32 / 31.0;
        let values = |len: usize| (0..self.batch * len).map(value).collect::<Vec<_>>();
        let (sample, target) = (Shape::from(self.input.clone()), Shape::from(self.units));
        Data {
            x: Features::floats(sample.clone(), values(sample.len())),
            y: Targets::Values { sample: target, values: values(self.units).into() },
        }
    }

    /// The rates of each number of threads and each pass, with the peaks measured between.
    fn measure(&self, machines: &mut [Machine], steps: usize) -> Result<Vec<[Rate; PASSES.len()]>> {
        let data = self.data();
        let models = machines.iter().map(|machine| self.model(machine.threads));
        let mut models = models.collect::<Result<Vec<_>>>()?;
        let mut seconds = vec![[const { Vec::new() }; PASSES.len()]; machines.len()];
        for _ in 0..ROUNDS {
            for ((machine, model), seconds) in machines.iter_mut().zip(&mut models).zip(&mut seconds) {
                machine.peak = machine.peak.max(peak(machine.threads));
                let mut profile = Profile::new();
                // The first step touches the memory.
                let fit = Fit::new().batch_size(self.batch).steps_per_epoch(1 + steps).verbose(false);
                model.fit(&data, fit.profile(&mut profile))?;
                profile.skip(1);
                for ((_, works, share), seconds) in PASSES.iter().zip(seconds) {
                    let works: Vec<_> = works.iter().map(|&work| profile.seconds(work)).collect();
                    // Of threads that work side by side: a batch that is too little work has one.
                    let shares = share * profile.threads() as f64;
                    let steps = 0..works[0].len();
                    seconds.extend(steps.map(|step| works.iter().map(|of| of[step]).sum::<f64>() / shares));
                }
            }
        }
        let rate = |seconds: Vec<f64>| {
            let seconds = sorted(seconds);
            Rate { median: self.operations() / median(&seconds), most: self.operations() / seconds[0] }
        };
        Ok(seconds.into_iter().map(|seconds| seconds.map(rate)).collect())
    }
}

/// The machine with some of its cores.
struct Machine {
    threads: usize,
    /// Operations a second: the most of all rounds.
    peak: f64,
}

/// Operations a second over all steps of all rounds.
struct Rate {
    median: f64,
    most: f64,
}

fn kernels() -> Vec<Kernel> {
    use Padding::{Same, Valid};
    vec![
        Kernel::dense("w1", 128, 784, 128),
        Kernel::dense("w1", 128, 128, 64),
        Kernel::dense("w3", 64, 4096, 512),
        Kernel::convolution("w2", 128, [13, 13, 32], 64, Valid),
        Kernel::convolution("w3", 64, [32, 32, 3], 32, Same),
        Kernel::convolution("w3", 64, [32, 32, 32], 32, Same),
        Kernel::convolution("w3", 64, [16, 16, 32], 64, Same),
        Kernel::convolution("w3", 64, [16, 16, 64], 64, Same),
    ]
}

pub(super) fn run(arguments: &Bench, threads: Option<usize>) -> Result<()> {
    let all = threads.unwrap_or_else(default_threads);
    let counts = if all > 1 { vec![1, all] } else { vec![1] };
    let machine = |threads| Machine { threads, peak: 0.0 };
    let mut machines: Vec<Machine> = counts.into_iter().map(machine).collect();
    let mut measured = Vec::new();
    for kernel in kernels() {
        let rates = kernel.measure(&mut machines, arguments.steps.unwrap_or(4))?;
        measured.push((kernel, rates));
    }
    print(&if arguments.json {
        format!("{}\n", as_json(&machines, &measured))
    } else {
        table(&machines, &measured)
    })
}

type Measured = [(Kernel, Vec<[Rate; PASSES.len()]>)];

fn as_json(machines: &[Machine], measured: &Measured) -> Value {
    let mut rows = Vec::new();
    for (kernel, rates) in measured {
        for (pass, (name, _, share)) in PASSES.iter().enumerate() {
            let on = |(machine, rates): (&Machine, &[Rate; PASSES.len()])| {
                let Rate { median, most } = rates[pass];
                json!({
                    "threads": machine.threads,
                    "gflops": median / 1e9,
                    "share_of_peak": median / machine.peak,
                    "most_gflops": most / 1e9,
                })
            };
            let on: Vec<_> = machines.iter().zip(rates).map(on).collect();
            let gflop = kernel.operations() * share / 1e9;
            rows.push(
                json!({"kernel": kernel.name, "batch": kernel.batch, "pass": name, "gflop": gflop, "on": on}),
            );
        }
    }
    let peak = |machine: &Machine| json!({"threads": machine.threads, "gflops": machine.peak / 1e9});
    let peaks: Vec<_> = machines.iter().map(peak).collect();
    json!({"kernels": thinnet::kernels(), "peak": peaks, "rows": rows})
}

fn table(machines: &[Machine], measured: &Measured) -> String {
    let threads = |machine: &Machine| match machine.threads {
        1 => "1 thread".to_owned(),
        threads => format!("{threads} threads"),
    };
    let head = machines.iter().flat_map(|machine| [threads(machine), "of peak".into()]);
    let mut rows: Vec<Vec<String>> =
        vec![["GFLOP/s".into(), String::new()].into_iter().chain(head).collect()];
    let peaks = machines.iter().flat_map(|machine| [format!("{:.1}", machine.peak / 1e9), "100 %".into()]);
    let first = [format!("registers only ({})", thinnet::kernels()), "peak".into()];
    rows.push(first.into_iter().chain(peaks).collect());
    for (kernel, rates) in measured {
        for (pass, (name, ..)) in PASSES.iter().enumerate() {
            let cells = machines.iter().zip(rates).flat_map(|(machine, rates)| {
                let median = rates[pass].median;
                [format!("{:.1}", median / 1e9), format!("{:.0} %", 100.0 * median / machine.peak)]
            });
            let kernel = if pass == 0 { kernel.name.clone() } else { String::new() };
            rows.push([kernel, (*name).to_owned()].into_iter().chain(cells).collect());
        }
    }
    aligned(&rows)
}
