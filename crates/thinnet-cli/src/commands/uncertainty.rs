//! `thinnet uncertainty`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};
use thinnet::data::{Data, Dataset, Features, load_array};
use thinnet::experiment::Experiment;
use thinnet::model::Sequential;
use thinnet::report::{RunFolder, UncertaintyReport, aligned};
use thinnet::uncertainty::{Assessment, Signal, Study, StudyData};
use thinnet::{Error, Result, datasets};

use super::model::{fitting, trained};
use super::own_command;
use crate::arguments::{Model, Uncertainty};
use crate::exit::{on_interrupt, print};

/// The share of the training data that the tutorial keeps for validation.
const VALIDATION_SPLIT: f64 = 0.2;

pub(crate) fn run(arguments: &Uncertainty, threads: Option<usize>) -> Result<()> {
    let out = arguments.out.clone().unwrap_or_else(|| RunFolder::next("uncertainty"));
    RunFolder::refuse_other(&out, None)?;
    let load = |path: &PathBuf| trained(&Model { model: path.clone(), weights: None }, threads);
    let mut models = arguments.model.iter().map(load).collect::<Result<Vec<_>>>()?;
    let (data, split, mut notes) = known(arguments)?;
    let first = &mut models[0];
    let boundary = boundary(data.train.len(), split)?;
    let cut = |data: Data<'static>| match arguments.count {
        Some(count) => data.take(count as usize),
        None => data,
    };
    let part = |model: &mut Sequential, data: Data<'static>| {
        let Data { x, y } = cut(data);
        Ok::<_, Error>(Data { x: fitting(model, x)?, y })
    };
    let validation = part(first, data.train.slice(boundary..data.train.len()).into_owned())?;
    let test = part(first, data.test)?;
    let unknown = arguments.ood.as_deref().map(|name| unknown(name, first, arguments.count)).transpose()?;
    let (unknown_name, unknown) = unknown.unzip();

    let mut sampling = thinnet::uncertainty::Sampling::new(arguments.mc_samples as usize)
        .shared_masks(arguments.shared_masks);
    if let Some(seed) = arguments.seed {
        sampling = sampling.seed(seed);
    }
    let interrupted = on_interrupt();
    let shows = std::io::stderr().is_terminal();
    let mut watch = |what: &str| {
        if shows {
            eprint!("\r\x1b[K{what}");
        }
        if interrupted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    };
    let study = Study::run(models, &StudyData { validation, test, unknown }, sampling, &mut watch);
    if shows {
        eprint!("\r\x1b[K");
    }
    let study = study?;
    if study.samples.is_none() {
        let which = if arguments.model.len() > 1 { "one of the models has" } else { "the model has" };
        notes.push(format!(
            "{which} no dropout or noise with a rate above 0: there is no Monte-Carlo dropout to measure"
        ));
    }
    std::fs::create_dir_all(&out).map_err(Error::io("create", &out))?;
    let names: Vec<String> = arguments.model.iter().map(|path| path.display().to_string()).collect();
    let command = own_command();
    let report = UncertaintyReport {
        study: &study,
        models: &names,
        data: &data.name,
        unknown: unknown_name.as_deref(),
        notes: &notes,
        command: &command,
    };
    report.write(&out)?;
    if arguments.json {
        return print(&format!("{}\n", json(&study, &out)));
    }
    let mut text: String = notes.iter().map(|note| format!("{note}\n")).collect();
    for (title, rows) in report.tables() {
        text += &format!("\n{title}\n{}", aligned(&rows));
    }
    text.push('\n');
    report.verdict().iter().for_each(|sentence| text += &format!("{sentence}\n"));
    text += &format!("Report: {}\n", out.join("report.html").display());
    print(text.trim_start_matches('\n'))
}

/// The data that the models know, the share of the training data that they do not, and what must be said of that.
fn known(arguments: &Uncertainty) -> Result<(Dataset, f64, Vec<String>)> {
    let mut notes = Vec::new();
    let path = Path::new(&arguments.data);
    let (data, of_experiment) = match path.extension().and_then(|ending| ending.to_str()) {
        Some("toml") => {
            let experiment = Experiment::from_file(path, &[])?;
            if experiment.augmentation.as_ref().is_some_and(|augmentation| augmentation.needs_statistics()) {
                return Err(Error::Usage(format!(
                    "{}: its [augmentation] standardizes samples with statistics of the training data, which this command \
                     does not: write the samples as the model takes them to files, and name those in an experiment",
                    arguments.data
                )));
            }
            let (data, skipped) = experiment.data_with_notes()?;
            notes.extend(skipped);
            let fit = &experiment.fit;
            (data, Some(if fit.validation_data.is_none() { fit.validation_split } else { 0.0 }))
        }
        _ => (datasets::load(&arguments.data)?, None),
    };
    if data.test.is_empty() {
        return Err(Error::Data(format!("{} has no test data (x_test, y_test)", arguments.data)));
    }
    let split = arguments.validation_split.or(of_experiment.filter(|&split| split > 0.0));
    if split.is_none() {
        notes.push(match of_experiment {
            Some(_) => format!(
                "{} keeps no training data for validation: temperatures are fitted to the last {:.0} % of it, which the models \
                 know. That makes them too low.",
                arguments.data,
                100.0 * VALIDATION_SPLIT
            ),
            None => format!(
                "Temperatures are fitted to the last {:.0} % of the training data: that is right for models which were trained \
                 with validation_split = {VALIDATION_SPLIT}, as the tutorial's are; for others give --validation-split.",
                100.0 * VALIDATION_SPLIT
            ),
        });
    }
    Ok((data, split.unwrap_or(VALIDATION_SPLIT), notes))
}

/// The number of samples that were trained on, as Keras's `fit` counts them.
fn boundary(samples: usize, split: f64) -> Result<usize> {
    let boundary = (samples as f64 * (1.0 - split)) as usize;
    match split > 0.0 && split < 1.0 && boundary < samples {
        true => Ok(boundary),
        false => Err(Error::Usage(format!(
            "--validation-split: expected a share between 0 and 1 that leaves some of {samples} samples, got {split}"
        ))),
    }
}

/// Data of another kind, and their name.
fn unknown(name: &str, model: &mut Sequential, count: Option<u64>) -> Result<(String, Features<'static>)> {
    let is_file = Path::new(name).extension().is_some() || Path::new(name).is_file();
    let (name, x) = match is_file {
        true => (name.to_owned(), load_array(name)?.into_features()?),
        false => {
            let data = datasets::load(name)?;
            (data.name, data.test.x)
        }
    };
    let x = fitting(model, x)?;
    let count = count.map_or(x.len(), |count| x.len().min(count as usize));
    Ok((name, x.slice(0..count).into_owned()))
}

fn json(study: &Study, out: &Path) -> Value {
    let methods = study.methods.iter().map(|method| {
        let runs: Vec<Value> = method.runs.iter().map(assessed).collect();
        (method.name.to_owned(), json!(runs))
    });
    json!({
        "report": out.join("report.html"), "mc_samples": study.samples,
        "validation": study.counts[0], "test": study.counts[1], "ood": study.counts[2],
        "methods": methods.collect::<Map<_, _>>(),
    })
}

fn assessed(run: &Assessment) -> Value {
    let measures = |measures: &thinnet::uncertainty::Measures| -> Map<String, Value> {
        measures.entries().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
    };
    let signal = |signal: &Signal| {
        json!({
            "auroc": signal.auroc, "aurc": signal.rejection.aurc(),
            "accuracy_without_10_percent": signal.rejection.accuracy(0.1),
        })
    };
    let mut result = measures(&run.measures);
    result.insert("temperature".into(), json!(run.temperature.value()));
    result.insert("scaled".into(), json!(measures(&run.scaled)));
    result.insert("entropy".into(), signal(&run.entropy));
    result.insert("mutual_information".into(), json!(run.information.as_ref().map(signal)));
    Value::Object(result)
}
