//! `thinnet activations`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};
use thinnet::data::{Features, load_array};
use thinnet::experiment::Experiment;
use thinnet::inspection::{ActivationStudy, Group, Inspected, Inspection};
use thinnet::model::Sequential;
use thinnet::report::{ActivationReport, ActivationSection, RunFolder, aligned};
use thinnet::uncertainty::Sampling;
use thinnet::{Error, Result, datasets};

use super::model::{fitting, trained};
use super::{own_command, pictures};
use crate::arguments::{Activations, Model};
use crate::exit::{on_interrupt, print};

/// Charts have so many colours.
const MOST_KINDS: usize = 6;

pub(crate) fn run(arguments: &Activations, threads: Option<usize>) -> Result<()> {
    let out = arguments.out.clone().unwrap_or_else(|| RunFolder::next("activations"));
    RunFolder::refuse_other(&out, None)?;
    let kinds = kinds(arguments)?;
    let paths: Vec<&PathBuf> = kinds.iter().flat_map(|(_, paths)| paths).collect();
    let load = |path: &&PathBuf| trained(&Model { model: (*path).clone(), weights: None }, threads);
    let mut models = paths.iter().map(load).collect::<Result<Vec<_>>>()?;
    let (data, x) = inputs(arguments, &mut models[0])?;
    let layers = match arguments.layer.is_empty() {
        true => Inspection::common_layers(&mut models)?,
        false => arguments.layer.clone(),
    };
    for (model, path) in models.iter_mut().zip(&paths) {
        let of_model = |error: Error| Error::file(path, error.to_string());
        layers.iter().try_for_each(|layer| model.layer_output_shape(layer).map(drop)).map_err(of_model)?;
    }
    let mut sampling = arguments.mc_samples.map(|samples| Sampling::new(samples as usize));
    if let (Some(sampling), Some(seed)) = (&mut sampling, arguments.seed) {
        *sampling = sampling.seed(seed);
    }

    let interrupted = on_interrupt();
    let shows = std::io::stderr().is_terminal();
    let of = x.len() * arguments.mc_samples.unwrap_or(1) as usize;
    let mut looked = Vec::new();
    for (index, (model, path)) in models.iter_mut().zip(&paths).enumerate() {
        let mut watch = |done: usize| {
            if shows {
                eprint!("\r\x1b[Kmodel {} of {}, input {done} of {of}", index + 1, paths.len());
            }
            if interrupted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
        };
        let x = fitting(model, x.clone())?;
        let inspection = Inspection { x, layers: &layers, sampling };
        let seen = inspection.look(&path.display().to_string(), model, &mut watch);
        if shows {
            eprint!("\r\x1b[K");
        }
        looked.push(seen?);
    }
    let mut looked = looked.into_iter();
    let group = |(name, paths): &(String, Vec<PathBuf>)| Group {
        name: name.clone(),
        models: looked.by_ref().take(paths.len()).collect(),
    };
    let groups = kinds.iter().map(group).collect();
    let networks = sampling.map(|sampling| sampling.samples());
    let study = ActivationStudy { layers, groups, inputs: x.len(), networks };

    let command = own_command();
    let input = (x.len() == 1).then(|| x.clone());
    let section = ActivationSection { name: "", about: "", study: &study, input };
    let title = format!("What the layers give: activations on {data}");
    let report =
        ActivationReport { title: &title, data: &data, sections: &[section], notes: &[], command: &command };
    report.write(&out)?;
    if arguments.json {
        return print(&format!("{}\n", json(&study, &out)));
    }
    let mut text = String::new();
    for (title, rows) in report.tables() {
        text += &format!("{title}\n{}\n", aligned(&rows));
    }
    report.verdict().iter().for_each(|sentence| text += &format!("{sentence}\n"));
    text += &format!(
        "Report: {}  (activations.csv, measures.csv and each chart as SVG and PNG beside it)\n",
        out.join("report.html").display()
    );
    print(&text)
}

/// The kinds of models that are compared, each with its name and its files.
fn kinds(arguments: &Activations) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let Activations { model, against, .. } = arguments;
    if against.is_empty() {
        if model.len() > MOST_KINDS {
            return Err(Error::Usage(format!(
                "expected at most {MOST_KINDS} models side by side, got {}: give those of one kind to --model and those of \
                 another to --against",
                model.len()
            )));
        }
        let names = short(&model.iter().map(|path| path.display().to_string()).collect::<Vec<_>>());
        return Ok(names.into_iter().zip(model.iter().map(|path| vec![path.clone()])).collect());
    }
    if model.len() != against.len() {
        return Err(Error::Usage(format!(
            "expected as many models of one kind as of the other, to be compared in pairs, got {} and {} with --against",
            model.len(),
            against.len()
        )));
    }
    Ok(names(model, against).into_iter().zip([model.clone(), against.clone()]).collect())
}

/// What two kinds are called: the folders that all files of each have in common, or else what the files' paths begin with. Where
/// that does not tell the kinds apart, the options they were given to.
fn names(model: &[PathBuf], against: &[PathBuf]) -> Vec<String> {
    let both = |name: fn(&[PathBuf]) -> String| short(&[name(model), name(against)]);
    let told = |names: &Vec<String>| names[0] != names[1] && names.iter().all(|name| !name.is_empty());
    let options = || ["--model", "--against"].map(str::to_owned).to_vec();
    [both(common), both(beginning)].into_iter().find(told).unwrap_or_else(options)
}

/// What the paths of several models have in common at their beginning.
fn common(paths: &[PathBuf]) -> String {
    let mut parts: Vec<String> = words(&paths[0].display().to_string());
    for path in paths {
        let of_path = words(&path.display().to_string());
        let same = parts.iter().zip(&of_path).take_while(|(a, b)| a == b).count();
        parts.truncate(same);
    }
    parts.join("/")
}

/// What several paths begin with, without the number or sign at its end: r/x of r/x-1/m and r/x-2/m.
fn beginning(paths: &[PathBuf]) -> String {
    let mut same = paths[0].display().to_string();
    for path in paths {
        let path = path.display().to_string();
        let alike = same.chars().zip(path.chars()).take_while(|(a, b)| a == b);
        let len = alike.map(|(letter, _)| letter.len_utf8()).sum();
        same.truncate(len);
    }
    let same = same.trim_end_matches(char::is_numeric);
    same.trim_end_matches(|letter: char| !letter.is_alphanumeric()).to_owned()
}

fn words(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Paths without the folders and the file name that all share: runs/a/model.safetensors and runs/b/model.safetensors are
/// a and b. As they are where that would leave nothing.
fn short(paths: &[String]) -> Vec<String> {
    let all: Vec<Vec<String>> = paths.iter().map(|path| words(path)).collect();
    let shared = |from_end: bool| {
        let part = |path: &[String], at: usize| match from_end {
            true => path.iter().rev().nth(at).cloned(),
            false => path.get(at).cloned(),
        };
        (0..)
            .take_while(|&at| {
                part(&all[0], at).is_some() && all.iter().all(|path| part(path, at) == part(&all[0], at))
            })
            .count()
    };
    let (start, end) = (shared(false), shared(true));
    match all.len() > 1 && all.iter().all(|path| start + end < path.len()) {
        true => all.iter().map(|path| path[start..path.len() - end].join("/")).collect(),
        false => paths.to_vec(),
    }
}

/// The inputs and what they are called.
fn inputs(arguments: &Activations, model: &mut Sequential) -> Result<(String, Features<'static>)> {
    let Activations { input, image, data, .. } = arguments;
    let (name, x) = match (input, image.is_empty()) {
        (Some(path), _) => (path.display().to_string(), load_array(path)?.into_features()?),
        (None, false) => {
            let names: Vec<String> = image.iter().map(|path| path.display().to_string()).collect();
            (names.join(", "), pictures::samples(model, image, arguments.resize)?)
        }
        (None, true) => {
            let set = match Path::new(data).extension().and_then(|ending| ending.to_str()) {
                Some("toml") => Experiment::from_file(data, &[])?.data()?,
                _ => datasets::load(data)?,
            };
            if set.test.is_empty() {
                return Err(Error::Data(format!("{data} has no test data (x_test, y_test)")));
            }
            (format!("{}, test samples", set.name), set.test.x)
        }
    };
    match arguments.index {
        Some(index) if index >= x.len() => Err(Error::Usage(format!(
            "--index: expected a number from 0 to {}, got {index} ({name})",
            x.len().saturating_sub(1)
        ))),
        Some(index) => Ok((format!("{name}, number {index}"), x.slice(index..index + 1).into_owned())),
        None => Ok((name, x)),
    }
}

fn json(study: &ActivationStudy, out: &Path) -> Value {
    let kind = |group: &Group| json!({"kind": group.name, "models": group.models.iter().map(|model| seen(study, model)).collect::<Vec<_>>()});
    json!({
        "report": out.join("report.html"), "inputs": study.inputs, "mc_samples": study.networks,
        "kinds": study.groups.iter().map(kind).collect::<Vec<_>>(),
    })
}

fn seen(study: &ActivationStudy, model: &Inspected) -> Value {
    let layers = study.layers.iter().zip(&model.layers).map(|(name, layer)| {
        let (statistics, measures) = (&layer.statistics, layer.measures);
        let value = json!({
            "shape": statistics.shape().axes(), "units": statistics.shape().last(), "observations": statistics.observations(),
            "dead_share": measures.dead_share, "sparsity": measures.sparsity, "mean": measures.mean,
            "mean_correlation": measures.correlation,
        });
        (name.clone(), value)
    });
    json!({
        "model": model.name, "layers": layers.collect::<Map<_, _>>(),
        "filter_coherence": model.filters.as_ref().map(thinnet::inspection::Filters::mean_coherence),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_leave_out_what_all_share() {
        let short =
            |paths: &[&str]| super::short(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
        assert_eq!(short(&["runs/a/model.safetensors", "runs/b/c/model.safetensors"]), ["a", "b/c"]);
        assert_eq!(short(&["a.safetensors", "b.safetensors"]), ["a.safetensors", "b.safetensors"]);
        assert_eq!(short(&["a.safetensors"]), ["a.safetensors"]);
        assert_eq!(short(&["r/a.safetensors", "r/a.safetensors"]), ["r/a.safetensors", "r/a.safetensors"]);
        let seeds = ["r/with/seed-1/m", "r/with/seed-2/m"].map(PathBuf::from);
        assert_eq!(common(&seeds), "r/with");
    }

    #[test]
    fn two_kinds_never_share_a_name_and_none_is_empty() {
        let names = |model: &[&str], against: &[&str]| {
            let [model, against] =
                [model, against].map(|paths| paths.iter().map(PathBuf::from).collect::<Vec<_>>());
            super::names(&model, &against)
        };
        for (model, against, expected) in [
            (["r/with/1/m", "r/with/2/m"], ["r/without/1/m", "r/without/2/m"], ["with", "without"]),
            (["runs/x-1", "runs/x-2"], ["runs/y-1", "runs/y-2"], ["x", "y"]),
            (["x-10.safetensors", "x-11.safetensors"], ["y_1.safetensors", "y_2.safetensors"], ["x", "y"]),
            (
                ["rate-0.3-seed-1", "rate-0.3-seed-2"],
                ["rate-0.5-seed-1", "rate-0.5-seed-2"],
                ["rate-0.3-seed", "rate-0.5-seed"],
            ),
            (["a/m", "b/m"], ["b/m", "a/m"], ["--model", "--against"]),
            (["r/a/m", "r/b/m"], ["r/c/m", "r/d/m"], ["--model", "--against"]),
            (["/a/m", "/b/m"], ["r/a/m", "r/b/m"], ["--model", "--against"]),
        ] {
            assert_eq!(names(&model, &against), expected);
        }
        assert_eq!(names(&["m"], &["m"]), ["--model", "--against"]);
        assert_eq!(names(&["r/a/m"], &["r/b/m"]), ["a", "b"]);
    }
}
