//! How sure a model is, and whether it is right to be.
//!
//! [`Sequential::predict_mc`](crate::model::Sequential::predict_mc) samples thinned networks (Monte-Carlo dropout) and
//! gives a [`Predictive`]: mean, variance, entropies, intervals.

mod distribution;
mod interval;
mod monte_carlo;
mod predictive;
mod sampling;

pub use predictive::Predictive;
pub use sampling::Sampling;
