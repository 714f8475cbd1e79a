//! An array of a file, of whatever type the file has.

use std::path::Path;

use ndarray::ArrayD;

use super::formats::{csv, idx, npy, npz};
use super::{Features, Targets};
use crate::error::{Error, Result};
use crate::shape::Shape;

/// An array as a file gave it, in standard (C) order.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyArray {
    /// Floats; what was stored as doubles is rounded.
    F32(ArrayD<f32>),
    /// Bytes, and truth values as 0 and 1.
    U8(ArrayD<u8>),
    /// Integers of any other type.
    I64(ArrayD<i64>),
}

impl AnyArray {
    /// The sizes of the axes, that of the samples first.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::F32(array) => array.shape(),
            Self::U8(array) => array.shape(),
            Self::I64(array) => array.shape(),
        }
    }

    /// The array as a model's inputs, samples along the first axis. Bytes stay bytes, without a scale; other integers
    /// become floats.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no axis of samples, or samples have no elements.
    pub fn into_features(self) -> Result<Features<'static>> {
        let sample = self.sample_shape()?;
        Ok(match self {
            Self::F32(array) => Features::floats(sample, elements(array)),
            Self::U8(array) => Features::bytes(sample, elements(array), 1.0),
            Self::I64(array) => {
                let values: Vec<f32> = array.iter().map(|&value| value as f32).collect();
                Features::floats(sample, values)
            }
        })
    }

    /// The array as a model's targets. As everywhere, one integer a sample is a class number, anything else is values.
    ///
    /// # Errors
    /// As [`into_features`](Self::into_features).
    pub fn into_targets(self) -> Result<Targets<'static>> {
        self.sample_shape()?;
        Ok(match self {
            Self::F32(array) => Targets::from(&array).into_owned(),
            Self::U8(array) => Targets::from(&array).into_owned(),
            Self::I64(array) => Targets::from(&array).into_owned(),
        })
    }

    /// The array as floats.
    pub fn into_f32(self) -> ArrayD<f32> {
        match self {
            Self::F32(array) => array,
            Self::U8(array) => array.mapv(f32::from),
            Self::I64(array) => array.mapv(|value| value as f32),
        }
    }

    fn sample_shape(&self) -> Result<Shape> {
        match self.shape() {
            [] => Err(Error::Data("expected samples along the first axis, got a single number".to_owned())),
            [_, sample @ ..] if sample.contains(&0) => Err(Error::Data(format!(
                "expected samples with elements, got an array of shape {:?}",
                self.shape()
            ))),
            [_, sample @ ..] => Ok(Shape::from(sample)),
        }
    }
}

/// The elements in standard order.
fn elements<T: Clone>(array: ArrayD<T>) -> Vec<T> {
    match array.is_standard_layout() {
        true => array.into_raw_vec_and_offset().0,
        false => array.iter().cloned().collect(),
    }
}

/// Reads an array from a file; the name tells the format:
///
/// | name | format |
/// |---|---|
/// | `*.npy` | NumPy's, see [`npy`] |
/// | `*.npz`, `*.npz:NAME` | one array of NumPy's archive; the name may be left out where there is only one, see [`npz`] |
/// | `*.csv`, `*.tsv` | a table of numbers, integers if all of them are, see [`csv`](mod@csv) |
/// | `*.idx`, `*-ubyte` and the like | IDX, see [`idx`] |
///
/// All but the archive may be gzipped and have `.gz` after the name.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::File`] where its contents or its name are not one of these.
pub fn load_array(path: impl AsRef<Path>) -> Result<AnyArray> {
    let path = path.as_ref();
    if let Some((archive, name)) = path.to_str().and_then(npz::split_path) {
        return npz::Npz::open(archive)?.read(name);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let extension = Path::new(name).extension().unwrap_or_default();
    match extension.to_str().unwrap_or_default() {
        "npy" => npy::read(path),
        "npz" => npz::Npz::open(path)?.read_only_one(),
        "csv" => Ok(csv::Csv::new().read(path)?.into_array()),
        "tsv" => Ok(csv::Csv::new().delimiter(b'\t').read(path)?.into_array()),
        "idx" => idx::read(path),
        _ if ["-ubyte", "-byte", "-short", "-int", "-float", "-double"]
            .iter()
            .any(|end| name.ends_with(end)) =>
        {
            idx::read(path)
        }
        _ => Err(Error::file(
            path,
            "unknown kind of file: expected a name that ends in .npy, .npz, .csv, .tsv, .idx or -ubyte",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn one_integer_a_sample_is_a_class_and_bytes_stay_bytes() {
        let labels = AnyArray::U8(array![3, 1].into_dyn()).into_targets().unwrap();
        let Targets::Classes(classes) = labels else { panic!("expected classes") };
        assert_eq!(classes[..], [3, 1]);
        let column = AnyArray::I64(array![[3], [1]].into_dyn()).into_targets().unwrap();
        assert!(matches!(column, Targets::Classes(_)));
        let hot = AnyArray::I64(array![[0, 1], [1, 0]].into_dyn()).into_targets().unwrap();
        assert!(matches!(hot, Targets::Values { .. }));

        let features = AnyArray::U8(array![[1, 2], [3, 4]].into_dyn()).into_features().unwrap();
        let mut sample = [0.0; 2];
        features.gather(1, &mut sample);
        assert_eq!(sample, [3.0, 4.0]);
    }

    #[test]
    fn arrays_without_samples_or_elements_are_errors() {
        let scalar = AnyArray::F32(ndarray::arr0(1.0).into_dyn());
        assert!(scalar.clone().into_features().is_err() && scalar.into_targets().is_err());
        let hollow = AnyArray::F32(Array2::zeros((3, 0)).into_dyn()).into_features().unwrap_err();
        assert_eq!(hollow.to_string(), "expected samples with elements, got an array of shape [3, 0]");
    }

    #[test]
    fn the_name_tells_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("labels.idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 1, 5]).unwrap();
        assert_eq!(load_array(at("labels.idx1-ubyte")).unwrap(), AnyArray::U8(array![5].into_dyn()));
        npy::write(at("x.npy"), &array![1.5_f32]).unwrap();
        assert_eq!(load_array(at("x.npy")).unwrap(), AnyArray::F32(array![1.5].into_dyn()));
        std::fs::write(at("y.csv"), "1,2\n3,4\n").unwrap();
        assert_eq!(load_array(at("y.csv")).unwrap(), AnyArray::I64(array![[1, 2], [3, 4]].into_dyn()));
        std::fs::write(at("y.tsv"), "1\t2.5\n").unwrap();
        assert_eq!(load_array(at("y.tsv")).unwrap(), AnyArray::F32(array![[1.0, 2.5]].into_dyn()));
        assert!(load_array(at("x.mat")).unwrap_err().to_string().contains("unknown kind of file"));
    }
}
