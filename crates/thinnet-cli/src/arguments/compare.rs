//! `thinnet compare`

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Experiment files, which are trained; folders of runs that were trained before; folders with a folder seed-N for each seed
    #[arg(required = true, num_args = 2.., value_name = "FILE|FOLDER")]
    pub(crate) paths: Vec<PathBuf>,
    /// Override an entry of every experiment file; the value is TOML
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) sets: Vec<String>,
    /// Train each experiment file with this many seeds [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) seeds: Option<u64>,
    /// Tell the others from this model alone, by the name that the table has for it [default: every two from each other]
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline: Option<String>,
    /// Where to write [default: the next free runs/compare-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the comparison in --out
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// Show a live picture of training: curves, rates, the time left (on a terminal)
    #[arg(long)]
    pub(crate) watch: bool,
}
