//! What a search for hyperparameters found.

mod page;
mod published;
mod sentences;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::aligned;
use super::statistics::mean_interval;
use super::varied::{self, labels, quoted, words};
use crate::error::Result;
use crate::files::write_whole;
use crate::history::Logs;

/// The outcome of [`tune`](crate::experiment::tune()).
#[derive(Clone, Debug)]
pub struct Tuning {
    /// What the data are called; those of the first search.
    pub data: String,
    /// The searches, one for each combination of the values of `[tune.each]`.
    pub searches: Vec<Searched>,
    /// The keys of `[tune.each]`.
    pub each: Vec<String>,
    /// The keys that were searched over.
    pub varied: Vec<String>,
    /// What candidates were judged by.
    pub objective: String,
    /// Whether a greater objective is better.
    pub up: bool,
    /// Whether the objective holds penalties in which candidates differ.
    pub penalized: bool,
    /// Why the search ended before its time: what is wrong with a candidate.
    pub ended: Option<String>,
    /// How candidates were chosen, in words.
    pub search: &'static str,
    /// The epochs of a whole run.
    pub epochs: usize,
    /// With how many seeds each candidate was trained.
    pub seeds: usize,
    /// The command that repeats it.
    pub command: String,
}

/// One search.
#[derive(Clone, Debug)]
pub struct Searched {
    /// Its values of `[tune.each]` in words; empty where there is only one search.
    pub name: String,
    /// Those values.
    pub place: Vec<Value>,
    /// Its candidates, by number.
    pub trials: Vec<Trial>,
    /// Published values of test results.
    pub published: BTreeMap<String, f64>,
    /// The best candidate.
    pub chosen: Chosen,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// Its values, in the order of the keys.
    pub values: Vec<Value>,
    /// The objective, for each seed.
    pub scores: Vec<f64>,
    /// After how many epochs.
    pub epochs: usize,
    /// Epochs of training, of all seeds; those of earlier judgements too where it began anew.
    pub trained: usize,
    /// Seconds of training, of all seeds.
    pub seconds: f64,
}

/// The best candidate, trained again.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Its number, from 0.
    pub candidate: usize,
    /// What it came to on the test data, for each seed; empty where there are none.
    pub test: Vec<Logs>,
    /// Whether it was trained on the validation data, too.
    pub refitted: bool,
}

impl Trial {
    /// The mean objective and half its 95 % interval, which is infinite for a single seed.
    pub fn objective(&self) -> (f64, f64) {
        mean_interval(&self.scores)
    }

    /// Whether it came to a number with every seed.
    fn is_finite(&self) -> bool {
        self.scores.iter().all(|score| score.is_finite())
    }
}

impl Searched {
    /// The chosen candidate.
    fn best(&self) -> Option<&Trial> {
        self.trials.iter().find(|trial| trial.number == self.chosen.candidate)
    }
}

impl Tuning {
    /// The names of the test results.
    fn test_names(&self) -> Vec<&str> {
        let first = self.searches.first().and_then(|search| search.chosen.test.first());
        first.map_or_else(Vec::new, |logs| logs.keys().map(String::as_str).collect())
    }

    /// A candidate's values as they are told.
    fn told(&self, trial: &Trial) -> String {
        varied::told(&self.varied, &trial.values)
    }

    /// The best candidates of the only search, or what was chosen in each search, as a table with its head.
    pub fn rows(&self) -> Vec<Vec<String>> {
        match &self.searches[..] {
            [search] => self.candidates(search, 10),
            searches => self.chosen(searches),
        }
    }

    /// The table of [`rows`](Self::rows) as aligned text; with published values, theirs beside ours.
    pub fn table(&self) -> String {
        match self.comparisons().is_empty() {
            true => aligned(&self.rows()),
            false => aligned(&self.published_rows()),
        }
    }

    /// The best candidates of a search, at most `most`.
    fn candidates(&self, search: &Searched, most: usize) -> Vec<Vec<String>> {
        let mut head = vec!["candidate".to_owned()];
        head.extend(labels(&self.varied));
        head.extend(["epochs".to_owned(), self.objective.clone()]);
        let row = |trial: &Trial| {
            let mut row = vec![(trial.number + 1).to_string()];
            row.extend(trial.values.iter().map(words));
            row.extend([trial.epochs.to_string(), told(trial.objective())]);
            row
        };
        std::iter::once(head).chain(self.ranked(search).into_iter().take(most).map(row)).collect()
    }

    /// Candidates, the best first; those that went on for longer before those that did not.
    fn ranked<'a>(&self, search: &'a Searched) -> Vec<&'a Trial> {
        let mut trials: Vec<&Trial> = search.trials.iter().collect();
        let score = |trial: &Trial| match trial.objective().0 {
            mean if !mean.is_finite() => f64::INFINITY,
            mean if self.up => -mean,
            mean => mean,
        };
        trials.sort_by(|a, b| {
            b.epochs.cmp(&a.epochs).then(score(a).total_cmp(&score(b))).then(a.number.cmp(&b.number))
        });
        trials
    }

    fn chosen(&self, searches: &[Searched]) -> Vec<Vec<String>> {
        let mut head = labels(&self.each);
        head.extend(labels(&self.varied));
        head.push(self.objective.clone());
        let names = self.test_names();
        head.extend(names.iter().map(|name| format!("test {name}")));
        let row = |search: &Searched| {
            let mut row: Vec<String> = search.place.iter().map(words).collect();
            if let Some(best) = search.best() {
                row.extend(best.values.iter().map(words));
                row.push(told(best.objective()));
            }
            row.extend(names.iter().map(|name| told(mean_interval(&search.of_test(name)))));
            row
        };
        std::iter::once(head).chain(searches.iter().map(row)).collect()
    }

    /// Writes `table.csv` (a row for each search and seed: what was chosen, what it came to, what was published) and
    /// `report.html` into a folder.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let names = self.test_names();
        let published: Vec<&String> =
            self.searches.first().map_or_else(Vec::new, |s| s.published.keys().collect());
        let mut head: Vec<String> = self.each.iter().chain(&self.varied).map(|key| quoted(key)).collect();
        head.extend(["candidate".into(), "seed".into(), self.objective.clone()]);
        head.extend(names.iter().map(|name| format!("test_{name}")));
        head.extend(published.iter().map(|name| format!("published_{name}")));
        let mut text = head.join(",") + "\n";
        for search in &self.searches {
            let Some(best) = search.best() else { continue };
            for seed in 0..self.seeds {
                let values = search.place.iter().chain(&best.values);
                let mut row: Vec<String> = values.map(|value| quoted(&words(value))).collect();
                row.extend([(best.number + 1).to_string(), (seed + 1).to_string()]);
                row.push(best.scores.get(seed).map_or_else(String::new, f64::to_string));
                let test = search.chosen.test.get(seed);
                let of_test = |name: &&str| {
                    test.and_then(|test| test.get(*name)).map_or_else(String::new, f64::to_string)
                };
                row.extend(names.iter().map(of_test));
                row.extend(published.iter().map(|name| search.published[*name].to_string()));
                text += &(row.join(",") + "\n");
            }
        }
        write_whole(folder.join("table.csv"), |out| out.write_all(text.as_bytes()))?;
        let page = self.page()?;
        write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
    }
}

impl Searched {
    /// A test result, for each seed.
    fn of_test(&self, name: &str) -> Vec<f64> {
        self.chosen.test.iter().filter_map(|logs| logs.get(name).copied()).collect()
    }
}

/// A mean with half its interval, where that is known.
fn told((mean, half): (f64, f64)) -> String {
    if half.is_finite() { format!("{mean:.4} ± {half:.4}") } else { format!("{mean:.4}") }
}

#[cfg(test)]
mod tests;
