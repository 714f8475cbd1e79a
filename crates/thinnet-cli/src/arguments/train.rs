//! `thinnet train`

use std::path::PathBuf;

use clap::Args;

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
    /// Show a live picture of training: curves, rates, the time left (on a terminal)
    #[arg(long)]
    pub(crate) watch: bool,
}
