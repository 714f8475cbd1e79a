//! Bad input and what is said about it: a table of inputs and messages.

use ndarray::{Array1, Array2, array};
use thinnet::callbacks::Mode;
use thinnet::experiment::Experiment;
use thinnet::prelude::*;

fn classifier() -> Sequential {
    let mut model = Sequential::new()
        .add(Dense::new(8).activation(Relu).input_shape([4]))
        .add(Dropout::new(0.5))
        .add(Dense::new(3).activation(Softmax));
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
    model
}

fn x() -> Array2<f32> {
    Array2::from_elem((6, 4), 0.5)
}

fn y() -> Array1<i32> {
    array![0, 1, 2, 0, 1, 2]
}

fn quiet<'a>() -> Fit<'a> {
    Fit::new().verbose(false)
}

#[test]
fn models_that_cannot_be_built() {
    let with = |layer: Dropout| Sequential::new().add(Dense::new(3).input_shape([4])).add(layer);
    let table = [
        (Sequential::new(), "sequential: the model has no layers: add some"),
        (
            Sequential::new().add(Dense::new(3)),
            "dense: the first layer's input shape is not known: start with Input::new(shape), or call \
             input_shape(shape) on the layer",
        ),
        (
            Sequential::new().add(Dense::new(1 << 40).input_shape([4])),
            "sequential: the model needs 5497558138880 numbers in one place, more than 4294967296: make it smaller",
        ),
        (with(Dropout::new(1.5)), "dropout: rate must be in [0, 1] (the fraction that is dropped), got 1.5"),
        (
            with(Dropout::new(f64::NAN)),
            "dropout: rate must be in [0, 1] (the fraction that is dropped), got NaN",
        ),
        (
            Sequential::new().add(Dense::new(0).input_shape([4])),
            "dense: units must be a positive integer, got 0",
        ),
        (
            Sequential::new().add(Dense::new(3).activation("rellu").input_shape([4])),
            "dense: unknown activation `rellu`: did you mean `relu`?",
        ),
        (
            Sequential::new().add(Dense::new(3).name("a").input_shape([4])).add(Dense::new(3).name("a")),
            "a: two layers have this name: give each its own",
        ),
    ];
    for (mut model, message) in table {
        assert_eq!(model.build().unwrap_err().to_string(), message);
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let mut model = Sequential::new()
        .add(Dense::new(0).input_shape([4]))
        .add(Dropout::new(-0.1))
        .add(Reshape::new([5, 5]));
    let message = model.build().unwrap_err().to_string();
    assert_eq!(message.matches("; ").count(), 2, "{message}");
}

#[test]
fn names_that_are_not_known() {
    let mut model = Sequential::new().add(Dense::new(1).input_shape([4]));
    let none = [] as [&str; 0];
    let table = [
        (model.compile("adm", "mse", none), "unknown optimizer `adm`: did you mean `adam`?"),
        (
            model.compile("adam", "mean_square_error", none),
            "unknown loss `mean_square_error`: did you mean `mean_squared_error`?",
        ),
        (model.compile("adam", "mse", ["acuracy"]), "unknown metric `acuracy`: did you mean `accuracy`?"),
    ];
    for (result, message) in table {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
}

#[test]
fn augmentation_that_an_experiment_cannot_have() {
    const EXPERIMENT: &str = "[data]\ndataset = \"mnist\"\n[model]\nlayers = [{ class = \"Flatten\" }]\n\
                              [compile]\nloss = \"mse\"\n[augmentation]\n";
    let message = |options: &str, sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|&set| set.into()).collect();
        let text = format!("{EXPERIMENT}{options}");
        Experiment::from_toml(&text, std::path::Path::new(""), &sets).unwrap_err().to_string()
    };
    for (options, expected) in [
        (
            "rotaton_range = 30",
            "augmentation: unknown argument `rotaton_range`: did you mean `rotation_range`?",
        ),
        (
            "horizontal_flip = 1",
            "augmentation.horizontal_flip: invalid type: integer `1`, expected a boolean",
        ),
        (
            "width_shift_range = true",
            "augmentation.width_shift_range: expected a number of pixels or a fraction, or a list of them",
        ),
        (
            "zoom_range = [0.5]",
            "augmentation.zoom_range: expected a number z for [1 - z, 1 + z], or a list of the two limits",
        ),
        ("fill_mode = \"near\"", "augmentation.fill_mode: unknown fill mode `near`: did you mean `nearest`?"),
        (
            "width_shift_range = -0.1",
            "augmentation: width_shift_range must be a number of pixels or a fraction, not negative, or a list of them, \
             got -0.1",
        ),
        (
            "interpolation_order = 3",
            "augmentation: interpolation_order must be 0 (the nearest pixel) or 1 (linear), got 3",
        ),
        ("rescale = inf", "augmentation.rescale: expected a finite number"),
        ("zoom_range = [nan, 1]", "augmentation.zoom_range.0: expected a finite number"),
        (
            "validation_split = 0.2",
            "augmentation.validation_split: expected 0 in an experiment, got 0.2: set fit.validation_split",
        ),
    ] {
        assert_eq!(message(options, &[]), expected);
        assert_eq!(message("", &[&format!("augmentation.{}", options.replace(" = ", "="))]), expected);
    }
}

#[test]
fn data_that_do_not_fit() {
    let mut nan = x();
    nan[[2, 1]] = f32::NAN;
    let wide = Array2::<f32>::zeros((6, 5));
    let (short, high, negative) = (array![0, 1], array![0, 1, 2, 0, 1, 3], array![0, -1, 2, 0, 1, 2]);
    let empty = (Array2::<f32>::zeros((0, 4)), Array1::<i32>::zeros(0));
    let (x, y) = (x(), y());
    let mut model = classifier();
    let table = [
        (
            model.fit((&wide, &y), quiet()),
            "expected samples of shape (None, 4), got (None, 5): give the first layer the data's shape",
        ),
        (
            model.fit((&x, &short), quiet()),
            "expected one target for each sample, got 6 samples and 2 targets",
        ),
        (
            model.fit((&x, &high), quiet()),
            "expected class numbers from 0 to 2, got 3 (sample 5): number the classes from 0, or give the last layer \
             more units",
        ),
        (
            model.fit((&x, &negative), quiet()),
            "expected class numbers from 0 to 2, got -1 (sample 1): number the classes from 0, or give the last layer \
             more units",
        ),
        (
            model.fit((&nan, &y), quiet()),
            "x has a value that is NaN or infinite (sample 2, element 1): clean or fill it first",
        ),
        (model.fit((&empty.0, &empty.1), quiet()), "expected at least one sample to train on, got none"),
        (
            model.fit((&x, &y), quiet().validation_split(0.9)),
            "validation_split 0.9 of 6 samples leaves 0 for training and 6 for validation: both need at least one",
        ),
        (model.fit((&x, &y), quiet().validation_split(1.5)), "validation_split must be in [0, 1), got 1.5"),
        (model.fit((&x, &y), quiet().batch_size(0)), "batch_size must be from 1 to 16777216, got 0"),
        (
            model.fit((&x, &y), quiet().sample_weight(vec![1.0; 5])),
            "expected 6 sample weights, one a sample, got 5",
        ),
        (
            model.fit((&x, &y), quiet().callback(EarlyStopping::new("val_loss"))),
            "EarlyStopping: `val_loss` never comes, as there is no validation: give validation_split or validation_data",
        ),
        (
            model.fit((&x, &y), quiet().callback(EarlyStopping::new("lss").mode(Mode::Min))),
            "unknown value to monitor `lss`: did you mean `loss`?",
        ),
    ];
    for (result, message) in table {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
}

#[test]
fn class_numbers_may_be_floats_if_they_are_whole() {
    let (mut model, floats) = (classifier(), y().mapv(|class| class as f32));
    let logs = model.evaluate((&x(), &y())).unwrap();
    assert_eq!(model.evaluate((&x(), &floats)).unwrap(), logs);
    assert_eq!(model.evaluate((&x(), &floats.clone().insert_axis(ndarray::Axis(1)))).unwrap(), logs);
    for (number, message) in [(0.5, "values of shape (None, 1)"), (3.0, "got 3 (sample 1)")] {
        let mut wrong = floats.clone();
        wrong[1] = number;
        let error = model.evaluate((&x(), &wrong)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn calls_out_of_order() {
    let mut model = Sequential::new().add(Dense::new(3).input_shape([4]));
    model.build().unwrap();
    let message = model.fit((&x(), &y()), quiet()).unwrap_err().to_string();
    assert_eq!(message, "the model is not compiled: call compile() first");
}

#[test]
fn model_files_that_are_not_whole_or_not_models() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    classifier().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for len in [0, 4, 8, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..len]).unwrap();
        let message = Sequential::load(&path).unwrap_err().to_string();
        assert!(message.contains("not a whole safetensors file"), "{message}");
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let ours = format!("\"thinnet.version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&ours));
    let position = bytes.windows(ours.len()).position(|window| window == ours.as_bytes()).unwrap();
    let mut newer = bytes.clone();
    newer[position + ours.len() - 6..position + ours.len() - 1].copy_from_slice(b"9.9.9");
    std::fs::write(&path, newer).unwrap();
    let message = Sequential::load(&path).unwrap_err().to_string();
    assert!(message.contains("was written by Thinnet 9.9.9, newer than this one"), "{message}");
}

#[test]
fn class_names_in_a_model_file_are_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut model = classifier();
    model.save(&path).unwrap();
    assert!(Sequential::load(&path).unwrap().class_names().is_empty());
    model.set_class_names(["cat", "dog", "fish"]);
    model.save(&path).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let list = br#"[\"cat\""#;
    let at = bytes.windows(list.len()).position(|window| window == list).unwrap();
    bytes[at] = b'{';
    std::fs::write(&path, bytes).unwrap();
    let message = Sequential::load(&path).unwrap_err().to_string();
    assert!(message.contains("`thinnet.classes` must be a list of names: "), "{message}");
}
