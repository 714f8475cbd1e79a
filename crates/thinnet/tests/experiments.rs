//! The experiments that the project ships with.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use thinnet::data::{Data, Dataset, datasets};
use thinnet::experiment::Experiment;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files =
        files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.chain(folders.iter().flat_map(|folder| crate::files(folder))).collect()
}

/// A few samples of a regression.
fn small() -> Dataset {
    let (x, y) = (Array2::<f32>::zeros((10, 3)), Array2::<f32>::zeros((10, 1)));
    let train = Data::from((&x, &y)).into_owned();
    Dataset { name: "small".into(), class_names: Vec::new(), test: train.clone(), train }
}

#[test]
fn every_experiment_s_model_can_be_built() {
    let mnist = datasets::mnist().unwrap();
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments"));
    assert!(files.len() > 40, "{files:?}");
    for file in files {
        let experiment = Experiment::from_file(&file, &[]).unwrap();
        let experiment = match experiment.data.dataset.as_deref() {
            Some("mnist") => experiment.with_input_of(&mnist),
            // Tables do not come with the project.
            None if experiment.data.table.is_some() => experiment.with_input_of(&small()),
            _ => experiment.with_input_shape(),
        };
        let model = experiment.and_then(|experiment| experiment.model());
        assert!(model.is_ok(), "{}: {}", file.display(), model.unwrap_err());
    }
}
