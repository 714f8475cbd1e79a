//! `[tune]`: what a search varies, and by what it chooses.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::budget::Budget;
use crate::callbacks::Mode;
use crate::error::{Error, Result};
use crate::experiment::space::{Space, check_values};
use crate::experiment::{Experiment, Listing};

/// `[tune]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TuneConfig {
    /// How candidates are chosen. Default: `random`.
    pub search: Search,
    /// What they are chosen by: a value of the history after the last epoch (`val_loss`, `val_accuracy` …), or what thinned
    /// networks say of the validation data (`val_mc_log_likelihood` …). `val_loss` holds the penalties of regularizers: where
    /// those are varied, choose by a metric. Default: `val_loss`.
    pub objective: String,
    /// Which way it gets better. Default: up for accuracies, AUC, precision, recall and likelihoods, down for everything else.
    pub mode: Mode,
    /// How much is spent: `"30 runs"`, `"5000 epochs"`, `"10 min"`. Default: the whole grid; 30 runs.
    pub budget: Option<String>,
    /// With how many seeds each candidate is trained; its objective is their mean. Default: 1.
    pub seeds: usize,
    /// Successive halving: of so many candidates one goes on, with so many times the epochs. Default: 3.
    pub eta: usize,
    /// Successive halving: the fewest epochs after which a candidate is judged. Default: 1.
    pub min_epochs: usize,
    /// Which runs leave a folder: all, or only the chosen one of each search. Default: `all`.
    pub keep: Keep,
    /// The entries that are searched over, by their keys as in `--set`: a list of values, `{ file = "…" }`, or a range
    /// `"LOW..HIGH"`, `"LOW..HIGH:log"`. A range of whole numbers gives whole numbers, both ends among them. Candidates share
    /// the seed, the data, the epochs and the validation data.
    pub vary: Map<String, Value>,
    /// Entries for each combination of which the whole search is made anew: other data, other splits. All are trained for as
    /// many epochs.
    pub each: Map<String, Value>,
    /// Published values of test results, to be put beside ours: one for each value of the last entry of `each`, in
    /// their order.
    pub published: Map<String, Value>,
}

impl Default for TuneConfig {
    fn default() -> Self {
        Self {
            search: Search::default(),
            objective: "val_loss".into(),
            mode: Mode::Auto,
            budget: None,
            seeds: 1,
            eta: 3,
            min_epochs: 1,
            keep: Keep::default(),
            vary: Map::new(),
            each: Map::new(),
            published: Map::new(),
        }
    }
}

/// How candidates are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// Every combination of listed values.
    Grid,
    /// Each value by itself at random: uniform in its list or range, or in the range's logarithm. What was drawn before is passed
    /// over.
    #[default]
    Random,
    /// Many at random for a few epochs, the better ones for longer: Jamieson & Talwalkar 2016, "Non-stochastic best arm
    /// identification and hyperparameter optimization".
    SuccessiveHalving,
}

impl Search {
    /// What it is called at the start of a sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Grid => "Grid search",
            Self::Random => "Random search",
            Self::SuccessiveHalving => "Successive halving",
        }
    }
}

/// Which runs leave a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// All.
    #[default]
    All,
    /// Only the chosen ones, trained on all training data.
    Best,
}

const OF_SEARCH: &str = "expected an entry that a run depends on: [tune] says how to search";

fn is_of_search(key: &str) -> bool {
    key == "tune" || key.starts_with("tune.")
}

/// Why an entry is not searched over, if it is one that all candidates share.
fn refusal(key: &str) -> Option<&'static str> {
    let mut parts = key.split('.');
    match (parts.next()?, parts.next()) {
        _ if is_of_search(key) => Some(OF_SEARCH),
        ("seed", _) => {
            Some("seeds are not chosen: say with how many to train each candidate with tune.seeds (--seeds)")
        }
        ("data", _) => Some("candidates share the data: [tune.each] makes a search for each of its values"),
        ("fit", Some("epochs")) => {
            Some("candidates are trained for as many epochs: say for how many with fit.epochs")
        }
        ("fit", Some("validation_split" | "validation_data")) => Some(
            "candidates are judged by the same data: [tune.each] makes a search for each fit.validation_split",
        ),
        _ => None,
    }
}

impl TuneConfig {
    /// Makes paths in it absolute.
    pub(in crate::experiment) fn resolve(
        &mut self,
        absolute: &mut dyn FnMut(&mut PathBuf) -> Result<()>,
    ) -> Result<()> {
        for value in self.vary.values_mut().chain(self.each.values_mut()).chain(self.published.values_mut()) {
            if let Ok(mut listing) = serde_json::from_value::<Listing>(value.clone())
                && let Some(path) = listing.path_mut()
            {
                absolute(path)?;
                *value = serde_json::json!(listing);
            }
        }
        Ok(())
    }

    /// What can be said before anything is read or run.
    pub(super) fn check(&self, experiment: &Experiment) -> Result<()> {
        let error = |key: &str, message: String| Err(Error::config(format!("tune.{key}"), message));
        if self.vary.is_empty() {
            let message =
                "expected at least one entry to search over, such as \"model.layers.1.rate\" = \"0.1..0.5\"";
            return error("vary", message.into());
        }
        for key in self.vary.keys() {
            if let Some(message) = refusal(key) {
                return error(&format!("vary.{key}"), message.into());
            }
        }
        if let Some(key) = self.each.keys().find(|key| is_of_search(key)) {
            return error(&format!("each.{key}"), OF_SEARCH.into());
        }
        for (key, count) in [("seeds", self.seeds), ("min_epochs", self.min_epochs)] {
            if count == 0 {
                return error(key, "expected at least 1, got 0".into());
            }
        }
        if self.eta < 2 {
            return error("eta", format!("expected at least 2, got {}", self.eta));
        }
        if !self.objective.starts_with("val_") {
            let message = format!(
                "expected a value of the validation data, such as val_loss, got {}: neither training nor test data tell what \
                 to choose",
                self.objective
            );
            return error("objective", message);
        }
        if experiment.fit.validation_data.is_some() {
            let message =
                "test data cannot choose and test: set fit.validation_split in place of validation_data";
            return Err(Error::config("fit.validation_data", message));
        }
        if experiment.fit.validation_split == 0.0 {
            return Err(Error::config(
                "fit.validation_split",
                "expected a share to choose by, such as 0.2, got 0",
            ));
        }
        if experiment.fit.epochs == 0 {
            return Err(Error::config("fit.epochs", "expected at least 1, got 0"));
        }
        self.budget().map(drop)?;
        check_values(self.each.keys().map(String::as_str), experiment)?;
        self.space()?.check(experiment)
    }

    /// Whether greater objectives are better.
    pub(super) fn up(&self) -> bool {
        match self.mode {
            Mode::Max => true,
            Mode::Min => false,
            Mode::Auto => {
                let up = ["acc", "auc", "precision", "recall", "likelihood"];
                up.iter().any(|part| self.objective.contains(part))
            }
        }
    }

    pub(super) fn budget(&self) -> Result<Option<Budget>> {
        self.budget.as_deref().map(Budget::parse).transpose()
    }

    /// What is searched over.
    pub(super) fn space(&self) -> Result<Space> {
        Space::new(&self.vary, self.search == Search::Grid, "tune.vary.")
    }
}
