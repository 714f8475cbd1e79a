//! `ActivityRegularization`: a loss for large outputs.

use super::{InPlace, Needs};
use crate::engine::Context;
use crate::regularizers::Regularizer;

/// Adds a regularizer of the output, divided by the batch size, to the loss; the output passes unchanged. What a
/// layer's `activity_regularizer` becomes.
#[derive(Debug)]
pub(crate) struct ActivityRegularization(pub(crate) Regularizer);

impl InPlace for ActivityRegularization {
    fn needs(&self) -> Needs {
        Needs::Output
    }

    fn keeps_sign(&self) -> bool {
        true
    }

    fn forward(&self, _: &Context, _: &mut [f32], _: &mut [f32]) {}

    fn backward(&self, cx: &Context, _: &[f32], y: &[f32], dy: &mut [f32], _: &mut [f32]) {
        // The regularizer adds its gradient unscaled, so the rest is scaled up for the moment.
        let batch_size = cx.batch_size as f32;
        dy.iter_mut().for_each(|dy| *dy *= batch_size);
        self.0.add_gradient(y, dy);
        dy.iter_mut().for_each(|dy| *dy /= batch_size);
    }

    fn penalty(&self, cx: &Context, y: &[f32]) -> f64 {
        self.0.penalty(y) / cx.batch_size as f64
    }
}
