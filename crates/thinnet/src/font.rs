//! The typeface of everything that is drawn: part of the program, so that pictures look the same everywhere.

/// DejaVu Sans: Latin, Greek and some signs. Its licence is in `fonts/`.
pub(crate) static SANS: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");
