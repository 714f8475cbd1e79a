//! `thinnet sweep`

use thinnet::Result;
use thinnet::experiment::{SweepOptions, sweep};

use super::{refuse_done, varied};
use crate::arguments::Sweep;
use crate::exit::print;

pub(crate) fn run(arguments: &Sweep, threads: Option<usize>) -> Result<()> {
    let (out, run) = varied::options(&arguments.varied, threads);
    refuse_done(&out, arguments.varied.resume, "sweep.csv")?;
    let options = SweepOptions {
        run,
        sets: varied::overrides(&arguments.varied)?,
        vary: arguments.varied.vary.clone(),
        seeds: arguments.seeds as usize,
        baseline: arguments.baseline.clone(),
    };
    let sweep = sweep(&arguments.varied.experiment, &options)?;
    sweep.write(&out)?;
    let notes = sweep.notes.iter().map(|note| format!("{note}\n")).collect::<String>();
    print(&format!(
        "{}\n{notes}{}\nReport: {}  (sweep.csv, charts as SVG and PNG beside it)\n",
        sweep.table(),
        sweep.sentences().join("\n"),
        out.join("report.html").display()
    ))
}
