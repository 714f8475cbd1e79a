//! Which draws are shared.

use serde::{Deserialize, Serialize};

use crate::shape::Shape;

/// The shape of a layer's draws, the batch axis first, as in Keras: `null` or −1 keeps the input's size, 1 shares
/// the draw along the axis (along the batch axis: all samples of a batch have the same mask).
///
/// ```
/// use thinnet::layers::Dropout;
/// // Sequences of (None, 10, 64): the same features are dropped at all ten times.
/// let layer = Dropout::new(0.2).noise_shape([-1, 1, 64]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoiseShape(Vec<Option<i64>>);

impl From<Vec<i64>> for NoiseShape {
    fn from(axes: Vec<i64>) -> Self {
        Self(axes.into_iter().map(|axis| (axis != -1).then_some(axis)).collect())
    }
}

impl<const N: usize> From<[i64; N]> for NoiseShape {
    fn from(axes: [i64; N]) -> Self {
        axes.to_vec().into()
    }
}

/// How a noise shape meets an input.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sharing {
    /// Whether the whole batch shares its draws.
    pub(super) batch: bool,
    /// How many draws a sample (or the batch) has.
    pub(super) draws: usize,
    /// Each element's draw; none where the draws are repeated one after the other, as for whole channels.
    pub(super) index: Option<Vec<u32>>,
}

impl NoiseShape {
    /// What is shared on samples of this shape; nothing is if every size is the input's.
    pub(super) fn sharing(&self, input: &Shape) -> Result<Option<Sharing>, String> {
        if self.0.len() != input.rank() + 1 {
            return Err(format!(
                "noise_shape must have {} entries for an input of {input} (the batch first), got {self}",
                input.rank() + 1
            ));
        }
        let batch = match self.0[0] {
            None | Some(-1) => false,
            Some(1) => true,
            Some(other) => {
                return Err(format!(
                    "noise_shape must begin with null or -1 (each sample its own mask) or 1 (one for the whole batch), \
                     got {other}"
                ));
            }
        };
        let mut kept = Vec::new();
        for (axis, (&size, &noise)) in input.axes().iter().zip(&self.0[1..]).enumerate() {
            match noise {
                None | Some(-1) => kept.push(true),
                Some(noise) if usize::try_from(noise) == Ok(size) => kept.push(true),
                Some(1) => kept.push(false),
                Some(other) => {
                    return Err(format!(
                        "noise_shape[{}] must be null, -1, 1 or {size}, got {other}",
                        axis + 1
                    ));
                }
            }
        }
        if !batch && kept.iter().all(|&kept| kept) {
            return Ok(None);
        }
        if u32::try_from(input.len()).is_err() {
            return Err(format!("a sample of {input} is too large for a noise_shape"));
        }
        let mut index = vec![0];
        let mut draws: u32 = 1;
        // From the last axis on: what has been built so far is repeated for each place along the axis.
        for (&size, kept) in input.axes().iter().zip(kept).rev() {
            let places = size as u32;
            index = (0..places)
                .flat_map(|place| {
                    index.iter().map(move |&draw| if kept { draw + place * draws } else { draw })
                })
                .collect();
            draws *= if kept { places } else { 1 };
        }
        let repeats = index.iter().zip((0..draws).cycle()).all(|(&draw, repeated)| draw == repeated);
        Ok(Some(Sharing { batch, draws: draws as usize, index: (!repeats).then_some(index) }))
    }
}

impl std::fmt::Display for NoiseShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entry = |axis: &Option<i64>| axis.map_or("null".into(), |axis| axis.to_string());
        write!(f, "[{}]", self.0.iter().map(entry).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sharing<const N: usize>(shape: [i64; N]) -> Result<Option<Sharing>, String> {
        NoiseShape::from(shape).sharing(&[2, 3].into())
    }

    #[test]
    fn axes_of_one_share_and_others_do_not() {
        let shared = |batch, draws, index: Option<[u32; 6]>| {
            Ok(Some(Sharing { batch, draws, index: index.map(|index| index.to_vec()) }))
        };
        assert_eq!(sharing([-1, 2, 3]), Ok(None));
        assert_eq!(sharing([-1, -1, -1]), Ok(None));
        assert_eq!(sharing([-1, 1, 3]), shared(false, 3, None));
        assert_eq!(sharing([-1, 2, 1]), shared(false, 2, Some([0, 0, 0, 1, 1, 1])));
        assert_eq!(sharing([-1, 1, 1]), shared(false, 1, None));
        assert_eq!(sharing([1, 2, 3]), shared(true, 6, None));
    }

    #[test]
    fn an_axis_of_size_one_is_not_shared() {
        assert_eq!(NoiseShape::from([-1, 1]).sharing(&1.into()), Ok(None));
    }

    #[test]
    fn shapes_that_do_not_fit_are_explained() {
        assert_eq!(
            sharing([-1, 3]).unwrap_err(),
            "noise_shape must have 3 entries for an input of (None, 2, 3) (the batch first), got [null, 3]"
        );
        assert_eq!(
            sharing([32, 2, 3]).unwrap_err(),
            "noise_shape must begin with null or -1 (each sample its own mask) or 1 (one for the whole batch), got 32"
        );
        assert_eq!(sharing([-1, 2, 4]).unwrap_err(), "noise_shape[2] must be null, -1, 1 or 3, got 4");
        let large = NoiseShape::from([-1, 1, -1]).sharing(&[1 << 20, 1 << 20].into());
        let message = "a sample of (None, 1048576, 1048576) is too large for a noise_shape";
        assert_eq!(large.unwrap_err(), message);
        assert_eq!(sharing([-1, 0, 3]).unwrap_err(), "noise_shape[1] must be null, -1, 1 or 2, got 0");
    }
}
