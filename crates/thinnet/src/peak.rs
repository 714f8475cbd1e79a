//! What the machine can do at most.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use thinnet_kernels::peak::{OPERATIONS, multiply_adds};

/// Floating-point operations a second that `threads` threads do together with all operands in registers, by the kernels in
/// use ([`kernels`](crate::kernels)): fused multiply-adds where these have them, two operations each. Takes some 20 ms; of
/// ten parts of that each thread's best counts, so that other work on the machine matters less.
///
/// ```
/// assert!(thinnet::peak(1) > 1e8);
/// ```
pub fn peak(threads: usize) -> f64 {
    let together = Barrier::new(threads.max(1));
    let rate = || {
        together.wait();
        let part = || {
            let (start, mut rounds) = (Instant::now(), 0);
            while start.elapsed() < Duration::from_millis(2) {
                rounds += 10_000;
                black_box(multiply_adds(black_box(10_000), black_box(0.5), black_box(1.0)));
            }
            (rounds * OPERATIONS) as f64 / start.elapsed().as_secs_f64()
        };
        (0..10).map(|_| part()).fold(0.0, f64::max)
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(rate)).collect();
        let own = rate();
        own + others.into_iter().map(|other| other.join().expect("counting does not panic")).sum::<f64>()
    })
}
