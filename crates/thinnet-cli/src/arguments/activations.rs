//! `thinnet activations`

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Activations {
    /// Model files, up to six to be compared; with --against, all of one kind
    #[arg(long, required = true, value_name = "FILE", num_args = 1..)]
    pub(crate) model: Vec<PathBuf>,
    /// Models of another kind: the kinds are compared, model by model in this order, with intervals
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) against: Vec<PathBuf>,
    /// Whose test samples are the inputs: a data set by its name, or an experiment (.toml)
    #[arg(long, default_value = "mnist", value_name = "NAME|FILE")]
    pub(crate) data: String,
    /// Take a file of samples instead: .npy, .npz, IDX or CSV
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "image"])]
    pub(crate) input: Option<PathBuf>,
    /// Take pictures instead, PNG or JPEG
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "data")]
    pub(crate) image: Vec<PathBuf>,
    /// Give pictures the size and the channels that the model expects
    #[arg(long, requires = "image")]
    pub(crate) resize: bool,
    /// Look at one input only, counted from 0
    #[arg(long, value_name = "N")]
    pub(crate) index: Option<usize>,
    /// Which layers, by name as in `thinnet summary`, within a Residual as RESIDUAL/LAYER [default: all hidden ones with an
    /// activation function]
    #[arg(long, value_name = "LAYER", num_args = 1..)]
    pub(crate) layer: Vec<String>,
    /// With dropout on, in this many thinned networks [default: dropout off, as in inference]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) mc_samples: Option<u32>,
    /// The seed of the thinned networks [default: the model's]
    #[arg(long, requires = "mc_samples")]
    pub(crate) seed: Option<u64>,
    /// Where to write [default: the next free runs/activations-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
