//! How far a download is.

use std::io::{IsTerminal, Write, stderr};

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file being downloaded.
    pub file: &'a str,
    /// The bytes that have arrived, those of an earlier attempt included.
    pub received: u64,
    /// The file's length.
    pub total: u64,
}

/// What is called a few times a second during a download, and once at the end of each file.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress<'_>);

/// One line on standard error that is kept up to date; nothing where that is not a terminal.
///
/// ```no_run
/// use thinnet::datasets::{Store, on_terminal};
/// Store::from_env().fetch("fashion-mnist", &mut on_terminal())?;
/// # Ok::<(), thinnet::Error>(())
/// ```
pub fn on_terminal() -> impl FnMut(Progress<'_>) {
    let shown = stderr().is_terminal();
    move |progress| {
        if shown {
            // A line that cannot be shown is no reason to stop.
            let _ = stderr().write_all(line(progress).as_bytes());
        }
    }
}

fn line(Progress { file, received, total }: Progress<'_>) -> String {
    const WIDTH: u64 = 20;
    let filled = (received.min(total) * WIDTH).checked_div(total).unwrap_or(WIDTH) as usize;
    let bar = "━".repeat(filled) + &" ".repeat(WIDTH as usize - filled);
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let end = if received >= total { "\n" } else { "" };
    format!("\r{file} {bar} {:.1}/{:.1} MB{end}", megabytes(received), megabytes(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fills_with_the_download() {
        let at = |received| line(Progress { file: "digits.gz", received, total: 2_000_000 });
        assert_eq!(at(0), "\rdigits.gz                      0.0/2.0 MB");
        assert_eq!(at(500_000), "\rdigits.gz ━━━━━                0.5/2.0 MB");
        assert_eq!(at(2_000_000), "\rdigits.gz ━━━━━━━━━━━━━━━━━━━━ 2.0/2.0 MB\n");
        assert_eq!(line(Progress { file: "x", received: 0, total: 0 }).lines().count(), 1);
    }
}
