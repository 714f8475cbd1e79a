//! How thinned networks are drawn.

use crate::error::{Error, Result};
use crate::random::{Domain, Stream};

/// How many thinned networks are drawn, and which. A number alone stands for so many samples with the defaults.
///
/// ```
/// use thinnet::uncertainty::Sampling;
/// let sampling = Sampling::new(100).shared_masks(true).seed(7);
/// assert_eq!(Sampling::from(100), Sampling::new(100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    samples: usize,
    shared_masks: bool,
    seed: Option<u64>,
}

/// The first step that draws are made for: training does not come so far.
const FIRST_STEP: u64 = 1 << 63;

impl Sampling {
    /// So many samples, at least 1.
    pub fn new(samples: usize) -> Self {
        Self { samples, shared_masks: false, seed: None }
    }

    /// Whether all inputs of a sample go through the same thinned network, so that a sample's outputs are one smooth
    /// function of the inputs. Default: false, each input has masks of its own, which makes the errors of the means of
    /// different inputs independent.
    ///
    /// Either way, a mask that a `noise_shape` shares along the batch is one for all inputs. `Standout`'s masks depend on what
    /// they multiply: what inputs share there are the numbers that masks are drawn with, and a sample's outputs have steps.
    #[must_use]
    pub fn shared_masks(mut self, shared_masks: bool) -> Self {
        self.shared_masks = shared_masks;
        self
    }

    /// Chooses among sequences of samples; layers with a seed of their own draw others, too. Default: the sequence that
    /// follows from the model's seed alone.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Whether masks are shared.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared_masks
    }

    /// Whether the number of samples is one.
    pub(crate) fn check(&self) -> Result<()> {
        match u32::try_from(self.samples) {
            Ok(0) => Err(Error::Usage("expected at least one Monte-Carlo sample, got 0".into())),
            Ok(_) => Ok(()),
            Err(_) => {
                Err(Error::Usage(format!("expected at most {} samples, got {}", u32::MAX, self.samples)))
            }
        }
    }

    /// What the draws of a sample depend on, in the place of training's step: the upper half tells seeds apart.
    pub(crate) fn step(&self, sample: usize) -> u64 {
        let of_seed = |seed| u64::from(Stream::new(seed, Domain::OwnSeed).key()[0] >> 1);
        FIRST_STEP | self.seed.map_or(0, of_seed) << 32 | sample as u64
    }
}

impl From<usize> for Sampling {
    fn from(samples: usize) -> Self {
        Self::new(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_differ_from_those_of_training_and_between_seeds() {
        let steps = [None, Some(0), Some(1), Some(42)].map(|seed| {
            let sampling = Sampling { seed, ..Sampling::new(2) };
            assert_eq!(sampling.step(1), sampling.step(0) + 1);
            sampling.step(0)
        });
        assert!(steps.iter().all(|&step| step >= 1 << 63));
        let different: std::collections::BTreeSet<u64> = steps.into();
        assert_eq!(different.len(), 4);
    }
}
