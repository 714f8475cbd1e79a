//! Layers by their class names, from and to configurations.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    Activation, AlphaDropout, AveragePooling1D, AveragePooling2D, Base, BatchNormalization, ConcreteDropout,
    Conv1D, Conv2D, Cropping2D, Cutout, Dense, DepthwiseConv2D, DropBlock2D, DropConnect, Dropout, ELU,
    Flatten, GaussianDropout, GaussianNoise, GlobalAveragePooling1D, GlobalAveragePooling2D,
    GlobalMaxPooling1D, GlobalMaxPooling2D, Input, Layer, LayerNormalization, LeakyReLU, MaxPooling1D,
    MaxPooling2D, MultiSampleDropout, RandomContrast, RandomFlip, RandomRotation, RandomTranslation,
    RandomZoom, ReLU, Rescaling, Reshape, Residual, SeparableConv2D, Softmax, SpatialDropout1D,
    SpatialDropout2D, SpatialDropout3D, Standout, StochasticDepth, UpSampling2D, VariationalDropout,
    ZeroPadding2D,
};
use crate::config::{Tagged, parse};
use crate::error::{Error, Result};

/// Reads a layer's own arguments; the text says where they stand.
type Read = fn(&str, &Map<String, Value>) -> Result<Box<dyn Layer>>;

/// How the layers of a class are read.
struct Class {
    name: &'static str,
    /// Arguments without a default.
    required: &'static [&'static str],
    read: Read,
}

fn class<L>(name: &'static str, required: &'static [&'static str]) -> Class
where
    L: Layer + Default + Serialize + DeserializeOwned + 'static,
{
    Class { name, required, read: |place, config| Ok(Box::new(parse::<L>(place, config)?)) }
}

fn classes() -> [Class; 49] {
    [
        class::<Activation>("Activation", &["activation"]),
        class::<AlphaDropout>("AlphaDropout", &["rate"]),
        class::<AveragePooling1D>("AveragePooling1D", &[]),
        class::<AveragePooling2D>("AveragePooling2D", &[]),
        class::<BatchNormalization>("BatchNormalization", &[]),
        class::<ConcreteDropout>("ConcreteDropout", &["layer"]),
        class::<Conv1D>("Conv1D", &["filters", "kernel_size"]),
        class::<Conv2D>("Conv2D", &["filters", "kernel_size"]),
        class::<Cropping2D>("Cropping2D", &[]),
        class::<Cutout>("Cutout", &["size"]),
        class::<Dense>("Dense", &["units"]),
        class::<DepthwiseConv2D>("DepthwiseConv2D", &["kernel_size"]),
        class::<DropBlock2D>("DropBlock2D", &["rate", "block_size"]),
        class::<DropConnect>("DropConnect", &["units", "rate"]),
        class::<Dropout>("Dropout", &["rate"]),
        class::<ELU>("ELU", &[]),
        class::<Flatten>("Flatten", &[]),
        class::<GaussianDropout>("GaussianDropout", &["rate"]),
        class::<GaussianNoise>("GaussianNoise", &["stddev"]),
        class::<GlobalAveragePooling1D>("GlobalAveragePooling1D", &[]),
        class::<GlobalAveragePooling2D>("GlobalAveragePooling2D", &[]),
        class::<GlobalMaxPooling1D>("GlobalMaxPooling1D", &[]),
        class::<GlobalMaxPooling2D>("GlobalMaxPooling2D", &[]),
        class::<Input>("Input", &[]),
        class::<Input>("InputLayer", &[]),
        class::<LayerNormalization>("LayerNormalization", &[]),
        class::<LeakyReLU>("LeakyReLU", &[]),
        class::<MaxPooling1D>("MaxPooling1D", &[]),
        class::<MaxPooling2D>("MaxPooling2D", &[]),
        class::<MultiSampleDropout>("MultiSampleDropout", &["rate", "layer"]),
        class::<RandomContrast>("RandomContrast", &["factor"]),
        class::<RandomFlip>("RandomFlip", &[]),
        class::<RandomRotation>("RandomRotation", &["factor"]),
        class::<RandomTranslation>("RandomTranslation", &["height_factor", "width_factor"]),
        class::<RandomZoom>("RandomZoom", &["height_factor"]),
        class::<ReLU>("ReLU", &[]),
        class::<Rescaling>("Rescaling", &["scale"]),
        class::<Reshape>("Reshape", &["target_shape"]),
        class::<Residual>("Residual", &["layers"]),
        class::<SeparableConv2D>("SeparableConv2D", &["filters", "kernel_size"]),
        class::<Softmax>("Softmax", &[]),
        class::<SpatialDropout1D>("SpatialDropout1D", &["rate"]),
        class::<SpatialDropout2D>("SpatialDropout2D", &["rate"]),
        class::<SpatialDropout3D>("SpatialDropout3D", &["rate"]),
        class::<Standout>("Standout", &["activation"]),
        class::<StochasticDepth>("StochasticDepth", &[]),
        class::<UpSampling2D>("UpSampling2D", &[]),
        class::<VariationalDropout>("VariationalDropout", &["units"]),
        class::<ZeroPadding2D>("ZeroPadding2D", &[]),
    ]
}

/// Reads a layer from its class (`Dropout` or `dropout`) and its arguments under Keras's names.
///
/// Every layer also takes `name`, `trainable`, `dtype` (which must be float32) and, for the first layer, the shape of a
/// sample as `input_shape`, or with the batch axis as `batch_shape` or `batch_input_shape`.
///
/// ```
/// let config = serde_json::json!({"rate": 0.2, "name": "first"});
/// let layer = thinnet::layers::from_config("Dropout", config.as_object().unwrap())?;
/// assert_eq!(layer.base().name.as_deref(), Some("first"));
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// For a class or an argument that is not known, one that is missing and one of a wrong type. Whether the arguments'
/// values make sense is checked when the model is built.
pub fn from_config(class: &str, config: &Map<String, Value>) -> Result<Box<dyn Layer>> {
    let classes = classes();
    let alias = |name: &str| class == name.to_lowercase() || class.replace('_', "") == name.to_lowercase();
    let Some(known) = classes.iter().find(|known| known.name == class || alias(known.name)) else {
        return Err(Error::unknown("layer", class, classes.iter().map(|known| known.name)));
    };
    let mut config = config.clone();
    let base = take_base(known.name, &mut config)?;
    for required in known.required {
        if !config.contains_key(*required) {
            return Err(Error::config(known.name, format!("the argument `{required}` is missing")));
        }
    }
    let mut layer = (known.read)(known.name, &config)?;
    *layer.base_mut() = base;
    Ok(layer)
}

/// Reads a layer from a table with `class`, or from Keras's JSON.
///
/// # Errors
/// As [`from_config`].
pub fn from_value(value: &Value) -> Result<Box<dyn Layer>> {
    let Tagged { class, config } = Tagged::split("layer", value)?;
    from_config(&class, &config)
}

/// All arguments of a layer, as [`from_config`] reads them.
pub fn to_config(layer: &dyn Layer) -> Map<String, Value> {
    let Base { name, trainable, input_shape } = layer.base();
    let mut config = Map::new();
    if let Some(name) = name {
        config.insert("name".into(), json!(name));
    }
    let is_input = layer.class_name() == "InputLayer";
    if !is_input {
        config.insert("trainable".into(), json!(trainable));
    }
    config.insert("dtype".into(), json!("float32"));
    if let Some(shape) = input_shape {
        if is_input {
            let batch_shape: Vec<Option<usize>> =
                [None].into_iter().chain(shape.iter().copied().map(Some)).collect();
            config.insert("batch_shape".into(), json!(batch_shape));
        } else {
            config.insert("input_shape".into(), json!(shape));
        }
    }
    config.extend(layer.config());
    config
}

/// A layer in Keras 3's JSON form.
pub fn to_keras(layer: &dyn Layer) -> Value {
    Tagged::to_keras("keras.layers", layer.class_name(), to_config(layer))
}

/// Takes what every layer has out of a configuration.
fn take_base(class: &'static str, config: &mut Map<String, Value>) -> Result<Base> {
    let wrong = |key: &str, expected: &str, value: &Value| {
        Error::config(format!("{class}.{key}"), format!("expected {expected}, got {value}"))
    };
    let mut base = Base::default();
    match config.remove("name") {
        None | Some(Value::Null) => {}
        Some(Value::String(name)) if !name.is_empty() => base.name = Some(name),
        Some(other) => return Err(wrong("name", "a string that is not empty", &other)),
    }
    match config.remove("trainable") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(trainable)) => base.trainable = trainable,
        Some(other) => return Err(wrong("trainable", "true or false", &other)),
    }
    if let Some(dtype) = config.remove("dtype") {
        // Keras writes a string or its DTypePolicy. What an Input holds is converted anyway.
        let name = dtype.pointer("/config/name").unwrap_or(&dtype);
        if !(name.is_null() || name == "float32" || class.starts_with("Input")) {
            return Err(wrong("dtype", "\"float32\", in which everything is computed", name));
        }
    }
    if let Some(value) = config.remove("input_shape").filter(|value| !value.is_null()) {
        let shape = sizes(&value).ok_or_else(|| wrong("input_shape", "a list of positive sizes", &value))?;
        base.input_shape = Some(shape);
    }
    for key in ["batch_shape", "batch_input_shape"] {
        let Some(value) = config.remove(key).filter(|value| !value.is_null()) else { continue };
        let sample = match value.as_array().map(Vec::as_slice) {
            Some([batch, sample @ ..]) if batch.is_null() || batch.is_number() => sizes(&json!(sample)),
            _ => None,
        };
        let expected = "a list of sizes, with null (or -1) for the batch first";
        base.input_shape = Some(sample.ok_or_else(|| wrong(key, expected, &value))?);
    }
    if class.starts_with("Input") {
        if let Some(value) = config.remove("shape") {
            let shape = sizes(&value).ok_or_else(|| wrong("shape", "a list of positive sizes", &value))?;
            base.input_shape = Some(shape);
        }
        if base.input_shape.is_none() {
            return Err(Error::config(class, "the argument `shape` (or `batch_shape`) is missing"));
        }
        for key in ["sparse", "ragged", "optional"] {
            if let Some(value) =
                config.remove(key).filter(|value| !matches!(value, Value::Null | Value::Bool(false)))
            {
                return Err(wrong(key, "false: only dense inputs are known", &value));
            }
        }
    }
    Ok(base)
}

fn sizes(value: &Value) -> Option<Vec<usize>> {
    let size = |value: &Value| usize::try_from(value.as_u64()?).ok().filter(|&size| size > 0);
    value.as_array()?.iter().map(size).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: Value) -> Result<Box<dyn Layer>, String> {
        from_value(&value).map_err(|error| error.to_string())
    }

    #[test]
    fn what_keras_writes_is_read() {
        let policy = json!({"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}});
        let dropout = json!({
            "module": "keras.layers", "class_name": "Dropout", "registered_name": null,
            "config": {"name": "dropout", "trainable": true, "dtype": policy, "rate": 0.2, "seed": 3,
                "noise_shape": [null, 1, 2]},
            "build_config": {"input_shape": [null, 5, 2]}
        });
        let layer = read(dropout).unwrap();
        let want = Dropout::new(0.2).seed(3).noise_shape([-1, 1, 2]).name("dropout");
        assert_eq!(format!("{layer:?}"), format!("{want:?}"));
        let input = json!({
            "module": "keras.layers", "class_name": "InputLayer", "registered_name": null,
            "config": {"batch_shape": [null, 28, 28], "dtype": "uint8", "sparse": false, "ragged": false,
                "name": "input_layer", "optional": false}
        });
        assert_eq!(read(input).unwrap().base().input_shape, Some(vec![28, 28]));
    }

    #[test]
    fn classes_have_keras_names_and_snake_case_aliases() {
        for (class, want) in [
            ("LeakyReLU", "LeakyReLU"),
            ("leaky_relu", "LeakyReLU"),
            ("leaky_re_lu", "LeakyReLU"),
            ("elu", "ELU"),
            ("softmax", "Softmax"),
            ("re_lu", "ReLU"),
        ] {
            assert_eq!(read(json!({"class": class})).unwrap().class_name(), want);
        }
        assert_eq!(
            read(json!({"class": "gaussian_noise", "stddev": 0.1})).unwrap().class_name(),
            "GaussianNoise"
        );
        assert_eq!(read(json!({"class": "Input", "shape": [3]})).unwrap().class_name(), "InputLayer");
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        for (value, message) in [
            (json!({"class": "Droput", "rate": 0.5}), "unknown layer `Droput`: did you mean `Dropout`?"),
            (json!({"class": "Dropout"}), "Dropout: the argument `rate` is missing"),
            (
                json!({"class": "Dropout", "rate": 0.5, "noise_shap": [1]}),
                "Dropout: unknown argument `noise_shap`: did you mean `noise_shape`?",
            ),
            (
                json!({"class": "Dropout", "rate": "a"}),
                "Dropout.rate: expected a number in [0, 1] or a table with `class`, a schedule, got \"a\"",
            ),
            (
                json!({"class": "Flatten", "dtype": "mixed_float16"}),
                "Flatten.dtype: expected \"float32\", in which everything is computed, got \"mixed_float16\"",
            ),
            (
                json!({"class": "Flatten", "name": 7}),
                "Flatten.name: expected a string that is not empty, got 7",
            ),
            (json!({"class": "Flatten", "trainable": 7}), "Flatten.trainable: expected true or false, got 7"),
            (
                json!({"class": "Flatten", "input_shape": [28, -1]}),
                "Flatten.input_shape: expected a list of positive sizes, got [28,-1]",
            ),
            (
                json!({"class": "Flatten", "batch_input_shape": []}),
                "Flatten.batch_input_shape: expected a list of sizes, with null (or -1) for the batch first, got []",
            ),
            (json!({"class": "Input"}), "Input: the argument `shape` (or `batch_shape`) is missing"),
            (
                json!({"class": "Input", "shape": [2], "sparse": true}),
                "Input.sparse: expected false: only dense inputs are known, got true",
            ),
            (
                json!({"class": "Activation", "activation": "rellu"}),
                "Activation.activation: unknown activation `rellu`: did you mean `relu`?",
            ),
        ] {
            assert_eq!(read(value).unwrap_err(), message);
        }
    }

    /// A layer's table with some of its arguments, or others', of some JSON value.
    fn tables() -> impl Strategy<Value = Value> {
        let keys = [
            "rate",
            "noise_shape",
            "seed",
            "stddev",
            "activation",
            "target_shape",
            "axis",
            "scale",
            "max_value",
            "alpha",
            "name",
            "dtype",
            "trainable",
            "input_shape",
            "batch_shape",
            "shape",
            "sparse",
            "data_format",
            "size",
            "factor",
            "height_factor",
            "width_factor",
            "fill_mode",
            "fill_value",
            "value_range",
            "mode",
            "filters",
            "kernel_size",
            "strides",
            "padding",
            "dilation_rate",
            "groups",
            "depth_multiplier",
            "pool_size",
            "cropping",
            "use_bias",
            "bias_initializer",
            "epsilon",
            "quux",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-3..4i64).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            Just(json!("relu")),
            Just(json!("Dropout")),
            Just(json!("wrap")),
        ];
        let value = leaf.prop_recursive(2, 8, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                inner.prop_map(
                    |config| json!({"class_name": "LeakyReLU", "config": {"negative_slope": config}})
                ),
            ]
        });
        let class = prop::sample::select(classes().map(|class| class.name).to_vec());
        (class, prop::collection::vec((prop::sample::select(keys.to_vec()), value), 0..4)).prop_map(
            |(class, config)| {
                let config: Map<String, Value> =
                    config.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
                json!({"class_name": class, "config": config})
            },
        )
    }

    proptest! {
        #[test]
        fn no_table_makes_reading_or_building_panic(table in tables(), shape in prop::collection::vec(0..4usize, 0..3)) {
            if let Ok(layer) = from_value(&table) {
                let shape = layer.base().input_shape.clone().unwrap_or(shape);
                let _ = layer.build(&shape.into());
                prop_assert_eq!(format!("{:?}", from_value(&to_keras(layer.as_ref())).unwrap()), format!("{layer:?}"));
            }
        }

        #[test]
        fn no_mutation_of_keras_json_makes_reading_panic(
            place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()
        ) {
            let layer = Dropout::new(0.2).noise_shape([-1, 1, 3]).seed(7).name("dropout");
            let mut text = to_keras(&layer).to_string().into_bytes();
            *place.get_mut(&mut text) = byte;
            for text in [&text[..], &text[..cut.index(text.len())]] {
                let Ok(value) = serde_json::from_slice::<Value>(text) else { continue };
                if let Ok(layer) = from_value(&value) {
                    let _ = layer.build(&[2, 3].into());
                }
            }
        }
    }
}
