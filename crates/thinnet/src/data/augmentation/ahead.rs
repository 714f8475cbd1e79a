//! Changed samples, made ahead of training on threads of their own.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

use super::Augment;
use crate::data::Features;
use crate::data::steps::Steps;

/// Batches that each thread has ready or in work.
const DEPTH: usize = 2;

/// Threads that make the batches to come. Thread t makes the steps t, t + threads, …, so that they arrive in order
/// whichever is faster.
pub(crate) struct Ahead {
    workers: Vec<Worker>,
    first: u64,
}

struct Worker {
    ready: Receiver<Vec<f32>>,
    free: SyncSender<Vec<f32>>,
}

impl Ahead {
    /// Starts `threads` threads, which end with the last of `range`, or when this is dropped.
    pub(crate) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        features: &'scope Features<'_>,
        augment: &'scope dyn Augment,
        seed: u64,
        steps: &Steps,
        range: Range<u64>,
        threads: usize,
    ) -> Self {
        let largest = steps.clone().of(0).len() * features.sample_shape().len();
        let worker = |thread: usize| {
            let (send_ready, ready) = sync_channel(DEPTH);
            let (free, receive_free) = sync_channel(DEPTH);
            for _ in 0..DEPTH {
                // The channel is as long as there are buffers.
                let _ = free.send(vec![0.0; largest]);
            }
            let mut steps = steps.clone();
            let own = range.clone().skip(thread).step_by(threads);
            scope.spawn(move || {
                let sample = features.sample_shape();
                let mut x = vec![0.0; sample.len()];
                let mut scratch = vec![0.0; augment.scratch(sample)];
                for step in own {
                    let Ok(mut rows) = receive_free.recv() else { return };
                    let pass = steps.pass_of(step);
                    let order = steps.of(step);
                    for (&index, row) in order.iter().zip(rows.chunks_exact_mut(sample.len())) {
                        let index = index as usize;
                        features.gather(index, &mut x);
                        augment.apply(sample, seed, pass, index, &x, row, &mut scratch);
                    }
                    if send_ready.send(rows).is_err() {
                        return;
                    }
                }
            });
            Worker { ready, free }
        };
        Self { workers: (0..threads).map(worker).collect(), first: range.start }
    }

    fn worker(&self, step: u64) -> &Worker {
        &self.workers[((step - self.first) % self.workers.len() as u64) as usize]
    }

    /// The samples of a step, one after the other; waits where they are not ready. None where the thread that should make
    /// them has panicked.
    pub(crate) fn take(&self, step: u64) -> Option<Vec<f32>> {
        self.worker(step).ready.recv().ok()
    }

    /// Gives the memory back.
    pub(crate) fn give_back(&self, step: u64, rows: Vec<f32>) {
        // A thread that has made its last step takes nothing back.
        let _ = self.worker(step).free.send(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::augmentation::ImageDataGenerator;
    use crate::random::{Domain, Stream};

    #[test]
    fn steps_arrive_in_order_and_are_the_same_for_any_number_of_threads() {
        let values: Vec<f32> = (0..7 * 9).map(|i| i as f32).collect();
        let features = Features::floats([3, 3, 1], values);
        let datagen = ImageDataGenerator::new().rotation_range(30.0).horizontal_flip(true);
        let steps = Steps::new(Stream::new(3, Domain::Shuffle), true, 7, 3);
        let run = |threads: usize, range: Range<u64>| -> Vec<Vec<f32>> {
            std::thread::scope(|scope| {
                let ahead = Ahead::start(scope, &features, &datagen, 3, &steps, range.clone(), threads);
                let take = |step| {
                    let rows = ahead.take(step).unwrap();
                    let used = rows[..steps.clone().of(step).len() * 9].to_vec();
                    ahead.give_back(step, rows);
                    used
                };
                range.map(take).collect()
            })
        };
        let all = run(1, 0..11);
        assert_eq!(all[2].len(), 9, "the last batch of a pass is smaller");
        for threads in [2, 3, 8] {
            assert_eq!(run(threads, 0..11), all);
            assert_eq!(run(threads, 4..11), all[4..], "after a resume");
        }
    }

    #[test]
    fn dropping_it_ends_the_threads() {
        let features = Features::floats([2, 2, 1], vec![0.0; 4]);
        let datagen = ImageDataGenerator::new();
        let steps = Steps::new(Stream::new(3, Domain::Shuffle), true, 1, 1);
        std::thread::scope(|scope| {
            let ahead = Ahead::start(scope, &features, &datagen, 3, &steps, 0..u64::MAX, 2);
            assert!(ahead.take(0).is_some());
        });
    }
}
