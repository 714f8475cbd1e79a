//! Regularizers: what is added to the loss for a variable or an output.

/// A regularizer, by Keras's class names.
#[derive(Clone, Debug, PartialEq)]
pub enum Regularizer {
    /// l2·Σw² (without ½, as in Keras).
    L2 {
        /// Its weight. Default: 0.01.
        l2: f64,
    },
}
