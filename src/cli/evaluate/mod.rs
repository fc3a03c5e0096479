//! `approx-eval` itself: one evaluation.

mod accumulators;
mod dump;
mod evaluation;
mod gates;
pub(super) mod options;
mod outputs;

use self::dump::DumpArgs;
pub(in crate::cli) use self::evaluation::EvaluationArgs;
use self::gates::GateArgs;
use self::options::ReportArgs;
pub(in crate::cli) use self::options::{LayerArgs, RuleArgs, RunArgs, ThreadArgs};
use self::outputs::Outputs;
use super::costs::CostsArgs;
use super::error::{plain, print_error, shown};
use super::inputs::Given;
use super::output::FormatArgs;
use super::progress::Bar;
use super::{ExitCode, TerminalArgs};
use crate::eval::{BatchOutputs, Configuration, Experiment, Findings, Session};
use crate::lut::Costs;
use crate::output::OutputFolder;
use crate::registry::Named;
use crate::report::Report;
use clap::{Args, FromArgMatches};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct EvaluateArgs {
    #[command(flatten)]
    evaluation: EvaluationArgs,

    #[command(flatten)]
    costs: CostsArgs,

    /// Write all scales and zero points to a file
    #[arg(long, value_name = "FILE", help_heading = "Quantization")]
    save_qparams: Option<PathBuf>,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    report: ReportArgs,

    #[command(flatten)]
    dump: DumpArgs,

    #[command(flatten)]
    gates: GateArgs,
}

/// Runs one evaluation, on as many threads as asked for.
pub(super) fn run(args: &EvaluateArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    args.on_threads(|| args.run(terminal))
}

impl EvaluateArgs {
    /// Takes LUT files that the first rules name from these folders, one for each of them.
    pub fn rebase_rules(&mut self, folders: &[PathBuf]) {
        self.evaluation.rebase_rules(folders);
    }

    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        // All that can be wrong is found before the work starts.
        let gates = self.gates.gates().open()?;
        let costs = self.costs.open()?;
        let mut session = Session::open(self.experiment()?)?.with_progress(Bar::new(terminal));
        gates.check(&session)?;
        let mut outputs = Outputs::create(&self.report, self.save_qparams.as_deref(), &session)?;
        // After the files, none of which it holds.
        let dump = self.dump.create(&session)?;

        let assignment = session.assignment().clone();
        outputs.add_params(|| Ok(session.params(&assignment)?.to_json()))?;
        let (findings, mut report) = self.evaluate(&mut session, &costs, |batch| outputs.add(batch))?;
        gates.apply(&mut report, &findings.outcome.predictions)?;
        report.predictions = outputs.finish_samples(session.model(), &findings.outcome.predictions)?;
        let dump = dump.map(|dump| dump.fill(&session, &findings)).transpose()?;
        self.format.print_and_commit(&report, outputs.finish(&report, terminal)?, terminal)?;
        dump.map_or(Ok(()), OutputFolder::commit)?;
        for (gate, why) in report.failed_gates() {
            print_error(format_args!("gate failed: {} (--{})", shown(&why), gate.name()));
        }
        let all_held = report.gates.iter().all(|gate| gate.passed);
        Ok(if all_held { ExitCode::Success } else { ExitCode::GateFailed })
    }

    /// Evaluates what `session` is about, and compares where that is asked for.
    pub fn evaluate(
        &self,
        session: &mut Session,
        costs: &Costs,
        sink: impl FnMut(&BatchOutputs) -> io::Result<()>,
    ) -> anyhow::Result<(Findings, Report)> {
        let findings = session.evaluate(&session.assignment().clone(), sink)?;
        let comparison = self.report.compare.map(|mode| session.compare(mode, &findings)).transpose()?;
        let mut report = Report::new(session, &findings, costs);
        comparison.into_iter().for_each(|comparison| report.compare_with(comparison));
        Ok((findings, report))
    }

    /// The command of one evaluation, for arguments that are no command line.
    pub fn command() -> clap::Command {
        Self::augment_args(clap::Command::new(env!("CARGO_PKG_NAME"))).args_override_self(true)
    }

    /// Reads the arguments of [`command`](Self::command), the first of which is its name.
    pub fn parse(command: &mut clap::Command, arguments: Vec<OsString>) -> anyhow::Result<Self> {
        let matches = command.try_get_matches_from_mut(arguments).map_err(|error| plain(&error))?;
        Self::from_arg_matches(&matches).map_err(|error| plain(&error))
    }

    /// Does `work` on as many threads as asked for.
    pub fn on_threads<T: Send>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        self.evaluation.on_threads(work)
    }

    /// What multipliers cost.
    pub fn costs(&self) -> anyhow::Result<Costs> {
        self.costs.open()
    }

    /// What the options ask of a session, whatever it was opened for.
    pub fn configuration(&self) -> anyhow::Result<Configuration> {
        self.evaluation.configuration()
    }

    /// What the options ask for.
    pub fn experiment(&self) -> anyhow::Result<Experiment> {
        self.experiment_on(Given::default())
    }

    /// The same, of a network and data some of which are in memory.
    pub fn experiment_on(&self, given: Given) -> anyhow::Result<Experiment> {
        Ok(Experiment {
            layer_errors: self.report.layer_errors,
            vector_samples: self.dump.samples(),
            ..self.evaluation.experiment_on(given)?
        })
    }
}
