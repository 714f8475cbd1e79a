use super::*;
use crate::history::History;
use crate::report::{RunResult, best_by_validation};

/// Runs of two epochs with these numbers at the end: training, validation and test accuracy, validation loss, and what else.
fn model(name: &str, runs: &[[f64; 4]], others: &[(&str, f64)]) -> ModelRuns {
    let run = |(seed, &[train, val, test, val_loss]): (usize, &[f64; 4])| {
        let mut history = History::default();
        for (epoch, loss) in [0.25, val_loss].into_iter().enumerate() {
            let logs = [("accuracy", train), ("val_accuracy", val), ("val_loss", loss), ("loss", 0.1)];
            // Seeds differ a little.
            let others = others.iter().map(|(name, value)| (*name, value + seed as f64 * 1e-3));
            let logs = logs.into_iter().chain(others);
            history.push(epoch, logs.map(|(name, value)| (name.to_owned(), value)).collect());
        }
        let test = [("accuracy".to_owned(), test), ("loss".to_owned(), 1.0 - test)].into();
        RunResult { seed: seed as u64, history, test, seconds: 2.0 }
    };
    let runs = runs.iter().enumerate().map(run).collect();
    ModelRuns { name: name.into(), summary: "<layers>".into(), runs }
}

fn text() -> ExerciseText {
    ExerciseText { data: "few & small".into(), epochs: 2, command: "thinnet tutorial exercise".into() }
}

/// The page of a report, which asks for nothing from elsewhere and takes names as text.
fn page_of(write: impl FnOnce(&Path) -> Result<()>) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert_eq!(page.matches("://").count(), page.matches("http://www.w3.org/2000/svg").count());
    page
}

#[test]
fn exercise_1_discusses_the_numbers_that_came() {
    let rates = [
        (0.0, [[0.99, 0.970, 0.975, 0.30], [0.99, 0.972, 0.976, 0.31], [0.99, 0.971, 0.975, 0.32]]),
        (0.3, [[0.96, 0.974, 0.981, 0.25], [0.96, 0.977, 0.980, 0.24], [0.96, 0.976, 0.982, 0.25]]),
    ];
    let rate = |(rate, runs): (f64, [[f64; 4]; 3])| RateRuns {
        rate,
        model: model(&format!("rate {rate}"), &runs, &[]),
        training_accuracy: vec![0.995, 0.995, 0.995],
    };
    let study = DropoutRates { rates: rates.map(rate).into(), text: text() };
    assert_eq!(study.best(), 1);
    let said = study.discussion().join("\n");
    for part in [
        "Training accuracy, measured with dropout on, falls with every step, from 0.9900 (rate 0) to 0.9600 (rate 0.3).",
        "that of the same networks on the same digits is 0.9950 for all.",
        "Validation loss turns up for rate 0 (lowest after epoch 1, 24 % higher at the end); it ends within 5 % of its lowest for \
         rate 0.3.",
        "it is negative at rate 0.3: training accuracy is a mean over the epoch, in which the network goes on learning, and at rates \
         above 0 that of thinned networks; validation",
        "The lowest validation loss is that of rate 0.3 (0.2467 ± 0.0143); its test accuracy is 0.9810 ± 0.0025.",
    ] {
        assert!(said.contains(part), "{part}\nin\n{said}");
    }
    let verdict = study.verdict().join("\n");
    assert!(verdict.contains("The difference in test accuracy is more than chance explains"), "{verdict}");
    let page = page_of(|folder| study.write(folder));
    assert!(page.contains("few &amp; small") && page.contains("&lt;layers&gt;"), "{page}");
}

#[test]
fn one_seed_is_called_one_seed() {
    let rates = [0.0, 0.5].map(|rate| RateRuns {
        rate,
        model: model(&format!("rate {rate}"), &[[0.9, 0.9, 0.9, 0.3]], &[]),
        training_accuracy: vec![0.9],
    });
    let study = DropoutRates { rates: rates.into(), text: text() };
    assert_eq!(
        study.verdict(),
        ["One seed cannot tell which of these differences are chance: try --seeds 5."]
    );
    assert!(!study.table().contains('±'));
    let page = page_of(|folder| study.write(folder));
    assert!(page.contains("1 seed,") && !page.contains("What stands after ±"), "{page}");
}

#[test]
fn exercise_2_says_what_validation_chose() {
    let runs =
        |shift: f64| [[0.99, 0.97, 0.97 + shift, 0.3 - shift], [0.99, 0.97, 0.971 + shift, 0.31 - shift]];
    let candidates = |name: &str, values: [f64; 3]| -> Choice {
        let candidate = |(index, value): (usize, f64)| {
            (value, model(&format!("{name} {value}"), &runs(0.01 * (index % 2) as f64), &[]))
        };
        Choice {
            name: name.into(),
            candidates: values.into_iter().enumerate().map(candidate).collect(),
            strongest: 2,
            chosen: 1,
        }
    };
    let set = RegularizedSet {
        name: "digits".into(),
        folder: "digits".into(),
        data: "a few digits".into(),
        models: vec![model("neither", &runs(0.0), &[]), model("L2", &runs(0.01), &[])],
        choices: vec![
            candidates("L2", [1e-5, 1e-4, 1e-2]),
            Choice { strongest: 0, chosen: 0, ..candidates("max-norm", [1.0, 2.0, 4.0]) },
        ],
    };
    assert_eq!(best_by_validation(set.choices[0].candidates.iter().map(|(_, model)| model)), Some(1));
    let study =
        Regularization { sets: vec![set], notes: vec!["Another set is not here.".into()], text: text() };
    let said = study.verdict().join("\n");
    for part in [
        "Another set is not here.",
        "digits: Chosen by validation loss: L2 0.0001 and max-norm 1 (the strongest that was tried).",
        "The highest mean test accuracy is that of “L2” (0.9805 ± 0.0064); “neither” is in place 2 of 2 (0.9705 ± 0.0064).",
        "“L2” has a higher test accuracy than “neither” (by 1.00 points).",
    ] {
        assert!(said.contains(part), "{part}\nin\n{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("digits")).unwrap();
    study.write(folder.path()).unwrap();
    let choices = std::fs::read_to_string(folder.path().join("digits/choices.csv")).unwrap();
    assert_eq!(choices.lines().count(), 1 + 2 * 3 * 2);
    assert!(
        choices.contains("L2,0.0001,1,0.3,0.97,true") && folder.path().join("accuracies.png").exists(),
        "{choices}"
    );
}

#[test]
fn the_first_of_equal_models_is_the_best_and_none_without_accuracy_is() {
    let of = |name: &str, accuracy: f64| model(name, &[[0.9, 0.9, accuracy, 0.3]], &[]);
    let set = RegularizedSet {
        name: "digits".into(),
        folder: "digits".into(),
        data: String::new(),
        models: vec![of("lost", f64::NAN), of("first", 0.97), of("second", 0.97), of("third", 0.96)],
        choices: Vec::new(),
    };
    let study = Regularization { sets: vec![set], notes: Vec::new(), text: text() };
    let said = study.verdict().join("\n");
    assert!(said.contains("The highest mean test accuracy is that of “first”"), "{said}");
    assert!(said.contains("“lost” is in place 4 of 4"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("digits")).unwrap();
    study.write(folder.path()).unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("Highest test accuracy: “first” on digits"), "{page}");
}

#[test]
fn exercise_3_says_how_rates_change_with_the_data() {
    let numbers = [[0.99, 0.97, 0.97, 0.3], [0.99, 0.97, 0.971, 0.31]];
    let of = |samples: usize, rates: [f64; 2]| RatesOfSize {
        samples,
        model: model(
            &format!("{samples} digits"),
            &numbers,
            &[("concrete_dropout_rate", rates[0]), ("concrete_dropout_1_rate", rates[1])],
        ),
    };
    let sizes = vec![of(1000, [0.4, 0.2]), of(4000, [0.3, 0.25]), of(48_000, [0.1, 0.05])];
    let study = TrainableRates {
        concrete: sizes[2].model.clone(),
        fixed: vec![model("rate 0.3", &numbers, &[])],
        places: vec!["of the inputs".into(), "behind the hidden layer".into()],
        sizes,
        text: text(),
    };
    let said = study.discussion().join("\n");
    for part in [
        // Two epochs have no last quarter.
        "The learned rate of the inputs ends at 0.1005 ± 0.0064.",
        "With more samples, the rate of the inputs falls with every step, from 0.4005 (1,000 samples) to 0.1005 (48,000 samples); \
         from 1,000 to 48,000 samples the difference is more than chance explains",
        "the rate behind the hidden layer is highest at 4,000 samples (0.2505) and lowest at 48,000 samples (0.0505)",
        "(paired t-test over 2 seeds, p after Holm's correction for 2 rates: < 0.001)",
    ] {
        assert!(said.contains(part), "{part}\nin\n{said}");
    }
    let mut longer = study.clone();
    for run in &mut longer.concrete.runs {
        for (epoch, rate) in [(2, 0.12), (3, 0.11)] {
            run.history.push(epoch, [("concrete_dropout_rate".to_owned(), rate)].into());
        }
    }
    let said = longer.discussion().join("\n");
    let expected = "The learned rate of the inputs ends at 0.1100 ± 0.0000; over the last quarter of the training it fell by 0.0100.";
    assert!(said.contains(expected), "{said}");
    let mut alike = study.clone();
    alike.sizes = vec![of(1000, [0.1, 0.2]), RatesOfSize { samples: 1200, ..of(1000, [0.1, 0.2]) }];
    let said = alike.discussion().join("\n");
    let expected =
        "; from 1,000 to 1,200 samples chance alone may explain the difference (paired t-test over 2 seeds,";
    assert!(said.contains(expected), "{said}");
    let page = page_of(|folder| study.write(folder));
    assert!(page.contains("1 of 2 learned rates fall with every growth of the training data"), "{page}");
    let paths =
        "The learned rates end between 0.051 (rate behind the hidden layer) and 0.401 (rate of the inputs)";
    assert!(page.contains(paths) && page.contains("rate, 48,000 samples"), "{page}");
}

#[test]
fn the_index_leads_to_each_exercise() {
    let links = [ExerciseLink {
        title: "Exercise <1>".into(),
        report: "exercise-1/report.html".into(),
        sentences: vec!["It fell.".into()],
    }];
    let page = page_of(|folder| exercise_index(&links, "thinnet tutorial exercises", folder));
    assert!(page.contains("<a href=\"exercise-1/report.html\">Exercise &lt;1&gt;</a>"), "{page}");
}
