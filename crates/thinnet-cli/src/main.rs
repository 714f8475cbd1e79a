//! The `thinnet` program: trains, compares and explains dropout.

mod arguments;
mod commands;
mod exit;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit::code(thinnet::check_environment().and_then(|()| commands::run(arguments)))
}
