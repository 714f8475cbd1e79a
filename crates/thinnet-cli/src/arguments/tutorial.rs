//! `thinnet tutorial`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Tutorial {
    /// Which part
    #[arg(value_enum, default_value = "mnist")]
    pub(crate) part: Part,
    /// Which exercise, after `exercise`
    #[arg(value_name = "1..4", required_if_eq("part", "exercise"), value_parser = clap::value_parser!(u8).range(1..=4))]
    pub(crate) exercise: Option<u8>,
    /// Repeat over this many seeds: what differs between them is chance [default: 5 for exercises, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) seeds: Option<u64>,
    /// The first seed
    #[arg(long, default_value_t = thinnet::model::DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// Epochs of each model [default: 10 for mnist and exercises 2 and 4, 5 for spatial, 20 for cifar10 and the other exercises]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) epochs: Option<u64>,
    /// Where to write [default: the next free runs/tutorial-N, for exercises runs/exercises-N or runs/exercise-1-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in --out
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// Show a live picture of training: curves, rates, the time left (on a terminal)
    #[arg(long)]
    pub(crate) watch: bool,
    /// Train on the first N samples only, to try things out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) samples: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// MNIST with and without dropout
    Mnist,
    /// A convolutional network on MNIST: dropping whole feature maps, single values, or nothing
    Spatial,
    /// A convolutional network with dropout and augmentation on CIFAR-10, or on the embedded sample of it
    #[value(name = "cifar10")]
    Cifar10,
    /// All exercises, one after the other
    Exercises,
    /// One exercise: 1 dropout rates, 2 other regularization, 3 trainable rates, 4 activations
    Exercise,
}
