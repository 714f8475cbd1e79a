use serde_json::json;

use super::*;

/// Worked out from the papers' formulas.
#[test]
fn rates_are_those_of_the_definitions() {
    let table: [(Rate, [f64; 5]); 7] = [
        (0.3.into(), [0.3; 5]),
        (Linear::new(0.1, 0.5, 100).into(), [0.1, 0.104, 0.3, 0.5, 0.5]),
        (Cosine::new(0.8, 0.2, 100).into(), [0.8, 0.799_851_968, 0.5, 0.2, 0.2]),
        (Step::new([1, 50], [0.0, 0.2, 0.4]).into(), [0.0, 0.2, 0.4, 0.4, 0.4]),
        (EarlyDropout::new(0.1, 100).into(), [0.1, 0.099, 0.05, 0.0, 0.0]),
        (LateDropout::new(0.1, 50).into(), [0.0, 0.0, 0.1, 0.1, 0.1]),
        (
            CurriculumDropout::new(0.5, 100).into(),
            [0.0, 0.047_581_29, 0.496_631_03, 0.499_977_3, 0.499_999_999],
        ),
    ];
    for (rate, expected) in table {
        for (step, expected) in [0, 1, 50, 100, 200].into_iter().zip(expected) {
            let came = rate.at(step);
            assert!((came - expected).abs() < 1e-8, "{rate:?} at {step}: {came}, expected {expected}");
        }
    }
}

#[test]
fn every_schedule_stays_between_its_extremes_for_ever() {
    for rate in [
        Rate::from(Linear::new(0.1, 1.0, 7)),
        Cosine::new(0.3, 0.0, 7).into(),
        Step::new([3], [1.0, 0.0]).into(),
        EarlyDropout::new(1.0, 7).into(),
        LateDropout::new(1.0, 7).into(),
        CurriculumDropout::new(1.0, 7).into(),
    ] {
        assert!(rate.check().is_ok());
        let steps = (0..100).chain([u64::MAX / 2, u64::MAX]);
        steps.for_each(|step| assert!((0.0..=rate.highest()).contains(&rate.at(step)), "{rate:?} at {step}"));
    }
}

#[test]
fn numbers_and_tables_are_read_and_written() {
    let read = |value: Value| serde_json::from_value::<Rate>(value).map_err(|error| error.to_string());
    assert_eq!(read(json!(0.5)).unwrap(), 0.5.into());
    assert_eq!(read(json!(1)).unwrap(), 1.0.into());
    let table = json!({"class": "EarlyDropout", "steps": 60});
    assert_eq!(read(table).unwrap(), EarlyDropout::new(0.1, 60).into());
    for rate in [Rate::from(0.25), Step::new([5], [0.0, 0.5]).into(), Cosine::new(0.0, 0.5, 9).into()] {
        assert_eq!(read(serde_json::to_value(&rate).unwrap()).unwrap(), rate);
    }
    for (value, message) in [
        (json!({"class": "Linaer"}), "unknown rate schedule `Linaer`: did you mean `Linear`?"),
        (json!({"class": "Linear", "step": 3}), "Linear: unknown argument `step`: did you mean `steps`?"),
        (json!("high"), "expected a number in [0, 1] or a table with `class`, a schedule, got \"high\""),
    ] {
        assert_eq!(read(value).unwrap_err(), message);
    }
}

#[test]
fn bad_arguments_are_explained() {
    for (rate, message) in [
        (
            Rate::from(Linear::new(0.1, 1.5, 10)),
            "rate: end_rate must be in [0, 1] (the fraction that is dropped), got 1.5",
        ),
        (
            Step::new([5], [0.1, -0.1]).into(),
            "rate: rates must be in [0, 1] (the fraction that is dropped), got -0.1",
        ),
        (
            EarlyDropout::new(0.1, 0).into(),
            "rate: steps must be positive: a number of the optimizer's steps, of which an epoch has as many as \
             batches",
        ),
        (
            Step::new([], []).into(),
            "rate: rates must be one more than boundaries, got 0 rates and 0 boundaries",
        ),
        (
            Step::new([5, 3], [0.1, 0.2, 0.3]).into(),
            "rate: boundaries must be in ascending order, got [5, 3]",
        ),
    ] {
        assert_eq!(rate.check().unwrap_err(), message);
    }
}
