//! Whole models against central differences: what one step of plain SGD changes is the gradient.

use ndarray::{Array2, ArrayD};
use thinnet::layers;
use thinnet::prelude::*;

/// The gradient by every variable, read off a step of SGD with learning rate 1.
fn gradient(model: &mut Sequential, x: &Array2<f32>, y: &Array2<f32>) -> Vec<ArrayD<f32>> {
    let before = model.get_weights().unwrap();
    model.train_on_batch((x, y)).unwrap();
    let after = model.get_weights().unwrap();
    model.set_weights(&before).unwrap();
    before.iter().zip(&after).map(|(before, after)| before - after).collect()
}

/// Fourth-order central differences of the loss, of some elements of every variable, against the gradient.
fn check(name: &str, mut model: Sequential, loss: &str, y: impl Fn((usize, usize)) -> f32) {
    model.compile(SGD::new(1.0), loss, [] as [&str; 0]).unwrap_or_else(|error| panic!("{name}: {error}"));
    let x = Array2::from_shape_fn((5, 7), |(i, j)| ((i * 13 + j * 29) as f32 * 0.7).sin());
    let outputs = model.predict(&x).unwrap().shape()[1];
    let y = Array2::from_shape_fn((5, outputs), y);
    let gradients = gradient(&mut model, &x, &y);
    let weights = model.get_weights().unwrap();
    for (variable, gradient) in gradients.iter().enumerate() {
        for element in (0..gradient.len()).step_by(gradient.len().div_ceil(6)) {
            let mut at = |offset: f32| {
                let mut moved = weights.clone();
                moved[variable].as_slice_mut().unwrap()[element] += offset;
                model.set_weights(&moved).unwrap();
                model.evaluate((&x, &y)).unwrap()["loss"]
            };
            let h = 0.02;
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * f64::from(h));
            let came = f64::from(gradient.as_slice().unwrap()[element]);
            let bound = 2e-4 * (1.0 + slope.abs());
            assert!(
                (slope - came).abs() < bound,
                "{name}: variable {variable}[{element}]: {came}, expected {slope}"
            );
        }
        model.set_weights(&weights).unwrap();
    }
}

fn one_hot((row, class): (usize, usize)) -> f32 {
    f32::from(u8::from(row % 3 == class))
}

fn network(activation: &str) -> Sequential {
    Sequential::new().add(Dense::new(6).activation(activation).input_shape([7]))
}

#[test]
fn every_activation_between_dense_layers() {
    for activation in
        ["linear", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "swish", "softmax", "log_softmax"]
    {
        let model = network(activation).add(Dense::new(3));
        check(activation, model, "mean_squared_error", one_hot);
    }
}

#[test]
fn every_loss_with_and_without_its_link() {
    for (loss, last) in [
        ("categorical_crossentropy", "softmax"),
        ("categorical_crossentropy", "sigmoid"),
        ("binary_crossentropy", "sigmoid"),
        ("binary_crossentropy", "softmax"),
        ("mean_squared_error", "linear"),
        ("huber", "linear"),
        ("kl_divergence", "softmax"),
    ] {
        let model = network("tanh").add(Dense::new(3).activation(last));
        check(&format!("{loss} of {last}"), model, loss, one_hot);
    }
}

#[test]
fn regularizers_of_kernel_bias_and_activity() {
    let model = network("tanh").add(
        Dense::new(3)
            .kernel_regularizer(L2::new(0.1))
            .bias_regularizer(L1L2::new(0.0, 0.2))
            .activity_regularizer(L2::new(0.3)),
    );
    check("regularizers", model, "mean_squared_error", one_hot);
}

#[test]
fn shapes_between_layers() {
    let model = network("tanh")
        .add(Reshape::new([3, 2]))
        .add(Dense::new(4).activation("gelu"))
        .add(Rescaling::new(0.5).offset(0.1))
        .add(Flatten::new())
        .add(Dense::new(3).use_bias(false));
    check("reshape, dense along the last axis, flatten", model, "mean_squared_error", one_hot);
}

#[test]
fn residual_stacks_with_and_without_projection() {
    let identity = Residual::new().add(Dense::new(6).activation("tanh")).add(Dense::new(6));
    // What works in place first must leave the shortcut's input alone.
    let in_place = Residual::new().add(Rescaling::new(0.5)).add(Dense::new(6)).add(Rescaling::new(-1.5));
    let projected = Residual::new()
        .add(Dense::new(5).activation("tanh"))
        .add(Residual::new().add(Dense::new(5).activation("sigmoid")))
        .projection(Rescaling::new(2.0))
        .projection(Dense::new(5).use_bias(false));
    for block in [identity, in_place, projected] {
        let name = format!("{block:?}");
        let model = network("tanh").add(block).add(Dense::new(3).activation("softmax"));
        check(&name, model, "categorical_crossentropy", one_hot);
    }
    // A frozen shortcut, and a stack that does nothing: the input twice.
    let model = network("tanh")
        .add(Residual::new().add(Dropout::new(0.0)))
        .add(Residual::new().add(Dense::new(6)).projection(Dense::new(6).trainable(false)))
        .add(Dense::new(3));
    only_trainable_variables_move(model);
}

#[test]
fn all_that_a_frozen_residual_holds_is_frozen() {
    let inner = Residual::new().add(Dense::new(6)).add(BatchNormalization::new().momentum(0.5));
    let block = Residual::new().add(inner).projection(BatchNormalization::new().momentum(0.5));
    let mut model = network("tanh").add(block.trainable(false)).add(Dense::new(3));
    model.compile(SGD::new(1.0), "mse", [] as [&str; 0]).unwrap();
    let x = Array2::from_shape_fn((5, 7), |(i, j)| ((i * 13 + j * 29) as f32 * 0.7).sin());
    let changes = gradient(&mut model, &x, &Array2::from_elem((5, 3), 1.0));
    let names = model.weight_names().unwrap();
    assert!(
        names.iter().any(|name| name == "residual/residual/batch_normalization/moving_mean"),
        "{names:?}"
    );
    for (name, change) in names.iter().zip(&changes) {
        let moved = change.iter().any(|&c| c != 0.0);
        assert_eq!(moved, !name.starts_with("residual/"), "{name}");
    }
}

/// The gradient of the trainable variables only: the others do not move.
fn only_trainable_variables_move(mut model: Sequential) {
    model.compile(SGD::new(1.0), "mse", [] as [&str; 0]).unwrap();
    let (x, y) = (Array2::from_elem((5, 7), 0.3), Array2::from_elem((5, 3), 1.0));
    let changes = gradient(&mut model, &x, &y);
    let names = model.weight_names().unwrap();
    for (name, change) in names.iter().zip(&changes) {
        let moved = change.iter().any(|&c| c != 0.0);
        assert_eq!(moved, !name.starts_with("residual_1/dense_1/"), "{name}");
    }
}

#[test]
fn a_convolutional_network_from_pixels_to_classes() {
    let model = Sequential::new()
        .add(Dense::new(50).input_shape([7]))
        .add(Reshape::new([5, 5, 2]))
        .add(ZeroPadding2D::new([[1, 0], [0, 1]]))
        .add(Conv2D::new(4, 3).padding("same").activation("tanh"))
        .add(
            Residual::new()
                .add(DepthwiseConv2D::new(3).padding("same"))
                .add(LayerNormalization::new().epsilon(1.0)),
        )
        .add(AveragePooling2D::new(2))
        .add(SeparableConv2D::new(3, 2).activation("gelu"))
        .add(UpSampling2D::new(2).interpolation("bilinear"))
        .add(Cropping2D::new([1, 0]))
        .add(Conv2D::new(2, 2).strides(2))
        .add(Flatten::new())
        .add(Dense::new(3).activation("softmax"));
    check("convolutional", model, "categorical_crossentropy", one_hot);
}

/// The gradients and the loss of a step.
fn step(mut model: Sequential, loss: &str) -> (Vec<ArrayD<f32>>, f64) {
    model.compile(SGD::new(1.0), loss, [] as [&str; 0]).unwrap();
    let x = Array2::from_shape_fn((5, 7), |(i, j)| ((i * 13 + j * 29) as f32 * 0.7).sin());
    let outputs = model.predict(&x).unwrap().shape()[1];
    let y = Array2::from_shape_fn((5, outputs), one_hot);
    let before = model.get_weights().unwrap();
    let loss = model.train_on_batch((&x, &y)).unwrap()["loss"];
    (model.get_weights().unwrap().iter().zip(&before).map(|(after, before)| before - after).collect(), loss)
}

/// A mask that moves behind a maximum alone, without the ReLU that would have stopped what it drops.
#[test]
fn a_mask_behind_a_maximum_stops_the_gradient_with_and_without_a_relu_in_front() {
    let network = |between: Option<Rescaling>| {
        let mut model = Sequential::new()
            .add(Dense::new(50).activation(Relu).input_shape([7]))
            .add(Reshape::new([5, 5, 2]));
        between.into_iter().for_each(|layer| model.push(Box::new(layer)));
        model
            .add(SpatialDropout2D::new(0.5).seed(7))
            .add(MaxPooling2D::new(2))
            .add(Flatten::new())
            .add(Dense::new(3))
    };
    assert_eq!(step(network(None), "mse"), step(network(Some(Rescaling::new(1.0))), "mse"));
}

#[test]
fn what_stands_behind_a_branch_that_is_left_out_still_works() {
    let network = |branch: Residual| {
        network("tanh").add(branch.add(layers::Activation::new("sigmoid"))).add(Dense::new(3))
    };
    let branch = || Residual::new().add(Dense::new(6));
    let zeros = step(network(branch().add(Dropout::new(1.0))), "mse");
    assert_eq!(step(network(branch().add(StochasticDepth::new(1.0))), "mse"), zeros);
}

/// From its logits: probabilities of 1, rounded, would let nothing through.
#[test]
fn a_sigmoid_is_trained_from_its_logits_behind_a_view_too() {
    let kernel = || Dense::new(6).activation("sigmoid").kernel_initializer("zeros");
    let network = kernel().bias_initializer(thinnet::initializers::Constant::new(40.0)).input_shape([7]);
    let model = Sequential::new().add(network).add(Reshape::new([2, 3])).add(Flatten::new());
    let (gradients, _) = step(model, "binary_crossentropy");
    assert!(gradients[1].iter().any(|&by_bias| by_bias > 0.1), "{gradients:?}");
}

/// A softmax over rows of three is none over the six that the loss sees.
#[test]
fn a_loss_sees_probabilities_where_a_view_stands_behind_the_softmax() {
    let rows = || network("linear").add(Reshape::new([2, 3])).add(layers::Softmax::new()).add(Flatten::new());
    let (gradients, loss) = step(rows(), "categorical_crossentropy");
    let (expected, expected_loss) = step(rows().add(Rescaling::new(1.0)), "categorical_crossentropy");
    assert!((loss - expected_loss).abs() < 1e-6, "{loss} {expected_loss}");
    for (gradient, expected) in gradients.iter().zip(&expected) {
        assert!(gradient.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{gradient} {expected}");
    }
}

#[test]
fn frozen_layers_pass_the_gradient_on_and_keep_their_values() {
    let mut model = network("tanh").add(Dense::new(4).activation("tanh").trainable(false)).add(Dense::new(3));
    model.compile(SGD::new(1.0), "mse", [] as [&str; 0]).unwrap();
    let (x, y) = (Array2::from_elem((5, 7), 0.3), Array2::from_elem((5, 3), 1.0));
    let changes = gradient(&mut model, &x, &y);
    let moved: Vec<bool> = changes.iter().map(|change| change.iter().any(|&c| c != 0.0)).collect();
    assert_eq!(moved, [true, true, false, false, true, true]);
}

/// With rates so small that nothing is dropped (one draw in some 1,500 batches), training and evaluation are one function: the
/// penalty that couples weights and rate reaches the gradient, the reported loss and the history, with clipping too.
#[test]
fn concrete_dropout_adds_its_penalty_once() {
    let concrete = |layer: Dense| {
        ConcreteDropout::new(layer).initial_rate(1e-5).weight_regularizer(0.05).dropout_regularizer(0.1)
    };
    let network = || {
        Sequential::new()
            .add(concrete(Dense::new(6).activation("tanh").kernel_regularizer(L2::new(0.1))).input_shape([7]))
            .add(concrete(Dense::new(3)).temperature(0.01))
    };
    let x = Array2::from_shape_fn((5, 7), |(i, j)| ((i * 13 + j * 29) as f32 * 0.7).sin());
    let y = Array2::from_shape_fn((5, 3), one_hot);
    let mut model = network();
    model.compile(SGD::new(1.0), "mse", [] as [&str; 0]).unwrap();
    let evaluated = model.evaluate((&x, &y)).unwrap()["loss"];
    let weights = model.get_weights().unwrap();
    let trained = model.train_on_batch((&x, &y)).unwrap()["loss"];
    assert!((evaluated - trained).abs() < 1e-4, "{evaluated} {trained}");
    let after = model.get_weights().unwrap();
    let mut norm = 0.0;
    for (variable, (before, after)) in weights.iter().zip(&after).enumerate() {
        for element in 0..before.len() {
            let came = before.as_slice().unwrap()[element] - after.as_slice().unwrap()[element];
            norm += f64::from(came).powi(2);
            let mut at = |offset: f32| {
                let mut moved = weights.clone();
                moved[variable].as_slice_mut().unwrap()[element] += offset;
                model.set_weights(&moved).unwrap();
                model.evaluate((&x, &y)).unwrap()["loss"]
            };
            let h = 0.02;
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * f64::from(h));
            let bound = 5e-4 * (1.0 + slope.abs());
            let name = (variable, element);
            assert!((slope - f64::from(came)).abs() < bound, "{name:?}: {came}, expected {slope}");
        }
    }
    let mut clipped = network();
    clipped.compile(SGD::new(1.0).global_clipnorm(0.01), "mse", [] as [&str; 0]).unwrap();
    clipped.train_on_batch((&x, &y)).unwrap();
    let after = clipped.get_weights().unwrap();
    let moved = weights.iter().zip(&after).map(|(a, b)| (a - b).mapv(|d| d * d).sum());
    let length = moved.sum::<f32>().sqrt();
    assert!(norm.sqrt() > 0.1 && (length - 0.01).abs() < 1e-4, "{length} of {}", norm.sqrt());
    let history = clipped.fit((&x, &y), Fit::new().epochs(2).verbose(false)).unwrap();
    assert!((history["concrete_dropout_rate"][1] - 1e-5).abs() < 1e-6);
    assert!(history.get("concrete_dropout_1_rate").is_some());
}
