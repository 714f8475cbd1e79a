#![allow(unsafe_code, reason = "a counting allocator cannot be written without")]
//! A training step allocates nothing; Monte-Carlo prediction needs no more memory for more networks.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array1, Array2, Array4};
use thinnet::callbacks::BatchEnd;
use thinnet::layers;
use thinnet::prelude::*;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
/// Bytes that are in use, and the most that were.
static USED: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(used, Ordering::Relaxed);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
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

/// The allocations between the end of an early step and the end of the last one.
#[track_caller]
fn check<'a>(name: &str, mut model: Sequential, data: impl Into<Data<'a>>, fit: Fit<'_>, early: usize) {
    let data = data.into();
    let mut watch = Watch(Vec::with_capacity(64));
    model.fit(data, fit.verbose(false).callback(&mut watch)).unwrap();
    let steps = watch.0.len() - 1 - early;
    assert!(steps >= 20, "{name}: only {steps} steps");
    assert_eq!(watch.0[early + steps] - watch.0[early], 0, "{name}: allocations in {steps} steps");
}

/// In one test, so that nothing else allocates meanwhile.
#[test]
fn a_step_allocates_nothing() {
    dense_networks();
    convolutional_networks();
    monte_carlo();
}

fn monte_carlo() {
    let x = Array2::<f32>::from_shape_fn((600, 64), |(i, j)| ((i + j) % 7) as f32);
    let mut model = Sequential::new()
        .threads(2)
        .add(Dense::new(32).activation(Relu).input_shape([64]))
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation(Softmax));
    let mut most = |networks: usize| {
        let before = USED.load(Ordering::Relaxed);
        MOST.store(before, Ordering::Relaxed);
        model.predict_mc(&x, networks).unwrap();
        MOST.load(Ordering::Relaxed) - before
    };
    // The first call makes what the model keeps.
    let [_, few, many] = [3, 3, 300].map(&mut most);
    // A network's outputs have 24,000 bytes.
    assert!(many < few + 8_000, "{few} bytes for 3 networks, {many} for 300");
}

fn dense_networks() {
    let x = Array2::<f32>::from_shape_fn((2048, 64), |(i, j)| ((i + j) % 7) as f32);
    let y = Array1::from_shape_fn(2048, |i| (i % 10) as u8);
    for optimizer in ["sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam"] {
        let mut model = Sequential::new()
            .threads(2)
            .add(Dense::new(128).activation(Relu).kernel_regularizer("l2").input_shape([64]))
            .add(Dropout::new(0.2))
            .add(Dense::new(64).activation(Gelu).kernel_constraint(MaxNorm::new(2.0)))
            .add(GaussianNoise::new(0.1))
            .add(DropConnect::new(32, 0.3).activation(Relu))
            .add(Standout::new(Relu))
            .add(VariationalDropout::new(32).kl_weight(1e-3))
            .add(AlphaDropout::new(0.1))
            .add(Dropout::new(0.5).noise_shape([1, -1]))
            .add(ConcreteDropout::new(Dense::new(10).activation(Softmax)));
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
        check(optimizer, model, (&x, &y), Fit::new().batch_size(64), 0);
    }
}

fn convolutional_networks() {
    let x = Array4::from_shape_fn((480, 12, 10, 3), |(i, row, column, channel)| {
        ((i * 31 + row * 17 + column * 29 + channel * 7) % 97) as f32 / 97.0
    });
    let y = Array1::from_shape_fn(480, |i| (i % 10) as u8);
    let model = || {
        let mut model = Sequential::new()
            .threads(2)
            .add(Conv2D::new(8, 3).padding(Padding::Same).activation(Relu).input_shape([12, 10, 3]))
            .add(BatchNormalization::new())
            .add(SpatialDropout2D::new(0.2))
            .add(DropBlock2D::new(0.1, 3))
            .add(
                Residual::new()
                    .add(Conv2D::new(12, 3).strides(2).padding(Padding::Same))
                    .add(BatchNormalization::new())
                    .add(layers::Activation::new(Relu))
                    .add(DepthwiseConv2D::new(3).padding(Padding::Same))
                    .projection(Conv2D::new(12, 1).strides(2)),
            )
            .add(MaxPooling2D::new(2))
            .add(Conv2D::new(16, 2))
            .add(Flatten::new())
            .add(MultiSampleDropout::new(0.3, 3, Dense::new(10).activation(Softmax)));
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
        model
    };
    check("convolutions", model(), (&x, &y), Fit::new().batch_size(16), 0);

    let mut datagen = ImageDataGenerator::new()
        .rotation_range(15.0)
        .width_shift_range(0.1)
        .height_shift_range([1.0, 2.0])
        .shear_range(5.0)
        .zoom_range(0.1)
        .channel_shift_range(0.1)
        .brightness_range([0.8, 1.2])
        .horizontal_flip(true)
        .vertical_flip(true)
        .rescale(0.5)
        .samplewise_std_normalization(true)
        .zca_whitening(true);
    datagen.fit(&x).unwrap();
    let fit = || Fit::new().batch_size(16).steps_per_epoch(60).augment(datagen.clone());
    // Two passes over the data; from the fourth step on, when all threads that make images ahead have begun.
    check("augmentation", model(), (&x, &y), fit(), 3);
}
