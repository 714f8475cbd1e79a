//! `thinnet compare`

use std::path::PathBuf;

use clap::Args;

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
    /// Show a live picture of training: curves, rates, the time left (on a terminal)
    #[arg(long)]
    pub(crate) watch: bool,
}
