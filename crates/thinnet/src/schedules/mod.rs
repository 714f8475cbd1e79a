//! Schedules: numbers that change with the optimizer's steps.

/// A learning rate: a number, or a schedule by Keras's class names.
#[derive(Clone, Debug, PartialEq)]
pub enum LearningRate {
    /// The same in every step.
    Constant(f64),
}
