//! Which samples each step of training sees.

use crate::random::Stream;

/// The samples of each step: a pure function of the stream, so that it is the same after a stop and in whatever thread.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    stream: Stream,
    shuffle: bool,
    samples: u32,
    batch_size: usize,
    pass: Option<u64>,
    order: Vec<u32>,
}

impl Steps {
    /// Batches of some samples; with `shuffle`, in a new order each time that all were used.
    pub(crate) fn new(stream: Stream, shuffle: bool, samples: u32, batch_size: usize) -> Self {
        Self { stream, shuffle, samples, batch_size, pass: None, order: Vec::with_capacity(samples as usize) }
    }

    /// Steps that use all samples once.
    pub(crate) fn in_a_pass(&self) -> usize {
        (self.samples as usize).div_ceil(self.batch_size)
    }

    /// How often all samples were used before a step, counted from the first of all.
    pub(crate) fn pass_of(&self, step: u64) -> u64 {
        step / self.in_a_pass() as u64
    }

    /// The samples of a step, counted from the first of all.
    pub(crate) fn of(&mut self, step: u64) -> &[u32] {
        let pass = self.pass_of(step);
        if self.pass != Some(pass) {
            self.order.clear();
            self.order.extend(0..self.samples);
            if self.shuffle {
                self.stream.at(pass, 0).shuffle(&mut self.order);
            }
            self.pass = Some(pass);
        }
        let start = (step % self.in_a_pass() as u64) as usize * self.batch_size;
        &self.order[start..(start + self.batch_size).min(self.order.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Domain;

    #[test]
    fn every_pass_uses_each_sample_once() {
        let mut steps = Steps::new(Stream::new(1, Domain::Shuffle), true, 10, 4);
        let pass = |steps: &mut Steps, pass: u64| -> Vec<u32> {
            (3 * pass..3 * pass + 3).flat_map(|step| steps.of(step).to_vec()).collect()
        };
        let (first, second) = (pass(&mut steps, 0), pass(&mut steps, 1));
        assert_ne!(first, second);
        assert_eq!(pass(&mut steps, 0), first);
        for mut order in [first, second] {
            order.sort_unstable();
            assert_eq!(order, (0..10).collect::<Vec<_>>());
        }
        assert_eq!((steps.in_a_pass(), steps.of(2).len(), steps.pass_of(5)), (3, 2, 1));
    }
}
