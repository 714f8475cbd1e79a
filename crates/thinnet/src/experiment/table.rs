//! `[data] table`: the samples of a regression (or of classes) as rows of one file, and which of them train and test.

use std::path::Path;

use serde_json::Value;

use super::data::DataConfig;
use super::listing::Listing;
use crate::data::formats::csv::{Csv, Table};
use crate::data::{Data, Dataset, Features, Targets};
use crate::error::{Error, Result};
use crate::shape::Shape;

impl DataConfig {
    /// Reads the table and takes its columns and rows apart.
    pub(super) fn read_table(&self, path: &Path) -> Result<Dataset> {
        let table = Csv::new().detect_delimiter().read(path)?;
        let Some(target) = &self.target else {
            return Err(Error::config("data", "expected a `target` column of the `table`"));
        };
        let targets = columns(&table, target, "data.target", path)?;
        let features = match &self.features {
            Some(features) => columns(&table, features, "data.features", path)?,
            None => (0..table.columns().len()).filter(|column| !targets.contains(column)).collect(),
        };
        if let Some(column) = features.iter().find(|column| targets.contains(column)) {
            let message =
                format!("column {} is the target: it cannot be a feature too", table.columns()[*column]);
            return Err(Error::config("data.features", message));
        }
        if features.is_empty() {
            return Err(Error::config("data.features", "expected columns besides the target, got none"));
        }
        let count = table.values().nrows();
        let rows = |listing: &Option<Listing>, place: &str| {
            listing.as_ref().map(|listing| listing.rows(place, count, path)).transpose()
        };
        let test = rows(&self.test_rows, "data.test_rows")?.unwrap_or_default();
        let mut is_test = vec![false; count];
        test.iter().for_each(|&row| is_test[row] = true);
        let train = match rows(&self.train_rows, "data.train_rows")? {
            Some(train) => train,
            None => (0..count).filter(|&row| !is_test[row]).collect(),
        };
        if let Some(row) = train.iter().find(|&&row| is_test[row]) {
            let message = format!("row {row} is to be trained on and tested on: test rows must be unseen");
            return Err(Error::config("data.test_rows", message));
        }
        let part = |rows: &[usize]| Data {
            x: Features::floats(features.len(), select(&table, rows, &features)),
            y: Targets::Values {
                sample: Shape::from(targets.len()),
                values: select(&table, rows, &targets).into(),
            },
        };
        Ok(Dataset { name: name(path), class_names: Vec::new(), train: part(&train), test: part(&test) })
    }
}

/// The table's name: that of its file behind its folder's, since many a set's file is called `data.txt`.
pub(super) fn name(path: &Path) -> String {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let folder = text(path.parent().and_then(Path::file_name));
    let parts = folder.into_iter().chain(text(path.file_stem()));
    parts.collect::<Vec<_>>().join("/")
}

fn columns(table: &Table, listing: &Listing, place: &str, path: &Path) -> Result<Vec<usize>> {
    let column = |item: Value| {
        let name = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
        table.column(&name).map_err(|error| match error {
            Error::Unknown { .. } => Error::config(place, format!("{}: {error}", path.display())),
            other => other,
        })
    };
    let columns = listing.items(place)?.into_iter().map(column).collect::<Result<Vec<_>>>()?;
    if let Some((_, &twice)) = columns.iter().enumerate().find(|(at, column)| columns[..*at].contains(column))
    {
        let message =
            format!("expected each column once, got {} twice: name it once", table.columns()[twice]);
        return Err(Error::config(place, message));
    }
    Ok(columns)
}

fn select(table: &Table, rows: &[usize], columns: &[usize]) -> Vec<f32> {
    let of_row = |&row: &usize| columns.iter().map(move |&column| table.values()[[row, column]] as f32);
    rows.iter().flat_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;
    use crate::experiment::Experiment;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            let files = Self(tempfile::tempdir().unwrap());
            files.write("data.txt", " 1.0  10  0.5\n 2.0  20  0.25\n 3.0\t30  0.125\n 4.0  40  0.0\n");
            files.write("train.txt", "2\n0\n1\n");
            files
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        }

        fn read(&self, data: &str) -> Result<Dataset, String> {
            let text = format!(
                "[data]\ntable = 'data.txt'\n{data}\n[model]\nlayers = [{{ class = 'Dense', units = 1 }}]\n[compile]\nloss = 'mse'"
            );
            let experiment =
                Experiment::from_toml(&text, self.0.path(), &[]).map_err(|error| error.to_string())?;
            let folder = format!("{}/", self.0.path().display());
            experiment.data().map_err(|error| error.to_string().replace(&folder, ""))
        }
    }

    fn rows(data: &Data) -> Vec<Vec<f32>> {
        let Targets::Values { values, .. } = &data.y else { panic!("values") };
        let row = |index| {
            let mut sample = vec![0.0; data.x.sample_shape().len()];
            data.x.gather(index, &mut sample);
            sample.push(values[index]);
            sample
        };
        (0..data.len()).map(row).collect()
    }

    #[test]
    fn columns_and_rows_are_taken_in_the_order_of_their_lists() {
        let files = Files::new();
        let data =
            files.read("target = 0\nfeatures = [2, 1]\ntrain_rows = { file = 'train.txt' }\ntest_rows = [3]");
        let data = data.unwrap();
        assert_eq!(rows(&data.train), [[0.125, 30.0, 3.0], [0.5, 10.0, 1.0], [0.25, 20.0, 2.0]]);
        assert_eq!(rows(&data.test), [[0.0, 40.0, 4.0]]);
        assert!(data.name.ends_with("/data"), "{}", data.name);
        files.write("data.txt", "rooms,age,price\n1,10,0.5\n2,20,0.25\n");
        let named = files.read("target = 'price'\ntest_rows = 0").unwrap();
        assert_eq!(rows(&named.train), [[2.0, 20.0, 0.25]], "what is not tested on trains");
        assert_eq!(rows(&named.test), [[1.0, 10.0, 0.5]]);
    }

    #[test]
    fn what_the_table_does_not_have_is_told() {
        let files = Files::new();
        files.write("far.txt", "0 1 4");
        for (data, message) in [
            ("features = [0]", "data: expected a `target` column of the `table`"),
            ("target = 7", "data.target: data.txt: unknown column `7`: known are 0, 1, 2"),
            ("target = [0, 1, 2]", "data.features: expected columns besides the target, got none"),
            (
                "target = 1\nfeatures = [0, 1]",
                "data.features: column 1 is the target: it cannot be a feature too",
            ),
            (
                "target = 2\ntest_rows = { file = 'far.txt' }",
                "far.txt: expected numbers of rows from 0 to 3, as data.txt has, got 4",
            ),
            (
                "target = 2\ntrain_rows = [0, -1]",
                "data.train_rows: expected numbers of rows from 0 to 3, as data.txt has, got -1",
            ),
            (
                "target = 2\ntrain_rows = [0, 1]\ntest_rows = [1]",
                "data.test_rows: row 1 is to be trained on and tested on: test rows must be unseen",
            ),
            (
                "target = 0\nfeatures = [1, 2, 1]",
                "data.features: expected each column once, got 1 twice: name it once",
            ),
            ("target = 2\ntest_rows = []", "data.test_rows: expected at least one entry, got none"),
            (
                "target = { column = 2 }",
                "data.target: expected numbers or names, a list of them or { file = \"…\" }, got {\"column\":2}",
            ),
            (
                "target = 2\nx = 'x.npy'",
                "data: expected one of a `dataset`, a `folder` of pictures, a `table`, or `x` and `y` files, got `table` and `x` and `y`",
            ),
        ] {
            assert_eq!(files.read(data).unwrap_err(), message, "{data}");
        }
        assert!(
            files.read("target = { file = 'none.txt' }").unwrap_err().starts_with("cannot read none.txt")
        );
        files.write("data.txt", "1 2 3\n4 5\n");
        assert_eq!(
            files.read("target = 2").unwrap_err(),
            "data.txt: line 2 (byte 6): expected 3 columns, got 2"
        );
        files.write("data.txt", "y,x,y\n1,2,1\n");
        let twice = files.read("target = 'y'").unwrap_err();
        assert_eq!(
            twice,
            "data.txt: line 1 (byte 0): expected a name for each column, got `y` twice: rename one"
        );
        assert_eq!(json!(Listing::One(json!(3))), json!(3));
    }
}
