//! What commands that use a trained model share.

use std::path::PathBuf;

use clap::Args;

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
