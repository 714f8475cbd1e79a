//! `thinnet uncertainty`

use std::path::PathBuf;

use clap::Args;

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
