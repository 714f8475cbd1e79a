//! The same seed gives the same bits, for any number of threads and after a stop at any epoch.

use ndarray::{Array1, Array2, Array4};
use thinnet::layers;
use thinnet::prelude::*;
use thinnet::schedules::{CurriculumDropout, EarlyDropout, Linear};

/// Enough work that several threads take part, and a last batch that is not full.
fn data() -> (Array2<f32>, Array1<u8>) {
    let x = Array2::from_shape_fn((1010, 100), |(i, j)| ((i * 31 + j * 17) % 97) as f32 / 97.0 - 0.5);
    let y = Array1::from_shape_fn(1010, |i| (i * 7 % 10) as u8);
    (x, y)
}

fn model(threads: usize) -> Sequential {
    let mut model = Sequential::new()
        .seed(3)
        .threads(threads)
        .add(Dense::new(120).activation(Relu).kernel_regularizer(L2::new(1e-4)).input_shape([100]))
        .add(Dropout::new(CurriculumDropout::new(0.3, 30)))
        .add(ConcreteDropout::new(Dense::new(60).activation(Tanh).kernel_constraint(MaxNorm::new(1.0))))
        .add(Dropout::new(0.2).noise_shape([-1, 60]))
        .add(GaussianDropout::new(EarlyDropout::new(0.1, 9)))
        .add(GaussianNoise::new(0.05))
        .add(DropConnect::new(40, 0.3))
        .add(Standout::new(Relu))
        .add(VariationalDropout::new(30).activation(Relu).kl_weight(1e-3))
        .add(Dense::new(10).activation(Softmax));
    model.compile(Adam::new(0.003), "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
    model
}

/// With a momentum that still rises when training ends.
fn model_with_rising_momentum(threads: usize) -> Sequential {
    let mut model = model(threads);
    let optimizer = SGD::new(0.03).momentum(Linear::new(0.5, 0.9, 60));
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
    model
}

fn fit<'a>() -> Fit<'a> {
    Fit::new().epochs(6).batch_size(128).validation_split(0.2).verbose(false)
}

fn bits(model: &mut Sequential) -> Vec<u32> {
    model.get_weights().unwrap().iter().flatten().map(|value| value.to_bits()).collect()
}

fn history_bits(history: &History) -> Vec<(String, Vec<u64>)> {
    history
        .names()
        .map(|name| (name.into(), history[name].iter().map(|value| value.to_bits()).collect()))
        .collect()
}

fn same_for_any_number_of_threads<'a>(
    data: &Data,
    model: impl Fn(usize) -> Sequential,
    fit: impl Fn() -> Fit<'a>,
) {
    let mut expected = None;
    for threads in [1, 2, 3, 8] {
        let mut model = model(threads);
        let history = model.fit(data, fit()).unwrap();
        let predictions: Vec<u32> = model.predict(&data.x).unwrap().iter().map(|p| p.to_bits()).collect();
        let outcome = (history_bits(&history), bits(&mut model), predictions);
        match &expected {
            None => expected = Some(outcome),
            Some(expected) => assert!(*expected == outcome, "{threads} threads give other bits"),
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (x, y) = data();
    same_for_any_number_of_threads(&(&x, &y).into(), model, fit);
    same_for_any_number_of_threads(&(&x, &y).into(), model_with_rising_momentum, fit);
}

/// Colour images; the last batch is not full.
fn images() -> (Array4<f32>, Array1<u8>) {
    let x = Array4::from_shape_fn((150, 9, 10, 3), |(i, row, column, channel)| {
        ((i * 31 + row * 17 + column * 29 + channel * 7) % 97) as f32 / 97.0
    });
    (x, Array1::from_shape_fn(150, |i| (i * 7 % 5) as u8))
}

/// What convolutional networks are made of.
fn convolutional(threads: usize) -> Sequential {
    let mut model = Sequential::new()
        .seed(3)
        .threads(threads)
        .add(Conv2D::new(8, 3).padding(Padding::Same).activation(Relu).input_shape([9, 10, 3]))
        .add(BatchNormalization::new())
        .add(SpatialDropout2D::new(0.2))
        .add(
            Residual::new()
                .add(Conv2D::new(8, 3).padding(Padding::Same))
                .add(BatchNormalization::new())
                .add(layers::Activation::new(Relu))
                .add(DepthwiseConv2D::new(3).padding(Padding::Same))
                .add(StochasticDepth::new(0.3)),
        )
        .add(DropBlock2D::new(0.1, 3))
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(0.2))
        .add(Flatten::new())
        .add(MultiSampleDropout::new(0.3, 3, Dense::new(5).activation(Softmax)));
    model.compile(Adam::new(0.003), "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
    model
}

fn augmented<'a>() -> Fit<'a> {
    let datagen = ImageDataGenerator::new()
        .rotation_range(20.0)
        .width_shift_range(0.2)
        .height_shift_range(2)
        .zoom_range(0.1)
        .horizontal_flip(true);
    Fit::new().epochs(3).batch_size(32).validation_split(0.2).verbose(false).augment(datagen)
}

#[test]
fn any_number_of_threads_gives_the_same_bits_of_convolutional_networks_with_augmentation() {
    let (x, y) = images();
    same_for_any_number_of_threads(&(&x, &y).into(), convolutional, augmented);
}

#[test]
fn other_changes_give_other_bits() {
    let (x, y) = images();
    let trained = |fit: Fit| {
        let mut model = convolutional(1);
        model.fit((&x, &y), fit.epochs(1)).unwrap();
        bits(&mut model)
    };
    assert!(trained(augmented()) != trained(augmented().augment(ImageDataGenerator::new())));
}

#[test]
fn other_seeds_give_other_bits() {
    let (x, y) = data();
    let mut one = model(1);
    one.fit((&x, &y), fit().epochs(1)).unwrap();
    let mut other = model(1).seed(4);
    other.compile("adam", "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
    other.fit((&x, &y), fit().epochs(1)).unwrap();
    assert_ne!(bits(&mut one), bits(&mut other));
}

/// Stops a run after some epochs, as a kill would: nothing but the backup survives.
#[derive(Debug)]
struct StopAfter(usize);

impl Callback for StopAfter {
    fn on_epoch_begin(&mut self, training: &mut Training, epoch: usize) -> thinnet::Result<()> {
        if epoch == self.0 {
            training.interrupt();
        }
        Ok(())
    }
}

fn with_callbacks<'a>(fit: Fit<'a>, folder: &std::path::Path) -> Fit<'a> {
    fit.callback(EarlyStopping::new("val_loss").patience(3).restore_best_weights(true))
        .callback(ReduceLROnPlateau::new("loss").factor(0.5).patience(1).min_delta(10.0))
        .callback(BackupAndRestore::new(folder))
}

/// Stops after each epoch in turn, each time with other threads.
fn same_after_a_stop<'a>(data: &Data, model: impl Fn(usize) -> Sequential, fit: impl Fn() -> Fit<'a>) {
    let folder = tempfile::tempdir().unwrap();
    let mut whole = model(2);
    let expected = whole.fit(data, with_callbacks(fit(), &folder.path().join("whole"))).unwrap();
    assert!(expected["learning_rate"].last() < expected["learning_rate"].first());
    for stop in 1..expected.len() {
        let backup = folder.path().join(stop.to_string());
        let mut first = model(1);
        first.fit(data, with_callbacks(fit(), &backup).callback(StopAfter(stop))).unwrap();
        drop(first);
        let mut second = model(3);
        let history = second.fit(data, with_callbacks(fit(), &backup)).unwrap();
        assert_eq!(history_bits(&history), history_bits(&expected), "stopped at epoch {stop}");
        assert!(bits(&mut second) == bits(&mut whole), "stopped at epoch {stop}");
    }
}

#[test]
fn a_run_that_was_stopped_at_any_epoch_goes_on_with_the_same_bits() {
    let (x, y) = data();
    same_after_a_stop(&(&x, &y).into(), model, fit);
    same_after_a_stop(&(&x, &y).into(), model_with_rising_momentum, fit);
}

#[test]
fn a_convolutional_run_with_augmentation_goes_on_with_the_same_bits() {
    let (x, y) = images();
    same_after_a_stop(&(&x, &y).into(), convolutional, augmented);
}

#[test]
fn a_saved_model_predicts_the_same_bits_and_the_same_file_is_written_again() {
    let (x, y) = data();
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
    let mut trained = model(2);
    trained.fit((&x, &y), fit().epochs(1)).unwrap();
    trained.save(&first).unwrap();
    let mut loaded = Sequential::load(&first).unwrap();
    assert_eq!(loaded.predict(&x).unwrap(), trained.predict(&x).unwrap());
    assert_eq!(loaded.evaluate((&x, &y)).unwrap(), trained.evaluate((&x, &y)).unwrap());
    loaded.save(&second).unwrap();
    assert!(std::fs::read(first).unwrap() == std::fs::read(second).unwrap());
}

#[test]
fn steps_per_epoch_go_on_where_the_last_epoch_ended() {
    let (x, y) = data();
    let mut one = model(1);
    one.fit((&x, &y), Fit::new().epochs(2).batch_size(101).verbose(false)).unwrap();
    let mut other = model(1);
    other.fit((&x, &y), Fit::new().epochs(4).batch_size(101).steps_per_epoch(5).verbose(false)).unwrap();
    assert!(bits(&mut one) == bits(&mut other));
}
