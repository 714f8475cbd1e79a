//! Readers of models and experiments do not panic, whatever the bytes.

use std::path::Path;

use proptest::prelude::*;
use thinnet::data::augmentation::Augment;
use thinnet::experiment::Experiment;
use thinnet::prelude::*;

const EXPERIMENT: &str = r#"
seed = 1
data = { dataset = "mnist" }
[model]
layers = [
  { class = "Dense", units = 4, activation = "relu", kernel_regularizer = { class = "L2", l2 = 0.1 }, input_shape = [6] },
  { class = "Dropout", rate = 0.2, noise_shape = [-1, 4] },
  { class = "Reshape", target_shape = [2, -1] },
  { class = "Flatten" },
  { class = "Dense", units = 3, activation = "softmax" },
]
[compile]
optimizer = { class = "SGD", learning_rate = { class = "CosineDecay", decay_steps = 10 } }
loss = "sparse_categorical_crossentropy"
metrics = ["accuracy", { class = "AUC", num_thresholds = 20 }]
[fit]
epochs = 2
[augmentation]
rotation_range = 15
zoom_range = [0.9, 1.1]
width_shift_range = 0.1
height_shift_range = [1, 2]
fill_mode = "reflect"
horizontal_flip = true
[[callbacks]]
class = "EarlyStopping"
"#;

const OPTIONS: &str = "rotation_range=30,zoom_range=[0.8, 1.2],width_shift_range=2,fill_mode=constant,cval=7,\
                       brightness_range=[0.5,1.5],channel_shift_range=0.1,horizontal_flip=true,rescale=0.5";

fn model() -> Sequential {
    Experiment::from_toml(EXPERIMENT, Path::new(""), &[]).unwrap().model().unwrap()
}

/// A truncation, and some bytes replaced, removed or inserted.
fn mutate(bytes: &[u8], len: usize, changes: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes[..len % (bytes.len() + 1)].to_vec();
    for &(at, value, kind) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at % bytes.len();
        match kind % 3 {
            0 => bytes[at] = value,
            1 => {
                bytes.remove(at);
            }
            _ => bytes.insert(at, value),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    proptest::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 0..6)
}

/// Mostly whole, so that the changes matter.
fn length(whole: usize) -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(whole), 1 => 0..=whole]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn of_experiments(len in length(EXPERIMENT.len()), changes in changes()) {
        let text = String::from_utf8_lossy(&mutate(EXPERIMENT.as_bytes(), len, &changes)).into_owned();
        if let Ok(experiment) = Experiment::from_toml(&text, Path::new(""), &[]) {
            // What is too large to build is not what is tested here.
            if !text.contains("000") {
                let _ = experiment.to_toml();
            }
        }
    }

    #[test]
    fn of_overrides(set in "[a-z.0-9]{0,12}=?.{0,12}") {
        let _ = Experiment::from_toml(EXPERIMENT, Path::new(""), &[set]);
    }

    #[test]
    fn of_augmentation_options(
        len in length(OPTIONS.len()), changes in changes(), low in any::<f64>(), high in any::<f64>(),
    ) {
        let text = String::from_utf8_lossy(&mutate(OPTIONS.as_bytes(), len, &changes)).into_owned();
        for text in [text, format!("zoom_range=[{low:?},{high:?}],rotation_range={low:?},shear_range={high:?}")] {
            let Ok(datagen) = text.parse::<ImageDataGenerator>() else { continue };
            assert_eq!(&datagen.to_string().parse::<ImageDataGenerator>().unwrap(), &datagen);
            let shape = Shape::from([3, 2, 1]);
            if datagen.check(&shape).is_ok() {
                datagen.apply(&shape, 1, 0, 0, &[0.5; 6], &mut [0.0; 6], &mut []);
            }
        }
    }

    #[test]
    fn of_keras_json(len in length(2000), changes in changes()) {
        let json = model().to_json().unwrap();
        let len = if len == 2000 { json.len() } else { len };
        let text = String::from_utf8_lossy(&mutate(json.as_bytes(), len, &changes)).into_owned();
        let _ = Sequential::from_json(&text);
    }

    #[test]
    fn of_model_files(len in length(8000), changes in changes()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let mut model = model();
        model.set_class_names(["cat", "dog", "fish"]);
        model.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let len = if len == 8000 { bytes.len() } else { len };
        std::fs::write(&path, mutate(&bytes, len, &changes)).unwrap();
        let _ = Sequential::load(&path);
    }
}
