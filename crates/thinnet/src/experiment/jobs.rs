//! Many runs side by side.
//!
//! A small model keeps one core busy and leaves little for a second one, so several runs of one thread each end sooner
//! than one after the other with all threads. Each run is a function of its experiment and data alone: which of them run at
//! the same time changes no bit of the results.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};

use super::run::{prepared, run_watched};
use super::{Experiment, FinishedRun, Outcome, RunOptions, run};
use crate::callbacks::{BatchEnd, Board, Callback, Screen, Training, words};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::history::Logs;
use crate::model::Sequential;
use crate::report::{RunFolder, RunResult};
use crate::schedules::scheduled;

/// One of many runs.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// What errors call it.
    pub name: String,
    /// What is run, with its seed.
    pub experiment: Experiment,
    /// Its data, which jobs share.
    pub data: &'a Dataset,
    /// The folder for what the run leaves; without, nothing is written.
    pub out: Option<PathBuf>,
}

impl Job<'_> {
    /// The model of the run, as it is before training, and the names of what its thinned networks will say of data: so what is
    /// wrong with one of many runs is known before the first is trained.
    ///
    /// # Errors
    /// What is wrong with the model, with the job's name.
    pub(super) fn built(&self) -> Result<(Sequential, Vec<String>)> {
        let built = || {
            let experiment = self.experiment.clone().with_input_of(self.data)?;
            let (model, ..) = prepared(&experiment, self.data, None)?;
            let names = experiment.monte_carlo.map(|monte_carlo| monte_carlo.names(&model)).transpose()?;
            Ok((model, names.unwrap_or_default()))
        };
        built().map_err(|error| self.named(error))
    }

    /// An error of the job.
    fn named(&self, error: Error) -> Error {
        match error {
            Error::Interrupted => Error::Interrupted,
            source => Error::Run { name: self.name.clone(), source: Box::new(source) },
        }
    }
}

/// How often the display is made anew.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs all jobs, as many at once as there are threads, with one thread each; fewer jobs have more threads each. `finish`
/// is called on the thread of a job with what the run left, and makes of it what is kept (a model that nobody needs is
/// dropped there). The results come in the order of the jobs, and are the same bits for any number of threads.
///
/// `options` are as for a single [`run`](super::run()), but for `out`, which is the job's own, and `runs_to_come`. Without
/// `resume`, a folder that holds a run is an error; with it, a run that is done is only read, and one that was stopped goes
/// on where it was.
///
/// ```
/// use std::path::Path;
/// use ndarray::{Array1, Array2};
/// use thinnet::data::{Data, Dataset};
/// use thinnet::experiment::{Experiment, Job, RunOptions, run_all};
///
/// let x = Array2::from_shape_fn((64, 2), |(i, j)| ((i * 3 + j * 5) % 7) as f32);
/// let y = Array1::from_shape_fn(64, |i| (i % 2) as i64);
/// # let (x, y) = (&x, &y);
/// let train = Data::from((x, y)).into_owned();
/// let data = Dataset { name: "small".into(), class_names: Vec::new(), test: train.clone(), train };
/// let text = r#"
///     data.x = "x.npy"
///     data.y = "y.npy"
///     model.layers = [{ class = "Dense", units = 2, activation = "softmax" }]
///     compile.loss = "sparse_categorical_crossentropy"
/// "#;
/// let experiment = Experiment::from_toml(text, Path::new("."), &[])?;
/// let jobs: Vec<Job> = experiment
///     .with_seeds(8)?
///     .into_iter()
///     .map(|experiment| Job { name: format!("seed {}", experiment.seed), experiment, data: &data, out: None })
///     .collect();
/// let losses = run_all(&jobs, &RunOptions::default(), |_, outcome| Ok(outcome.history["loss"][0]))?;
/// assert_eq!(losses.len(), 8);
/// # Ok::<(), thinnet::Error>(())
/// ```
///
/// # Errors
/// The error of the first job that failed, with its name: no other is begun then, and those that run are stopped.
/// [`Error::Interrupted`] where the user wants to stop, after what is complete was saved.
pub fn run_all<T: Send>(
    jobs: &[Job],
    options: &RunOptions,
    finish: impl Fn(&Job, Outcome) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let options_of = |job: &Job| RunOptions { out: job.out.clone(), runs_to_come: 0, ..options.clone() };
    if let [job] = jobs {
        // One run has its own, closer display.
        let outcome = run(&job.experiment, job.data, &options_of(job));
        return Ok(vec![outcome.and_then(|outcome| finish(job, outcome)).map_err(|error| job.named(error))?]);
    }
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let threads = options.threads.unwrap_or_else(crate::default_threads).max(1);
    let workers = threads.min(jobs.len());
    let progress = Progress::new(jobs, options.watched.is_some());
    let work = |(index, job): (usize, &Job), worker: usize| {
        let share = threads / workers + usize::from(worker < threads % workers);
        let options = RunOptions { threads: Some(share), verbose: false, watched: None, ..options_of(job) };
        let epochs = AtomicUsize::new(0);
        let watch = Box::new(Watch { progress: &progress, job: index, epochs: &epochs });
        let outcome = run_watched(&job.experiment, job.data, &options, Some(watch))?;
        let skipped = job.experiment.fit.epochs.saturating_sub(epochs.load(Ordering::Relaxed));
        progress.skipped.fetch_add(skipped, Ordering::Relaxed);
        if let Some(board) = &progress.board {
            board.end(index);
        }
        finish(job, outcome)
    };
    let next = AtomicUsize::new(0);
    let wanted = || {
        let stop = progress.failed.load(Ordering::Relaxed)
            || options.interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed));
        let index = if stop { jobs.len() } else { next.fetch_add(1, Ordering::Relaxed) };
        jobs.get(index).map(|job| (index, job))
    };
    let mut results: Vec<Option<Result<T>>> = jobs.iter().map(|_| None).collect();
    let all_started = thread::scope(|scope| {
        let mut all_started = Ok(());
        let (send, receive) = mpsc::channel();
        for worker in 0..workers {
            let (send, work, wanted, progress) = (send.clone(), &work, &wanted, &progress);
            let work = move || {
                while let Some((index, job)) = wanted() {
                    let result = work((index, job), worker).map_err(|error| job.named(error));
                    if result.is_err() {
                        progress.failed.store(true, Ordering::Relaxed);
                    }
                    // The receiver lives until all senders are gone.
                    let _ = send.send((index, result));
                }
            };
            if let Err(error) = thread::Builder::new().spawn_scoped(scope, work) {
                all_started = Err(error);
                break;
            }
        }
        drop(send);
        let mut display = Display::new(&progress, jobs.len(), options.verbose);
        loop {
            match receive.recv_timeout(PAUSE) {
                Ok((index, result)) => {
                    results[index] = Some(result);
                    display.done += 1;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            display.show(&progress);
        }
        display.bar.finish_and_clear();
        all_started
    });
    // Fewer workers than wanted do as well, but none.
    if let (Err(error), true) = (all_started, workers > 0 && results.iter().all(Option::is_none)) {
        return Err(Error::Usage(format!("cannot start a thread: {error}")));
    }
    // Jobs that were stopped because another failed say nothing.
    let failed = |result: &Option<Result<T>>| matches!(result, Some(Err(error)) if !matches!(error, Error::Interrupted));
    if let Some(Some(Err(error))) = results.iter().position(failed).map(|index| results.swap_remove(index)) {
        return Err(error);
    }
    results.into_iter().map(|result| result.unwrap_or(Err(Error::Interrupted))).collect()
}

/// Makes sure before anything is trained that every job can be run: its model can be made, and its folder is free or holds this
/// run, which is to be gone on with. The models' summaries come in the order of the jobs.
///
/// # Errors
/// What is wrong with the first job of which something is.
pub(super) fn checked(jobs: &[Job], resume: bool) -> Result<Vec<String>> {
    let check = |job: &Job| {
        let (mut model, _) = job.built()?;
        if let Some(out) = &job.out {
            RunFolder::check(out, &job.experiment.clone().with_input_of(job.data)?.to_toml()?, resume)?;
        }
        model.try_summary()
    };
    jobs.iter().map(check).collect()
}

/// Runs all jobs as [`run_all`] does and returns their numbers. With `resume`, a run that is done is read from its folder
/// without its data and its model.
///
/// # Errors
/// As [`run_all`].
pub fn results(jobs: &[Job], options: &RunOptions) -> Result<Vec<RunResult>> {
    let mut results = jobs.iter().map(|job| done(job, options)).collect::<Result<Vec<_>>>()?;
    let (places, to_run): (Vec<usize>, Vec<Job>) = jobs
        .iter()
        .enumerate()
        .filter(|(index, _)| results[*index].is_none())
        .map(|(i, job)| (i, job.clone()))
        .unzip();
    let new = run_all(&to_run, options, |job, outcome| Ok(outcome.result(job.experiment.seed)))?;
    for (place, result) in places.into_iter().zip(new) {
        results[place] = Some(result);
    }
    Ok(results.into_iter().flatten().collect())
}

/// The numbers of a job that is done in its folder.
fn done(job: &Job, options: &RunOptions) -> Result<Option<RunResult>> {
    let Some(out) = job.out.as_ref().filter(|out| options.resume && FinishedRun::is_in(out)) else {
        return Ok(None);
    };
    let config = std::fs::read_to_string(out.join("config.toml")).map_err(Error::io("read", out))?;
    // A run of another experiment is an error, which the run itself explains.
    if config != job.experiment.clone().with_input_of(job.data)?.to_toml()? {
        return Ok(None);
    }
    FinishedRun::read(out).map(|run| Some(run.result))
}

/// What the jobs' threads count.
#[derive(Debug)]
struct Progress {
    /// The epochs that all jobs have to do.
    epochs: usize,
    done: AtomicUsize,
    /// Epochs that were done before, or that a job ended without.
    skipped: AtomicUsize,
    failed: AtomicBool,
    /// The picture of the jobs, where it is wanted.
    board: Option<Board>,
}

impl Progress {
    fn new(jobs: &[Job], watched: bool) -> Self {
        let board = watched.then(|| Board::new(jobs.iter().map(|job| job.name.clone())));
        let epochs = jobs.iter().map(|job| job.experiment.fit.epochs).sum();
        Self {
            epochs,
            done: AtomicUsize::new(0),
            skipped: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            board,
        }
    }
}

/// Counts a job's epochs, and stops it where another has failed.
#[derive(Debug)]
struct Watch<'a> {
    progress: &'a Progress,
    /// The job's number.
    job: usize,
    /// The epochs of this job.
    epochs: &'a AtomicUsize,
}

impl Callback for Watch<'_> {
    fn on_batch_end(&mut self, _: &mut Training, _: &BatchEnd) -> Result<()> {
        if self.progress.failed.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    fn on_epoch_end(&mut self, training: &mut Training, epoch: usize, logs: &mut Logs) -> Result<()> {
        if let Some(board) = &self.progress.board {
            let step = (training.epoch * training.steps) as u64;
            board.epoch(self.job, epoch, logs, &scheduled(training.model.layers(), step));
        }
        self.epochs.fetch_add(1, Ordering::Relaxed);
        self.progress.done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// The one display of all jobs, drawn by a thread that does nothing else. Hidden where standard error is not a terminal.
struct Display {
    bar: Bar,
    /// In place of the bar, where the jobs are watched.
    screen: Option<Screen>,
    done: usize,
    jobs: usize,
    started: Instant,
    drawn: Instant,
}

impl Display {
    fn new(progress: &Progress, jobs: usize, verbose: bool) -> Self {
        let screen = progress.board.as_ref().and_then(|_| Screen::open());
        let target = match verbose && screen.is_none() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = Bar::with_draw_target(Some(progress.epochs as u64), target);
        // The template is ours and valid; without it the bar has its plain form.
        if let Ok(style) = ProgressStyle::with_template("{bar:30.cyan/dim} {msg}") {
            bar.set_style(style.progress_chars("━━╌"));
        }
        let now = Instant::now();
        Self { bar, screen, done: 0, jobs, started: now, drawn: now }
    }

    fn show(&mut self, progress: &Progress) {
        let hidden = self.bar.is_hidden() && self.screen.is_none();
        if hidden || self.drawn.elapsed() < PAUSE {
            return;
        }
        self.drawn = Instant::now();
        let [done, skipped] = [&progress.done, &progress.skipped].map(|count| count.load(Ordering::Relaxed));
        self.bar.set_position((done + skipped) as u64);
        let elapsed = self.started.elapsed().as_secs_f64();
        let left = seconds_left(elapsed, done, progress.epochs.saturating_sub(done + skipped));
        let left = left.map_or(String::new(), |seconds| format!(" · {} left", words(seconds)));
        let text = format!("{} of {} runs{left}", self.done, self.jobs);
        match (&mut self.screen, &progress.board) {
            (Some(screen), Some(board)) => {
                board.draw(screen, (done + skipped) as f64 / progress.epochs.max(1) as f64, &text);
            }
            _ => self.bar.set_message(text),
        }
    }
}

/// The seconds that what is to come takes, after as many seconds for what is done.
fn seconds_left(elapsed: f64, done: usize, to_come: usize) -> Option<f64> {
    (done > 0).then(|| elapsed / done as f64 * to_come as f64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ndarray::{Array1, Array2};

    use super::*;
    use crate::data::Data;

    /// Two clouds, and a network with dropout.
    fn small() -> (Experiment, Dataset) {
        let x = Array2::from_shape_fn((96, 3), |(i, j)| ((i * 7 + j * 13) % 11) as f32 / 11.0);
        let y = Array1::from_shape_fn(96, |i| (i * 7 % 11 % 2) as i64);
        let train = Data::from((&x, &y)).into_owned();
        let data = Dataset { name: "clouds".into(), class_names: Vec::new(), test: train.clone(), train };
        let text = r#"
            data.x = "x.npy"
            data.y = "y.npy"
            compile.loss = "sparse_categorical_crossentropy"
            fit = { epochs = 3, batch_size = 16, validation_split = 0.25 }
            [model]
            layers = [
                { class = "Dense", units = 8, activation = "relu" },
                { class = "Dropout", rate = 0.3 },
                { class = "Dense", units = 2, activation = "softmax" },
            ]
        "#;
        (Experiment::from_toml(text, Path::new("."), &[]).unwrap(), data)
    }

    fn jobs<'a>(
        count: usize,
        folder: Option<&Path>,
        experiment: &Experiment,
        data: &'a Dataset,
    ) -> Vec<Job<'a>> {
        let job = |experiment: Experiment| Job {
            name: format!("seed {}", experiment.seed),
            out: folder.map(|folder| folder.join(experiment.seed.to_string())),
            experiment,
            data,
        };
        experiment.with_seeds(count).unwrap().into_iter().map(job).collect()
    }

    fn options(threads: usize) -> RunOptions {
        RunOptions { threads: Some(threads), ..RunOptions::default() }
    }

    fn numbers(results: Vec<RunResult>) -> Vec<(u64, String, String)> {
        let numbers = |run: RunResult| (run.seed, run.history.to_csv(","), format!("{:?}", run.test));
        results.into_iter().map(numbers).collect()
    }

    #[test]
    fn results_come_in_order_and_do_not_depend_on_the_threads() {
        let (experiment, data) = small();
        let jobs = jobs(7, None, &experiment, &data);
        let expected: Vec<_> = jobs
            .iter()
            .map(|job| run(&job.experiment, &data, &options(1)).unwrap().result(job.experiment.seed))
            .collect();
        let expected = numbers(expected);
        assert_eq!(expected.iter().map(|(seed, ..)| *seed).collect::<Vec<_>>(), (42..49).collect::<Vec<_>>());
        for threads in [1, 2, 3, 20] {
            assert_eq!(numbers(results(&jobs, &options(threads)).unwrap()), expected, "{threads} threads");
        }
        assert!(results(&[], &options(2)).unwrap().is_empty());
    }

    #[test]
    fn what_is_done_is_read_and_the_rest_is_run() {
        let (experiment, data) = small();
        let folder = tempfile::tempdir().unwrap();
        let all = jobs(5, Some(folder.path()), &experiment, &data);
        results(&all[1..3], &options(2)).unwrap();
        let model =
            std::fs::metadata(folder.path().join("43/model.safetensors")).unwrap().modified().unwrap();
        let error = results(&all, &options(2)).unwrap_err().to_string();
        assert!(error.starts_with("seed 43: ") && error.contains("--resume"), "{error}");
        let resumed = RunOptions { resume: true, ..options(2) };
        let expected = numbers(results(&jobs(5, None, &experiment, &data), &options(2)).unwrap());
        for _ in 0..2 {
            assert_eq!(numbers(results(&all, &resumed).unwrap()), expected);
        }
        let after =
            std::fs::metadata(folder.path().join("43/model.safetensors")).unwrap().modified().unwrap();
        assert_eq!(model, after, "a run that is done is left as it is");
        let other =
            Experiment { fit: super::super::FitConfig { epochs: 4, ..experiment.fit.clone() }, ..experiment };
        let error = results(&jobs(5, Some(folder.path()), &other, &data), &resumed).unwrap_err().to_string();
        assert!(error.contains("holds a run with another configuration"), "{error}");
    }

    #[test]
    fn an_error_names_its_job_and_stops_the_others() {
        let (experiment, data) = small();
        let mut jobs = jobs(40, None, &experiment, &data);
        jobs[1].experiment.compile.loss = "mse".into();
        jobs[1].name = "the second".into();
        let finished = AtomicUsize::new(0);
        let count = |_: &Job, _| Ok(finished.fetch_add(1, Ordering::Relaxed));
        let error = run_all(&jobs, &options(2), count).unwrap_err().to_string();
        assert!(error.starts_with("the second: "), "{error}");
        assert!(finished.into_inner() < 39);
        let error = results(&jobs[1..2], &options(2)).unwrap_err().to_string();
        assert!(error.starts_with("the second: "), "{error}");
    }

    #[test]
    fn an_interrupt_ends_all_jobs() {
        static INTERRUPTED: AtomicBool = AtomicBool::new(false);
        let (experiment, data) = small();
        let jobs = jobs(40, None, &experiment, &data);
        let options = RunOptions { interrupted: Some(&INTERRUPTED), ..options(3) };
        let finished = AtomicUsize::new(0);
        let result = run_all(&jobs, &options, |_, _| {
            INTERRUPTED.store(true, Ordering::Relaxed);
            Ok(finished.fetch_add(1, Ordering::Relaxed))
        });
        assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
        assert!(finished.into_inner() <= 3, "those that were in their last step");
    }

    #[test]
    fn the_time_left_is_that_of_the_epochs_to_come() {
        assert_eq!(seconds_left(10.0, 5, 15), Some(30.0));
        assert_eq!(seconds_left(10.0, 0, 15), None);
    }

    #[test]
    fn seeds_end() {
        let (mut experiment, _) = small();
        experiment.seed = u64::MAX - 1;
        assert_eq!(experiment.with_seeds(2).unwrap()[1].seed, u64::MAX);
        let error = experiment.with_seeds(3).unwrap_err().to_string();
        let expected = "3 seeds from 18446744073709551614 on: the last seed is 18446744073709551615, start with a smaller one";
        assert_eq!(error, expected);
    }
}
