//! `approx-eval plot`: saved reports, and those of sweeps, as a figure.

use super::costs::CostsArgs;
use super::figure_file::{FigureFile, figure_file};
use super::named::named;
use super::output::FormatArgs;
use super::{ExitCode, TerminalArgs};
use crate::report::{COST_AXES, CostAxis, SavedReport, Tradeoff};
use crate::study::sweep::saved_reports;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct PlotArgs {
    /// JSON reports, or sweep folders for the reports of all their jobs: approximate runs are drawn as points, fp32 and
    /// exact ones as lines
    #[arg(required = true, value_name = "REPORT|DIR")]
    reports: Vec<PathBuf>,

    /// Output file, an .svg, .png or .pdf; may be given more than once
    #[arg(short, long, value_name = "FILE", required = true, value_parser = figure_file)]
    output: Vec<FigureFile>,

    /// Cost that accuracy is plotted against, which the reports must have from one source
    #[arg(long = "x", value_name = "COST", default_value = "energy", value_parser = named(&COST_AXES))]
    x: CostAxis,

    #[command(flatten)]
    costs: CostsArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(args: &PlotArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let costs = args.costs.open()?;
    let mut runs = Vec::new();
    for path in &args.reports {
        runs.extend(read(path)?.into_iter().map(|run| run.with_costs(&costs)));
    }
    let tradeoff = Tradeoff::new(&runs, args.x)?;
    let figure = tradeoff.figure();
    let files = args.output.iter().map(FigureFile::create).collect::<Result<Vec<_>, _>>()?;
    let filled = files.into_iter().zip(&args.output).map(|(to, file)| to.with_bytes(&file.encode(&figure)));
    args.format.print_and_commit(&tradeoff, filled.collect::<Result<Vec<_>, _>>()?, terminal)?;
    Ok(ExitCode::Success)
}

/// The report in a file, or those that a sweep's folder has.
fn read(path: &Path) -> anyhow::Result<Vec<SavedReport>> {
    if !path.is_dir() {
        return Ok(vec![SavedReport::read(path)?]);
    }
    let (runs, missing) = saved_reports(path)?;
    if missing > 0 {
        tracing::warn!("{}: {missing} of {} jobs are missing", path.display(), runs.len() + missing);
    }
    Ok(runs)
}
