//! Pictures, by running the tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use thinnet::data::augmentation::{Augment, ImageDataGenerator};
use thinnet::data::formats::image_folder::ImageFolder;
use thinnet::model::Sequential;

/// A folder with pictures and an experiment on them.
struct Bench {
    folder: TempDir,
}

const EXPERIMENT: &str = r#"
seed = 5
[data]
folder = "pets"
[model]
layers = [{ class = "Flatten" }, { class = "Dense", units = 3, activation = "softmax" }]
[compile]
optimizer = { class = "Adam", learning_rate = 0.05 }
loss = "sparse_categorical_crossentropy"
metrics = ["accuracy"]
[fit]
epochs = 20
batch_size = 8
validation_split = 0.25
"#;

/// Writes a picture of one colour: a value for each channel.
fn picture(path: &Path, (height, width): (u32, u32), pixel: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height);
    encoder.set_color(match pixel.len() {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixel.repeat((height * width) as usize)).unwrap();
}

/// A JPEG file of 20 rows of 24 pixels.
fn jpeg(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../thinnet/tests/data/images").join(name)
}

impl Bench {
    /// Cats are red, dogs green and fish blue; 5×6 pixels, 12 of each to train on and 2 to test on.
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        for (channel, class) in ["cat", "dog", "fish"].into_iter().enumerate() {
            for (half, count) in [("train", 12), ("test", 2)] {
                for index in 0..count {
                    let mut pixel = [20 + index; 3];
                    pixel[channel] = 250 - index;
                    picture(&bench.path(&format!("pets/{half}/{class}/{index:02}.png")), (5, 6), &pixel);
                }
            }
        }
        fs::write(bench.path("e.toml"), EXPERIMENT).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thinnet"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        // Nothing of this machine's.
        command.env_remove("THINNET_DATA").env("THINNET_CACHE", self.path("cache"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        assert_eq!(error, "");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line that a command that fails says.
    #[track_caller]
    fn error(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        error
    }

    /// Writes the experiment with another `[data]`.
    fn data(&self, name: &str, data: &str) {
        fs::write(self.path(name), EXPERIMENT.replace("folder = \"pets\"", data)).unwrap();
    }
}

const MODEL: &str = "run/model.safetensors";

#[test]
fn a_folder_of_pictures_is_trained_on_and_pictures_are_classified_by_name() {
    let bench = Bench::new();
    let text = bench.ok(&["train", "e.toml", "--out", "run"]);
    assert!(text.contains("test accuracy 1.0000"), "{text}");
    assert_eq!(Sequential::load(bench.path(MODEL)).unwrap().class_names(), ["cat", "dog", "fish"]);
    let config = fs::read_to_string(bench.path("run/config.toml")).unwrap();
    assert!(config.contains("folder = ") && !config.contains("skip_corrupt"), "{config}");
    bench.ok(&["train", "run/config.toml", "--out", "again"]);
    assert_eq!(
        fs::read(bench.path(MODEL)).unwrap(),
        fs::read(bench.path("again/model.safetensors")).unwrap()
    );

    let images = ["pets/test/fish/00.png", "pets/test/cat/01.png"];
    let predict = ["predict", "--model", MODEL, "--image", images[0], images[1]];
    let text = bench.ok(&predict);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    for (line, (image, class)) in lines.iter().zip([(images[0], "fish"), (images[1], "cat")]) {
        assert!(line.starts_with(&format!("{image}: {class} ")), "{line}");
        assert_eq!(line.matches(", ").count(), 2, "three classes: {line}");
    }
    let json: Value = serde_json::from_str(&bench.ok(&[&predict[..], &["--json"]].concat())).unwrap();
    assert_eq!(json[0]["image"], images[0]);
    assert_eq!(
        (&json[0]["classes"][0]["class"], &json[0]["classes"][0]["name"]),
        (&2.into(), &"fish".into())
    );
    let sum: f64 = json[1]["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|class| class["probability"].as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 1e-5, "{json}");
}

#[test]
fn an_experiment_with_augmentation_says_so_and_goes_on_with_the_same_bits() {
    let bench = Bench::new();
    let table =
        "[augmentation]\nwidth_shift_range = 0.2\nhorizontal_flip = true\nfeaturewise_center = true\n";
    let slow = EXPERIMENT.replace("0.05", "0.003").replace("epochs = 20", "epochs = 5");
    fs::write(bench.path("a.toml"), format!("{slow}{table}")).unwrap();
    let text = bench.ok(&["train", "a.toml", "--out", "whole", "--threads", "1"]);
    let about = "The training images are changed at random in every epoch: ";
    assert!(text.contains(about), "{text}");
    let read = |name: &str| fs::read(bench.path(name)).unwrap();
    let report = String::from_utf8(read("whole/report.html")).unwrap();
    for part in [about, "width_shift_range=0.2", "horizontal_flip=true", "The model does not do it itself"] {
        assert!(report.contains(part), "{part}");
    }
    let config = String::from_utf8(read("whole/config.toml")).unwrap();
    assert!(config.contains("[augmentation]") && config.contains("rotation_range = 0.0"), "{config}");

    // As if it had been killed after the second epoch.
    bench.ok(&["train", "a.toml", "--out", "part", "--set", "fit.epochs=2", "--threads", "3"]);
    fs::remove_file(bench.path("part/report.html")).unwrap();
    fs::write(bench.path("part/config.toml"), &config).unwrap();
    bench.ok(&["train", "a.toml", "--out", "part", "--resume"]);
    bench.ok(&["train", "whole/config.toml", "--out", "again"]);
    // The images' mean is in no weight: without it, the same training gives another model.
    bench.ok(&["train", "a.toml", "--out", "other", "--set", "augmentation.featurewise_center=false"]);
    for name in ["model.safetensors", "history.csv"] {
        let of = |run: &str| read(&format!("{run}/{name}"));
        assert!(of("part") == of("whole") && of("again") == of("whole"), "{name}");
        assert!(of("other") != of("whole"), "{name}");
    }

    // Test images are centred too, by the mean of the images that were trained on.
    let mut model = Sequential::load(bench.path("whole/model.safetensors")).unwrap();
    let pets = ImageFolder::new().read(bench.path("pets")).unwrap().dataset;
    let mut datagen = ImageDataGenerator::new().featurewise_center(true);
    datagen.fit(pets.train.x.slice(0..27)).unwrap();
    let plain = model.evaluate(&pets.test).unwrap()["loss"];
    let centred = model.evaluate((datagen.standardized(&pets.test.x), &pets.test.y)).unwrap()["loss"];
    assert!(text.contains(&format!("test loss {centred:.4}\n")), "{text}, expected {centred}");
    assert!(!text.contains(&format!("test loss {plain:.4}\n")), "{text}");

    let sets = ["--set", "augmentation.rotation_rang=30"];
    let error = bench.error(&[&["train", "e.toml"], &sets[..]].concat());
    assert!(error.contains("unknown argument `rotation_rang`: did you mean `rotation_range`?"), "{error}");
    fs::write(
        bench.path("flat.toml"),
        EXPERIMENT.replace("{ class = \"Flatten\" },", "{ class = \"Flatten\", input_shape = [90] },"),
    )
    .unwrap();
    let error = bench.error(&["train", "flat.toml", "--set", "augmentation.horizontal_flip=true"]);
    assert!(error.contains("images must be (height, width, channels) or (height, width)"), "{error}");
    assert!(!bench.path("runs").exists());
}

#[test]
fn other_sizes_and_modes_are_refused_or_changed_on_request() {
    let bench = Bench::new();
    bench.data("gray.toml", "folder = \"pets\"\ncolor_mode = \"grayscale\"\nimage_size = [4, 3]");
    bench.ok(&["train", "e.toml", "--out", "run"]);
    bench.ok(&["train", "gray.toml", "--out", "gray"]);
    picture(&bench.path("large.png"), (40, 30), &[0, 255, 0, 255]);
    picture(&bench.path("gray.png"), (5, 6), &[9]);
    let expected = |name: &str, got: &str| {
        format!(
            "error: {name}: expected a picture of 5×6 pixels (height×width), RGB for the model's input (None, 5, 6, 3), \
             got {got}: give --resize to change it\n"
        )
    };
    for (name, got) in
        [("large.png", "40×30 pixels (height×width), RGBA"), ("gray.png", "5×6 pixels (height×width), gray")]
    {
        assert_eq!(bench.error(&["predict", "--model", MODEL, "--image", name]), expected(name, got));
    }
    let text = bench.ok(&["predict", "--model", MODEL, "--resize", "--image", "large.png", "gray.png"]);
    assert!(text.starts_with("large.png: dog "), "{text}");
    let photo = jpeg("baseline.jpg");
    let photo = photo.to_str().unwrap();
    let gray = ["predict", "--model", "gray/model.safetensors", "--image", photo];
    assert!(
        bench.error(&gray).contains("4×3 pixels (height×width), gray for the model's input (None, 4, 3, 1)")
    );
    assert!(bench.ok(&[&gray[..], &["--resize"]].concat()).starts_with(photo));
}

#[test]
fn what_is_wrong_with_pictures_is_said_in_one_line() {
    let bench = Bench::new();
    bench.ok(&["train", "e.toml", "--out", "run"]);
    fs::write(bench.path("a.gif"), "GIF89a").unwrap();
    let whole = fs::read(jpeg("baseline.jpg")).unwrap();
    fs::write(bench.path("cut.jpg"), &whole[..whole.len() - 9]).unwrap();
    let cmyk = jpeg("cmyk.jpg");
    for (image, message) in [
        ("none.png", "error: cannot read none.png: No such file"),
        (
            "a.gif",
            "error: a.gif: not a picture: expected a PNG (89 50 4e 47) or JPEG (ff d8) file, got 47 49 46 38",
        ),
        ("cut.jpg", "error: cut.jpg: the picture is damaged: "),
        (cmyk.to_str().unwrap(), "expected a gray or RGB picture, got CMYK"),
    ] {
        let error = bench.error(&["predict", "--model", MODEL, "--resize", "--image", image]);
        assert!(error.contains(message), "{error}");
    }
    for (data, message) in [
        ("folder = \"nets\"", "nets: No such file"),
        ("folder = \"run\"", "run: expected a folder `train` with a folder of pictures for each class"),
        (
            "folder = \"pets\"\nimage_sizes = [2, 2]",
            "data: unknown argument `image_sizes`: did you mean `image_size`?",
        ),
        (
            "folder = \"pets\"\ncolor_mode = \"greyscale\"",
            "data.color_mode: unknown color_mode `greyscale`: did you mean `grayscale`?",
        ),
        ("folder = \"pets\"\nimage_size = 5", "data.image_size: invalid type"),
        ("folder = \"pets\"\nimage_size = [0, 5]", "image_size: expected positive sizes, got 0×5"),
        (
            "dataset = \"mnist\"\nimage_size = [5, 5]",
            "data.image_size: is for a `folder` of pictures, got none",
        ),
        ("dataset = \"mnist\"\nfolder = \"pets\"", "`x` and `y` files, got `dataset` and `folder`"),
        ("x = \"x.npy\"", "data: `x` and `y` belong together: one is missing"),
    ] {
        bench.data("wrong.toml", data);
        let error = bench.error(&["train", "wrong.toml"]);
        assert!(error.contains(message), "{error}");
    }
    fs::create_dir(bench.path("pets/train/bird")).unwrap();
    let error = bench.error(&["train", "e.toml"]);
    assert!(
        error.contains("train/bird: expected pictures (.png, .jpg, .jpeg) of class `bird`, got none"),
        "{error}"
    );
    assert!(!bench.path("runs").exists());

    for arguments in [
        &["predict", "--model", MODEL][..],
        &["predict", "--model", MODEL, "--image", "a.gif", "--input", "x.npy"],
        &["predict", "--model", MODEL, "--input", "x.npy", "--resize"],
        &["data", "show", "pets", "--out", "x.png", "--image-size", "5"],
    ] {
        assert_eq!(bench.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn corrupt_pictures_are_errors_or_are_skipped_and_counted() {
    let bench = Bench::new();
    fs::write(bench.path("pets/train/dog/03.png"), "no picture").unwrap();
    fs::write(bench.path("pets/test/cat/00.png"), "no picture").unwrap();
    let error = bench.error(&["train", "e.toml", "--out", "run"]);
    assert!(error.contains("train/dog/03.png: not a picture: "), "{error}");
    let text = bench.ok(&["train", "e.toml", "--out", "run", "--set", "data.skip_corrupt=true"]);
    let note = text.lines().next().unwrap();
    assert!(note.starts_with("pictures skipped that cannot be read: 2, the first: "), "{note}");
    assert!(note.contains("train/dog/03.png"), "{note}");
}

#[test]
fn a_folder_of_pictures_can_be_looked_at() {
    let bench = Bench::new();
    let text = bench.ok(&["data", "show", "pets", "--out", "sheet.png"]);
    assert_eq!(text, "36 samples of pets: sheet.png\n");
    picture(&bench.path("pets/train/cat/large.png"), (9, 9), &[7, 7, 7]);
    let error = bench.error(&["data", "show", "pets", "--out", "sheet.png"]);
    assert!(error.contains("cat/large.png: expected a picture of 5×6 pixels as pets/train/"), "{error}");
    bench.ok(&["data", "show", "pets", "--out", "sheet.png", "--image-size", "8x8"]);
    let error = bench.error(&["data", "show", "mnist", "--out", "sheet.png", "--image-size", "8x8"]);
    assert!(error.contains("--image-size: is for a folder of pictures, mnist is none"), "{error}");
}

/// A PNG file's pixels.
fn read_png(path: &Path) -> Vec<u8> {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut rgb).unwrap();
    rgb
}

#[test]
fn augmented_samples_are_drawn_below_the_originals() {
    let bench = Bench::new();
    let show = |options: &[&str]| {
        let text = bench.ok(&[&["data", "show", "pets", "--count", "3", "--out", "s.png"], options].concat());
        assert_eq!(text, "3 samples of pets and their augmented versions: s.png\n", "{options:?}");
        fs::read(bench.path("s.png")).unwrap()
    };
    let default = show(&["--augment"]);
    let tutorial = "rotation_range=15,width_shift_range=0.1,height_shift_range=0.1,horizontal_flip=true";
    assert!(show(&["--augment", tutorial, "--seed", "42", "--epoch", "1"]) == default);
    assert!(show(&["--augment", "--seed", "43"]) != default);
    assert!(show(&["--augment", "--epoch", "2"]) != default);

    // The table and the seed of an experiment.
    let options = "fill_mode=constant,cval=1,width_shift_range=[3,4],rescale=0.5";
    let table =
        "[augmentation]\nfill_mode = \"constant\"\ncval = 1\nwidth_shift_range = [3, 4]\nrescale = 0.5\n";
    fs::write(bench.path("a.toml"), format!("{EXPERIMENT}{table}")).unwrap();
    assert!(show(&["--augment", "a.toml"]) == show(&["--augment", options, "--seed", "5"]));
    assert!(show(&["--augment", "a.toml", "--seed", "6"]) == show(&["--augment", options, "--seed", "6"]));

    // Images of 5×6 are drawn 20 times larger: a red cat, a green dog and a blue fish, and below them black ones.
    show(&["--augment", "rescale=1e-9"]);
    let rgb = read_png(&bench.path("s.png"));
    let count = |wanted: &dyn Fn(&[u8]) -> bool| rgb.chunks_exact(3).filter(|pixel| wanted(pixel)).count();
    for channel in 0..3 {
        let coloured = count(&|pixel| (0..3).all(|at| (pixel[at] > 200) == (at == channel)));
        assert_eq!(coloured, 100 * 120, "channel {channel}");
    }
    assert_eq!(count(&|pixel| pixel == [0, 0, 0]), 3 * 100 * 120);
    // Statistics are those of the training half.
    show(&["--augment", "featurewise_std_normalization=true"]);

    for (options, message) in [
        (
            &["--augment", "rotate=3"][..],
            "augmentation: unknown argument `rotate`: did you mean `rotation_range`?",
        ),
        (
            &["--augment", "flip"],
            "expected options such as rotation_range=30,horizontal_flip=true, got `flip`",
        ),
        (&["--augment", "e.toml"], "e.toml: expected a table [augmentation], got none"),
        (&["--augment", "none.toml"], "cannot read none.toml"),
    ] {
        let error = bench.error(&[&["data", "show", "pets", "--out", "none.png"], options].concat());
        assert!(error.contains(message), "{error}");
    }
    for options in [&["--seed", "3"][..], &["--epoch", "3"], &["--augment", "--epoch", "0"]] {
        let arguments = [&["data", "show", "pets", "--out", "none.png"], options].concat();
        assert_eq!(bench.run(&arguments).status.code(), Some(2), "{options:?}");
    }
    assert!(!bench.path("none.png").exists());
}

#[test]
fn the_sample_of_cifar_10_needs_no_file_and_gives_its_class_names() {
    let bench = Bench::new();
    assert!(bench.ok(&["data", "list"]).contains("a sample of CIFAR-10"));
    let verified = bench.ok(&["data", "verify", "cifar10-sample"]);
    assert_eq!(verified, "sample.bin: right format; JPEG copies, not the published bytes\n");
    bench.data("sample.toml", "dataset = \"cifar10_sample\"\nsamples = 100");
    let sets = ["--set", "model.layers.1.units=10", "--set", "fit.epochs=1"];
    bench.ok(&[&["train", "sample.toml", "--out", "run"], &sets[..]].concat());
    let photo = jpeg("gray.jpg");
    let text = bench.ok(&["predict", "--model", MODEL, "--resize", "--image", photo.to_str().unwrap()]);
    let classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    assert_eq!(classes.iter().filter(|class| text.contains(&format!(" {class} 0."))).count(), 3, "{text}");
}

#[test]
fn a_copy_of_cifar_10_is_said_to_be_one_and_is_checked_by_its_format() {
    let bench = Bench::new();
    let folder = bench.path("data/cifar-10-batches-bin");
    fs::create_dir_all(&folder).unwrap();
    // Black airplanes; files of zeros take no room.
    for name in ["1", "2", "3", "4", "5"]
        .map(|n| format!("data_batch_{n}.bin"))
        .iter()
        .map(String::as_str)
        .chain(["test_batch.bin"])
    {
        fs::File::create(folder.join(name)).unwrap().set_len(30_730_000).unwrap();
    }
    let run = |arguments: &[&str]| {
        let output = bench.command(arguments).env("THINNET_DATA", bench.path("data")).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (_, list, _) = run(&["data", "list"]);
    let line = list.lines().find(|line| line.starts_with("cifar10 ")).unwrap();
    assert!(
        line.contains("on this machine")
            && line.ends_with("a copy that is not known to be the published bytes"),
        "{line}"
    );
    let (code, verified, _) = run(&["data", "verify", "cifar-10"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        verified.matches(": right format, but not known to be the published bytes\n").count(),
        6,
        "{verified}"
    );

    fs::write(folder.join("data_batch_3.bin"), [12; 5000]).unwrap();
    let (code, verified, error) = run(&["data", "verify", "cifar-10"]);
    assert_eq!(code, Some(1));
    assert!(verified.contains("byte 0: expected the label of image 0, 0 to 9, got 12"), "{verified}");
    assert_eq!(error, "error: 1 of 6 files of cifar-10 are not as published\n");
}
