//! Constraints: what a variable is projected to after each update.

/// A constraint, by Keras's class names.
#[derive(Clone, Debug, PartialEq)]
pub enum Constraint {
    /// Negative elements become zero.
    NonNeg,
}
