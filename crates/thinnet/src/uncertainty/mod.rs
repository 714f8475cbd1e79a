//! How sure a model is, and whether it is right to be.
//!
//! [`Sequential::predict_mc`](crate::model::Sequential::predict_mc) samples thinned networks (Monte-Carlo dropout), an
//! [`Ensemble`] asks several models; both give a [`Predictive`]: mean, variance, entropies, intervals. A [`Forecast`] tells
//! whether probabilities are right, [`auroc`] whether uncertainty tells unknown data from known ones, and [`Rejection`] what
//! is won by leaving the doubtful to others. A [`Study`] does all of it.

mod auroc;
mod calibration;
mod distribution;
mod ensemble;
mod interval;
mod log_likelihood;
mod monte_carlo;
mod predictive;
mod rejection;
mod sampling;
mod study;

pub use auroc::auroc;
pub use calibration::{Bin, Forecast, Measures, Reliability, Temperature};
pub use ensemble::Ensemble;
pub use log_likelihood::LogLikelihood;
pub use predictive::Predictive;
pub use rejection::Rejection;
pub use sampling::Sampling;
pub use study::{Assessment, Method, Signal, Study, StudyData};
