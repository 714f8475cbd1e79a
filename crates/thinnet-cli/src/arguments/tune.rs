//! `thinnet tune`

use clap::{Args, ValueEnum};

use super::Varied;

#[derive(Debug, Args)]
pub(crate) struct Tune {
    #[command(flatten)]
    pub(crate) varied: Varied,
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
