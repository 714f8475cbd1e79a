//! `thinnet tutorial`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
