//! `approx-eval compare`: runs over the same samples held against one of them.

use super::output::{FormatArgs, OutputFiles};
use super::{ExitCode, TerminalArgs};
use crate::report::{Baseline, ComparisonDetails};
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

    #[command(flatten)]
    format: FormatArgs,

    /// Write the comparison to a file too, in the format of its extension; may be given more than once
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
}

pub(super) fn run(args: &CompareArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let reference = Baseline::read(&args.reference)?;
    let predictions = reference.predictions()?;
    let compared = |path: &PathBuf| {
        let run = Baseline::read(path)?;
        let comparison = Comparison::new(&predictions, &run.predictions()?);
        let comparison = comparison.with_context(|| path.display().to_string())?;
        anyhow::Ok((run, comparison))
    };
    let runs = args.reports.iter().map(compared).collect::<Result<Vec<_>, _>>()?;
    let details = ComparisonDetails::new(&reference, runs);
    let files = OutputFiles::create(&args.output)?.filled(&details, terminal)?;
    args.format.print_and_commit(&details, files, terminal)?;
    Ok(ExitCode::Success)
}
