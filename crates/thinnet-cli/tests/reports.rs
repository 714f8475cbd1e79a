//! Every kind of report, opened in a real browser: wide and narrow, light and dark, by mouse, touch and keyboard.
//!
//! The browser is the program that THINNET_CHROMIUM names, or a Chromium on the path. Where there is none, the test says so
//! and looks at nothing; THINNET_REQUIRE_CHROMIUM makes that a failure. THINNET_SCREENSHOTS names a folder for pictures of
//! what it saw.

mod browser;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use browser::Browser;
use ndarray::{Array1, Array2};
use serde_json::json;
use tempfile::TempDir;
use thinnet::data::formats::npy;

const EXPERIMENT: &str = r#"
seed = 5
[data]
x = "x.npy"
y = "y.npy"
x_test = "x.npy"
y_test = "y.npy"
[model]
name = "NAME"
layers = [
  { class = "Dense", units = 16, activation = "relu", input_shape = [6] },
  { class = "Dropout", rate = 0.2 },
  { class = "Dense", units = 3, activation = "softmax" },
]
[compile]
optimizer = "adam"
loss = "sparse_categorical_crossentropy"
metrics = ["accuracy"]
[fit]
epochs = 12
batch_size = 32
validation_split = 0.25
"#;

/// A folder with small data and experiments on them.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let x = Array2::from_shape_fn((400, 6), |(i, j)| ((i * 7 + j * 13) % 11) as f32 / 11.0);
        let y = Array1::from_shape_fn(400, |i| (i * 7 % 11 % 3) as i64);
        npy::write(bench.path("x.npy"), &x).unwrap();
        npy::write(bench.path("noise.npy"), &x.mapv(|value| 5.0 * value)).unwrap();
        npy::write(bench.path("y.npy"), &y).unwrap();
        let long = "the same network with a name that is much too long for the screen of a telephone";
        let search = format!("{EXPERIMENT}{TUNE}");
        fs::write(bench.path("each.toml"), format!("{search}{EACH}")).unwrap();
        fs::write(bench.path("tune.toml"), search).unwrap();
        for (file, name) in [("a.toml", "first"), ("b.toml", long)] {
            fs::write(bench.path(file), EXPERIMENT.replace("NAME", name)).unwrap();
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the tool, and answers with the report that it wrote.
    #[track_caller]
    fn report(&self, arguments: &[&str]) -> PathBuf {
        let out = self.path(&arguments.join("-").replace(['/', '.', '='], "-"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_thinnet"));
        command.args(arguments).arg("--out").arg(&out).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("THINNET_CACHE", self.path("cache")).env_remove("THINNET_DATA");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        out.join("report.html")
    }
}

/// A search over a number and a choice.
const TUNE: &str = r#"
[tune]
budget = "9 runs"
vary."model.layers.1.rate" = "0.0..0.5"
vary."compile.optimizer" = ["adam", "sgd"]
"#;

/// The same search for each of two networks and three seeds, beside published values.
const EACH: &str = r#"
each."model.layers.0.units" = [8, 16]
each.seed = "1..3"
published.accuracy = [0.6, 0.7, 0.8]
"#;

/// A page and how many charts and pictures it has.
struct Page {
    name: &'static str,
    path: PathBuf,
    panels: u64,
}

#[test]
fn every_report_reads_well_in_a_browser() {
    let Some(program) = Browser::find() else {
        assert!(
            std::env::var_os("THINNET_REQUIRE_CHROMIUM").is_none(),
            "no Chromium on the path: install one, or name it with THINNET_CHROMIUM"
        );
        eprintln!("not looked at: no Chromium on the path, and none named by THINNET_CHROMIUM");
        return;
    };
    let bench = Bench::new();
    let train = bench.report(&["train", "a.toml"]);
    let again = bench.report(&["train", "a.toml", "--set", "seed=6"]);
    let models = [&train, &again].map(|report| report.with_file_name("model.safetensors"));
    let [first, second] = models.each_ref().map(|model| model.to_str().unwrap());
    let uncertainty =
        ["uncertainty", "--data", "a.toml", "--ood", "noise.npy", "--mc-samples", "20", "--model"];
    let page = |name, arguments: &[&str], panels| Page { name, path: bench.report(arguments), panels };
    let few = ["--samples", "1300", "--epochs", "2", "--seeds", "2"];
    let exercises = bench.report(&[&["tutorial", "exercises"], &few[..]].concat());
    let exercise =
        |name, panels| Page { name, path: exercises.with_file_name(name).join("report.html"), panels };
    let sweep = ["sweep", "a.toml"];
    let [rates, optimizers] =
        ["model.layers.1.rate=0,0.01,0.1,0.3,0.5,0.7,0.9", "compile.optimizer=adam,sgd,rmsprop"];
    let swept = bench.report(&[&sweep[..], &["--vary", rates, "--seeds", "3"]].concat());
    // Relative, or the name of what is made of them is too long for a file.
    let relative = |path: &Path| path.strip_prefix(bench.folder.path()).unwrap().to_str().unwrap().to_owned();
    let point = &relative(&swept.with_file_name("rate-0"));
    let run = &relative(train.parent().unwrap());
    let pages = [
        Page { name: "train", path: train.clone(), panels: 2 },
        page("tutorial", &["tutorial", "--samples", "200", "--epochs", "2", "--seeds", "2"], 4),
        page("cifar10", &["tutorial", "cifar10", "--samples", "128", "--epochs", "2"], 2),
        page("compare", &["compare", "a.toml", "b.toml", "--seeds", "2"], 5),
        page("compare-any", &["compare", point, run, "a.toml", "--seeds", "3", "--baseline", "rate-0"], 5),
        Page { name: "sweep", path: swept.clone(), panels: 9 },
        page(
            "sweep-two",
            &[&sweep[..], &["--vary", "fit.batch_size=16,32", "--vary", optimizers]].concat(),
            7,
        ),
        page("tune", &["tune", "tune.toml", "--seeds", "2"], 3),
        page("tune-halving", &["tune", "tune.toml", "--search", "successive-halving"], 2),
        page("tune-each", &["tune", "each.toml"], 3),
        page("uncertainty", &[&uncertainty[..], &[first, second]].concat(), 5),
        page("activations", &["activations", "--data", "a.toml", "--model", first, "--against", second], 5),
        page("one-input", &["activations", "--data", "a.toml", "--index", "3", "--model", first, second], 3),
        exercise("exercise-1", 4),
        exercise("exercise-2", 14),
        exercise("exercise-3", 5),
        exercise("exercise-4", 19),
        Page { name: "exercises", path: exercises, panels: 0 },
    ];
    let mut browser = Browser::start(&program);
    for page in &pages {
        for (width, scheme) in [(1200, "light"), (1200, "dark"), (390, "light"), (390, "dark")] {
            let view = format!("{}, {width} px, {scheme}", page.name);
            browser.open(&page.path, width, scheme);
            assert_eq!(browser.complaints(), [""; 0], "{view}");
            keep(&mut browser, page.name, width, scheme);
            look(&mut browser, page, width, &view);
            assert_eq!(browser.complaints(), [""; 0], "{view}, after pointing at its charts");
        }
    }
}

/// Checks a page that is open.
#[track_caller]
fn look(browser: &mut Browser, page: &Page, width: u32, view: &str) {
    let wide = browser.value("document.documentElement.scrollWidth").as_u64().unwrap();
    assert!(wide <= u64::from(width), "{view}: the page is {wide} px wide");
    // What is said of each chart and picture: its size, its smallest text, and whether all of its text is within it.
    let charts = browser.value(
        "[...document.querySelectorAll('.panel > svg')].map(svg => {
            const box = svg.getBoundingClientRect();
            const texts = [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect());
            const scale = box.width / svg.viewBox.baseVal.width;
            const sizes = [...svg.querySelectorAll('text')].map(text => parseFloat(getComputedStyle(text).fontSize) * scale);
            return {
                width: box.width, smallest: Math.min(100, ...sizes), label: svg.getAttribute('aria-label'),
                within: texts.every(text => text.left >= box.left - 1 && text.right <= box.right + 1
                    && text.top >= box.top - 1 && text.bottom <= box.bottom + 1),
            };
        })",
    );
    let charts = charts.as_array().unwrap();
    assert_eq!(charts.len() as u64, page.panels, "{view}");
    for (index, chart) in charts.iter().enumerate() {
        let label = chart["label"].as_str().unwrap();
        assert!(
            chart["width"].as_f64().unwrap() >= 300.0 && chart["within"] == json!(true),
            "{view}: {chart}"
        );
        assert!(chart["smallest"].as_f64().unwrap() >= 11.0, "{view}: {chart}");
        // Where some point of the chart is on the screen.
        let place = browser.value(&format!(
            "(() => {{
                const svg = document.querySelectorAll('.panel > svg')[{index}];
                svg.scrollIntoView({{block: 'center'}});
                const marks = svg.querySelectorAll('.marks > *');
                const box = marks[Math.floor(marks.length / 2)].getBoundingClientRect();
                return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
            }})()"
        ));
        let place = [0, 1].map(|axis| place[axis].as_f64().unwrap());
        if width < 600 {
            browser.touch(place)
        } else {
            browser.mouse(place)
        }
        let told = told(browser, index);
        assert!(!told.is_empty(), "{view}: {label}: a pointer finds no value at {place:?}");
        let beyond = browser.value("document.documentElement.scrollWidth").as_u64().unwrap();
        assert!(beyond <= u64::from(width), "{view}: {label}: “{told}” is beyond the page");
        browser.value(&format!("document.querySelectorAll('.panel > svg')[{index}].focus()"));
        browser.press("Home");
        let first = self::told(browser, index);
        browser.press("End");
        assert!(!first.is_empty() && first != self::told(browser, index), "{view}: {label}: keys do nothing");
        browser.press("Escape");
        assert_eq!(self::told(browser, index), "", "{view}: {label}");
    }
}

/// What a chart says of the values that were chosen in it.
fn told(browser: &mut Browser, chart: usize) -> String {
    let values = browser
        .value(&format!("document.querySelectorAll('.panel')[{chart}].querySelector('.values').innerText"));
    let hidden = browser
        .value(&format!("document.querySelectorAll('.panel')[{chart}].querySelector('.values').hidden"));
    if hidden == json!(true) { String::new() } else { values.as_str().unwrap().to_owned() }
}

/// Keeps a picture of the page, and of the page on paper, where they are asked for.
fn keep(browser: &mut Browser, name: &str, width: u32, scheme: &str) {
    let Some(folder) = std::env::var_os("THINNET_SCREENSHOTS") else { return };
    let write = |file: String, base64: &str| {
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(file), STANDARD.decode(base64).unwrap()).unwrap();
    };
    write(format!("{name}-{width}-{scheme}.png"), &browser.picture());
    if scheme == "light" && width > 600 {
        write(format!("{name}.pdf"), &browser.printed());
    }
}
