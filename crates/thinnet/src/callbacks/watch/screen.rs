//! The terminal's second screen: programs draw on it, and when they leave, what was there before is there again.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;

/// Whether the second screen is shown.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// The second screen, shown as long as this lives.
#[derive(Debug)]
pub(crate) struct Screen {
    term: Term,
    size: (u16, u16),
}

/// Whether standard error is a terminal that has a second screen.
pub(super) fn is_there() -> bool {
    Term::stderr().is_term() && std::env::var_os("TERM").is_none_or(|kind| kind != "dumb")
}

impl Screen {
    /// Shows the second screen, without a cursor; `None` where there is none, or it is shown already.
    pub(crate) fn open() -> Option<Self> {
        if !is_there() || SHOWN.swap(true, Ordering::SeqCst) {
            return None;
        }
        let term = Term::stderr();
        let screen = Self { size: term.size(), term };
        screen.write("\x1b[?1049h\x1b[?25l\x1b[2J");
        Some(screen)
    }

    /// How many columns and lines it has now.
    pub(super) fn size(&mut self) -> (usize, usize) {
        let size = self.term.size();
        if size != self.size {
            // Nobody knows what the terminal has made of the old picture.
            self.write("\x1b[2J");
            self.size = size;
        }
        (usize::from(size.1), usize::from(size.0))
    }

    /// Puts a picture in the place of the one before.
    pub(super) fn draw(&self, picture: &str) {
        let lines: Vec<&str> = picture.lines().collect();
        self.write(&format!("\x1b[H{}\x1b[K\x1b[J", lines.join("\x1b[K\r\n")));
    }

    fn write(&self, text: &str) {
        // After an interrupt that restored the terminal nothing more is drawn; a terminal that has gone needs no picture.
        if SHOWN.load(Ordering::SeqCst) {
            let _ = self.term.write_str(text).and_then(|()| self.term.flush());
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Shows the first screen again, if the second one is shown.
pub(super) fn restore() {
    if SHOWN.swap(false, Ordering::SeqCst) {
        let _ = io::stderr().write_all(b"\x1b[?25h\x1b[?1049l");
    }
}
