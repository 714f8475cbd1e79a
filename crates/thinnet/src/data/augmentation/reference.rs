//! The fixed numbers that `tools/keras_augmentation.py` makes, for tests of what is not public.

use serde_json::Value;

pub(crate) fn cases(key: &str) -> Vec<Value> {
    let text = include_str!("../../../tests/reference/augmentation.json");
    let reference: Value = serde_json::from_str(text).unwrap();
    reference[key].as_array().unwrap().clone()
}

pub(crate) fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

pub(crate) fn sizes(value: &Value) -> Vec<usize> {
    floats(value).into_iter().map(|size| size as usize).collect()
}

/// The image `index` as the script sets it, with values between -1 and 2.
pub(crate) fn image(len: usize, index: usize) -> Vec<f32> {
    let value = |e: usize| {
        let (e, i) = (e as f64, index as f64);
        (-1.0 + 3.0 * (0.5 + 0.5 * (1.0 + 0.7 * e + 1.3 * i + 0.37 * e * i).sin())) as f32
    };
    (0..len).map(value).collect()
}

#[track_caller]
pub(crate) fn close(name: &dyn std::fmt::Debug, got: &[f32], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    for (e, (&got, want)) in got.iter().zip(want).enumerate() {
        assert!((f64::from(got) - want).abs() < 1e-5, "{name:?}: element {e} is {got}, expected {want}");
    }
}
