//! The `thinnet` program.
fn main() {}
