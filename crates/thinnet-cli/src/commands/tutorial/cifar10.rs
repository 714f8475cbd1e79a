//! The network for CIFAR-10.

use thinnet::Result;
use thinnet::datasets::{self, Entry, Store};
use thinnet::experiment::{RunOptions, repeat, tutorial_cifar10};
use thinnet::report::{Classes, ReportText};

use super::super::run_options;
use super::{announce, folder, thousands};
use crate::arguments::Tutorial;
use crate::exit::print;

/// Said always: it is how the tutorial does it.
const VALIDATION: &str = "Validation is on the test data, as in the tutorial's listing. Nothing is chosen by it here, so that \
                          the test accuracy is that of the last epoch; to stop at the best epoch would flatter it.";

pub(super) fn run(arguments: &Tutorial, threads: Option<usize>, epochs: usize) -> Result<()> {
    let done = if arguments.seeds.unwrap_or(1) == 1 { "config.toml" } else { "comparison.csv" };
    let out = folder(arguments, "tutorial", done)?;
    // Only what is here: a tutorial that begins with a large download is none that one tries.
    let whole = datasets::find("cifar10")?;
    let is_here = Store::from_env().has(whole)?;
    let entry = if is_here { whole } else { datasets::find("cifar10-sample")? };
    let samples = arguments.samples.map(|samples| samples as usize);
    let experiment = tutorial_cifar10(arguments.seed, epochs, entry, samples);
    let data = experiment.data()?;
    let name = if is_here { "CIFAR-10" } else { "a sample of CIFAR-10" };
    announce(arguments, threads, (name, &data), &experiment)?;
    let mut notes = vec![VALIDATION.to_owned()];
    if !is_here {
        notes.insert(0, about_sample(entry, whole));
    }
    print(&format!("{}\n\n{}\n", notes.join("\n"), experiment.model()?.try_summary()?))?;
    if let Some(about) = experiment.about_augmentation() {
        print(&format!("{about}\n\n"))?;
    }
    let options = RunOptions {
        text: ReportText {
            title: Some(format!("Photographs told apart: dropout and augmentation on {name}")),
            notes,
            more_seeds: Some("thinnet tutorial cifar10 --seeds 5".into()),
        },
        ..run_options(out.clone(), arguments.resume, threads, arguments.watch)
    };
    let repeated = repeat(&experiment, &data, &options, arguments.seeds.unwrap_or(1) as usize)?;
    let mut text = format!("{}\n", repeated.runs.table());
    text += &classes(&repeated.classes);
    text += &Classes::verdict(&repeated.classes)
        .iter()
        .map(|sentence| format!("{sentence}\n"))
        .collect::<String>();
    if arguments.seeds.unwrap_or(1) == 1 {
        text += "One seed cannot tell chance from effect: try --seeds 5.\n";
    }
    let beside = if arguments.seeds.unwrap_or(1) == 1 { "model.safetensors" } else { "comparison.csv" };
    text += &format!(
        "Report: {}  (curves.svg, curves.png, confusion.csv, {beside} beside it)\n",
        out.join("report.html").display()
    );
    print(&text)
}

fn about_sample(sample: &Entry, whole: &Entry) -> String {
    format!(
        "The whole of CIFAR-10 is not on this machine: this is a sample, {} of {} training pictures, and its accuracies say \
         little about the whole. `thinnet data fetch cifar10` downloads that ({:.0} MB); THINNET_DATA names a folder that \
         has it.",
        thousands(sample.train),
        thousands(whole.train),
        whole.download_bytes() as f64 / 1e6
    )
}

/// The accuracy within each class, a line each.
fn classes(runs: &[Classes]) -> String {
    let accuracies = Classes::accuracies(runs);
    let width = accuracies.iter().map(|class| class.name.chars().count()).max().unwrap_or(0);
    let line = |class: &thinnet::report::ClassAccuracy| {
        let (low, high) = class.interval;
        format!("{:<width$}   {:.3}   ({low:.3} to {high:.3})\n", class.name, class.accuracy)
    };
    let head = format!("{:<width$}   accuracy (95 % interval)\n", "");
    head + &accuracies.iter().map(line).collect::<String>() + "\n"
}
