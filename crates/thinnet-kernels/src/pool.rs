//! Threads that work on one thing at a time.
//!
//! A training step hands out work every few hundred microseconds, so the threads wait for it in a short loop before
//! they sleep, and handing it out allocates nothing. Which thread does which task is left to chance: a task's result
//! must not depend on it.

use std::cell::UnsafeCell;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Turns of the waiting loop before a thread sleeps: some tens of microseconds.
const PATIENCE: usize = 4000;

/// A fixed set of threads, the caller's among them.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// (task, thread)
type Work<'a> = dyn Fn(usize, usize) + Sync + 'a;

#[derive(Debug)]
struct Shared {
    /// Counts the jobs. A worker that sees a new number takes part in that job.
    generation: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    /// The next task of the job.
    next: AtomicUsize,
    /// Workers that have not finished the job.
    busy: AtomicUsize,
    panicked: AtomicBool,
    stop: AtomicBool,
    /// Workers that sleep; changed under the lock.
    asleep: Mutex<usize>,
    wake: Condvar,
    patience: usize,
}

#[derive(Clone, Copy, Debug)]
struct Job {
    work: *const Work<'static>,
    tasks: usize,
}

// SAFETY: `job` is written only by the pool's owner while no worker is busy, and read by workers only between the
// increase of `generation` and their decrease of `busy`; the two are ordered by release and acquire.
unsafe impl Sync for Shared {}
// SAFETY: the pointer in `job` is to something `Sync`, used only while `Pool::run` keeps it alive.
unsafe impl Send for Shared {}

impl Pool {
    /// A pool of `threads` threads, at least 1: the caller's and `threads - 1` new ones.
    ///
    /// # Errors
    /// Where the system cannot start so many. None of them goes on then.
    pub fn new(threads: usize) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(Shared {
            generation: AtomicUsize::new(0),
            job: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            asleep: Mutex::new(0),
            wake: Condvar::new(),
            // With fewer cores than threads, one that waits in a loop keeps another from working.
            patience: if threads <= cores { PATIENCE } else { 0 },
        });
        let mut pool = Self { shared, workers: Vec::new() };
        for thread in 1..threads {
            let shared = Arc::clone(&pool.shared);
            let worker = thread::Builder::new().name(format!("thinnet-{thread}"));
            pool.workers.push(worker.spawn(move || shared.serve(thread))?);
        }
        Ok(pool)
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work(task, thread)` for each task below `tasks`, side by side, and returns when all are done. Where
    /// `alone` is set, the caller's thread does everything.
    ///
    /// # Panics
    /// Where `work` panics, after all threads have finished.
    fn run(&mut self, tasks: usize, alone: bool, work: impl Fn(usize, usize) + Sync) {
        if alone || self.workers.is_empty() || tasks <= 1 {
            (0..tasks).for_each(|task| work(task, 0));
            return;
        }
        let work: &Work = &work;
        // SAFETY: only the lifetime changes. The job is over, and its pointer never used again, before this call ends:
        // it waits until no worker is busy, even where the caller's own share panics.
        let work: &Work<'static> = unsafe { std::mem::transmute::<&Work<'_>, &Work<'static>>(work) };
        let shared = &*self.shared;
        // SAFETY: no worker is busy, so none reads the job. `&mut self` keeps other callers out.
        unsafe { *shared.job.get() = Some(Job { work, tasks }) };
        shared.next.store(0, Ordering::Relaxed);
        shared.busy.store(self.workers.len(), Ordering::Relaxed);
        shared.generation.fetch_add(1, Ordering::SeqCst);
        if *shared.asleep.lock().unwrap_or_else(PoisonError::into_inner) > 0 {
            shared.wake.notify_all();
        }
        let own = catch_unwind(AssertUnwindSafe(|| shared.take_part(work, tasks, 0)));
        let mut turns = 0;
        while shared.busy.load(Ordering::Acquire) > 0 {
            turns += 1;
            if turns < shared.patience { std::hint::spin_loop() } else { thread::yield_now() }
        }
        if let Err(payload) = own {
            shared.panicked.store(false, Ordering::Relaxed);
            resume_unwind(payload);
        }
        assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a task panicked on another thread");
    }

    /// Calls `work(index, item, local)` for each item, side by side. `locals` has one element for each thread, or a single
    /// one: then the caller's thread does everything.
    pub fn for_each<T: Send, L: Send>(
        &mut self,
        items: &mut [T],
        locals: &mut [L],
        work: impl Fn(usize, &mut T, &mut L) + Sync,
    ) {
        let alone = locals.len() == 1;
        assert!(alone || locals.len() >= self.threads(), "one local for each thread");
        let tasks = items.len();
        let (items, locals) = (Shares(items.as_mut_ptr()), Shares(locals.as_mut_ptr()));
        self.run(tasks, alone, |task, thread| {
            // SAFETY: each task is run once, so no two calls have the same item; each thread runs one task at a time,
            // so no two calls at one time have the same local; both indices are within their slices.
            let (item, local) = unsafe { (items.get(task), locals.get(thread)) };
            work(task, item, local);
        });
    }

    /// Calls `work(index, pieces, outcome, local)` for each range, side by side: `pieces` are that range of each
    /// arena (an empty arena has empty pieces), `outcomes` has one element for each range, `locals` is as for
    /// [`for_each`](Self::for_each).
    ///
    /// # Panics
    /// Where the ranges are not ascending and disjoint, or reach beyond an arena that is not empty.
    pub fn for_ranges<const N: usize, T: Send, L: Send>(
        &mut self,
        ranges: &[Range<usize>],
        mut arenas: [&mut [f32]; N],
        outcomes: &mut [T],
        locals: &mut [L],
        work: impl Fn(usize, [&mut [f32]; N], &mut T, &mut L) + Sync,
    ) {
        let alone = locals.len() == 1;
        assert!(alone || locals.len() >= self.threads(), "one local for each thread");
        assert_eq!(ranges.len(), outcomes.len(), "one outcome for each range");
        assert!(ranges.iter().all(|range| range.start <= range.end), "ranges run forwards");
        assert!(
            ranges.windows(2).all(|pair| pair[0].end <= pair[1].start),
            "ranges are ascending and disjoint"
        );
        let end = ranges.last().map_or(0, |range| range.end);
        assert!(
            arenas.iter().all(|arena| arena.is_empty() || end <= arena.len()),
            "ranges lie within the arenas"
        );
        let lengths = arenas.each_ref().map(|arena| arena.len());
        let arenas = arenas.each_mut().map(|arena| Shares(arena.as_mut_ptr()));
        let (outcomes, locals) = (Shares(outcomes.as_mut_ptr()), Shares(locals.as_mut_ptr()));
        self.run(ranges.len(), alone, |task, thread| {
            let range = ranges[task].clone();
            let pieces = std::array::from_fn(|arena| {
                if lengths[arena] == 0 {
                    return Default::default();
                }
                // SAFETY: the ranges are disjoint and within the arena, and each is handed out once.
                unsafe { arenas[arena].range(range.clone()) }
            });
            // SAFETY: as in `for_each`.
            let (outcome, local) = unsafe { (outcomes.get(task), locals.get(thread)) };
            work(task, pieces, outcome, local);
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        drop(self.shared.asleep.lock());
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches its tasks' panics, so it ends in order.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn serve(&self, thread: usize) {
        let mut seen = 0;
        loop {
            self.await_generation_after(seen);
            seen += 1;
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            // SAFETY: `generation` has been increased for this job, and this worker still counts as busy.
            let Some(Job { work, tasks }) = (unsafe { *self.job.get() }) else { continue };
            // SAFETY: `Pool::run` keeps the work alive until this worker no longer counts as busy.
            let work = unsafe { &*work };
            if catch_unwind(AssertUnwindSafe(|| self.take_part(work, tasks, thread))).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.busy.fetch_sub(1, Ordering::Release);
        }
    }

    fn await_generation_after(&self, seen: usize) {
        for _ in 0..self.patience {
            if self.generation.load(Ordering::Acquire) != seen {
                return;
            }
            std::hint::spin_loop();
        }
        let mut asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        *asleep += 1;
        while self.generation.load(Ordering::SeqCst) == seen {
            asleep = self.wake.wait(asleep).unwrap_or_else(PoisonError::into_inner);
        }
        *asleep -= 1;
    }

    fn take_part(&self, work: &Work, tasks: usize, thread: usize) {
        loop {
            let task = self.next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                return;
            }
            work(task, thread);
        }
    }
}

/// A slice's start that may be handed to several threads, each of which takes elements of its own.
struct Shares<T>(*mut T);

// SAFETY: whoever takes an element promises that nobody else has it (see `get` and `range`).
unsafe impl<T: Send> Sync for Shares<T> {}

impl<T> Shares<T> {
    /// SAFETY: `index` is within the slice, and nobody else has that element at the same time.
    #[allow(clippy::mut_from_ref, reason = "exclusiveness is the caller's promise")]
    unsafe fn get(&self, index: usize) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0.add(index) }
    }

    /// SAFETY: `range` is within the slice, and nobody else has any of its elements at the same time.
    #[allow(clippy::mut_from_ref, reason = "exclusiveness is the caller's promise")]
    unsafe fn range(&self, range: Range<usize>) -> &mut [T] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_done_once_for_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            let mut pool = Pool::new(threads).unwrap();
            let mut locals = vec![0_usize; threads];
            for tasks in [0, 1, 2, 100] {
                let mut items = vec![0; tasks];
                for round in 1..50 {
                    pool.for_each(&mut items, &mut locals, |index, item, done| {
                        *item += index;
                        *done += 1;
                    });
                    assert!(items.iter().enumerate().all(|(index, item)| *item == index * round));
                }
            }
            assert_eq!(locals.iter().sum::<usize>(), 49 * (1 + 2 + 100));
        }
    }

    #[test]
    fn ranges_get_their_pieces_of_all_arenas() {
        let mut pool = Pool::new(3).unwrap();
        let (mut a, mut b) = (vec![1.0; 10], vec![2.0; 10]);
        let mut lengths = [0; 2];
        let ranges = [1..4, 6..10];
        pool.for_ranges(
            &ranges,
            [&mut a, &mut b, &mut []],
            &mut lengths,
            &mut [(); 3],
            |_, [a, b, none], len, ()| {
                assert!(none.is_empty());
                *len = a.len();
                a.swap_with_slice(b);
            },
        );
        assert_eq!(lengths, [3, 4]);
        assert_eq!(a, [1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
        assert_eq!(b, [2.0, 1.0, 1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn a_panicking_task_reaches_the_caller_and_leaves_the_pool_usable() {
        let mut pool = Pool::new(2).unwrap();
        let failed = catch_unwind(AssertUnwindSafe(|| pool.run(8, false, |task, _| assert_ne!(task, 5))));
        assert!(failed.is_err());
        let count = AtomicUsize::new(0);
        pool.run(8, false, |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 8);
    }

    #[test]
    fn sleeping_threads_wake_up() {
        let mut pool = Pool::new(2).unwrap();
        for _ in 0..5 {
            thread::sleep(std::time::Duration::from_millis(5));
            let mut items = [0; 4];
            pool.for_each(&mut items, &mut [(); 2], |_, item, ()| *item += 1);
            assert_eq!(items, [1; 4]);
        }
    }
}
