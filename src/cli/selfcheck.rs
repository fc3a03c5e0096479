//! `approx-eval selfcheck`: whether the program is right, on a user's network, multiplier and data.

use super::error::{print_error, shown};
use super::evaluate::EvaluationArgs;
use super::experiment_file::FileArgs;
use super::output::OutputArgs;
use super::progress::Bar;
use super::{ExitCode, TerminalArgs};
use crate::eval::{Experiment, Session};
use crate::study::selfcheck::selfcheck;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Samples that are checked where --limit says nothing else.
const SAMPLES: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not 0");

#[derive(Debug, clap::Args)]
pub(super) struct SelfcheckArgs {
    #[command(flatten)]
    file: FileArgs,

    #[command(flatten)]
    evaluation: EvaluationArgs,

    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &SelfcheckArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    args.evaluation.on_threads(|| args.run(terminal))
}

impl SelfcheckArgs {
    /// Takes LUT files that the first rules name from these folders, one for each of them.
    pub fn rebase_rules(&mut self, folders: &[PathBuf]) {
        self.evaluation.rebase_rules(folders);
    }

    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        self.file.announce();
        let samples = self.evaluation.limit().unwrap_or(SAMPLES);
        // A few samples may be too few for the task's metric, which is not asked for.
        let experiment = Experiment { limit: None, operand_samples: 0, ..self.evaluation.experiment()? };
        let mut session = Session::open(experiment)?.with_progress(Bar::new(terminal));
        let output = self.output.create()?;
        let report = selfcheck(&mut session, samples)?;
        output.write(&report, terminal)?;
        for check in report.failed() {
            let why = check.detail.as_deref().unwrap_or_default();
            print_error(format_args!("check failed: {}: {}", check.name, shown(why)));
        }
        Ok(if report.passed { ExitCode::Success } else { ExitCode::GateFailed })
    }
}
