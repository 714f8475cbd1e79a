//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Trains, compares and explains dropout.
#[derive(Debug, Parser)]
#[command(
    name = "thinnet",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  thinnet tutorial                          train the tutorial's models on MNIST and compare them
  thinnet train experiments/basic.toml --set fit.epochs=3 --out runs/basic
  thinnet predict --model runs/basic/model.safetensors --input x.npy --output p.npy

Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted (after saving what is complete)."
)]
pub(crate) struct Arguments {
    /// How many threads; the results do not depend on it. Default: THINNET_THREADS, else the machine's cores
    #[arg(long, global = true, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<usize>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("expected a number from 1 to 1024".into()),
    }
}

fn image_size(text: &str) -> Result<(usize, usize), String> {
    let sizes = text.split_once(['x', '×']).map(|(height, width)| (height.parse(), width.parse()));
    match sizes {
        Some((Ok(height @ 1..=4096), Ok(width @ 1..=4096))) => Ok((height, width)),
        _ => Err("expected a height and a width from 1 to 4096, such as 32x32".into()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the tutorial: its models with and without dropout, and fair comparisons
    #[command(after_help = "\
Examples:
  thinnet tutorial
  thinnet tutorial --seeds 5 --out runs/five
  thinnet tutorial spatial
  thinnet tutorial spatial --out runs/spatial --resume")]
    Tutorial(Tutorial),
    /// Train the model of an experiment file
    #[command(after_help = "\
Examples:
  thinnet train experiments/basic.toml
  thinnet train experiments/basic.toml --set model.layers.1.rate=0.5 --set fit.epochs=20 --out runs/half
  thinnet train experiments/basic.toml --out runs/half --resume")]
    Train(Train),
    /// Measure a model's loss and metrics
    #[command(after_help = "\
Examples:
  thinnet evaluate --model model.safetensors --input x.npy --labels y.npy --json
  thinnet evaluate --model model.safetensors --input x.npy --labels y.npy --mc-samples 100
  thinnet evaluate --model model.safetensors --input x.npy --labels y.npy --calibration --reliability r.svg
  thinnet evaluate --model model.safetensors --input x.npy --labels y.npy --calibration \\
                   --validation-input vx.npy --validation-labels vy.npy")]
    Evaluate(Evaluate),
    /// Measure how sure models are and whether they are right to be: Monte-Carlo dropout, calibration, unknown data
    #[command(after_help = "\
Examples:
  thinnet uncertainty --model runs/tutorial-1/with-dropout/model.safetensors --data mnist --ood fashion-mnist
  thinnet uncertainty --model seed-1.safetensors seed-2.safetensors seed-3.safetensors --data runs/basic/config.toml
  thinnet uncertainty --model model.safetensors --ood noise.npy --mc-samples 1000 --out runs/doubt")]
    Uncertainty(Uncertainty),
    /// Compute a model's output, or classify pictures
    #[command(after_help = "\
Examples:
  thinnet predict --model model.safetensors --input x.npy --output p.npy
  thinnet predict --model model.safetensors --image cat.jpg dog.png --resize
  thinnet predict --model model.json --weights w.safetensors --input x.npy --json
  thinnet predict --model model.safetensors --input x.npy --mc-samples 100 --output mean.npy --variance variance.npy
  thinnet predict --model model.safetensors --input x.npy --mc-samples 1000 --shared-masks --samples all.npy")]
    Predict(Predict),
    /// Show a model's layers and parameters
    #[command(
        after_help = "Examples:\n  thinnet summary experiments/basic.toml\n  thinnet summary model.json --json"
    )]
    Summary(Summary),
    /// Train the models of several experiment files and compare them
    #[command(after_help = "\
Examples:
  thinnet compare experiments/basic.toml experiments/l2-and-dropout.toml --seeds 5")]
    Compare(Compare),
    /// Data sets: list, fetch, verify, look at
    #[command(
        subcommand,
        after_help = "\
Examples:
  thinnet data list
  thinnet data show mnist --out digits.png"
    )]
    Data(Data),
    /// Measure speed: of the built-in workloads, of the kernels, of your own experiment
    #[command(after_help = "\
Examples:
  thinnet bench w1                                     a training step of the tutorial's MNIST network
  thinnet bench w4 --threads 1
  thinnet bench w3 --predict 256                       prediction in calls of 256 samples
  thinnet bench w1 --mc 100                            Monte-Carlo dropout: 100 samples for 1,000 inputs
  thinnet bench w3 --memory                            peak memory of training on 50,000 images
  thinnet bench experiment.toml --trace trace.json     where a step of an experiment goes, layer by layer
  thinnet bench kernels                                dense and convolution kernels against the machine's peak
  thinnet bench scaling                                time a sample against batch and width

w1 to w4 print one line of JSON, in the form of the benchmarks of other libraries.

`kernels` counts the multiplications and additions of the direct algorithm, and divides by the operations that the same
threads did on registers alone in the same run (fused multiply-adds count two). A share over 100 % is possible and right
where an algorithm with fewer multiplications is used.")]
    Bench(Bench),
    /// Print completions for a shell
    #[command(
        after_help = "Examples:\n  thinnet completions bash > ~/.local/share/bash-completion/completions/thinnet"
    )]
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Tutorial {
    /// Which part
    #[arg(value_enum, default_value = "mnist")]
    pub(crate) part: Part,
    /// Repeat over this many seeds
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = thinnet::model::DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// Epochs of each model [default: 10 for mnist, 5 for spatial, 20 for cifar10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) epochs: Option<u64>,
    /// Where to write [default: the next free runs/tutorial-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in --out
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// Train on the first N samples only, to try things out
    #[arg(long, hide = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) samples: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Part {
    /// MNIST with and without dropout
    Mnist,
    /// A convolutional network on MNIST: dropping whole feature maps, single values, or nothing
    Spatial,
    /// A convolutional network with dropout and augmentation on CIFAR-10, or on the embedded sample of it
    #[value(name = "cifar10")]
    Cifar10,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// The experiment file
    pub(crate) experiment: PathBuf,
    /// Override an entry of the experiment; the value is TOML
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) sets: Vec<String>,
    /// Where to write [default: the next free runs/NAME-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in --out
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Model {
    /// A model file, or Keras's JSON or an experiment together with --weights
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    /// Weights as safetensors, tensors LAYER/VARIABLE
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
}

/// Monte-Carlo dropout.
#[derive(Debug, Args)]
pub(crate) struct Sampling {
    /// Predict with this many thinned networks, dropout on (Monte-Carlo dropout)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) mc_samples: Option<u32>,
    /// Put all inputs through the same thinned networks [default: each input has masks of its own]
    #[arg(long, requires = "mc_samples")]
    pub(crate) shared_masks: bool,
    /// The seed of the thinned networks [default: the model's]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    #[command(flatten)]
    pub(crate) model: Model,
    #[command(flatten)]
    pub(crate) sampling: Sampling,
    /// The samples: .npy, .npz, IDX or CSV
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Their targets
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: PathBuf,
    /// Say as well how well calibrated the probabilities are: NLL, Brier's score, (adaptive) calibration error
    #[arg(long)]
    pub(crate) calibration: bool,
    /// Where to draw the reliability diagram, as .svg or .png
    #[arg(long, value_name = "FILE", requires = "calibration")]
    pub(crate) reliability: Option<PathBuf>,
    /// Samples that the model was not trained on, to fit a temperature to
    #[arg(long, value_name = "FILE", requires = "calibration", requires = "validation_labels")]
    pub(crate) validation_input: Option<PathBuf>,
    /// Their labels
    #[arg(long, value_name = "FILE", requires = "validation_input")]
    pub(crate) validation_labels: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    #[command(flatten)]
    pub(crate) model: Model,
    /// The inputs: .npy, .npz, IDX or CSV
    #[arg(long, value_name = "FILE", required_unless_present = "image")]
    pub(crate) input: Option<PathBuf>,
    /// Pictures to classify, PNG or JPEG: prints the three likeliest classes of each
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["input", "output", "labels"])]
    pub(crate) image: Vec<PathBuf>,
    /// Give pictures the size and the channels that the model expects
    #[arg(long, requires = "image", conflicts_with = "input")]
    pub(crate) resize: bool,
    /// Where to write the output, as .npy
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Targets, to say as well how good the output is
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sampling: Sampling,
    /// Where to write the variance over the thinned networks, as .npy
    #[arg(long, value_name = "FILE", requires = "mc_samples", conflicts_with = "image")]
    pub(crate) variance: Option<PathBuf>,
    /// Where to write the outputs of every thinned network, as .npy of shape (N, inputs, outputs)
    #[arg(long, value_name = "FILE", requires = "mc_samples", conflicts_with = "image")]
    pub(crate) samples: Option<PathBuf>,
    /// For regression: the share of targets that the intervals are to hold
    #[arg(
        long,
        value_name = "LEVEL",
        default_value_t = 0.95,
        requires = "mc_samples",
        conflicts_with = "image"
    )]
    pub(crate) interval: f64,
    /// For regression: the variance of the targets around the true function (1/τ), which widens the intervals
    #[arg(
        long,
        value_name = "VARIANCE",
        default_value_t = 0.0,
        requires = "mc_samples",
        conflicts_with = "image"
    )]
    pub(crate) noise_variance: f64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Uncertainty {
    /// Model files; several of one kind, trained apart, are compared and make an ensemble
    #[arg(long, required = true, value_name = "FILE", num_args = 1..)]
    pub(crate) model: Vec<PathBuf>,
    /// What they were trained on: a data set by its name, or an experiment (.toml)
    #[arg(long, default_value = "mnist", value_name = "NAME|FILE")]
    pub(crate) data: String,
    /// Data of another kind: a data set by its name, of which the test samples are taken, or a file of samples
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) ood: Option<String>,
    /// How many thinned networks Monte-Carlo dropout draws
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) mc_samples: u32,
    /// Put all inputs through the same thinned networks [default: each input has masks of its own]
    #[arg(long)]
    pub(crate) shared_masks: bool,
    /// The seed of the thinned networks [default: the model's]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The last share of the training data, on which the models were not trained: temperatures are fitted to it
    /// [default: the experiment's, else 0.2]
    #[arg(long, value_name = "SHARE")]
    pub(crate) validation_split: Option<f64>,
    /// Where to write [default: the next free runs/uncertainty-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Take the first N samples of each part only, to try things out
    #[arg(long, hide = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Summary {
    /// An experiment (.toml), Keras's JSON (.json) or a model file (.safetensors)
    pub(crate) file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The experiment files; the first is compared with the last
    #[arg(required = true, num_args = 2..)]
    pub(crate) experiments: Vec<PathBuf>,
    /// Override an entry of every experiment; the value is TOML
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) sets: Vec<String>,
    /// Train each model with this many seeds
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) seeds: u64,
    /// Where to write [default: the next free runs/compare-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// List the data sets that are known by name
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Download a data set, unless it is there
    Fetch {
        /// Its name
        name: String,
    },
    /// Check the files of a data set
    Verify {
        /// Its name
        name: String,
    },
    /// Write a data set as .npy files, for other programs: values as training sees them, and class numbers
    #[command(after_help = "Examples:\n  thinnet data export mnist --out mnist")]
    Export(Export),
    /// Draw samples with their labels, also below them as augmentation changes them
    #[command(after_help = "\
Examples:
  thinnet data show mnist --out digits.png
  thinnet data show cifar10-sample --augment --out augmented.png
  thinnet data show pets --image-size 64x64 --augment rotation_range=30,zoom_range=[0.8,1.2] --out augmented.png
  thinnet data show cifar10 --augment experiment.toml --epoch 3 --out augmented.png")]
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Its name
    pub(crate) name: String,
    /// The folder for x.npy, y.npy, x_test.npy and y_test.npy
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its name, or a folder of pictures with train/CLASS/*.png or *.jpg
    pub(crate) name: String,
    /// The height and the width to give the pictures of a folder
    #[arg(long, value_name = "HEIGHTxWIDTH", value_parser = image_size)]
    pub(crate) image_size: Option<(usize, usize)>,
    /// The picture, a PNG file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// How many samples [default: 50, with --augment 24]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) count: Option<u64>,
    /// Draw below each sample how training would see it: with options of ImageDataGenerator (OPTION=VALUE,...), or with
    /// the [augmentation] of an experiment (FILE.toml)
    #[arg(
        long,
        value_name = "OPTIONS|FILE",
        num_args = 0..=1,
        default_missing_value = "rotation_range=15,width_shift_range=0.1,height_shift_range=0.1,horizontal_flip=true"
    )]
    pub(crate) augment: Option<String>,
    /// The seed of the changes [default: the experiment's, else 42]
    #[arg(long, requires = "augment")]
    pub(crate) seed: Option<u64>,
    /// In which epoch, counted from 1
    #[arg(
        long,
        value_name = "N",
        requires = "augment",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(crate) epoch: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What is measured: w1 (the tutorial's MNIST network, batch 128), w2 (its convolutional network with spatial dropout,
    /// 28×28, batch 128), w3 (its CIFAR-10 network, batch 64), w4 (a small regression network, 13-50-1, batch 128),
    /// kernels, scaling, or an experiment file (.toml)
    #[arg(value_name = "WHAT", value_parser = subject)]
    pub(crate) subject: Subject,
    /// Time training in turns with and without the tutorial's image augmentation (w2 and w3)
    #[arg(long)]
    pub(crate) augment: bool,
    /// Time prediction, this many samples a call (w1 to w4)
    #[arg(long, value_name = "SAMPLES", value_parser = count, conflicts_with = "augment")]
    pub(crate) predict: Option<usize>,
    /// Time Monte-Carlo prediction of 1,000 inputs with this many thinned networks (w1 to w4)
    #[arg(long, value_name = "NETWORKS", value_parser = count, conflicts_with_all = ["augment", "predict"])]
    pub(crate) mc: Option<usize>,
    /// Train on 50,000 random samples and tell the most memory that the program held (w1 to w4; Linux)
    #[arg(long, conflicts_with_all = ["augment", "predict", "mc"])]
    pub(crate) memory: bool,
    /// Override an entry of the experiment; the value is TOML
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) sets: Vec<String>,
    /// How many steps or calls are timed [default: some seconds' worth; of an experiment 50]
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) steps: Option<usize>,
    /// Write what each thread did when, for ui.perfetto.dev or chrome://tracing (of an experiment)
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("expected a number from 1 to 1000000".into()),
    }
}

/// What `bench` measures.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Workload(Workload),
    Kernels,
    Scaling,
    Experiment(PathBuf),
}

fn subject(text: &str) -> Result<Subject, String> {
    const NAMES: [&str; 6] = ["w1", "w2", "w3", "w4", "kernels", "scaling"];
    if let Ok(workload) = Workload::from_str(text, false) {
        return Ok(Subject::Workload(workload));
    }
    match text {
        "kernels" => Ok(Subject::Kernels),
        "scaling" => Ok(Subject::Scaling),
        _ if Path::new(text).extension().is_some_and(|extension| extension == "toml") => {
            Ok(Subject::Experiment(text.into()))
        }
        _ => Err(match thinnet::nearest(text, NAMES) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("expected {}, or an experiment file that ends in .toml", NAMES.join(", ")),
        }),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    W1,
    W2,
    W3,
    W4,
}
