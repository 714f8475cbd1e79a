//! Data sets by name.

mod mnist;

pub use mnist::mnist;

use super::{Data, Features, Targets};
use crate::shape::Shape;

/// Images of bytes, scaled to [0, 1], with their class numbers.
fn images(sample: impl Into<Shape>, pixels: Vec<u8>, labels: &[u8]) -> Data<'static> {
    let classes: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
    Data { x: Features::bytes(sample, pixels, 1.0 / 255.0), y: Targets::Classes(classes.into()) }
}
