//! `approx-eval sweep`: a grid of evaluations, planned, run in parts, and joined.

mod bar;
mod grid;
mod lists;
mod merge;
mod points;

use self::bar::{StudyBar, silenced};
use self::grid::GridArgs;
use super::output::FormatArgs;
use super::{ExitCode, TerminalArgs};
use crate::report::SweepPlanDetails;
use crate::study::journal::Start;
use crate::study::sweep::{Shard, ShardError, StudyFolder, Sweep, merge_run};
use anyhow::Context;
use clap::ValueHint;
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(super) enum SweepCommand {
    /// Check a grid, and print its jobs without doing them
    Plan(PlanArgs),
    /// Do the jobs of a grid, or those that a folder does not have yet
    Run(RunArgs),
    /// Join what runs have done into one table
    Merge(merge::MergeArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = grid::after_help())]
pub(super) struct PlanArgs {
    #[command(flatten)]
    grid: GridArgs,

    /// A study's folder: the plan says which jobs it has
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Study")]
    output: Option<PathBuf>,

    /// Print the jobs of one of N parts
    #[arg(long, value_name = "K/N", help_heading = "Study", value_parser = parse_shard)]
    shard: Option<Shard>,

    /// Accepted without effect, so that one file of options serves run and plan
    #[arg(long, help_heading = "Study")]
    resume: bool,

    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = grid::after_help())]
pub(super) struct RunArgs {
    #[command(flatten)]
    grid: GridArgs,

    /// Folder of the study, made if there is none: study.json is its plan, jobs.jsonl has a line for each job that is
    /// done
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Study")]
    output: PathBuf,

    /// Do only the jobs that the folder does not have yet; all, where there is no folder
    #[arg(long, help_heading = "Study")]
    resume: bool,

    /// Do one of N parts, K from 1; default: that of a Slurm array's task or of a Kubernetes job's index, else all
    ///
    /// Parts are blocks of the plan of about equal cost. Their journals, jobs-K-of-N.jsonl, may lie in one folder or in
    /// several. Slurm: (SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN) / step + 1. Kubernetes: JOB_COMPLETION_INDEX + 1, of
    /// JOB_COMPLETIONS, which the job has to set.
    #[arg(long, value_name = "K/N", help_heading = "Study", value_parser = parse_shard)]
    shard: Option<Shard>,

    #[command(flatten)]
    format: FormatArgs,
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    text.parse().map_err(|error: ShardError| error.to_string())
}

pub(super) fn run(command: &SweepCommand, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    match command {
        SweepCommand::Plan(args) => args.run(terminal),
        SweepCommand::Run(args) => args.run(terminal),
        SweepCommand::Merge(args) => args.run(terminal),
    }
}

impl SweepCommand {
    /// Takes LUT files that the first rules name from these folders, one for each of them.
    pub fn rebase_rules(&mut self, folders: Vec<PathBuf>) {
        match self {
            SweepCommand::Plan(PlanArgs { grid, .. }) | SweepCommand::Run(RunArgs { grid, .. }) => {
                grid.rebase_rules(folders);
            }
            SweepCommand::Merge(_) => {}
        }
    }
}

impl PlanArgs {
    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        let grid = self.grid.points()?;
        let done = self.output.as_deref().map(StudyFolder::done).transpose()?;
        grid.on_threads(|| {
            let sweep = Sweep::plan(grid.groups(&StudyBar::hidden()), self.grid.scopes())?;
            let shard = self.shard.map(|shard| (shard.to_string(), sweep.places(Some(shard)).collect()));
            let done = done.map(|done| done.into_iter().collect());
            self.format.print(&SweepPlanDetails { plan: sweep.details(), shard, done }, terminal)
        })?;
        Ok(ExitCode::Success)
    }
}

impl RunArgs {
    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        let shard = self.shard()?;
        let grid = self.grid.points()?;
        let costs = grid.costs()?;
        let start = if self.resume { Start::Resume } else { Start::New };
        let bar = StudyBar::new(terminal);
        let table = grid.on_threads(|| {
            let sweep = Sweep::plan(grid.groups(&bar), self.grid.scopes())?;
            let places = sweep.places(shard);
            let mut folder = StudyFolder::open(&self.output, sweep.details(), shard, start)?;
            silenced(terminal, || sweep.run(places.clone(), &mut folder, &costs, &mut bar.clone()))?;
            bar.close();
            Ok(merge_run(&self.output, sweep.details(), places)?)
        })?;
        self.format.print(&table, terminal)?;
        Ok(ExitCode::Success)
    }

    /// The part to be done, where there are several.
    fn shard(&self) -> anyhow::Result<Option<Shard>> {
        if self.shard.is_some() {
            return Ok(self.shard);
        }
        let shard = Shard::of_environment(|name| std::env::var(name).ok()).context("--shard")?;
        if let Some(shard) = shard {
            tracing::info!("part {shard}, by the environment");
            if shard.count() == 1 {
                tracing::warn!("the array has one task, which does all jobs: --shard K/N does one part of N again");
            }
        }
        Ok(shard)
    }
}
