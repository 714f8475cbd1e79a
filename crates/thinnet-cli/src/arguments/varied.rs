//! What commands take that train an experiment with other values.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Varied {
    /// The experiment file
    pub(crate) experiment: PathBuf,
    /// Vary an entry: a list of values (TOML, with commas between them), a range of whole numbers LOW..HIGH; where values are
    /// chosen at random, any range LOW..HIGH or LOW..HIGH:log
    #[arg(long, value_name = "KEY=VALUES")]
    pub(crate) vary: Vec<String>,
    /// The folder that the file calls {data_folder} [default: THINNET_DATA]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_folder: Option<PathBuf>,
    /// Override an entry of the experiment; the value is TOML
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) sets: Vec<String>,
    /// Where to write [default: the next free runs/NAME-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with what is in --out
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// Show a live picture of training: curves, rates, the time left (on a terminal)
    #[arg(long)]
    pub(crate) watch: bool,
}
