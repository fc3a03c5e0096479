//! `approx-eval compare`: runs over the same samples held against one of them.

use super::costs::CostsArgs;
use super::output::OutputArgs;
use super::{ExitCode, TerminalArgs};
use crate::report::{ComparisonDetails, SavedReport};
use crate::task::Comparison;
use anyhow::Context;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// The JSON report that the others are compared with, of a run with --predictions
    reference: PathBuf,

    /// JSON reports of runs over the same samples, with --predictions
    #[arg(required = true)]
    reports: Vec<PathBuf>,

    /// Columns of tables (table, markdown, latex), in this order, by their headings, such as
    /// multiplier,top-1,difference,energy; default: all that say something of these reports
    #[arg(long, value_name = "HEADINGS", value_delimiter = ',', help_heading = "Report")]
    columns: Vec<String>,

    #[command(flatten)]
    costs: CostsArgs,

    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &CompareArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let costs = args.costs.open()?;
    let reference = SavedReport::read(&args.reference)?.with_costs(&costs);
    let predictions = reference.predictions()?;
    let compared = |path: &PathBuf| {
        let run = SavedReport::read(path)?.with_costs(&costs);
        let comparison = Comparison::new(&predictions, &run.predictions()?);
        let comparison = comparison.with_context(|| path.display().to_string())?;
        anyhow::Ok((run, comparison))
    };
    let runs = args.reports.iter().map(compared).collect::<Result<Vec<_>, _>>()?;
    let details = ComparisonDetails::new(&reference, runs).with_columns(&args.columns).context("--columns")?;
    args.output.create()?.write(&details, terminal)?;
    Ok(ExitCode::Success)
}
