//! `thinnet completions`

use clap::CommandFactory;
use clap_complete::{Shell, generate};
use thinnet::Result;

use crate::arguments::Arguments;
use crate::exit::print;

pub(crate) fn run(shell: Shell) -> Result<()> {
    let mut text = Vec::new();
    generate(shell, &mut Arguments::command(), "thinnet", &mut text);
    print(&String::from_utf8_lossy(&text))
}
