use serde_json::json;

use super::*;

fn trial(number: usize, rate: f64, scores: &[f64]) -> Trial {
    let (values, trained) = (vec![json!(rate)], 10 * scores.len());
    Trial { number, values, scores: scores.to_vec(), epochs: 10, trained, seconds: 1.0 }
}

fn tuning(trials: Vec<Trial>, seeds: usize) -> Tuning {
    let test = vec![Logs::from([("mc_rmse".to_owned(), 0.5)]); seeds];
    let chosen = Chosen { candidate: 1, test, refitted: true };
    let search =
        Searched { name: String::new(), place: Vec::new(), trials, published: BTreeMap::new(), chosen };
    Tuning {
        data: "data".into(),
        searches: vec![search],
        each: Vec::new(),
        varied: vec!["model.layers.1.rate".into()],
        objective: "val_loss".into(),
        up: false,
        penalized: false,
        ended: None,
        search: "Random search",
        epochs: 10,
        seeds,
        command: "thinnet tune e.toml".into(),
    }
}

#[test]
fn sentences_tell_what_is_distinguishable() {
    let one = tuning(vec![trial(0, 0.1, &[0.5]), trial(1, 0.2, &[0.4])], 1).sentences().join(" ");
    assert!(one.starts_with("Candidate 2 is the best of 2 (rate 0.2): val_loss 0.4000."), "{one}");
    assert!(
        one.contains("The runner-up is candidate 1 (rate 0.1), 0.1000 away. One seed cannot tell"),
        "{one}"
    );
    assert!(one.ends_with("it comes on the test data to mc_rmse 0.5000."), "{one}");
    let (worse, best) = (trial(0, 0.1, &[0.52, 0.49, 0.51]), trial(1, 0.2, &[0.41, 0.39, 0.40]));
    let as_good = trial(2, 0.3, &[0.40, 0.42, 0.41]);
    let said = |others: &[&Trial]| {
        let trials = others.iter().map(|&trial| trial.clone()).chain([best.clone()]).collect();
        tuning(trials, 3).sentences().join(" ")
    };
    for (others, expected) in [
        (
            &[&worse][..],
            "The other that went as far is worse by more than chance explains (a paired t-test over 3 seeds",
        ),
        (&[&as_good], "The other that went as far may be as good, candidate 3 (rate 0.3), 0.0100 away"),
        (
            &[&worse, &as_good],
            "Of the 2 others that went as far, 1 is worse by more than chance explains (paired t-tests over 3 seeds at a \
             level of 5 %, with Holm's correction for 2 tests); 1 may be as good, the best of which is candidate 3 (rate \
             0.3), 0.0100 away.",
        ),
        (&[&worse, &worse], "All 2 others that went as far are worse by more than chance explains"),
        (
            &[&as_good, &as_good],
            "None of the 2 others that went as far is worse by more than chance explains",
        ),
    ] {
        assert!(said(others).contains(expected), "{expected}: {}", said(others));
    }
}

#[test]
fn what_is_no_number_is_not_compared() {
    for scores in [&[0.4][..], &[0.41, 0.39, 0.40]] {
        let seeds = scores.len();
        let broken = |number, value| trial(number, 9.0, &vec![value; seeds]);
        let said =
            |others: Vec<Trial>| tuning([vec![trial(1, 0.2, scores)], others].concat(), seeds).sentences();
        let text = said(vec![broken(0, f64::NAN)]).join(" ");
        assert!(text.contains("Candidate 1 (rate 9.0) did not come to a finite val_loss"), "{text}");
        assert!(!text.contains("NaN") && !text.contains("that went as far"), "{text}");
        let worse = trial(3, 0.3, &scores.iter().map(|score| score + 0.1).collect::<Vec<_>>());
        let text = said(vec![broken(0, f64::NAN), broken(2, f64::INFINITY), worse]).join(" ");
        assert!(text.contains("2 candidates did not come to a finite val_loss"), "{text}");
        let expected = match seeds {
            1 => "The runner-up is candidate 4 (rate 0.3), 0.1000 away.",
            _ => {
                "The other that went as far is worse by more than chance explains (a paired t-test over 3 seeds"
            }
        };
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn losses_with_different_penalties_tell_nothing_apart() {
    let mut tuning = tuning(vec![trial(0, 0.1, &[0.52, 0.49, 0.51]), trial(1, 0.2, &[0.41, 0.39, 0.40])], 3);
    tuning.penalized = true;
    let text = tuning.sentences().join(" ");
    assert!(text.contains("different penalties, which are part of val_loss"), "{text}");
    assert!(!text.contains("than chance explains"), "{text}");
}

#[test]
fn what_was_left_behind_is_shown_and_told_apart() {
    let behind = |number, epochs| Trial { epochs, ..trial(number, 0.3, &[0.3]) };
    let tuning = tuning(vec![trial(1, 0.2, &[0.4]), behind(2, 1), behind(3, 3), behind(4, 3)], 1);
    let text = tuning.sentences().join(" ");
    assert!(
        text.contains(
            "3 candidates were left behind after 1 to 3 of 10 epochs: whether any had become better"
        ),
        "{text}"
    );
    let page = tuning.page().unwrap();
    for part in ["after 10 epochs", "after 3 epochs", "after 1 epoch<", "Only those of the same colour"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("The best so far"), "one candidate alone came to its end");
}

#[test]
fn published_means_are_compared_by_their_standard_errors() {
    let mut tuning = tuning(vec![trial(1, 0.2, &[0.4])], 1);
    let search = tuning.searches[0].clone();
    tuning.each = vec!["values.set".into(), "values.split".into()];
    let of = |set: &str, split: i64, ours: f64, theirs: f64| Searched {
        name: format!("{set} {split}"),
        place: vec![json!(set), json!(split)],
        published: [("mc_rmse".to_owned(), theirs)].into(),
        chosen: Chosen { test: vec![[("mc_rmse".to_owned(), ours)].into()], ..search.chosen.clone() },
        ..search.clone()
    };
    tuning.searches =
        vec![of("a", 0, 1.0, 1.1), of("a", 1, 3.0, 2.9), of("b", 0, 5.0, 1.0), of("b", 1, 5.2, 1.2)];
    let [a, b] = &tuning.comparisons()[..] else { panic!("two groups") };
    // Published 1.1 and 2.9: mean 2.0, standard error 0.9.
    assert_eq!((a.ours.0, a.theirs.0, a.count), (2.0, 2.0, 2));
    assert!((a.theirs.1 - 0.9).abs() < 1e-12 && a.difference.0.abs() < 1e-12 && a.agrees());
    assert!(!b.agrees() && (b.distance() - 40.0).abs() < 1e-9);
    let text = tuning.sentences().join(" ");
    assert!(text.contains("1 of our 2 means lie within two standard errors"), "{text}");
    assert!(text.contains("b, mc_rmse: ours is 4.000 higher"), "{text}");
    assert_eq!(tuning.published_rows()[2][6], "no (+40.0)");
    assert!(tuning.page().unwrap().contains("Ours less the published means"));
}
