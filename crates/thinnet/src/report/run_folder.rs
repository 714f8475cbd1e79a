//! The folder of a run: one file a thing, each whole or not there.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::curves::Curves;
use super::{RunReport, RunResult, learned_rates};
use crate::callbacks::BackupAndRestore;
use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::history::{History, Logs};

/// The file with the seconds that training has taken.
const SECONDS: &str = "seconds.txt";

/// The file by which each kind of results is known, and what it is called. All kinds have a report.
const KINDS: [(&str, &str); 5] = [
    ("config.toml", "a run"),
    ("tune.toml", "a search"),
    ("sweep.csv", "a sweep"),
    ("comparison.csv", "a comparison"),
    ("report.html", "a report"),
];

/// A run's folder, locked against a second process while this one lives.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
    was_done: bool,
    /// Whether the run began here and now.
    is_new: bool,
    /// The outermost folder that was made for it.
    made: Option<PathBuf>,
}

impl RunFolder {
    /// Opens a folder for a run with this complete configuration. A folder that holds a run already is opened only to
    /// `resume` that run.
    ///
    /// # Errors
    /// A folder in use, of another run or of other results, or that cannot be written.
    pub fn open(path: impl Into<PathBuf>, config: &str, resume: bool) -> Result<Self> {
        let path = path.into();
        Self::refuse_other(&path, Some("config.toml"))?;
        let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let made = path.ancestors().take_while(missing).last().map(Path::to_owned);
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        let lock_path = path.join(".lock");
        let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Usage(format!(
                    "{} is in use by another run: wait for it, or choose another folder with --out",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &lock_path)(error)),
        }
        let is_new = !Self::check(&path, config, resume)?;
        let was_done = Self::holds_done(&path);
        if is_new {
            write_whole(path.join("config.toml"), |out| out.write_all(config.as_bytes()))?;
        }
        Ok(Self { path, _lock: lock, was_done, is_new, made })
    }

    /// Removes what opening the folder has left, where the run began with that and no epoch of it has ended: a run that
    /// cannot be trained leaves nothing that another would have to make way for.
    pub(crate) fn give_up(self) {
        let backup = self.backup();
        if !self.is_new || self.history().exists() || backup.join(BackupAndRestore::FILE).exists() {
            return;
        }
        // What cannot be removed stays; the error that is told is the one that ended the run.
        let _ = fs::remove_file(self.path.join("config.toml"));
        let _ = fs::remove_dir(backup);
        let _ = fs::remove_file(self.path.join(".lock"));
        let Some(made) = &self.made else { return };
        // Folders that hold anything else stay, too.
        for folder in self.path.ancestors().take_while(|folder| folder.starts_with(made)) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }

    /// Makes sure that a folder holds no results of another kind than those that are known by the file `own`, or of
    /// any kind where they have no file of their own.
    ///
    /// # Errors
    /// Where it does.
    pub fn refuse_other(path: &Path, own: Option<&str>) -> Result<()> {
        let holds = |file: &str| path.join(file).exists();
        let is_own = |file: &str| own.is_some_and(|own| file == own || file == "report.html" && holds(own));
        let is_other = |file: &str| holds(file) && !is_own(file);
        match KINDS.iter().find(|(file, _)| is_other(file)) {
            Some((_, what)) => Err(Error::Usage(format!(
                "{} holds {what} already: choose another folder with --out",
                path.display()
            ))),
            None => Ok(()),
        }
    }

    /// Whether a folder holds a run with this complete configuration, which is to be gone on with.
    ///
    /// # Errors
    /// Where it holds another run or other results, or any run and nothing is to be resumed.
    pub(crate) fn check(path: &Path, config: &str, resume: bool) -> Result<bool> {
        Self::refuse_other(path, Some("config.toml"))?;
        let config_path = path.join("config.toml");
        match fs::read_to_string(&config_path) {
            Ok(_) if !resume => Err(Error::Usage(format!(
                "{} holds a run already: go on with it with --resume, or choose another folder with --out",
                path.display()
            ))),
            Ok(existing) if existing != config => Err(Error::Usage(format!(
                "{} holds a run with another configuration (see its config.toml): choose another folder with --out",
                path.display()
            ))),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("read", &config_path)(error)),
        }
    }

    /// The next free folder `runs/NAME-N`.
    pub fn next(name: &str) -> PathBuf {
        let numbered = |number: usize| Path::new("runs").join(format!("{name}-{number}"));
        (1..).map(numbered).find(|path| !path.exists()).expect("some number is free")
    }

    /// Whether the run had come to its end before the folder was opened.
    pub fn was_done(&self) -> bool {
        self.was_done
    }

    /// Whether a folder holds a run that has come to its end: the report is written last.
    pub(crate) fn holds_done(path: &Path) -> bool {
        path.join("report.html").exists() && path.join("config.toml").exists()
    }

    /// The numbers that a run, which had this seed, left in its folder.
    ///
    /// # Errors
    /// Where a file cannot be read or is not what a run leaves.
    pub(crate) fn read_result(path: &Path, seed: u64) -> Result<RunResult> {
        let broken = |path: &Path, expected: &str| Error::file(path, format!("expected {expected}"));
        let history_path = path.join("history.csv");
        let history = History::from_csv(&read(&history_path)?)
            .ok_or_else(|| broken(&history_path, "a row of numbers for each epoch"))?;
        let test_path = path.join("test.csv");
        let test = if test_path.exists() {
            read_logs(&read(&test_path)?)
                .ok_or_else(|| broken(&test_path, "a row of names and a row of numbers"))?
        } else {
            Logs::new()
        };
        let seconds_path = path.join(SECONDS);
        let seconds = read(&seconds_path)?.trim().parse().map_err(|_| broken(&seconds_path, "a number"))?;
        Ok(RunResult { seed, history, test, seconds })
    }

    /// Where the history goes.
    pub fn history(&self) -> PathBuf {
        self.path.join("history.csv")
    }

    /// Where the model goes.
    pub fn model(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// Where backups go.
    pub fn backup(&self) -> PathBuf {
        self.path.join("backup")
    }

    /// Adds to the time that the run has taken over all its parts, and returns the sum in seconds.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add_seconds(&self, more: Duration) -> Result<f64> {
        let path = self.path.join(SECONDS);
        let before: f64 =
            fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0.0);
        if self.was_done {
            return Ok(before);
        }
        let seconds = before + more.as_secs_f64();
        write_whole(&path, |out| writeln!(out, "{seconds}"))?;
        Ok(seconds)
    }

    /// Writes what is known at the end: summary, curves, environment, report.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn finish(&self, report: &RunReport, seed: u64, threads: usize) -> Result<()> {
        let file = |name: &str| self.path.join(name);
        if let [RunResult { test, .. }] = report.runs
            && !test.is_empty()
        {
            write_whole(file("test.csv"), |out| out.write_all(logs_csv(test).as_bytes()))?;
        }
        write_whole(file("summary.txt"), |out| out.write_all(report.summary.as_bytes()))?;
        let courses = report.courses();
        Curves::new(&courses).write(file("curves.svg"))?;
        Curves::new(&courses).write(file("curves.png"))?;
        learned_rates::write(&courses, &self.path)?;
        report.write_classes(&self.path)?;
        let environment = json!({
            "thinnet": env!("CARGO_PKG_VERSION"),
            "os": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
            "kernels": thinnet_kernels::isa::current().to_string(),
            "threads": threads,
            "seed": seed,
            "seconds": report.runs.iter().map(|run| run.seconds).sum::<f64>(),
            "command": report.command,
        });
        let environment = serde_json::to_string_pretty(&environment).unwrap_or_default();
        write_whole(file("environment.json"), |out| writeln!(out, "{environment}"))?;
        let page = report.page()?;
        write_whole(file("report.html"), |out| out.write_all(page.as_bytes()))
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io("read", path))
}

/// Names in a row, and their values below.
fn logs_csv(logs: &Logs) -> String {
    let row = |cells: Vec<String>| cells.join(",") + "\n";
    row(logs.keys().cloned().collect()) + &row(logs.values().map(f64::to_string).collect())
}

/// What [`logs_csv`] wrote.
fn read_logs(text: &str) -> Option<Logs> {
    let (names, values) = text.trim_end().split_once('\n')?;
    let values: Vec<f64> = values.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    let names: Vec<&str> = names.split(',').collect();
    (names.len() == values.len()).then(|| names.into_iter().map(str::to_owned).zip(values).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_another_kind_are_never_joined() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let said = |result: Result<RunFolder>| {
            let text = result.unwrap_err().to_string();
            text.strip_prefix(&path.display().to_string()).unwrap().to_owned()
        };
        for (file, what) in &KINDS[1..] {
            fs::create_dir_all(&path).unwrap();
            // A report of its own does not hide what a folder holds.
            for file in [*file, "report.html"] {
                fs::write(path.join(file), "").unwrap();
            }
            for resume in [false, true] {
                let message = said(RunFolder::open(&path, "", resume));
                assert_eq!(message, format!(" holds {what} already: choose another folder with --out"));
            }
            assert!(!path.join(".lock").exists() && !path.join("config.toml").exists());
            RunFolder::refuse_other(&path, Some(file)).unwrap();
            fs::remove_dir_all(&path).unwrap();
        }
        drop(RunFolder::open(&path, "a", false).unwrap());
        RunFolder::refuse_other(&path, Some("sweep.csv")).unwrap_err();
        assert!(!RunFolder::open(&path, "a", true).unwrap().was_done());
        fs::write(path.join("report.html"), "").unwrap();
        assert!(RunFolder::open(&path, "a", true).unwrap().was_done());
        assert!(said(RunFolder::open(&path, "a", false)).starts_with(" holds a run already: go on with it"));
        assert!(
            said(RunFolder::open(&path, "b", true)).starts_with(" holds a run with another configuration")
        );
    }

    #[test]
    fn a_run_that_never_began_leaves_nothing_and_one_that_did_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (outer, path) = (folder.path().join("outer"), folder.path().join("outer/run"));
        let open = |resume| RunFolder::open(&path, "", resume).unwrap();
        open(false).give_up();
        assert!(!outer.exists() && folder.path().exists());
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("notes.txt"), "").unwrap();
        open(false).give_up();
        let left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["notes.txt"]);
        let begun = open(false);
        fs::write(begun.history(), "").unwrap();
        begun.give_up();
        assert!(path.join("config.toml").exists());
        fs::remove_file(path.join("history.csv")).unwrap();
        open(true).give_up();
        assert!(path.join("config.toml").exists(), "the run was there before");
    }
}
