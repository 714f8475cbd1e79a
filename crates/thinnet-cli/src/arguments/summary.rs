//! `thinnet summary`

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Summary {
    /// An experiment (.toml), Keras's JSON (.json) or a model file (.safetensors)
    pub(crate) file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
