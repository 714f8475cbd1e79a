//! `[data]`: what an experiment trains and tests on.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Listing, TargetSource};
use crate::data::formats::image::{ColorMode, Interpolation};
use crate::data::formats::image_folder::{ImageFolder, ReadFolder};
use crate::data::{Data, Dataset, Features, Standardization, Targets, datasets, load_array};
use crate::error::{Error, Result};

/// `[data]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataConfig {
    /// A data set by name.
    pub dataset: Option<String>,
    /// The training samples: `.npy`, `.npz`, IDX or CSV.
    pub x: Option<PathBuf>,
    /// Their targets.
    pub y: Option<PathBuf>,
    /// The test samples.
    pub x_test: Option<PathBuf>,
    /// Their targets.
    pub y_test: Option<PathBuf>,
    /// A folder of pictures: see [`image_folder`](crate::data::formats::image_folder).
    pub folder: Option<PathBuf>,
    /// The height and the width that its pictures are given. Default: they must have one size.
    pub image_size: Option<[usize; 2]>,
    /// How they are resized. Default: `bilinear`.
    pub interpolation: Option<Interpolation>,
    /// Which channels they are given. Default: `rgb`.
    pub color_mode: Option<ColorMode>,
    /// Whether pictures that cannot be read are left out. Default: they are errors.
    pub skip_corrupt: Option<bool>,
    /// A file with a row for each sample, training and test samples alike, its columns separated by commas, semicolons or white
    /// space; with or without a header.
    pub table: Option<PathBuf>,
    /// The table's columns that are to be predicted, by their names or by their numbers from 0.
    pub target: Option<Listing>,
    /// Those to predict from. Default: all others.
    pub features: Option<Listing>,
    /// The rows to train on, from 0, in the order in which they are to come. Default: all that are not test rows.
    pub train_rows: Option<Listing>,
    /// The rows to test on. Default: none.
    pub test_rows: Option<Listing>,
    /// `true` standardizes inputs and targets, `"features"` the inputs alone: the network sees them with mean 0 and standard
    /// deviation 1 over the samples that are trained on, while metrics and predictions are in the targets' own units. Not with
    /// `[augmentation]`. Default: false.
    pub standardize: Option<Standardize>,
    /// Takes only this many training samples, the first ones. Default: all.
    pub samples: Option<usize>,
    /// `inputs` makes an autoencoder: the samples are their own targets. Default: the data's targets.
    pub targets: Option<TargetSource>,
}

/// What is standardized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Standardize {
    /// Inputs and targets, or nothing.
    All(bool),
    /// A part.
    Part(StandardizedPart),
}

/// A part of the data that is standardized alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandardizedPart {
    /// The inputs.
    Features,
}

impl DataConfig {
    /// All paths in it.
    pub(super) fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let Self { x, y, x_test, y_test, folder, table, target, features, train_rows, test_rows, .. } = self;
        let listings = [target, features, train_rows, test_rows].into_iter().flatten();
        let paths = [x, y, x_test, y_test, folder, table].into_iter().flatten();
        paths.chain(listings.filter_map(Listing::path_mut)).collect()
    }

    pub(super) fn check(&self) -> Result<()> {
        let Self { dataset, x, y, x_test, y_test, folder, table, samples, .. } = self;
        const ONE: &str = "a `dataset`, a `folder` of pictures, a `table`, or `x` and `y` files";
        let sources = [
            ("`dataset`", dataset.is_some()),
            ("`folder`", folder.is_some()),
            ("`table`", table.is_some()),
            ("`x` and `y`", x.is_some() || y.is_some()),
        ];
        let given: Vec<&str> = sources.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        match given.len() {
            0 => return Err(Error::config("data", format!("expected {ONE}"))),
            1 => {}
            _ => {
                let message = format!("expected one of {ONE}, got {}", given.join(" and "));
                return Err(Error::config("data", message));
            }
        }
        if let Some(name) = dataset {
            datasets::find(name)?;
        }
        if x.is_some() != y.is_some() {
            return Err(Error::config("data", "`x` and `y` belong together: one is missing"));
        }
        self.check_options()?;
        if x_test.is_some() != y_test.is_some() {
            return Err(Error::config("data", "`x_test` and `y_test` belong together: one is missing"));
        }
        if *samples == Some(0) {
            return Err(Error::config("data.samples", "expected at least one sample, got 0"));
        }
        Ok(())
    }

    /// Options that go with one kind of data only.
    fn check_options(&self) -> Result<()> {
        let of_pictures = [
            ("image_size", self.image_size.is_some()),
            ("interpolation", self.interpolation.is_some()),
            ("color_mode", self.color_mode.is_some()),
            ("skip_corrupt", self.skip_corrupt.is_some()),
        ];
        let of_table = [
            ("target", self.target.is_some()),
            ("features", self.features.is_some()),
            ("train_rows", self.train_rows.is_some()),
            ("test_rows", self.test_rows.is_some()),
        ];
        for (options, of, missing) in [
            (&of_pictures, "a `folder` of pictures", self.folder.is_none()),
            (&of_table, "a `table`", self.table.is_none()),
        ] {
            if let Some((key, _)) = options.iter().find(|(_, given)| *given && missing) {
                return Err(Error::config(format!("data.{key}"), format!("is for {of}, got none")));
            }
        }
        if self.x_test.is_none() && self.y_test.is_none() {
            return Ok(());
        }
        for (of, given, instead) in [
            ("dataset", self.dataset.is_some(), "it has test data of its own"),
            ("folder", self.folder.is_some(), "put test pictures into its `test`"),
            ("table", self.table.is_some(), "name its `test_rows`"),
        ] {
            if given {
                let message = format!("`x_test` and `y_test` do not go with a `{of}`: {instead}");
                return Err(Error::config("data", message));
            }
        }
        Ok(())
    }

    /// What the data are called.
    pub(super) fn name(&self) -> String {
        let Self { dataset, folder, table, x, .. } = self;
        let text = |part: Option<&std::ffi::OsStr>| {
            part.map_or_else(String::new, |part| part.to_string_lossy().into_owned())
        };
        match (dataset, folder, table, x) {
            (Some(name), ..) => name.clone(),
            (None, Some(folder), ..) => text(folder.file_name()),
            (None, None, Some(table), _) => super::table::name(table),
            (None, None, None, x) => text(x.as_deref().and_then(Path::file_stem)),
        }
    }

    /// The data, and what is to be said of them.
    pub(super) fn load(&self) -> Result<(Dataset, Vec<String>)> {
        let Self { dataset, folder, table, x, y, x_test, y_test, samples, .. } = self;
        if let Some(path) =
            self.clone().paths_mut().into_iter().find(|path| path.to_string_lossy().contains("{data_folder}"))
        {
            let message = "is in the folder that the environment variable THINNET_DATA names: set it, or give the folder as \
                           values.data_folder";
            return Err(Error::file(path, message));
        }
        let mut notes = Vec::new();
        let mut data = match (dataset, folder, table, x, y) {
            (Some(name), ..) => datasets::load(name)?,
            (None, Some(folder), ..) => {
                let ReadFolder { dataset, skipped } = self.image_folder().read(folder)?;
                if let Some(first) = skipped.first() {
                    let count = skipped.len();
                    notes.push(format!("pictures skipped that cannot be read: {count}, the first: {first}"));
                }
                dataset
            }
            (None, None, Some(table), ..) => self.read_table(table)?,
            (None, None, None, Some(x), Some(y)) => {
                let read = |x: &Path, y: &Path| -> Result<Data<'static>> {
                    let data = Data { x: load_array(x)?.into_features()?, y: load_array(y)?.into_targets()? };
                    data.check()?;
                    Ok(data)
                };
                let train = read(x, y)?;
                let test = match (x_test, y_test) {
                    (Some(x), Some(y)) => read(x, y)?,
                    _ => Data {
                        x: Features::floats(train.x.sample_shape().clone(), Vec::new()),
                        y: Targets::Classes(Vec::new().into()),
                    },
                };
                Dataset { name: self.name(), class_names: Vec::new(), train, test }
            }
            _ => return Err(Error::config("data", "`x` and `y` belong together: one is missing")),
        };
        if let Some(samples) = samples {
            data.train = data.train.take(*samples);
        }
        if let Some(targets) = self.targets {
            (data.train, data.test) = (targets.of(data.train), targets.of(data.test));
            data.class_names.clear();
        }
        Ok((data, notes))
    }

    /// Whether anything is standardized.
    pub(super) fn standardizes(&self) -> bool {
        !matches!(self.standardize, None | Some(Standardize::All(false)))
    }

    /// How a model standardizes, whose training samples these are.
    pub(super) fn standardization(&self, train: &Data) -> Result<Option<Standardization>> {
        Ok(match self.standardize {
            None | Some(Standardize::All(false)) => None,
            Some(Standardize::All(true)) => {
                // Integers are numbers to predict here, for classes are not standardized.
                let (sample, values) = Targets::from(&train.y).into_values();
                let train = Data { x: Features::from(&train.x), y: Targets::Values { sample, values } };
                Some(Standardization::of(&train)?)
            }
            Some(Standardize::Part(StandardizedPart::Features)) => {
                Some(Standardization { y: None, ..Standardization::of(train)? })
            }
        })
    }

    /// How the folder of pictures is read.
    fn image_folder(&self) -> ImageFolder {
        let Self { image_size, interpolation, color_mode, skip_corrupt, .. } = self;
        let reader = ImageFolder::new()
            .interpolation(interpolation.unwrap_or_default())
            .color_mode(color_mode.unwrap_or_default())
            .skip_corrupt(skip_corrupt.unwrap_or_default());
        match *image_size {
            Some([height, width]) => reader.image_size(height, width),
            None => reader,
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::super::{Experiment, RunOptions, run};
    use super::*;

    fn read(data: &str, rest: &str) -> Result<Experiment> {
        let text = format!(
            "[data]\n{data}\n[model]\nlayers = [{{ class = 'Dense', units = 1 }}]\n[compile]\noptimizer = 'adam'\nloss = 'mse'\n{rest}"
        );
        Experiment::from_toml(&text, Path::new("."), &[])
    }

    fn small(y: Targets<'static>) -> Dataset {
        let x = Array2::from_shape_fn((y.len(), 2), |(i, j)| ((i * 7 + j) % 5) as f32);
        let train = Data { x: Features::from(&x).into_owned(), y };
        let test = train.slice(0..0).into_owned();
        Dataset { name: "small".into(), class_names: Vec::new(), train, test }
    }

    #[test]
    fn test_files_go_with_files_only() {
        for (source, instead) in [
            ("dataset = 'mnist'", "`dataset`: it has test data of its own"),
            ("folder = 'pets'", "`folder`: put test pictures into its `test`"),
            ("table = 'data.txt'\ntarget = 0", "`table`: name its `test_rows`"),
        ] {
            let message = read(&format!("{source}\nx_test = 'x.npy'\ny_test = 'y.npy'"), "");
            let expected = format!("data: `x_test` and `y_test` do not go with a {instead}");
            assert_eq!(message.unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn files_of_different_lengths_are_told_before_samples_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("x.csv"), "1,2\n3,4\n5,6\n").unwrap();
        std::fs::write(path("y.csv"), "1\n2\n").unwrap();
        let data = DataConfig {
            x: Some(path("x.csv")),
            y: Some(path("y.csv")),
            samples: Some(3),
            ..DataConfig::default()
        };
        let error = data.load().unwrap_err().to_string();
        assert_eq!(error, "expected one target for each sample, got 3 samples and 2 targets");
    }

    #[test]
    fn integers_to_predict_are_standardized_as_floats_are() {
        let experiment = read("x = 'x.npy'\ny = 'y.npy'\nstandardize = true", "").unwrap();
        let loss = |y| run(&experiment, &small(y), &RunOptions::default()).unwrap().history["loss"][0];
        let integers = array![1000_i64, 3000, 2000, 1500, 4000, 2500];
        let floats = integers.mapv(|value| value as f32);
        let of_integers = loss(Targets::from(&integers).into_owned());
        assert!(of_integers < 100.0, "{of_integers}");
        assert_eq!(of_integers, loss(Targets::from(&floats).into_owned()));
    }

    #[test]
    fn standardized_data_are_not_augmented() {
        let of = |standardize: &str| {
            read(&format!("dataset = 'mnist'\nstandardize = {standardize}"), "[augmentation]\nrescale = 0.05")
        };
        assert!(of("false").is_ok());
        for standardize in ["true", "'features'"] {
            let message = of(standardize).unwrap_err().to_string();
            assert!(message.starts_with("data.standardize: does not go with `augmentation`"), "{message}");
        }
    }

    #[test]
    fn a_split_out_of_range_is_told_where_statistics_need_it_first() {
        for (data, fit) in [("standardize = true", ""), ("", "[augmentation]\nfeaturewise_center = true")] {
            let data = format!("x = 'x.npy'\ny = 'y.npy'\n{data}");
            let experiment = read(&data, &format!("[fit]\nvalidation_split = -0.5\n{fit}")).unwrap();
            let y = Targets::from(&array![1.0_f32, 2.0, 3.0]).into_owned();
            let error = run(&experiment, &small(y), &RunOptions::default()).unwrap_err().to_string();
            assert_eq!(error, "validation_split must be in [0, 1), got -0.5");
        }
    }
}
