//! A search on one set of data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Search, TuneConfig};
use crate::data::{Data, Dataset, Features, Targets};
use crate::error::{Error, Result};
use crate::experiment::set::assignment;
use crate::experiment::space::{Space, listed};
use crate::experiment::{Experiment, Listing};
use crate::report::words;

/// What is searched for once: an experiment with one combination of the values of `[tune.each]`.
pub(super) struct Study {
    /// Its values of `[tune.each]` in words; empty where there is only one search.
    pub(super) name: String,
    /// Those values.
    pub(super) place: Vec<Value>,
    /// What was published for it.
    pub(super) published: BTreeMap<String, f64>,
    pub(super) experiment: Experiment,
    /// All data.
    pub(super) data: Dataset,
    /// The same without test data.
    pub(super) train: Dataset,
    file: String,
    folder: PathBuf,
    sets: Vec<String>,
}

impl Study {
    /// Every study of a file, with its data.
    pub(super) fn all(file: &str, folder: &Path, sets: &[String]) -> Result<Vec<Self>> {
        let base = Experiment::from_toml(file, folder, sets)?;
        let Some(config) = base.tune.as_ref() else {
            let message = "expected a table of what to search over, or --vary KEY=V1,V2 or KEY=LOW..HIGH";
            return Err(Error::config("tune", message));
        };
        config.check(&base)?;
        let each = config.each.iter().map(|(key, value)| listed(&format!("tune.each.{key}"), value));
        let each = each.collect::<Result<Vec<_>>>()?;
        let count: usize = each.iter().map(Vec::len).product();
        let last = each.last().map_or(1, Vec::len);
        let mut studies = Vec::new();
        for number in 0..count {
            let mut rest = number;
            let mut place: Vec<Value> = each
                .iter()
                .rev()
                .map(|values| {
                    let value = values[rest % values.len()].clone();
                    rest /= values.len();
                    value
                })
                .collect();
            place.reverse();
            let own = config.each.keys().zip(&place).map(|(key, value)| assignment(key, value));
            let sets = sets.iter().cloned().map(Ok).chain(own).collect::<Result<Vec<String>>>()?;
            let experiment = Experiment::from_toml(file, folder, &sets)?;
            let words: Vec<String> = place.iter().map(words).collect();
            let data = experiment.data()?;
            let train = Dataset {
                test: Data {
                    x: Features::floats(data.train.x.sample_shape().clone(), Vec::new()),
                    y: Targets::Classes(Vec::new().into()),
                },
                ..data.clone()
            };
            let name = words.join(" ");
            studies.push(Self {
                published: published(&experiment, &name, (number % last, last))?,
                name,
                place,
                experiment,
                data,
                train,
                file: file.to_owned(),
                folder: folder.to_owned(),
                sets,
            });
        }
        Ok(studies)
    }

    /// What errors and reports call it.
    pub(super) fn title(&self) -> &str {
        if self.name.is_empty() { "the search" } else { &self.name }
    }

    /// Its folder within that of all.
    pub(super) fn folder(&self, out: &Path) -> PathBuf {
        if self.name.is_empty() { out.to_owned() } else { out.join(self.name.replace(['/', ' '], "-")) }
    }

    /// What is searched over here.
    pub(super) fn space(&self) -> Result<Space> {
        self.experiment.tune.as_ref().map_or_else(|| Space::new(&Map::new(), false, ""), TuneConfig::space)
    }

    /// The values of a candidate.
    pub(super) fn values(&self, candidate: usize) -> Result<Vec<Value>> {
        let (space, config) = (self.space()?, self.experiment.tune.as_ref());
        Ok(match config.map(|config| config.search) {
            Some(Search::Grid) => space.combination(candidate),
            _ => space.candidate(self.experiment.seed, candidate),
        })
    }

    /// A candidate's experiment, with the seed of a number.
    pub(super) fn candidate(&self, candidate: usize, seed: usize) -> Result<Experiment> {
        let (space, values) = (self.space()?, self.values(candidate)?);
        let sets = space.overrides(&self.sets, &values)?;
        let experiment = Experiment::from_toml(&self.file, &self.folder, &sets)?;
        let seeds = experiment.with_seeds(seed + 1)?;
        seeds.into_iter().last().ok_or_else(|| Error::Usage("expected a seed".into()))
    }
}

/// What was published for a study, which has a number among the `count` that differ in the last entry of `[tune.each]` alone.
fn published(
    experiment: &Experiment,
    name: &str,
    (number, count): (usize, usize),
) -> Result<BTreeMap<String, f64>> {
    let Some(config) = &experiment.tune else { return Ok(BTreeMap::new()) };
    let value = |(result, value): (&String, &Value)| {
        let place = format!("tune.published.{result}");
        let listing: Listing = serde_json::from_value(value.clone())
            .map_err(|_| Error::config(&place, format!("expected a list of numbers, got {value}")))?;
        let items = listing.items(&place)?;
        // Of a part of the splits, nothing says which values are theirs.
        if items.len() != count {
            let each = config.each.keys().next_back().map_or("the search", String::as_str);
            let message = format!("expected a value for each of {each}, {count}, got {}", items.len());
            return Err(Error::config(&place, message));
        }
        let item = items[number].as_f64().ok_or_else(|| {
            Error::config(&place, format!("expected numbers, got {} for {name}", items[number]))
        })?;
        Ok((result.clone(), item))
    };
    config.published.iter().map(value).collect()
}
