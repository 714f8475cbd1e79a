//! The command line: what every command takes, one file a command.

mod activations;
mod bench;
mod compare;
mod data;
mod evaluate;
mod model;
mod predict;
mod summary;
mod sweep;
mod train;
mod tune;
mod tutorial;
mod uncertainty;
mod varied;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use activations::Activations;
pub(crate) use bench::{Bench, Subject, Workload};
pub(crate) use compare::Compare;
pub(crate) use data::{Data, Export, Show};
pub(crate) use evaluate::Evaluate;
pub(crate) use model::{Model, Sampling};
pub(crate) use predict::Predict;
pub(crate) use summary::Summary;
pub(crate) use sweep::Sweep;
pub(crate) use train::Train;
pub(crate) use tune::Tune;
pub(crate) use tutorial::{Part, Tutorial};
pub(crate) use uncertainty::Uncertainty;
pub(crate) use varied::Varied;

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

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the tutorial: its models with and without dropout, and fair comparisons
    #[command(after_help = "\
Examples:
  thinnet tutorial
  thinnet tutorial --seeds 5 --out runs/five
  thinnet tutorial spatial --watch
  thinnet tutorial spatial
  thinnet tutorial spatial --out runs/spatial --resume
  thinnet tutorial exercise 1                          dropout rates: curves, gaps, which differences are real
  thinnet tutorial exercises --seeds 3 --out runs/exercises")]
    Tutorial(Tutorial),
    /// Train the model of an experiment file
    #[command(after_help = "\
Examples:
  thinnet train experiments/basic.toml
  thinnet train experiments/basic.toml --set model.layers.1.rate=0.5 --set fit.epochs=20 --out runs/half
  thinnet train experiments/basic.toml --set model.layers.1.rate=0.5 --set fit.epochs=20 --out runs/half --resume")]
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
    /// Look into models: what their layers give, dead units, sparsity, correlations, first-layer filters
    #[command(after_help = "\
Examples:
  thinnet activations --model runs/tutorial-1/with-dropout/model.safetensors \\
                              runs/tutorial-1/same-network-rate-0/model.safetensors
  thinnet activations --model with/seed-*/model.safetensors --against without/seed-*/model.safetensors
  thinnet activations --model model.safetensors --data fashion-mnist --index 7 --layer conv2d conv2d_1
  thinnet activations --model model.safetensors --image cat.jpg --resize --mc-samples 100")]
    Activations(Activations),
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
    /// Compare models: of experiment files, which are trained, and of runs that were trained before
    #[command(after_help = "\
Examples:
  thinnet compare experiments/basic.toml experiments/l2-and-dropout.toml --seeds 5
  thinnet compare runs/basic-1 runs/basic-2                                     two runs of thinnet train
  thinnet compare runs/rates/rate-0.1 runs/rates/rate-0.3 --baseline rate-0.1   points of a sweep, with all their seeds
  thinnet compare runs/rates/rate-0.3 runs/search/best experiments/basic.toml --seeds 5 --out runs/all
  thinnet compare runs/rates/rate-0.3 runs/search/best experiments/basic.toml --seeds 5 --out runs/all --resume

Models must have the same data. Differences are paired by seed where two models share two seeds or more; where they do not,
Welch's test is taken, which sees less. The numbers that are compared are those that all runs have.")]
    Compare(Compare),
    /// Train an experiment at every point of a grid, with several seeds, and say which differences are real
    #[command(after_help = "\
Examples:
  thinnet sweep experiments/basic.toml --vary model.layers.1.rate=0,0.1,0.3,0.5 --seeds 5 --out runs/rates
  thinnet sweep experiments/basic.toml --vary model.layers.1.rate=0,0.3 --vary model.layers.0.units=32,128,512 --seeds 3
  thinnet sweep experiments/basic.toml --vary compile.optimizer=adam,rmsprop,sgd --seeds 5 --baseline optimizer-sgd
  thinnet sweep experiments/basic.toml --vary fit.batch_size=32,128 --seeds 5 --out runs/batch
  thinnet sweep experiments/basic.toml --vary fit.batch_size=32,128 --seeds 5 --out runs/batch --resume     after a stop

Each point has a folder, and in it each seed: runs/batch/batch_size-32/seed-42. With --resume there may be more seeds or
values than before: only what is missing is trained.")]
    Sweep(Sweep),
    /// Search for hyperparameters by validation data, and test the best
    #[command(after_help = "\
Examples:
  thinnet tune experiments/basic.toml --vary model.layers.1.rate=0..0.5 \\
               --vary compile.optimizer.learning_rate=1e-4..1e-1:log --budget '30 runs'
  thinnet tune experiments/basic.toml --vary model.layers.0.units=32..512:log --search successive-halving --budget '200 epochs'
  thinnet tune experiments/basic.toml --vary model.layers.1.rate=0,0.1,0.2 --search grid --seeds 5 --out runs/search
  thinnet tune experiments/basic.toml --vary model.layers.1.rate=0,0.1,0.2 --search grid --seeds 5 --out runs/search --resume
  thinnet tune experiments/papers/gal-ghahramani-2016.toml --data-folder DATA     (DATA/uci/SET/data.txt)

The same in the file:
  [tune]
  search = \"random\"              # or grid, successive_halving (with eta = 3, min_epochs = 1)
  objective = \"val_loss\"
  budget = \"30 runs\"
  vary.\"model.layers.1.rate\" = \"0..0.5\"                             # a range
  vary.\"compile.optimizer.learning_rate\" = \"1e-4..1e-1:log\"          # even in its logarithm
  vary.\"model.layers.0.units\" = [64, 128, 256]
  each.\"values.split\" = \"0..19\"    # makes the whole search anew for each

The table [data] of the file may name rows and columns of one file of numbers, whose values are standardized:
  [data]
  table = \"data.txt\"             # columns separated by commas, semicolons or white space
  target = \"price\"               # or a number from 0; the other columns are features
  test_rows = { file = \"test.txt\" }
  standardize = true")]
    Tune(Tune),
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
