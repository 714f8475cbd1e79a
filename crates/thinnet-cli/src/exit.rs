//! How the program ends.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use thinnet::{Error, Result};

/// Set when the user wants to stop.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// 0 done, 1 failed, 130 interrupted; what went wrong goes to standard error as one line.
pub(crate) fn code(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Error::Interrupted) => {
            complain("interrupted: what was complete is saved");
            ExitCode::from(130)
        }
        Err(error) => {
            complain(&format!("error: {}", error.to_string().replace('\n', " ")));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line to standard error, if anybody can read it there.
fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The flag that Ctrl-C sets: the first time work ends in order, the second time at once.
pub(crate) fn on_interrupt() -> &'static AtomicBool {
    let handler = || {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            thinnet::callbacks::restore_terminal();
            std::process::exit(130);
        }
    };
    // Where no handler can be set, Ctrl-C ends the program as it does any other; files are whole all the same.
    let _ = ctrlc::set_handler(handler);
    &INTERRUPTED
}

/// Writes results to standard output.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Error::io("write to", "standard output"))
}
