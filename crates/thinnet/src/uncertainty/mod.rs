//! How sure a model is.

mod monte_carlo;

pub use monte_carlo::MonteCarlo;
