//! Samples as vectors.

use serde::{Deserialize, Serialize};

use super::arguments::DataFormat;
use super::{Base, Built, Layer, base_methods, layer_methods};
use crate::shape::Shape;

/// Gives each sample one axis: (None, 28, 28) becomes (None, 784). Costs nothing.
///
/// ```
/// use thinnet::layers::{Flatten, Layer};
/// let built = Flatten::new().build(&[28, 28].into()).unwrap();
/// assert_eq!(built.output, 784.into());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Flatten {
    #[serde(skip)]
    base: Base,
    data_format: DataFormat,
}

impl Flatten {
    /// Flattens samples.
    pub fn new() -> Self {
        Self::default()
    }

    base_methods!();
}

impl Layer for Flatten {
    layer_methods!("Flatten");

    fn build(&self, input: &Shape) -> Result<Built, String> {
        Ok(Built::view(input.len().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn behaves_as_a_layer() {
        testing::check(&Flatten::new(), &[&[1], &[28, 28], &[2, 3, 4]]);
    }

    #[test]
    fn a_sample_becomes_a_vector() {
        for (input, output) in [(vec![28, 28, 3], 2352), (vec![5], 5), (vec![], 1)] {
            assert_eq!(Flatten::new().build(&input.into()).unwrap().output, output.into());
        }
    }
}
