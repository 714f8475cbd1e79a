//! `thinnet data export`

use std::fs;
use std::path::Path;

use ndarray::{ArrayView1, ArrayViewD, IxDyn};
use thinnet::data::formats::npy;
use thinnet::data::{Features, Targets};
use thinnet::{Error, Result, datasets};

use crate::arguments::Export;
use crate::exit::print;

pub(super) fn run(arguments: &Export) -> Result<()> {
    let data = datasets::load(&arguments.name)?;
    let folder = &arguments.out;
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    features(&folder.join("x.npy"), &data.train.x)?;
    targets(&folder.join("y.npy"), &data.train.y)?;
    features(&folder.join("x_test.npy"), &data.test.x)?;
    targets(&folder.join("y_test.npy"), &data.test.y)?;
    let sizes: Vec<_> = data.train.x.sample_shape().axes().iter().map(ToString::to_string).collect();
    print(&format!(
        "{}: {} + {} samples of {} as x.npy, y.npy, x_test.npy and y_test.npy\n",
        folder.display(),
        data.train.x.len(),
        data.test.x.len(),
        sizes.join("×")
    ))
}

/// The values that training sees.
fn features(path: &Path, x: &Features) -> Result<()> {
    let sample = x.sample_shape();
    let mut values = vec![0.0_f32; x.len() * sample.len()];
    for (index, row) in values.chunks_exact_mut(sample.len().max(1)).enumerate() {
        x.gather(index, row);
    }
    array(path, &[&[x.len()], sample.axes()].concat(), &values)
}

fn targets(path: &Path, y: &Targets) -> Result<()> {
    match y {
        Targets::Classes(classes) => npy::write(path, &ArrayView1::from(&classes[..])),
        Targets::Values { sample, values } => array(path, &[&[y.len()], sample.axes()].concat(), values),
    }
}

fn array(path: &Path, shape: &[usize], values: &[f32]) -> Result<()> {
    let view = ArrayViewD::from_shape(IxDyn(shape), values);
    npy::write(path, &view.map_err(|error| Error::Data(error.to_string()))?)
}
