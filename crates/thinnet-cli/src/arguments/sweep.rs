//! `thinnet sweep`

use clap::Args;

use super::Varied;

#[derive(Debug, Args)]
pub(crate) struct Sweep {
    #[command(flatten)]
    pub(crate) varied: Varied,
    /// Train each point with this many seeds: what differs between them is chance
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) seeds: u64,
    /// The point that differences are told against, by the name of its folder, such as rate-0.3 [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline: Option<String>,
}
