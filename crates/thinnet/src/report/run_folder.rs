//! The folder of a run: one file a thing, each whole or not there.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::curves::Curves;
use super::{RunReport, RunResult, learned_rates};
use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::history::{History, Logs};

/// The file with the seconds that training has taken.
const SECONDS: &str = "seconds.txt";

/// A run's folder, locked against a second process while this one lives.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Opens a folder for a run with this complete configuration. A folder that holds a run already is opened only to
    /// `resume` that run.
    ///
    /// # Errors
    /// A folder in use, of another run, or that cannot be written.
    pub fn open(path: impl Into<PathBuf>, config: &str, resume: bool) -> Result<Self> {
        let path = path.into();
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
        let folder = Self { path, _lock: lock };
        if !Self::check(&folder.path, config, resume)? {
            write_whole(folder.path.join("config.toml"), |out| out.write_all(config.as_bytes()))?;
        }
        Ok(folder)
    }

    /// Whether a folder holds a run with this complete configuration, which is to be gone on with.
    ///
    /// # Errors
    /// Where it holds another run, or any and nothing is to be resumed.
    pub(crate) fn check(path: &Path, config: &str, resume: bool) -> Result<bool> {
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

    /// Whether the run has come to its end: the report is written last.
    pub fn is_done(&self) -> bool {
        Self::holds_done(&self.path)
    }

    /// Whether a folder holds a run that has come to its end.
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
        if self.is_done() {
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
