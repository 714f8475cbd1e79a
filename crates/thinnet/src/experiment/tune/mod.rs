//! The search for hyperparameters: candidates, chosen by validation data; the best of them, trained on all training data and
//! tested.

mod budget;
mod config;
mod objective;
mod plan;
mod study;
mod trials;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Job, Outcome, RunOptions, penalties, results, run_all, set, space, text};
use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::report::{Chosen, Searched, Trial, Tuning};
use budget::Budget;
use plan::Plan;
use study::Study;
use trials::{Key, Record, Trials};

pub use config::{Keep, Search, TuneConfig};

/// How to search.
#[derive(Clone, Debug, Default)]
pub struct TuneOptions {
    /// As for a single run; `out` gets a folder for each run that is kept.
    pub run: RunOptions,
    /// `KEY=VALUE` overrides, those of `[tune]` among them.
    pub sets: Vec<String>,
    /// `KEY=VALUES`: what is searched over, in place of `[tune.vary]` where any are given. Values are TOML with commas between
    /// them, or a range.
    pub vary: Vec<String>,
}

impl TuneOptions {
    /// All overrides of the file.
    fn overrides(&self) -> Result<Vec<String>> {
        let mut sets = self.sets.clone();
        if !self.vary.is_empty() {
            sets.push(set::assignment("tune.vary", &Value::Object(space::varied(&self.vary)?))?);
        }
        Ok(sets)
    }
}

/// So many runs of a search that ends with its time, and not after a number of candidates, are looked at before the first.
const AHEAD: usize = 100;

/// How often, at most, `tune.csv` is written anew.
const PAUSE: Duration = Duration::from_secs(2);

/// Searches as the `[tune]` table of an experiment file says, and returns what was found. The candidates are functions of
/// the experiment's seed and their number: the same in any order and on any number of threads, and after a stop the search
/// goes on where it was (`resume`).
///
/// Each run trains on the training data without the part that validates, and never sees the test data. The best candidate
/// of each search is trained anew, on all training data, and tested.
///
/// # Errors
/// Whatever is wrong with the file, its data or a candidate, which is named (with a budget of time, one of the first hundred
/// runs: a later one ends the search, with what was found until then); a budget that pays for nothing; a folder with another search;
/// [`Error::Interrupted`] after what is complete was saved.
pub fn tune(path: impl AsRef<Path>, options: &TuneOptions) -> Result<Tuning> {
    let path = path.as_ref();
    let file = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let of_file = |error: Error| error.in_file(path);
    let sets = options.overrides()?;
    let studies = Study::all(&file, folder, &sets).map_err(of_file)?;
    let base = &studies[0].experiment;
    let config = base.tune.clone().unwrap_or_default();
    let out = options.run.out.as_deref();
    let mut trials = Trials::new(out.map(|out| out.join("tune.csv")), &config);
    let plan = Plan::new(&config, &studies, base.fit.epochs, trials.goes_on()).map_err(of_file)?;
    let description = description(&file, path, &sets)?;
    if let Some(out) = out {
        check_folder(out, &description, options.run.resume)?;
        trials.read(&studies)?;
    }
    let search = Running { studies: &studies, config: &config, options, trials: Mutex::new((trials, None)) };
    let (count, judged) = match &plan {
        Plan::Candidates(count) => (*count, vec![base.fit.epochs]),
        Plan::Until(_) => (search.per_study(search.threads().max(AHEAD)), vec![base.fit.epochs]),
        Plan::Halving(rungs) => (rungs[0].0, rungs.iter().map(|(_, epochs)| *epochs).collect()),
    };
    let mut candidates = search.first(count);
    search.check(&candidates, &judged).map_err(of_file)?;
    if let Some(out) = out {
        std::fs::create_dir_all(out).map_err(Error::io("create", out))?;
        write_whole(out.join("tune.toml"), |file| file.write_all(description.as_bytes()))?;
    }
    let mut ended = None;
    match plan {
        Plan::Candidates(_) => search.rung(&candidates, base.fit.epochs)?,
        Plan::Until(seconds) => ended = search.until(seconds, base.fit.epochs, count)?,
        Plan::Halving(rungs) => {
            let mut before = None;
            for (count, epochs) in rungs {
                if let Some(before) = before {
                    search.promote(&mut candidates, count, before);
                }
                search.rung(&candidates, epochs)?;
                before = Some(epochs);
            }
        }
    }
    search.finish(ended)
}

/// Makes sure that a folder holds no search, or the same one, which is to be gone on with.
fn check_folder(out: &Path, description: &str, resume: bool) -> Result<()> {
    let path = out.join("tune.toml");
    let place = out.display();
    match std::fs::read_to_string(&path) {
        // It ended, or was ended, before it had left anything.
        Ok(_) if !has_begun(out)? => Ok(()),
        Ok(_) if !resume => Err(Error::Usage(format!(
            "{place} holds a search already: go on with it with --resume, or choose another folder with --out"
        ))),
        Ok(existing) if content(&existing) != content(description) => Err(Error::Usage(format!(
            "{place} holds another search (see its tune.toml): choose another folder with --out"
        ))),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("read", &path)(error)),
    }
}

/// Whether a search has left anything in its folder: what it found, or a candidate's folder.
fn has_begun(out: &Path) -> Result<bool> {
    let mut entries = std::fs::read_dir(out).map_err(Error::io("read", out))?.flatten();
    Ok(out.join("tune.csv").exists() || entries.any(|entry| entry.path().is_dir()))
}

/// The whole search as TOML, behind a line that says where its file is: paths in it are relative to that.
fn description(file: &str, path: &Path, sets: &[String]) -> Result<String> {
    let mut tree = text::read(file)?;
    set::apply(&mut tree, sets)?;
    let path = std::path::absolute(path).map_err(Error::io("resolve", path))?;
    Ok(format!("# {}\n{}", path.display(), text::write(&Value::Object(tree))?))
}

/// A description without its first line: the same search's, wherever its file is and however it was named.
fn content(description: &str) -> &str {
    description.split_once('\n').map_or("", |(_, content)| content)
}

/// A search under way.
struct Running<'a> {
    studies: &'a [Study],
    config: &'a TuneConfig,
    options: &'a TuneOptions,
    /// What was found, and when it was last written.
    trials: Mutex<(Trials, Option<Instant>)>,
}

impl Running<'_> {
    /// The numbers of the first candidates, for each study: fewer where it has no more.
    fn first(&self, count: usize) -> Vec<Vec<usize>> {
        self.studies.iter().map(|study| (0..study.count(count)).collect()).collect()
    }

    /// How many candidates of each study it takes for so many runs.
    fn per_study(&self, runs: usize) -> usize {
        runs.div_ceil(self.studies.len() * self.config.seeds)
    }

    fn threads(&self) -> usize {
        self.options.run.threads.unwrap_or_else(crate::default_threads).max(1)
    }

    /// Makes sure that candidates can be run, and judged after each of these numbers of epochs: a search that takes hours
    /// does not fail on its last candidate.
    fn check(&self, candidates: &[Vec<usize>], judged: &[usize]) -> Result<()> {
        let keys = self.to_run(candidates, judged[0]);
        keys.iter().try_for_each(|key| objective::check(&self.config.objective, &self.job(key)?, judged))
    }

    /// The runs of candidates that were not judged after so many epochs before.
    fn to_run(&self, candidates: &[Vec<usize>], epochs: usize) -> Vec<Key> {
        let mut keys = Vec::new();
        for (study, candidates) in candidates.iter().enumerate() {
            for &candidate in candidates {
                keys.extend((0..self.config.seeds).map(|seed| Key { study, candidate, seed, epochs }));
            }
        }
        let trials = &self.lock().0;
        keys.retain(|key| !trials.has(key));
        keys
    }

    /// Leaves the best `count` candidates of each study, by what they had come to after so many epochs.
    fn promote(&self, candidates: &mut [Vec<usize>], count: usize, epochs: usize) {
        let trials = &self.lock().0;
        for (study, candidates) in candidates.iter_mut().enumerate() {
            trials.rank(study, candidates, epochs, self.config.up());
            candidates.truncate(count);
        }
    }

    /// Runs candidates for so many epochs, those that were not run before.
    fn rung(&self, candidates: &[Vec<usize>], epochs: usize) -> Result<()> {
        let keys = self.to_run(candidates, epochs);
        let jobs = keys.iter().map(|key| self.job(key)).collect::<Result<Vec<_>>>()?;
        let options = RunOptions {
            // The folder of the search was asked for that already.
            resume: true,
            stop_after: (epochs < self.studies[0].experiment.fit.epochs).then_some(epochs),
            ..self.options.run.clone()
        };
        let named: std::collections::BTreeMap<&str, &Key> =
            jobs.iter().map(|job| job.name.as_str()).zip(&keys).collect();
        let result =
            run_all(&jobs, &options, |job, outcome| self.record(named[job.name.as_str()], job, &outcome));
        // Also what was complete before an interruption.
        self.lock().0.write()?;
        result.map(drop)
    }

    /// Runs one candidate after the other, as many at once as there are threads, until the time is used up, or a candidate
    /// behind the first `checked` cannot be run: why is returned, for what was found before stands.
    fn until(&self, seconds: f64, epochs: usize, checked: usize) -> Result<Option<Error>> {
        let at_once = self.per_study(self.threads());
        let mut count = at_once;
        // Those that ran before took their time side by side.
        let before = self.lock().0.seconds() / self.threads() as f64;
        let start = Instant::now();
        loop {
            let candidates = self.first(count);
            if count > checked
                && let Err(error) = self.check(&candidates, &[epochs])
            {
                return Ok(Some(error));
            }
            self.rung(&candidates, epochs)?;
            let is_all = candidates.iter().all(|candidates| candidates.len() < count);
            if is_all || before + start.elapsed().as_secs_f64() >= seconds {
                return Ok(None);
            }
            count += at_once;
        }
    }

    fn job(&self, key: &Key) -> Result<Job<'_>> {
        let study = &self.studies[key.study];
        let experiment = study.candidate(key.candidate, key.seed)?;
        let folder = format!("candidate-{:03}", key.candidate + 1);
        let name = match study.name.is_empty() {
            true => folder.clone(),
            false => format!("{} {folder}", study.name),
        };
        let name = format!("{name}, seed {}", experiment.seed);
        let out = match (&self.options.run.out, self.config.keep) {
            (Some(out), Keep::All) => Some(self.of_seed(study.folder(out).join(folder), experiment.seed)),
            _ => None,
        };
        Ok(Job { name, experiment, data: &study.train, out })
    }

    fn of_seed(&self, folder: PathBuf, seed: u64) -> PathBuf {
        if self.config.seeds == 1 { folder } else { folder.join(format!("seed-{seed}")) }
    }

    fn record(&self, key: &Key, job: &Job, outcome: &Outcome) -> Result<()> {
        let objective = objective::of(&self.config.objective, outcome)?;
        let label = self.studies[key.study].label(key.candidate)?;
        let mut trials = self.lock();
        let (trials, written) = &mut *trials;
        // A folder adds up the seconds of all parts of its run.
        let before = if job.out.is_some() { trials.seconds_of(key) } else { 0.0 };
        let seconds = (outcome.seconds - before).max(0.0);
        let record = Record { objective, seconds, label };
        trials.add(key.clone(), record);
        if written.is_none_or(|written| written.elapsed() > PAUSE) {
            trials.write()?;
            *written = Some(Instant::now());
        }
        Ok(())
    }

    /// Whether the objective holds penalties in which the candidates of a study differ.
    fn is_penalized(&self, trials: &Trials) -> Result<bool> {
        if self.config.objective != "val_loss" {
            return Ok(false);
        }
        for (index, study) in self.studies.iter().enumerate() {
            let model =
                |(candidate, _)| study.candidate(candidate, 0)?.with_input_of(&study.train)?.described();
            let models = trials.of(index).map(model).collect::<Result<Vec<_>>>()?;
            if penalties::differ(&models) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Trials, Option<Instant>)> {
        self.trials.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Trains the best candidate of each search on all training data, and tests it. `ended` is why the search ended before its
    /// time.
    fn finish(self, ended: Option<Error>) -> Result<Tuning> {
        let up = self.config.up();
        let epochs = self.studies[0].experiment.fit.epochs;
        let trials = &self.lock().0;
        let mut best = Vec::new();
        let mut jobs = Vec::new();
        for (index, study) in self.studies.iter().enumerate() {
            let mut candidates = trials.candidates(index, epochs);
            trials.rank(index, &mut candidates, epochs, up);
            let candidate = *candidates.first().ok_or_else(|| {
                Error::Training(format!("{}: no candidate has come to its end", study.title()))
            })?;
            if !trials.mean(index, candidate, epochs).is_finite() {
                let message =
                    format!("{}: no candidate has a finite {}", study.title(), self.config.objective);
                return Err(Error::Training(message));
            }
            best.push(candidate);
            for seed in 0..self.config.seeds {
                let mut experiment = study.candidate(candidate, seed)?;
                // Callbacks may want validation data.
                if experiment.callbacks.is_empty() {
                    experiment.fit.validation_split = 0.0;
                }
                let out = self.options.run.out.as_ref().map(|out| study.folder(out).join("best"));
                let out = out.map(|out| self.of_seed(out, experiment.seed));
                let name = format!("{}, chosen, seed {}", study.title(), experiment.seed);
                jobs.push(Job { name, experiment, data: &study.data, out });
            }
        }
        let options = RunOptions { resume: true, ..self.options.run.clone() };
        let runs = results(&jobs, &options)?;
        let searched = self.studies.iter().enumerate().map(|(index, study)| {
            let chosen = Chosen {
                candidate: best[index],
                test: runs[index * self.config.seeds..][..self.config.seeds]
                    .iter()
                    .map(|run| run.test.clone())
                    .collect(),
                refitted: jobs[index * self.config.seeds].experiment.fit.validation_split == 0.0,
            };
            Ok(Searched {
                name: study.name.clone(),
                place: study.place.clone(),
                trials: trials
                    .of(index)
                    .map(|(candidate, trial)| Ok(Trial { values: study.values(candidate)?, ..trial }))
                    .collect::<Result<_>>()?,
                published: study.published.clone(),
                chosen,
            })
        });
        Ok(Tuning {
            data: self.studies[0].data.name.clone(),
            searches: searched.collect::<Result<_>>()?,
            each: self.config.each.keys().cloned().collect(),
            varied: self.config.vary.keys().cloned().collect(),
            objective: self.config.objective.clone(),
            up,
            penalized: self.is_penalized(trials)?,
            ended: ended.map(|error| error.to_string()),
            search: self.config.search.words(),
            epochs,
            seeds: self.config.seeds,
            command: self.options.run.command.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
