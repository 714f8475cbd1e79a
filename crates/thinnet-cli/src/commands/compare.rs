//! `thinnet compare`

use thinnet::experiment::{Contender, compare_all};
use thinnet::report::{RunFolder, Versus};
use thinnet::{Error, Result};

use super::{refuse_done, run_options};
use crate::arguments::Compare;
use crate::exit::print;

pub(crate) fn run(arguments: &Compare, threads: Option<usize>) -> Result<()> {
    let contenders = Contender::read_all(&arguments.paths, &arguments.sets)?;
    if arguments.seeds.is_some() && !contenders.iter().any(Contender::is_trained) {
        let message = "--seeds is for experiment files: what folders hold was trained before";
        return Err(Error::Usage(message.into()));
    }
    let versus = match &arguments.baseline {
        None => Versus::Pairs,
        Some(name) => {
            let names = || contenders.iter().map(Contender::name);
            let place = names().position(|other| other == name);
            Versus::Baseline(place.ok_or_else(|| Error::unknown("baseline", name, names()))?)
        }
    };
    let out = arguments.out.clone().unwrap_or_else(|| RunFolder::next("compare"));
    refuse_done(&out, arguments.resume, "comparison.csv")?;
    let options = run_options(out.clone(), arguments.resume, threads, arguments.watch);
    let comparison = compare_all(&contenders, &options, arguments.seeds.unwrap_or(1) as usize)?;
    std::fs::create_dir_all(&out).map_err(Error::io("create", &out))?;
    comparison.write(&out, &format!("{} models on {}", contenders.len(), comparison.data), versus)?;
    let sentences = [comparison.notes.clone(), comparison.discussion(), comparison.verdict(versus)].concat();
    print(&format!(
        "{}\n{}\nReport: {}  (comparison.csv, charts as SVG and PNG beside it)\n",
        comparison.table(),
        sentences.join("\n"),
        out.join("report.html").display()
    ))
}
