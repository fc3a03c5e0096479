//! `sweep merge`: the journals of one or more folders as one table.

use crate::cli::error::{print_error, shown};
use crate::cli::output::OutputArgs;
use crate::cli::{ExitCode, TerminalArgs};
use crate::report::SweepTable;
use crate::stats::listed;
use crate::study::sweep::merge;
use clap::ValueHint;
use std::path::PathBuf;

/// Missing jobs that the message names.
const NAMED: usize = 5;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct MergeArgs {
    /// Folders of one sweep, as 'sweep run --output' makes them
    #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    folders: Vec<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

impl MergeArgs {
    pub fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        let table = merge(&self.folders)?;
        self.output.create()?.write(&table, terminal)?;
        let SweepTable { rows, missing } = &table;
        if missing.is_empty() {
            return Ok(ExitCode::Success);
        }
        let names = listed(missing.iter().map(|job| format!("{} ({})", job.index, shown(&job.label()))), NAMED);
        let (count, all) = (missing.len(), rows.len() + missing.len());
        print_error(format_args!("{count} of {all} jobs are missing: {names}; 'sweep run --resume' does them"));
        Ok(ExitCode::GateFailed)
    }
}
