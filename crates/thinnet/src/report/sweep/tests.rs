use serde_json::json;

use super::*;
use crate::history::History;
use crate::report::RunResult;

/// A point whose runs end with these validation losses and test losses.
fn point(values: Vec<Value>, keys: &[String], losses: &[(f64, f64)]) -> SweepPoint {
    let run = |(seed, &(validation, test)): (usize, &(f64, f64))| {
        let mut history = History::default();
        for (epoch, loss) in [(0, 0.9), (1, validation)] {
            history.push(epoch, [("loss".to_owned(), 0.5), ("val_loss".to_owned(), loss)].into());
        }
        RunResult { seed: seed as u64, history, test: [("loss".to_owned(), test)].into(), seconds: 1.0 }
    };
    let name = crate::report::told(keys, &values);
    let runs = losses.iter().enumerate().map(run).collect();
    SweepPoint {
        values,
        folder: name.replace(' ', "-"),
        model: ModelRuns { name, summary: String::new(), runs },
    }
}

/// The values of a point, and what its runs end with.
type Ended<'a> = (Vec<Value>, &'a [(f64, f64)]);

fn sweep(keys: &[&str], points: Vec<Ended>) -> Sweep {
    let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
    Sweep {
        data: "small".into(),
        points: points.into_iter().map(|(values, losses)| point(values, &keys, losses)).collect(),
        keys,
        baseline: 0,
        validated: Validated::HeldOut,
        penalties_differ: false,
        notes: Vec::new(),
        command: "thinnet sweep".into(),
    }
}

const LOW: [(f64, f64); 3] = [(0.30, 0.40), (0.32, 0.42), (0.31, 0.41)];
const ALIKE: [(f64, f64); 3] = [(0.31, 0.41), (0.31, 0.41), (0.33, 0.40)];
const HIGH: [(f64, f64); 3] = [(0.60, 0.70), (0.61, 0.73), (0.60, 0.71)];

#[test]
fn validation_chooses_and_the_baseline_is_what_differences_are_from() {
    let rates = vec![(vec![json!(0.5)], &HIGH[..]), (vec![json!(0.1)], &ALIKE), (vec![json!(0.0)], &LOW)];
    let sweep = sweep(&["model.layers.1.rate"], rates);
    let text = sweep.sentences().join("\n");
    for part in [
        "Validation chooses “rate 0.0”: its validation loss after the last epoch is the lowest (0.3100 ± 0.0248). On the test data, \
         which must not choose, it comes to test loss 0.4100 ± 0.0248.",
        "Chance alone may explain that “rate 0.1” did not come first.",
        "Test loss is highest at rate 0.5 (0.7133) and lowest at rate 0.1 (0.4067).",
        "Validation loss rises with every step, from 0.3100 (rate 0.0) to 0.6033 (rate 0.5).",
        "All 2 differences in test loss from “rate 0.5” are more than chance explains",
        "Test loss is lower for “rate 0.1” (by 0.3067) and “rate 0.0” (by 0.3033).",
        "Validation − training loss rises with every step",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("accuracy") && !text.contains("gap"), "{text}");
}

#[test]
fn what_cannot_choose_is_said() {
    let of = |validated| {
        let points = vec![(vec![json!(1)], &LOW[..1]), (vec![json!(2)], &HIGH[..1])];
        Sweep { validated, ..sweep(&["fit.batch_size"], points) }.sentences().join(" ")
    };
    assert!(of(Validated::Not).contains("nothing says which point to choose: test data must not"));
    assert!(of(Validated::ByTest).contains("what validates here are the test data"));
    assert!(of(Validated::HeldOut).ends_with("which of these differences are chance: try --seeds 5."));
    let diverged = vec![(vec![json!(1)], &[(f64::NAN, f64::NAN)][..]), (vec![json!(2)], &[(f64::NAN, 1.0)])];
    let diverged = sweep(&["fit.batch_size"], diverged);
    assert!(diverged.sentences()[0].starts_with("No point has a validation loss, so nothing says"));
    assert!(diverged.page().is_ok());
}

#[test]
fn a_point_that_did_not_come_to_a_number_is_not_told_from_others() {
    let lost = [(f64::NAN, f64::NAN), (0.3, 0.4), (f64::NAN, 0.5)];
    let rates = vec![(vec![json!(0.1)], &HIGH[..]), (vec![json!(0.2)], &LOW), (vec![json!(9)], &lost)];
    let text = sweep(&["compile.optimizer.learning_rate"], rates).sentences().join("\n");
    for part in [
        "Validation chooses “learning_rate 0.2”",
        "That of the only other that is compared is higher by more than chance explains.",
        "“learning_rate 9” is not compared: its validation loss did not come to a number (2 of 3 seeds).",
        "The difference in test loss is more than chance explains",
        "“learning_rate 9” is not compared: its test loss did not come to a number (1 of 3 seeds).",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Chance alone may explain"), "{text}");
}

#[test]
fn losses_with_different_penalties_neither_choose_nor_are_tested() {
    let points = || vec![(vec![json!(0.0)], &LOW[..]), (vec![json!(0.1)], &HIGH)];
    let sweep = Sweep { penalties_differ: true, ..sweep(&["values.l2"], points()) };
    let text = sweep.sentences().join("\n");
    assert!(
        text.starts_with("The validation losses have different penalties in them, so nothing says"),
        "{text}"
    );
    for part in
        ["chance explains", "Validation chooses", "est loss", "Validation loss rises", "− training loss"]
    {
        assert!(!text.contains(part), "{part}: {text}");
    }
    let page = sweep.page().unwrap();
    assert!(!page.contains("Against the baseline") && !page.contains("lowest for"), "{page}");
    assert!(sweep.table().contains("test loss"), "the numbers themselves stay");
}

#[test]
fn two_entries_make_lines_and_many_make_points() {
    let two = [0.1, 0.2, 0.3]
        .into_iter()
        .flat_map(|rate| ["adam", "sgd"].map(|name| vec![json!(rate), json!(name)]));
    let two = sweep(&["values.rate", "compile.optimizer"], two.map(|values| (values, &LOW[..])).collect());
    let figure = two.figure().unwrap();
    assert_eq!(figure.names, ["optimizer adam", "optimizer sgd"]);
    let panel = &figure.panels[0];
    assert_eq!(panel.points.iter().map(|line| line.points.len()).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(figure.title, "Mean test loss over 3 seeds is 0.4100 for all");
    // Seven values of each: the first is not told apart by colours.
    let many = (0..49).map(|number| (vec![json!(number / 7), json!(number % 7)], &LOW[..])).collect();
    let many = sweep(&["values.a", "values.b"], many);
    let figure = many.figure().unwrap();
    assert_eq!((figure.panels.len(), figure.panels[1].points[0].points.len()), (2, 49));
    let page = many.page().unwrap();
    assert!(page.contains("All curves") && page.contains("a 6, b 6"));
}

#[test]
fn every_run_has_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let points =
        vec![(vec![json!(0.5), json!("adam")], &LOW[..2]), (vec![json!(1), json!("a \"b\"")], &HIGH[..2])];
    sweep(&["values.rate", "compile.optimizer"], points).write(folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("sweep.csv")).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(
        rows[0],
        "\"values.rate\",\"compile.optimizer\",seed,val_loss,test_loss,test_accuracy,gap,best_epoch,seconds"
    );
    assert_eq!(rows[2], "0.5,\"adam\",1,0.32,0.42,,,2,1");
    assert_eq!((rows.len(), &rows[4][..16]), (5, "1,\"a \"\"b\"\"\",1,0."));
    for name in ["report.html", "sweep.svg", "sweep.png", "curves.svg", "curves.png"] {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}
