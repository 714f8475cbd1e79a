//! `thinnet bench`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

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
    /// Time training in turns with and without the layers that drop (w1 to w4, or an experiment)
    #[arg(long, conflicts_with_all = ["augment", "predict", "mc", "memory", "trace"])]
    pub(crate) dropout: bool,
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
