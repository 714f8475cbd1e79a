use super::*;
use crate::schedules::Linear;

/// Five steps on w² from 1 and −2, with Keras 3.15's results.
fn run(optimizer: impl IntoOptimizer) -> [f32; 2] {
    let optimizer = optimizer.into_optimizer().unwrap();
    let mut values = [1.0_f32, -2.0];
    let used = optimizer.slots().len();
    let mut slots: [Vec<f32>; 3] =
        std::array::from_fn(|slot| if slot < used { vec![optimizer.initial(slot); 2] } else { vec![] });
    let mut carry = 1.0;
    for iteration in 1..=5 {
        let gradient = values.map(|value| 2.0 * value);
        carry = optimizer.carry(iteration, carry);
        let learning_rate = optimizer.base().learning_rate.at(iteration - 1);
        let [a, b, c] = &mut slots;
        optimizer.update(&Step { iteration, learning_rate, carry }, &mut values, &gradient, [a, b, c]);
    }
    values
}

#[track_caller]
fn check(optimizer: impl IntoOptimizer, expected: [f32; 2]) {
    let came = run(optimizer);
    for (came, expected) in came.into_iter().zip(expected) {
        assert!((came - expected).abs() < 1e-5, "{came}, expected {expected}");
    }
}

#[test]
fn five_steps_are_keras_s() {
    check(SGD::new(0.1), [0.32767996, -0.6553599]);
    check(SGD::new(0.1).momentum(0.9), [-0.58042, 1.16084]);
    check(SGD::new(0.1).momentum(0.9).nesterov(true), [-0.41571748, 0.83143497]);
    check(SGD::new(0.1).weight_decay(0.1), [0.30770564, -0.6154113]);
    check(Adam::new(0.1), [0.5079679, -1.50296]);
    check(Adam::new(0.1).beta_1(0.8).beta_2(0.99).epsilon(0.01), [0.5289885, -1.5134344]);
    check(Adam::new(0.1).amsgrad(true), [0.5079679, -1.50296]);
    check(AdamW::new(0.1), [0.50641227, -1.499391]);
    check(AdamW::new(0.1).weight_decay(0.1), [0.46995682, -1.4155705]);
    check(RMSprop::new(0.1), [0.1997952, -1.0489273]);
    check(RMSprop::new(0.1).momentum(0.5), [-0.13130951, -0.47989005]);
    check(RMSprop::new(0.1).centered(true), [0.14637463, -0.93368]);
    check(RMSprop::new(0.1).rho(0.5).momentum(0.5).centered(true), [-0.14864397, -0.25602913]);
    check(Adagrad::new(0.1), [0.6997695, -1.6872989]);
    check(Nadam::new(0.1), [0.6297535, -1.6160498]);
    check(Nadam::new(0.1).beta_1(0.8), [0.58164245, -1.5636612]);
    check(Adam::new(crate::schedules::ExponentialDecay::new(0.1, 2.0, 0.5)), [0.7207505, -1.7196592]);
}

/// v ← μ·v − lr·g, w ← w + v with each step's own μ: 0, 0.2, 0.4, 0.6, 0.6.
#[test]
fn momentum_follows_its_schedule() {
    let momentum = Linear::new(0.0, 0.6, 3);
    for nesterov in [false, true] {
        let expected = [1.0, -2.0].map(|start: f64| {
            let (mut value, mut velocity) = (start, 0.0);
            for momentum in [0.0, 0.2, 0.4, 0.6, 0.6] {
                let change = -0.1 * 2.0 * value;
                velocity = momentum * velocity + change;
                value += if nesterov { momentum * velocity + change } else { velocity };
            }
            value as f32
        });
        check(SGD::new(0.1).momentum(momentum).nesterov(nesterov), expected);
    }
    assert_eq!(SGD::new(0.1).momentum(momentum).slots(), ["momentum"]);
    assert!(SGD::new(0.1).momentum(Linear::new(0.0, 0.0, 3)).slots().is_empty());
}

#[test]
fn a_momentum_s_schedule_is_read_and_written() {
    let optimizer = SGD::new(0.1).momentum(Linear::new(0.5, 0.9, 600));
    let table = serde_json::json!({"class": "SGD", "learning_rate": 0.1,
        "momentum": {"class": "Linear", "initial_rate": 0.5, "end_rate": 0.9, "steps": 600}});
    let read = table.into_optimizer().unwrap();
    assert_eq!(read.config(), optimizer.config());
    let keras = Tagged::to_keras("keras.optimizers", read.class_name(), read.config());
    assert_eq!(keras.into_optimizer().unwrap().config(), optimizer.config());
}

#[test]
fn names_tables_and_keras_json_are_read() {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap().into_optimizer();
    assert_eq!("adam".into_optimizer().unwrap().class_name(), "Adam");
    let table = read(r#"{"class": "SGD", "learning_rate": 0.1, "momentum": 0.9, "nesterov": true}"#).unwrap();
    assert_eq!(table.config(), SGD::new(0.1).momentum(0.9).nesterov(true).config());
    let keras = r#"{"module": "keras.optimizers", "class_name": "Adam", "config": {"name": "adam",
        "learning_rate": 0.0010000000474974513, "weight_decay": null, "clipnorm": null, "global_clipnorm": null,
        "clipvalue": null, "use_ema": false, "ema_momentum": 0.99, "ema_overwrite_frequency": null,
        "loss_scale_factor": null, "gradient_accumulation_steps": null, "beta_1": 0.9, "beta_2": 0.999,
        "epsilon": 1e-07, "amsgrad": false}, "registered_name": null}"#;
    assert_eq!(read(keras).unwrap().class_name(), "Adam");
}

/// As in Keras: `if self.clipnorm and self.clipnorm > 0`.
#[test]
fn a_clip_of_zero_is_none() {
    for optimizer in
        [SGD::new(0.1).clipnorm(0.0), SGD::new(0.1).clipvalue(0.0), SGD::new(0.1).global_clipnorm(0.0)]
    {
        assert_eq!(optimizer.into_optimizer().unwrap().base(), SGD::new(0.1).base());
    }
}

#[test]
fn bad_arguments_are_explained() {
    let message = |optimizer: &dyn Fn() -> Result<Box<dyn Optimizer>>| optimizer().unwrap_err().to_string();
    assert_eq!(message(&|| "adm".into_optimizer()), "unknown optimizer `adm`: did you mean `adam`?");
    assert_eq!(
        message(&|| SGD::new(-1.0).into_optimizer()),
        "SGD: learning_rate must be a number that is not negative, got -1"
    );
    assert_eq!(
        message(&|| SGD::new(0.1).momentum(1.0).into_optimizer()),
        "SGD: momentum must be in [0, 1), got 1"
    );
    assert_eq!(
        message(&|| SGD::new(0.1).momentum(Linear::new(0.5, 1.0, 10)).into_optimizer()),
        "SGD: momentum: end_rate must be in [0, 1), got 1"
    );
    assert_eq!(
        message(&|| SGD::new(0.1).momentum(Linear::new(0.5, 0.9, 0)).into_optimizer()),
        "SGD: momentum: steps must be positive: a number of the optimizer's steps, of which an epoch has as many as \
         batches"
    );
    assert_eq!(
        message(&|| serde_json::json!({"class": "SGD", "momentum": "high"}).into_optimizer()),
        "SGD.momentum: expected a number in [0, 1] or a table with `class`, a schedule, got \"high\""
    );
    assert_eq!(
        message(&|| Adam::default().beta_1(1.0).into_optimizer()),
        "Adam: beta_1 must be in [0, 1), got 1"
    );
    assert_eq!(
        message(&|| Adam::default().clipnorm(1.0).clipvalue(1.0).into_optimizer()),
        "Adam: at most one of clipnorm, clipvalue and global_clipnorm may be given, got clipnorm and clipvalue"
    );
    for class in ["Adam", "AdamW", "RMSprop", "Nadam", "Adagrad"] {
        assert_eq!(
            message(&|| serde_json::json!({"class": class, "epsilon": -1.0}).into_optimizer()),
            format!("{class}: epsilon must be a number that is not negative, got -1")
        );
    }
    assert!(Adam::default().epsilon(f64::INFINITY).into_optimizer().is_err());
    assert!(Adam::default().epsilon(0.0).into_optimizer().is_ok());
    assert_eq!(
        message(&|| serde_json::json!({"class": "Adam", "lerning_rate": 0.1}).into_optimizer()),
        "Adam: unknown argument `lerning_rate`: did you mean `learning_rate`?"
    );
}
