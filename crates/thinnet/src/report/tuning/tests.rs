use serde_json::json;

use super::*;

fn trial(number: usize, rate: f64, scores: &[f64]) -> Trial {
    Trial { number, values: vec![json!(rate)], scores: scores.to_vec(), epochs: 10, seconds: 1.0 }
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
        one.contains("The runner-up, candidate 1 (rate 0.1), is 0.1000 away. One seed cannot tell"),
        "{one}"
    );
    assert!(one.ends_with("it comes on the test data to mc_rmse 0.5000."), "{one}");
    let trials = vec![
        trial(0, 0.1, &[0.52, 0.49, 0.51]),
        trial(1, 0.2, &[0.41, 0.39, 0.40]),
        trial(2, 0.3, &[0.40, 0.42, 0.41]),
    ];
    let three = tuning(trials, 3).sentences().join(" ");
    assert!(
        three.contains(
            "Of the 2 others that went as far, 1 are worse by more than chance explains (95 % intervals of 3 paired seeds); 1 \
             may be as good, among them the runner-up, candidate 3 (rate 0.3)"
        ),
        "{three}"
    );
    let clear =
        tuning(vec![trial(0, 0.1, &[0.5, 0.51]), trial(1, 0.2, &[0.4, 0.41])], 2).sentences().join(" ");
    assert!(
        clear.contains("All 1 others that went as far are worse by more than chance explains"),
        "{clear}"
    );
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
