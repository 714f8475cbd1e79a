//! A search on one set of data.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

use super::Search;
use crate::data::{Data, Dataset, Features, Targets};
use crate::error::{Error, Result};
use crate::experiment::comparison::own_folder;
use crate::experiment::set::assignment;
use crate::experiment::space::{Space, listed};
use crate::experiment::{Experiment, Listing};
use crate::report::{quoted, told, words};

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
    /// What is searched over here.
    pub(super) space: Space,
    search: Search,
    drawn: Mutex<Drawn>,
    /// The name of its folder within that of all; none where `[tune.each]` has no entries.
    own_folder: Option<String>,
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
        let mut studies: Vec<Self> = Vec::new();
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
            let tune = experiment.tune.as_ref().unwrap_or(config);
            tune.check(&experiment)?;
            let [all, own] = [&base, &experiment].map(|experiment| experiment.fit.epochs);
            if all != own {
                let message = format!("expected as many epochs in every search, got {all} and {own}");
                return Err(Error::config("tune.each", message));
            }
            let name = place.iter().map(words).collect::<Vec<_>>().join(" ");
            if studies.iter().any(|other| other.name == name) {
                let message =
                    format!("expected values that read differently, got `{name}` twice: rename one");
                return Err(Error::config("tune.each", message));
            }
            let is_free = |name: &str| {
                let mut taken = studies.iter().filter_map(|other| other.own_folder.as_ref());
                !taken.any(|other| other.eq_ignore_ascii_case(name))
            };
            let own_folder = (!place.is_empty()).then(|| own_folder(&place_name(&place), is_free));
            let data = experiment.data()?;
            let train = Dataset {
                test: Data {
                    x: Features::floats(data.train.x.sample_shape().clone(), Vec::new()),
                    y: Targets::Classes(Vec::new().into()),
                },
                ..data.clone()
            };
            studies.push(Self {
                space: tune.space()?,
                search: config.search,
                drawn: Mutex::default(),
                own_folder,
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
        self.own_folder.as_ref().map_or_else(|| out.to_owned(), |name| out.join(name))
    }

    /// How many different candidates there are, at most `most`.
    pub(super) fn count(&self, most: usize) -> usize {
        match self.search {
            Search::Grid => self.space.size().map_or(most, |size| size.min(most)),
            _ => self.with_drawn(most, |values| values.len().min(most)),
        }
    }

    /// The values of a candidate.
    pub(super) fn values(&self, candidate: usize) -> Result<Vec<Value>> {
        let values = match self.search {
            Search::Grid => {
                (self.count(candidate + 1) > candidate).then(|| self.space.combination(candidate))
            }
            _ => self.with_drawn(candidate + 1, |values| values.get(candidate).cloned()),
        };
        let unknown = || Error::Usage(format!("the search has no candidate {}", candidate + 1));
        values.ok_or_else(unknown)
    }

    /// Its own values and those of a candidate, as cells of a CSV table.
    pub(super) fn label(&self, candidate: usize) -> Result<String> {
        let values = self.place.iter().cloned().chain(self.values(candidate)?);
        Ok(values.map(|value| quoted(&words(&value))).collect::<Vec<_>>().join(","))
    }

    /// Reads the values of random candidates, of which there are `count` if so many differ.
    fn with_drawn<T>(&self, count: usize, read: impl FnOnce(&[Vec<Value>]) -> T) -> T {
        let mut drawn = self.drawn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        drawn.draw(&self.space, self.experiment.seed, count);
        read(&drawn.values)
    }

    /// A candidate's experiment, with the seed of a number.
    pub(super) fn candidate(&self, candidate: usize, seed: usize) -> Result<Experiment> {
        let values = self.values(candidate)?;
        let sets = self.space.overrides(&self.sets, &values)?;
        let experiment = Experiment::from_toml(&self.file, &self.folder, &sets)?;
        // Values in `[values]` may reach everything.
        let shared = |experiment: &Experiment| {
            let fit = &experiment.fit;
            (experiment.seed, fit.epochs, fit.validation_split, fit.validation_data)
        };
        if shared(&experiment) != shared(&self.experiment) || experiment.data != self.experiment.data {
            let keys: Vec<String> = self.space.keys().map(str::to_owned).collect();
            let message = format!(
                "expected candidates that share seed, data, epochs and validation data, got others with {}: search for each \
                 by itself with [tune.each]",
                told(&keys, &values)
            );
            return Err(Error::config("tune.vary", message));
        }
        let seeds = experiment.with_seeds(seed + 1)?;
        seeds.into_iter().last().ok_or_else(|| Error::Usage("expected a seed".into()))
    }
}

/// The values of random candidates, by their number. Draws that repeat an earlier one are passed over.
#[derive(Default)]
struct Drawn {
    values: Vec<Vec<Value>>,
    seen: HashSet<String>,
    draws: usize,
}

impl Drawn {
    /// Draws until there are `count`, or no more seem to be left.
    fn draw(&mut self, space: &Space, seed: u64, count: usize) {
        let mut in_vain = 0;
        // One of equally likely values that is left is overlooked once in e²⁰ times.
        while self.values.len() < count && in_vain < 1000 + 20 * self.values.len() {
            let values = space.candidate(seed, self.draws);
            self.draws += 1;
            if self.seen.insert(format!("{values:?}")) {
                self.values.push(values);
                in_vain = 0;
            } else {
                in_vain += 1;
            }
        }
    }
}

/// What the folder of a study is called: `bostonHousing-0`. Texts lose their dots: no folder is `..`, or has the name of a file
/// of the search.
fn place_name(place: &[Value]) -> String {
    let plain = |text: &str| {
        let parts = text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'));
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
    };
    let part = |value: &Value| match value {
        Value::Number(number) => number.to_string(),
        other => plain(&words(other)),
    };
    place.iter().map(part).collect::<Vec<_>>().join("-")
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
