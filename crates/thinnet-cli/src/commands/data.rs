//! `thinnet data`

mod export;
mod show;

use serde_json::json;
use thinnet::datasets::{self, Entry, Origin, Store, Verified};
use thinnet::{Error, Result};

use crate::arguments::Data;
use crate::exit::print;

pub(crate) fn run(data: Data) -> Result<()> {
    match data {
        Data::List { json } => list(json),
        Data::Fetch { name } => fetch(&name),
        Data::Verify { name } => verify(&name),
        Data::Export(export) => export::run(&export),
        Data::Show(show) => show::run(&show),
    }
}

/// Where a data set comes from, in a few words.
fn origin(store: &Store, entry: &Entry) -> Result<String> {
    Ok(match entry.origin {
        Origin::Embedded { .. } => "embedded".into(),
        _ if store.has(entry)? => "on this machine".into(),
        _ => format!("download, {:.0} MB", entry.download_bytes() as f64 / 1e6),
    })
}

fn list(as_json: bool) -> Result<()> {
    let store = Store::from_env();
    let mut text = String::new();
    let mut entries = Vec::new();
    for entry in datasets::list() {
        let origin = origin(&store, entry)?;
        let own_copy = store.is_own_copy(entry)?;
        let remark = if own_copy { "; a copy that is not known to be the published bytes" } else { "" };
        let Entry { name, description, sample, train, test, licence, .. } = entry;
        let shape = sample.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
        text += &format!(
            "{name:<14} {train:>6} + {test:<6} {shape:<7} {origin:<18} {licence:<13} {description}{remark}\n"
        );
        entries.push(json!({
            "name": name, "description": description, "sample_shape": sample, "train": train, "test": test,
            "licence": licence, "origin": origin, "own_copy": own_copy,
        }));
    }
    print(&if as_json { format!("{}\n", json!(entries)) } else { text })
}

fn fetch(name: &str) -> Result<()> {
    let fetched = Store::from_env().fetch(name, &mut datasets::on_terminal())?;
    let mut text = String::new();
    for file in &fetched {
        let how = if file.downloaded { "downloaded" } else { "there already" };
        text += &format!("{} ({how})\n", file.path.display());
    }
    if fetched.is_empty() {
        text += &format!("{name} is embedded: there is nothing to fetch\n");
    }
    print(&text)
}

fn verify(name: &str) -> Result<()> {
    let files = Store::from_env().verify(name)?;
    let line = |Verified { file, path, problem, note }: &Verified| {
        let place = path.as_ref().map_or_else(String::new, |path| format!(" ({})", path.display()));
        let found = problem.as_deref().or(note.as_deref()).unwrap_or("as published");
        format!("{file}{place}: {found}\n")
    };
    print(&files.iter().map(line).collect::<String>())?;
    match files.iter().filter(|file| file.problem.is_some()).count() {
        0 => Ok(()),
        wrong => Err(Error::Data(format!("{wrong} of {} files of {name} are not as published", files.len()))),
    }
}
