//! Schedules of learning rates against Keras's numbers, and what is said of bad ones.

use super::*;

/// Numbers of Keras 3.15, to its single precision.
#[test]
fn values_are_keras_s() {
    let table: [(LearningRate, [f64; 4]); 8] = [
        (ExponentialDecay::new(0.1, 10.0, 0.5).into(), [0.1, 0.081_225_24, 0.05, 0.017_677_67]),
        (ExponentialDecay::new(0.1, 10.0, 0.5).staircase(true).into(), [0.1, 0.1, 0.05, 0.025]),
        (PiecewiseConstantDecay::new([3.0, 10.0], [1.0, 0.5, 0.1]).into(), [1.0, 1.0, 0.5, 0.1]),
        (PolynomialDecay::new(0.1, 20.0).power(2.0).into(), [0.1, 0.072_277_75, 0.025_075, 0.0001]),
        (InverseTimeDecay::new(0.1, 10.0, 0.5).into(), [0.1, 0.086_956_52, 0.066_666_67, 0.044_444_44]),
        (CosineDecay::new(0.1, 20.0).alpha(0.1).into(), [0.1, 0.095_095_29, 0.055, 0.01]),
        (CosineDecay::new(0.0, 20.0).warmup(0.1, 10.0).into(), [0.0, 0.03, 0.1, 0.014_644_66]),
        (
            CosineDecayRestarts::new(0.1, 8.0).m_mul(0.5).into(),
            [0.1, 0.069_134_17, 0.048_096_99, 0.024_939_81],
        ),
    ];
    for (schedule, expected) in table {
        for (step, expected) in [0, 3, 10, 25].into_iter().zip(expected) {
            let came = schedule.at(step);
            assert!((came - expected).abs() < 1e-7, "{schedule:?} at {step}: {came}, expected {expected}");
        }
    }
}

/// At the very step of a restart the rate is that of the start, and one step before it nearly that of the end.
#[test]
fn restarts_come_at_their_step() {
    for t_mul in [1.0, 2.0, 3.0, 10.0] {
        let schedule = Schedule::from(CosineDecayRestarts::new(0.1, 10.0).t_mul(t_mul));
        let (mut start, mut length) = (0.0, 10.0);
        for restart in 1..12 {
            start += length;
            length *= t_mul;
            let (before, at) = (schedule.at(start as u64 - 1), schedule.at(start as u64));
            assert!((at - 0.1).abs() < 1e-9 && before < 0.003, "{t_mul}, restart {restart}: {before}, {at}");
        }
    }
}

#[test]
fn a_polynomial_that_cycles_is_stretched_each_time_that_it_has_ended() {
    let schedule = Schedule::from(PolynomialDecay::new(0.1, 20.0).end_learning_rate(0.02).cycle(true));
    for (step, expected) in
        [(0, 0.1), (10, 0.06), (20, 0.02), (21, 0.058), (30, 0.04), (40, 0.02), (45, 0.04), (60, 0.02)]
    {
        let came = schedule.at(step);
        assert!((came - expected).abs() < 1e-12, "{step}: {came}, expected {expected}");
    }
}

#[test]
fn numbers_and_tables_are_read() {
    let read = |text: &str| serde_json::from_str::<LearningRate>(text);
    assert_eq!(read("0.5").unwrap(), 0.5.into());
    let table = r#"{"class": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 50}"#;
    assert_eq!(read(table).unwrap(), CosineDecay::new(0.1, 50.0).into());
    let message = read(r#"{"class": "CosinDecay"}"#).unwrap_err().to_string();
    assert_eq!(message, "unknown learning-rate schedule `CosinDecay`: did you mean `CosineDecay`?");
}

#[test]
fn bad_arguments_are_explained() {
    for (rate, message) in [
        (LearningRate::from(-1.0), "learning_rate must be a number that is not negative, got -1"),
        (CosineDecay::new(0.1, 0.0).into(), "learning_rate: decay_steps must be positive, got 0"),
        (
            PiecewiseConstantDecay::new([1.0], [0.1]).into(),
            "learning_rate: values must be one more than boundaries, got 1 values and 1 boundaries",
        ),
        (
            PiecewiseConstantDecay::new([1.0], [0.1, -0.1]).into(),
            "learning_rate: values must be a number that is not negative, got -0.1",
        ),
        (
            ExponentialDecay::new(-0.5, 10.0, 0.5).into(),
            "learning_rate: initial_learning_rate must be a number that is not negative, got -0.5",
        ),
        (
            ExponentialDecay::new(0.1, 10.0, -0.5).into(),
            "learning_rate: decay_rate must be a number that is not negative, got -0.5",
        ),
        (
            PolynomialDecay::new(0.1, 10.0).power(-1.0).into(),
            "learning_rate: power must be a number that is not negative, got -1",
        ),
        (
            PolynomialDecay::new(0.1, 10.0).end_learning_rate(f64::NAN).into(),
            "learning_rate: end_learning_rate must be a number that is not negative, got NaN",
        ),
        (
            InverseTimeDecay::new(0.1, 10.0, -1.0).into(),
            "learning_rate: decay_rate must be a number that is not negative, got -1",
        ),
        (
            CosineDecay::new(0.1, 10.0).warmup(-0.3, 5.0).into(),
            "learning_rate: warmup_target must be a number that is not negative, got -0.3",
        ),
        (
            CosineDecay::new(0.1, 10.0).warmup(0.3, f64::INFINITY).into(),
            "learning_rate: warmup_steps must be a number that is not negative, got inf",
        ),
        (
            CosineDecay::new(0.1, 10.0).alpha(-1.0).into(),
            "learning_rate: alpha must be a number that is not negative, got -1",
        ),
        (
            CosineDecayRestarts::new(0.1, 1.0).t_mul(0.5).into(),
            "learning_rate: t_mul must be 1 or more, got 0.5",
        ),
        (
            CosineDecayRestarts::new(0.1, 1.0).m_mul(-1.0).into(),
            "learning_rate: m_mul must be a number that is not negative, got -1",
        ),
        (
            CosineDecayRestarts::new(0.1, 1.0).alpha(2.0).into(),
            "learning_rate: alpha must be in [0, 1], got 2",
        ),
    ] {
        assert_eq!(rate.check().unwrap_err(), message);
    }
    // As a constant rate may be, and as in Keras.
    assert_eq!(LearningRate::from(PiecewiseConstantDecay::new([1.0], [0.1, 0.0])).check(), Ok(()));
}
