//! What candidates came to, kept in `tune.csv`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::study::Study;
use super::{Keep, TuneConfig};
use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::report::{Trial, quoted};

/// A run: which candidate of which study, the number of its seed, and after how many epochs it was judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) study: usize,
    pub(super) candidate: usize,
    pub(super) epochs: usize,
    pub(super) seed: usize,
}

/// What came out.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) objective: f64,
    /// Seconds of training, those before an earlier judgement not among them.
    pub(super) seconds: f64,
    /// The values of the study and the candidate, as the row has them.
    pub(super) label: String,
}

/// All runs that have come to their end.
pub(super) struct Trials {
    path: Option<PathBuf>,
    /// The names of the columns behind the numbers.
    labels: String,
    seeds: usize,
    objective: String,
    /// Whether a candidate that is judged again goes on in its folder, or begins anew.
    goes_on: bool,
    records: BTreeMap<Key, Record>,
}

impl Trials {
    pub(super) fn new(path: Option<PathBuf>, config: &TuneConfig) -> Self {
        let keys: Vec<String> = config.each.keys().chain(config.vary.keys()).map(|key| quoted(key)).collect();
        Self {
            goes_on: path.is_some() && config.keep == Keep::All,
            path,
            labels: keys.join(","),
            seeds: config.seeds,
            objective: config.objective.clone(),
            records: BTreeMap::new(),
        }
    }

    /// Reads what an earlier part of the search has written.
    ///
    /// # Errors
    /// A row that is not of a candidate of these studies: lists in files may have changed, or how candidates are drawn.
    pub(super) fn read(&mut self, studies: &[Study]) -> Result<()> {
        let Some(path) = self.path.as_ref().filter(|path| path.exists()) else { return Ok(()) };
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        for (index, line) in text.lines().enumerate().skip(1) {
            let broken =
                || Error::file(path, format!("line {}: expected numbers of a run, got `{line}`", index + 1));
            let cells: Vec<&str> = line.splitn(7, ',').collect();
            let number =
                |at: usize| cells.get(at).and_then(|cell| cell.parse::<usize>().ok()).ok_or_else(broken);
            let float =
                |at: usize| cells.get(at).and_then(|cell| cell.parse::<f64>().ok()).ok_or_else(broken);
            let one = |number: usize| number.checked_sub(1).ok_or_else(broken);
            let key = Key {
                study: one(number(0)?)?,
                candidate: one(number(1)?)?,
                epochs: number(2)?,
                seed: one(number(3)?)?,
            };
            let label = cells.get(6).ok_or_else(broken)?.to_string();
            let expected = studies.get(key.study).and_then(|study| study.label(key.candidate).ok());
            if expected.as_ref() != Some(&label) {
                let message = format!(
                    "line {}: expected a candidate as the search has it now, got `{line}`: choose another folder with --out",
                    index + 1
                );
                return Err(Error::file(path, message));
            }
            let record = Record { objective: float(4)?, seconds: float(5)?, label };
            self.records.insert(key, record);
        }
        Ok(())
    }

    /// Writes a row for each run.
    pub(super) fn write(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut text = format!("study,candidate,epochs,seed,{},seconds,{}\n", self.objective, self.labels);
        for (key, record) in &self.records {
            let Key { study, candidate, epochs, seed } = key;
            let (study, candidate, seed) = (study + 1, candidate + 1, seed + 1);
            let Record { objective, seconds, label } = record;
            let _ = writeln!(text, "{study},{candidate},{epochs},{seed},{objective},{seconds:.3},{label}");
        }
        write_whole(path, |file| file.write_all(text.as_bytes()))
    }

    /// The seconds that all runs have taken, each by itself.
    pub(super) fn seconds(&self) -> f64 {
        self.records.values().map(|record| record.seconds).sum()
    }

    /// The seconds that a run has taken until it was judged for the last time.
    pub(super) fn seconds_of(&self, run: &Key) -> f64 {
        let of_seed = self.of_candidate(run.study, run.candidate).filter(|(key, _)| key.seed == run.seed);
        of_seed.map(|(_, record)| record.seconds).sum()
    }

    /// Whether a candidate that is judged again goes on in its folder; else it begins anew.
    pub(super) fn goes_on(&self) -> bool {
        self.goes_on
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.records.contains_key(key)
    }

    pub(super) fn add(&mut self, key: Key, record: Record) {
        self.records.insert(key, record);
    }

    /// The candidates of a study that were run for all epochs, with all seeds.
    pub(super) fn candidates(&self, study: usize, epochs: usize) -> Vec<usize> {
        let mut seeds: BTreeMap<usize, usize> = BTreeMap::new();
        for key in self.records.keys().filter(|key| key.study == study && key.epochs == epochs) {
            *seeds.entry(key.candidate).or_default() += 1;
        }
        seeds.into_iter().filter(|(_, count)| *count == self.seeds).map(|(candidate, _)| candidate).collect()
    }

    /// What a candidate had come to after so many epochs: the mean over its seeds, NaN where it was not run for so long.
    pub(super) fn mean(&self, study: usize, candidate: usize, epochs: usize) -> f64 {
        let scores = self.scores(study, candidate, epochs);
        scores.iter().sum::<f64>() / scores.len() as f64
    }

    /// All records of a candidate.
    fn of_candidate(&self, study: usize, candidate: usize) -> impl Iterator<Item = (&Key, &Record)> {
        let first = Key { study, candidate, epochs: 0, seed: 0 };
        let last = Key { epochs: usize::MAX, seed: usize::MAX, ..first.clone() };
        self.records.range(first..=last)
    }

    fn scores(&self, study: usize, candidate: usize, epochs: usize) -> Vec<f64> {
        let first = Key { study, candidate, epochs, seed: 0 };
        let last = Key { seed: usize::MAX, ..first.clone() };
        self.records.range(first..=last).map(|(_, record)| record.objective).collect()
    }

    /// Puts candidates in order by what they had come to after so many epochs, the best first; what is not finite is worst,
    /// and of equals the first is better.
    pub(super) fn rank(&self, study: usize, candidates: &mut [usize], epochs: usize, up: bool) {
        let score = |candidate: &usize| match self.mean(study, *candidate, epochs) {
            mean if !mean.is_finite() => f64::INFINITY,
            mean if up => -mean,
            mean => mean,
        };
        candidates.sort_by(|a, b| score(a).total_cmp(&score(b)).then(a.cmp(b)));
    }

    /// Each candidate of a study with what it came to at last.
    pub(super) fn of(&self, study: usize) -> impl Iterator<Item = (usize, Trial)> {
        let mut last: BTreeMap<usize, usize> = BTreeMap::new();
        for key in self.records.keys().filter(|key| key.study == study) {
            last.insert(key.candidate, key.epochs);
        }
        last.into_iter().map(move |(candidate, epochs)| {
            let records = || self.of_candidate(study, candidate);
            let scores = self.scores(study, candidate, epochs);
            let trial = Trial {
                number: candidate,
                values: Vec::new(),
                trained: match self.goes_on {
                    true => epochs * scores.len(),
                    false => records().map(|(key, _)| key.epochs).sum(),
                },
                scores,
                epochs,
                seconds: records().map(|(_, record)| record.seconds).sum(),
            };
            (candidate, trial)
        })
    }
}
