#![allow(unsafe_code, reason = "a counting allocator cannot be written without")]
//! A training step allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array1, Array2};
use thinnet::callbacks::BatchEnd;
use thinnet::prelude::*;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Notes the number of allocations after each step.
#[derive(Debug)]
struct Watch(Vec<usize>);

impl Callback for Watch {
    fn on_batch_end(&mut self, _: &mut Training, _: &BatchEnd) -> thinnet::Result<()> {
        self.0.push(ALLOCATIONS.load(Ordering::Relaxed));
        Ok(())
    }
}

#[test]
fn a_step_allocates_nothing() {
    let x = Array2::<f32>::from_shape_fn((2048, 64), |(i, j)| ((i + j) % 7) as f32);
    let y = Array1::from_shape_fn(2048, |i| (i % 10) as u8);
    for optimizer in ["sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam"] {
        let mut model = Sequential::new()
            .threads(2)
            .add(Dense::new(128).activation(Relu).kernel_regularizer("l2").input_shape([64]))
            .add(Dropout::new(0.2))
            .add(Dense::new(64).activation(Gelu).kernel_constraint(MaxNorm::new(2.0)))
            .add(GaussianNoise::new(0.1))
            .add(AlphaDropout::new(0.1))
            .add(Dropout::new(0.5).noise_shape([1, -1]))
            .add(Dense::new(10).activation(Softmax));
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
        let mut watch = Watch(Vec::with_capacity(32));
        model.fit((&x, &y), Fit::new().batch_size(64).verbose(false).callback(&mut watch)).unwrap();
        let (first, last) = (watch.0[0], watch.0[watch.0.len() - 1]);
        assert_eq!(last - first, 0, "{optimizer}: allocations in {} steps", watch.0.len() - 1);
    }
}
