use ndarray::{Array1, Array2};
use tempfile::TempDir;

use super::*;
use crate::data::formats::npy;

const EXPERIMENT: &str = r#"
seed = 3
values = { rate = 0.1, n = 32, epochs = 4, name = "a" }
data = { x = "x.npy", y = "y.npy", samples = "{n}" }
compile.loss = "sparse_categorical_crossentropy"
compile.metrics = ["accuracy"]
fit = { epochs = "{epochs}", batch_size = 8, validation_split = 0.25 }
model.layers = [
    { class = "Dropout", rate = "{rate}" },
    { class = "Dense", units = 2, activation = "softmax" },
]
"#;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let x = Array2::from_shape_fn((32, 3), |(i, j)| ((i * 7 + j * 13) % 11) as f32 / 11.0);
        npy::write(bench.path("x.npy"), &x).unwrap();
        npy::write(bench.path("y.npy"), &Array1::from_shape_fn(32, |i| (i * 7 % 11 % 2) as i64)).unwrap();
        std::fs::write(bench.path("e.toml"), EXPERIMENT).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options(&self, vary: &str, sets: &[&str], out: Option<&str>) -> TuneOptions {
        let out = out.map(|out| self.path(out));
        TuneOptions {
            run: RunOptions { threads: Some(1), out, ..RunOptions::default() },
            sets: sets.iter().map(|&set| set.to_owned()).collect(),
            vary: vec![vary.to_owned()],
        }
    }

    fn tune(&self, vary: &str, sets: &[&str], out: Option<&str>) -> Result<Tuning, String> {
        tune(self.path("e.toml"), &self.options(vary, sets, out)).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn fails(&self, vary: &str, sets: &[&str], message: &str) {
        let error = self.tune(vary, sets, Some("none")).unwrap_err();
        assert!(error.contains(message), "{error}");
        assert!(!self.path("none").exists(), "{vary}: nothing was begun");
    }

    fn plan(&self, vary: &str, sets: &[&str]) -> Plan {
        let sets = self.options(vary, sets, None).overrides().unwrap();
        let studies = Study::all(EXPERIMENT, self.folder.path(), &sets).unwrap();
        let base = &studies[0].experiment;
        Plan::new(base.tune.as_ref().unwrap(), &studies, base.fit.epochs, true).unwrap()
    }
}

#[test]
fn what_candidates_share_is_not_searched_over() {
    let bench = Bench::new();
    for (vary, message) in [
        ("seed=1,2", "tune.vary.seed: seeds are not chosen"),
        ("tune.eta=2,3", "tune.vary.tune.eta: expected an entry that a run depends on"),
        ("data.samples=8,16", "tune.vary.data.samples: candidates share the data: [tune.each]"),
        ("fit.epochs=10..200", "tune.vary.fit.epochs: candidates are trained for as many epochs"),
        (
            "fit.validation_split=0.0,0.25",
            "tune.vary.fit.validation_split: candidates are judged by the same data",
        ),
        // However it is reached.
        ("values.n=32,16", "got others with n 16: search for each by itself with [tune.each]"),
        ("values.epochs=4,5", "got others with epochs 5"),
        ("values.rat=1,2", "unknown value `rat`: did you mean `rate`?"),
    ] {
        bench.fails(vary, &[], message);
    }
    for (each, message) in [
        ("tune.each.\"tune.eta\"=[2, 3]", "tune.each.tune.eta: expected an entry that a run depends on"),
        ("tune.each.\"values.rat\"=[0, 1]", "unknown value `rat`: did you mean `rate`?"),
        (
            "tune.each.\"fit.epochs\"=[4, 5]",
            "tune.each: expected as many epochs in every search, got 4 and 5",
        ),
        ("tune.each.\"fit.validation_split\"=[0.25, 0.0]", "fit.validation_split: expected a share"),
        ("tune.each.seed=[1, 1]", "tune.each.seed: expected each value once, got 1 twice"),
        (
            "tune.each.\"values.name\"=[\"1\", 1]",
            "tune.each: expected values that read differently, got `1` twice: rename one",
        ),
    ] {
        bench.fails("values.rate=0.1,0.3", &[each], message);
    }
}

#[test]
fn what_is_wrong_is_told_before_anything_is_written() {
    let bench = Bench::new();
    bench.fails("values.rate=0.1,0.3", &["tune.objective=val_nope"], "unknown objective `val_nope`");
    // The first rung's two epochs would do.
    let halving = ["tune.search=successive_halving", "tune.eta=2", "tune.min_epochs=2", "tune.budget=4 runs"];
    let uneven = [&halving[..], &["fit.epochs=5", "fit.validation_freq=2"]].concat();
    bench.fails("values.rate=0.0..0.5", &uneven, "behind the 5 that candidates are judged after, got 2");
}

#[test]
fn every_search_stays_within_its_folder() {
    let bench = Bench::new();
    let each = "tune.each.\"values.name\"=[\"..\", \"../B c\", -1, \"b-C\", \"tune.csv\", \"wave_1\"]";
    let sets = [each, "tune.keep=best", "tune.budget=1 runs", "fit.epochs=1"];
    bench.tune("values.rate=0.1,0.3", &sets, Some("out")).unwrap();
    let mut folders: Vec<_> = std::fs::read_dir(bench.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    folders.sort_unstable();
    // What fits stays as it is, and none is another one where case makes no difference.
    assert_eq!(folders, ["-1", "B-c", "b-C-2", "model", "tune-csv", "wave_1"]);
    assert!(folders.iter().all(|folder| bench.path("out").join(folder).join("best").is_dir()));
    let around = std::fs::read_dir(bench.folder.path()).unwrap().count();
    assert_eq!(around, 4, "the experiment, its two arrays, out");
}

#[test]
fn random_candidates_differ_and_end_where_there_are_no_more() {
    let bench = Bench::new();
    let tuning = bench.tune("values.rate=0.1,0.3", &["tune.budget=6 runs", "fit.epochs=1"], None).unwrap();
    let values: Vec<_> = tuning.searches[0].trials.iter().map(|trial| trial.values[0].to_string()).collect();
    assert_eq!((values.len(), values.contains(&"0.1".into())), (2, true), "{values:?}");
    let timed = bench.tune("values.rate=0.1,0.3", &["tune.budget=1 h", "fit.epochs=1"], None).unwrap();
    assert_eq!(timed.searches[0].trials.len(), 2);
    let sets = bench.options("model.layers.1.units=1..50", &[], None).overrides().unwrap();
    let study = Study::all(EXPERIMENT, bench.folder.path(), &sets).unwrap().remove(0);
    assert_eq!([study.count(30), study.count(1000)], [30, 50]);
    let mut units: Vec<_> =
        (0..50).map(|number| study.values(number).unwrap()[0].as_u64().unwrap()).collect();
    let first = study.space.candidate(3, 0);
    assert_eq!(first, study.values(0).unwrap(), "a function of the seed and the number");
    units.sort_unstable();
    assert_eq!(units, (1..=50).collect::<Vec<_>>());
    assert!(study.values(50).is_err());
}

#[test]
fn the_default_budget_of_successive_halving_is_in_runs() {
    let bench = Bench::new();
    let sets = ["tune.search=successive_halving", "tune.seeds=5", "fit.epochs=9"];
    assert_eq!(bench.plan("values.rate=0.0..0.5", &sets), Plan::Halving(vec![(6, 3), (2, 9)]));
    assert_eq!(bench.plan("values.rate=0.1,0.3", &sets), Plan::Halving(vec![(2, 9)]), "there are but two");
}

#[test]
fn successive_halving_of_what_is_there_stays_within_its_epochs() {
    let bench = Bench::new();
    let sets = ["tune.search=successive_halving", "tune.budget=243 epochs", "fit.epochs=81"];
    let plan = |values: usize| {
        let rates: Vec<String> = (0..values).map(|value| format!("0.{value:02}")).collect();
        bench.plan(&format!("values.rate={}", rates.join(",")), &sets)
    };
    assert_eq!(plan(27), Plan::Halving(vec![(27, 3), (9, 9), (3, 27), (1, 81)]));
    assert_eq!(plan(26), Plan::Halving(vec![(13, 9), (4, 27), (1, 81)]));
}

#[test]
fn what_a_budget_of_time_may_come_to_is_looked_at_before() {
    let bench = Bench::new();
    for last in ["softmax,nope", "nope,softmax"] {
        let vary = format!("model.layers.1.activation={last}");
        bench.fails(&vary, &["tune.budget=1 h", "fit.epochs=1"], "unknown activation `nope`");
    }
}

#[test]
fn a_candidate_that_cannot_be_run_ends_a_search_and_loses_nothing() {
    let bench = Bench::new();
    let options =
        |values: &str| bench.options(&format!("model.layers.1.activation={values}"), &["fit.epochs=1"], None);
    let studies = |options: &TuneOptions| {
        Study::all(EXPERIMENT, bench.folder.path(), &options.overrides().unwrap()).unwrap()
    };
    // One of the two begins with the one that can be run.
    let begins_well = |options: &TuneOptions| studies(options)[0].values(0).unwrap()[0] == "softmax";
    let options = ["softmax,nope", "nope,softmax"].map(options).into_iter().find(begins_well).unwrap();
    let studies = studies(&options);
    let config = studies[0].experiment.tune.clone().unwrap();
    let trials = Mutex::new((Trials::new(None, &config), None));
    let search = Running { studies: &studies, config: &config, options: &options, trials };
    let ended = search.until(3600.0, 1, 1).unwrap();
    let tuning = search.finish(ended).unwrap();
    assert_eq!((tuning.searches[0].trials.len(), tuning.searches[0].chosen.candidate), (1, 0));
    let sentences = tuning.sentences();
    assert!(sentences[0].starts_with("The search ended before its time, for a candidate cannot be run: "));
    assert!(sentences[0].contains("unknown activation `nope`"), "{}", sentences[0]);
}

#[test]
fn what_successive_halving_spends_is_counted_once() {
    let bench = Bench::new();
    let sets = ["tune.search=successive_halving", "tune.eta=2", "tune.budget=2 runs", "fit.epochs=2"];
    let run = |keep: &str, out| {
        let tuning = bench.tune("values.rate=0.0..0.5", &[&sets[..], &[keep]].concat(), Some(out)).unwrap();
        let mut trials = tuning.searches[0].trials.clone();
        trials.sort_by_key(|trial| trial.epochs);
        trials
    };
    let trained = |trials: &[Trial]| trials.iter().map(|trial| trial.trained).collect::<Vec<_>>();
    // One epoch for the one that is left behind; the other goes on, or begins anew.
    assert_eq!(trained(&run("tune.keep=best", "best")), [1, 3]);
    let trials = run("tune.keep=all", "all");
    assert_eq!(trained(&trials), [1, 2]);
    let folder = bench.path("all").join(format!("candidate-{:03}", trials[1].number + 1));
    let seconds: f64 = std::fs::read_to_string(folder.join("seconds.txt")).unwrap().trim().parse().unwrap();
    assert!((trials[1].seconds - seconds).abs() < 1e-6, "{} {seconds}", trials[1].seconds);
}

#[test]
fn a_search_that_has_begun_is_not_replaced() {
    let bench = Bench::new();
    let sets = ["tune.budget=1 runs", "fit.epochs=1"];
    bench.tune("values.rate=0.1,0.3", &sets, Some("out")).unwrap();
    // As a kill during the first candidate leaves it.
    let description = std::fs::read(bench.path("out/tune.toml")).unwrap();
    std::fs::remove_file(bench.path("out/tune.csv")).unwrap();
    let error = bench.tune("values.rate=0.2,0.4", &sets, Some("out")).unwrap_err();
    assert!(error.contains("holds a search already"), "{error}");
    assert!(std::fs::read(bench.path("out/tune.toml")).unwrap() == description);
    let mut options = bench.options("values.rate=0.2,0.4", &sets, Some("out"));
    options.run.resume = true;
    let error = tune(bench.path("e.toml"), &options).unwrap_err().to_string();
    assert!(error.contains("holds another search"), "{error}");
    options.vary = vec!["values.rate=0.1,0.3".into()];
    tune(bench.path("./e.toml"), &options).unwrap();
    // As it was called from another folder, or by an older Thinnet.
    let (_, content) = std::str::from_utf8(&description).unwrap().split_once('\n').unwrap();
    std::fs::write(bench.path("out/tune.toml"), format!("# e.toml\n{content}")).unwrap();
    tune(bench.path("e.toml"), &options).unwrap();
    // Before anything is found, another search may take its place.
    std::fs::create_dir(bench.path("new")).unwrap();
    std::fs::write(bench.path("new/tune.toml"), description).unwrap();
    bench.tune("values.rate=0.2,0.4", &[&sets[..], &["tune.keep=best"]].concat(), Some("new")).unwrap();
}

#[test]
fn what_was_found_for_other_candidates_is_not_gone_on_with() {
    let bench = Bench::new();
    let options = |out: &str| {
        let mut options =
            bench.options("values.rate=0.1,0.3", &["tune.search=grid", "fit.epochs=1"], Some(out));
        options.run.resume = true;
        options
    };
    tune(bench.path("e.toml"), &options("out")).unwrap();
    let path = bench.path("out/tune.csv");
    let found = std::fs::read_to_string(&path).unwrap();
    let moved = found.replace("\n1,2,", "\n1,3,");
    for (changed, line) in [(found.replace("\"0.3\"", "\"0.4\""), 3), (moved, 3)] {
        assert_ne!(changed, found);
        std::fs::write(&path, changed).unwrap();
        let error = tune(bench.path("e.toml"), &options("out")).unwrap_err().to_string();
        let expected =
            format!("tune.csv: line {line}: expected a candidate as the search has it now, got `1,");
        assert!(error.contains(&expected) && error.ends_with("choose another folder with --out"), "{error}");
    }
    std::fs::write(&path, found).unwrap();
    tune(bench.path("e.toml"), &options("out")).unwrap();
}

#[test]
fn losses_with_different_penalties_are_told() {
    let bench = Bench::new();
    let penalized = |vary: &str, objective: &str| {
        let sets = ["tune.search=grid", "fit.epochs=1", objective];
        bench.tune(vary, &sets, None).unwrap().penalized
    };
    let regularizers = "model.layers.1.kernel_regularizer=l1,l2";
    assert!(penalized(regularizers, "tune.objective=val_loss"));
    assert!(!penalized(regularizers, "tune.objective=val_accuracy"));
    assert!(!penalized("values.rate=0.1,0.3", "tune.objective=val_loss"));
}
