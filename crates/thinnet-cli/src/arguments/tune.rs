//! `thinnet tune`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Tune {
    /// The experiment file; its [tune] table says what is searched over, and by what the best is chosen
    pub(crate) experiment: PathBuf,
    /// Search over an entry: a list of values (TOML, with commas between them), or a range LOW..HIGH, LOW..HIGH:log
    #[arg(long, value_name = "KEY=VALUES")]
    pub(crate) vary: Vec<String>,
    /// How candidates are chosen [default: the file's, else random]
    #[arg(long, value_enum)]
    pub(crate) search: Option<Search>,
    /// What to choose by, of validation data: val_loss, val_accuracy, val_mc_log_likelihood … [default: the file's, else
    /// val_loss]
    #[arg(long, value_name = "NAME")]
    pub(crate) objective: Option<String>,
    /// How much to spend: "30 runs", "5000 epochs", "10 min" [default: the file's, else the whole grid or 30 runs]
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) budget: Option<String>,
    /// Train each candidate with this many seeds [default: the file's, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) seeds: Option<u64>,
    /// The folder that the file calls {data_folder} [default: THINNET_DATA]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_folder: Option<PathBuf>,
    /// Override an entry of the experiment; the value is TOML
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) sets: Vec<String>,
    /// Where to write [default: the next free runs/NAME-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the search in --out
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// Show a live picture of training: curves, rates, the time left (on a terminal)
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Search {
    /// Every combination of listed values
    Grid,
    /// Values at random, each by itself
    Random,
    /// Many at random for a few epochs, the better ones for longer
    SuccessiveHalving,
}
