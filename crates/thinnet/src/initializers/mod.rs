//! Initializers: how variables start.

/// An initializer, by Keras's class names.
#[derive(Clone, Debug, PartialEq)]
pub enum Initializer {
    /// All zeros.
    Zeros,
}
