use super::*;
use crate::data::augmentation::Augment;

fn everything() -> ImageDataGenerator {
    ImageDataGenerator::new()
        .rotation_range(30.0)
        .width_shift_range(0.2)
        .height_shift_range(0.1)
        .brightness_range([0.5, 1.5])
        .shear_range(10.0)
        .zoom_range([0.7, 1.1])
        .channel_shift_range(20.0)
        .horizontal_flip(true)
        .vertical_flip(true)
}

fn transforms(datagen: &ImageDataGenerator, n: usize) -> Vec<Transform> {
    (0..n).map(|index| datagen.random_transform(42, 3, index, 10, 20)).collect()
}

/// Uniform draws brought to ±1: over fresh seeds a mean or mean square (bounds: 5 standard errors) or a correlation
/// would miss with a probability of 6e-7 each, 50 in all.
#[test]
fn parameters_are_uniform_in_their_ranges_and_independent() {
    let n = 10_000;
    let columns: Vec<(&str, Vec<f64>)> = {
        let transforms = transforms(&everything(), n);
        let column = |f: fn(&Transform) -> f64| transforms.iter().map(f).collect();
        vec![
            ("theta", column(|t| t.theta / 30.0)),
            ("tx", column(|t| t.tx / 4.0)),
            ("ty", column(|t| t.ty)),
            ("shear", column(|t| t.shear / 10.0)),
            ("zx", column(|t| (t.zx - 0.9) / 0.2)),
            ("zy", column(|t| (t.zy - 0.9) / 0.2)),
            ("channel shift", column(|t| t.channel_shift_intensity.unwrap() / 20.0)),
            ("brightness", column(|t| (t.brightness.unwrap() - 1.0) * 2.0)),
        ]
    };
    let check = |name: &str, sum: f64, deviation: f64| {
        let (mean, bound) = (sum / n as f64, 5.0 * deviation / (n as f64).sqrt());
        assert!(mean.abs() < bound, "{name}: {mean}, bound {bound}");
    };
    for (index, (name, values)) in columns.iter().enumerate() {
        assert!(values.iter().all(|value| value.abs() <= 1.0 + 1e-12), "{name}");
        check(name, values.iter().sum(), (1.0f64 / 3.0).sqrt());
        check(name, values.iter().map(|x| x * x - 1.0 / 3.0).sum(), (4.0f64 / 45.0).sqrt());
        for (other, others) in &columns[..index] {
            let product = values.iter().zip(others).map(|(a, b)| a * b).sum();
            check(&format!("{name} and {other}"), product, 1.0 / 3.0);
        }
    }
}

/// Over fresh seeds a count (bound: 5 standard deviations) would miss with a probability of 6e-7 each.
#[test]
fn flips_have_a_probability_of_one_half_each() {
    let transforms = transforms(&everything(), 10_000);
    for (horizontal, vertical) in [(false, false), (false, true), (true, false), (true, true)] {
        let count = transforms
            .iter()
            .filter(|t| t.flip_horizontal == horizontal && t.flip_vertical == vertical)
            .count();
        assert!((2283..2717).contains(&count), "{horizontal}, {vertical}: {count} of 10000");
    }
}

#[test]
fn without_options_nothing_changes() {
    assert!(transforms(&ImageDataGenerator::new(), 100).iter().all(|&change| change == Transform::default()));
    let (x, mut out) = ([1.0, -2.0, 300.0], [0.0; 3]);
    ImageDataGenerator::new().apply(&[1, 3].into(), 1, 2, 3, &x, &mut out, &mut []);
    assert_eq!(out, x);
}

#[test]
fn one_option_does_not_change_the_draws_of_the_others() {
    let rotation = ImageDataGenerator::new().rotation_range(30.0);
    let flip = ImageDataGenerator::new().vertical_flip(true);
    let all = transforms(&everything(), 100);
    for (index, all) in all.into_iter().enumerate() {
        let draw = |datagen: &ImageDataGenerator| datagen.random_transform(42, 3, index, 10, 20);
        assert_eq!(draw(&rotation).theta, all.theta);
        assert_eq!(draw(&flip).flip_vertical, all.flip_vertical);
    }
}

#[test]
fn a_change_depends_on_seed_epoch_and_sample_and_on_nothing_else() {
    let (datagen, shape) = (everything(), Shape::from([6, 5, 3]));
    let x: Vec<f32> = (0..shape.len()).map(|e| (e * 37 % 256) as f32).collect();
    let change = |seed: u64, epoch: u64, index: usize| {
        let mut out = vec![f32::NAN; x.len()];
        datagen.apply(&shape, seed, epoch, index, &x, &mut out, &mut []);
        out
    };
    let all: Vec<Vec<f32>> = (0..32).map(|index| change(1, 0, index)).collect();
    // Backwards, and on four threads.
    for index in (0..32).rev() {
        assert_eq!(change(1, 0, index), all[index]);
    }
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (all, change) = (&all, &change);
            scope.spawn(move || {
                (thread..32).step_by(4).for_each(|index| assert_eq!(change(1, 0, index), all[index]));
            });
        }
    });
    for other in [change(2, 0, 5), change(1, 1, 5), change(1, 0, 6)] {
        assert_ne!(other, all[5]);
    }
}

#[test]
fn functions_come_before_rescale_and_see_the_image() {
    let datagen = ImageDataGenerator::new().rescale(10.0).preprocessing_function(|mut image| {
        assert_eq!(image.dim(), (1, 2, 1));
        image[[0, 1, 0]] += 1.0;
    });
    let mut x = [1.0, 2.0];
    datagen.standardize(&[1, 2].into(), &mut x, &mut []);
    assert_eq!(x, [10.0, 30.0]);
}

#[test]
fn a_configuration_survives_its_round_trip() {
    for datagen in [
        ImageDataGenerator::new(),
        everything().fill_mode("wrap").cval(2.0).validation_split(0.2).rescale(0.5).height_shift_range(3),
    ] {
        let text = Value::Object(datagen.to_config()).to_string();
        let read = serde_json::from_str::<Value>(&text).unwrap();
        assert_eq!(ImageDataGenerator::from_config(read.as_object().unwrap()).unwrap(), datagen);
    }
}

#[test]
fn what_cannot_be_read_is_explained() {
    for (value, message) in [
        (
            serde_json::json!({"horizontal_flips": true}),
            "augmentation: unknown argument `horizontal_flips`: did you mean `horizontal_flip`?",
        ),
        (
            serde_json::json!({"fill_mode": "nearst"}),
            "augmentation.fill_mode: unknown fill mode `nearst`: did you mean `nearest`?",
        ),
        (
            serde_json::json!({"rotation_range": "a"}),
            "augmentation.rotation_range: invalid type: string \"a\", expected f64",
        ),
    ] {
        let error = ImageDataGenerator::from_config(value.as_object().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn what_cannot_be_done_is_explained() {
    let new = ImageDataGenerator::new;
    for (datagen, message) in [
        (new().rotation_range(f64::NAN), "rotation_range must be finite, got NaN"),
        (
            new().width_shift_range(-0.1),
            "width_shift_range must be a number of pixels or a fraction, not negative, or a list of them, got -0.1",
        ),
        (
            new().brightness_range([-1.0, 1.0]),
            "brightness_range must be two factors that are not negative, got [-1.0, 1.0]",
        ),
        (new().validation_split(1.0), "validation_split must be in [0, 1), got 1"),
        (new().rescale(0.0), "rescale must not be 0, which would leave nothing of an image"),
        (
            new().interpolation_order(3),
            "interpolation_order must be 0 (the nearest pixel) or 1 (linear), got 3",
        ),
        (new().fill_mode("mirror"), "unknown fill mode `mirror`: known are nearest, constant, reflect, wrap"),
        (
            new().zca_whitening(true),
            "zca_whitening needs statistics of the training data: call fit with it first",
        ),
        (
            new().featurewise_std_normalization(true),
            "featurewise_std_normalization needs statistics of the training data: call fit with it first",
        ),
        (
            new().featurewise_center(true),
            "featurewise_center needs statistics of the training data: call fit with it first",
        ),
    ] {
        assert_eq!(datagen.check(&[4, 4, 1].into()), Err(message.to_owned()));
    }
    let flat = new().check(&784.into()).unwrap_err();
    assert!(flat.starts_with("images must be (height, width, channels) or (height, width)"), "{flat}");
}
