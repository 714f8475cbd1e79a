//! Changed samples, made ahead of training on threads of their own.

use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use super::Augment;
use crate::data::Features;
use crate::data::steps::Steps;

/// Batches that each thread has ready or in work.
const DEPTH: usize = 2;

/// Threads that make the batches to come. Thread t makes the steps t, t + threads, …, so that they arrive in order
/// whichever is faster.
pub(crate) struct Ahead {
    workers: Vec<Arc<Exchange>>,
    first: u64,
}

/// The batches of one thread, on their way to training and back. The same memory goes round and nothing else is allocated,
/// which the channels of the standard library do when a thread has to wait.
struct Exchange {
    batches: Mutex<Batches>,
    changed: Condvar,
}

struct Batches {
    /// At most `DEPTH`, the oldest first.
    ready: Vec<Vec<f32>>,
    free: Vec<Vec<f32>>,
    /// Whether one of the two sides has ended.
    ended: bool,
}

impl Exchange {
    fn new(batch: usize) -> Self {
        let free = (0..DEPTH).map(|_| vec![0.0; batch]).collect();
        let batches = Batches { ready: Vec::with_capacity(DEPTH), free, ended: false };
        Self { batches: Mutex::new(batches), changed: Condvar::new() }
    }

    /// Nothing is left half done where a thread panics: what a panic has poisoned is as good.
    fn lock(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a batch. None where there will be no more.
    fn wait_for(&self, mut take: impl FnMut(&mut Batches) -> Option<Vec<f32>>) -> Option<Vec<f32>> {
        let mut batches = self.lock();
        loop {
            if let Some(batch) = take(&mut batches) {
                return Some(batch);
            }
            if batches.ended {
                return None;
            }
            batches = self.changed.wait(batches).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Batches)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// Tells the other side of an exchange that this one has ended, also where it panics.
struct EndOnDrop(Arc<Exchange>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.change(|batches| batches.ended = true);
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        for exchange in &self.workers {
            exchange.change(|batches| {
                batches.ended = true;
                batches.free.clear();
            });
        }
    }
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
            let exchange = Arc::new(Exchange::new(largest));
            let own = range.clone().skip(thread).step_by(threads);
            // All memory is there before the first step.
            let mut steps = steps.clone();
            steps.of(range.start);
            let sample = features.sample_shape();
            let mut x = vec![0.0; sample.len()];
            let mut scratch = vec![0.0; augment.scratch(sample)];
            let end = EndOnDrop(exchange.clone());
            scope.spawn(move || {
                let exchange = &end.0;
                for step in own {
                    let Some(mut rows) = exchange.wait_for(|batches| batches.free.pop()) else { return };
                    let pass = steps.pass_of(step);
                    let order = steps.of(step);
                    for (&index, row) in order.iter().zip(rows.chunks_exact_mut(sample.len())) {
                        let index = index as usize;
                        features.gather(index, &mut x);
                        augment.apply(sample, seed, pass, index, &x, row, &mut scratch);
                    }
                    exchange.change(|batches| batches.ready.push(rows));
                }
            });
            exchange
        };
        Self { workers: (0..threads).map(worker).collect(), first: range.start }
    }

    fn worker(&self, step: u64) -> &Exchange {
        &self.workers[((step - self.first) % self.workers.len() as u64) as usize]
    }

    /// The samples of a step, one after the other; waits where they are not ready. None where the thread that should make
    /// them has panicked.
    pub(crate) fn take(&self, step: u64) -> Option<Vec<f32>> {
        self.worker(step)
            .wait_for(|batches| if batches.ready.is_empty() { None } else { Some(batches.ready.remove(0)) })
    }

    /// Gives the memory back.
    pub(crate) fn give_back(&self, step: u64, rows: Vec<f32>) {
        self.worker(step).change(|batches| batches.free.push(rows));
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

    /// Changes nothing, and panics at a sample.
    #[derive(Debug)]
    struct PanicAt(usize);

    impl Augment for PanicAt {
        fn check(&self, _: &crate::Shape) -> Result<(), String> {
            Ok(())
        }

        fn scratch(&self, _: &crate::Shape) -> usize {
            0
        }

        fn apply(
            &self,
            _: &crate::Shape,
            _: u64,
            _: u64,
            index: usize,
            x: &[f32],
            out: &mut [f32],
            _: &mut [f32],
        ) {
            assert_ne!(index, self.0, "the sample that panics");
            out.copy_from_slice(x);
        }

        fn standardize(&self, _: &crate::Shape, _: &mut [f32], _: &mut [f32]) {}

        fn standardizes(&self) -> bool {
            false
        }
    }

    #[test]
    fn a_panic_ends_the_steps_of_its_thread_and_not_the_wait_for_them() {
        let features = Features::floats([1, 1, 1], vec![1.0, 2.0, 3.0, 4.0]);
        let steps = Steps::new(Stream::new(3, Domain::Shuffle), false, 4, 1);
        let scope = std::panic::catch_unwind(|| {
            std::thread::scope(|scope| {
                let ahead = Ahead::start(scope, &features, &PanicAt(2), 3, &steps, 0..4, 2);
                let taken: Vec<_> = (0..4).map(|step| ahead.take(step)).collect();
                assert_eq!(taken, [Some(vec![1.0]), Some(vec![2.0]), None, Some(vec![4.0])]);
            });
        });
        assert!(scope.is_err(), "the panic goes on");
    }
}
