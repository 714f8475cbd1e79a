//! The same seed gives the same bits, for any number of threads and after a stop at any epoch.

use ndarray::{Array1, Array2};
use thinnet::prelude::*;

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
        .add(Dropout::new(0.3))
        .add(Dense::new(60).activation(Tanh).kernel_constraint(MaxNorm::new(1.0)))
        .add(Dropout::new(0.2).noise_shape([-1, 60]))
        .add(GaussianDropout::new(0.1))
        .add(GaussianNoise::new(0.05))
        .add(Dense::new(10).activation(Softmax));
    model.compile(Adam::new(0.003), "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
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

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (x, y) = data();
    let mut expected = None;
    for threads in [1, 2, 3, 8] {
        let mut model = model(threads);
        let history = model.fit((&x, &y), fit()).unwrap();
        let predictions: Vec<u32> = model.predict(&x).unwrap().iter().map(|p| p.to_bits()).collect();
        let outcome = (history_bits(&history), bits(&mut model), predictions);
        match &expected {
            None => expected = Some(outcome),
            Some(expected) => assert!(*expected == outcome, "{threads} threads give other bits"),
        }
    }
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

fn with_callbacks<'a>(folder: &std::path::Path) -> Fit<'a> {
    fit()
        .callback(EarlyStopping::new("val_loss").patience(3).restore_best_weights(true))
        .callback(ReduceLROnPlateau::new("loss").factor(0.5).patience(1).min_delta(10.0))
        .callback(BackupAndRestore::new(folder))
}

#[test]
fn a_run_that_was_stopped_at_any_epoch_goes_on_with_the_same_bits() {
    let (x, y) = data();
    let folder = tempfile::tempdir().unwrap();
    let mut whole = model(2);
    let expected = whole.fit((&x, &y), with_callbacks(&folder.path().join("whole"))).unwrap();
    assert!(expected["learning_rate"].last() < expected["learning_rate"].first());
    for stop in 1..expected.len() {
        let backup = folder.path().join(stop.to_string());
        let mut first = model(1);
        first.fit((&x, &y), with_callbacks(&backup).callback(StopAfter(stop))).unwrap();
        drop(first);
        let mut second = model(3);
        let history = second.fit((&x, &y), with_callbacks(&backup)).unwrap();
        assert_eq!(history_bits(&history), history_bits(&expected), "stopped at epoch {stop}");
        assert!(bits(&mut second) == bits(&mut whole), "stopped at epoch {stop}");
    }
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
