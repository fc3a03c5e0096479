//! `approx-eval rank`: many multipliers in the order of what they are predicted to do to a network.

use super::inputs::LutFileArgs;
use super::named::named;
use super::output::OutputArgs;
use super::progress::Bar;
use super::studied::StudiedNetworkArgs;
use super::{ExitCode, TerminalArgs};
use crate::eval::{Experiment, LayerOptions, Session};
use crate::layer::InferenceMode;
use crate::lut::{CODINGS, Coding};
use crate::study::rank::{RankPlan, rank};
use clap::ValueHint;

#[derive(Debug, clap::Args)]
pub(super) struct RankArgs {
    /// Multipliers: LUT files, folders of them, names, ranges such as 'drum-{3..7}', globs such as 'luts/mul8u_*.bin',
    /// or the lists shipped, designs and catalogue; may be given more than once
    #[arg(short, long, value_name = "LUT", required = true, num_args = 1.., value_hint = ValueHint::AnyPath)]
    #[arg(help_heading = "Multiplier")]
    lut: Vec<String>,

    #[command(flatten)]
    file: LutFileArgs,

    /// How quantized integers become operands; default: sign-magnitude for unsigned LUTs, else signed
    #[arg(long, value_name = "CODING", value_parser = named(&CODINGS), help_heading = "Multiplier")]
    coding: Option<Coding>,

    /// Evaluate the best N
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Ranking")]
    top: usize,

    /// Evaluate all, which tells how good the predictions are
    #[arg(long, conflicts_with = "top", help_heading = "Ranking")]
    measure_all: bool,

    #[command(flatten)]
    pub(super) network: StudiedNetworkArgs,

    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &RankArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    args.network.on_threads(|| args.run(terminal))
}

impl RankArgs {
    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        let plan = self.plan()?;
        let mut session = Session::open(self.experiment(&plan)?)?.with_progress(Bar::new(terminal));
        let output = self.output.create()?;
        let report = rank(&mut session, &plan)?;
        output.write(&report, terminal)?;
        Ok(ExitCode::Success)
    }

    fn plan(&self) -> anyhow::Result<RankPlan> {
        let options =
            LayerOptions { coding: self.coding, mode: Some(InferenceMode::Approximate), ..Default::default() };
        Ok(RankPlan {
            luts: self.file.select(&self.lut)?,
            options: self.network.options(self.network.rules.apply(options)),
            rules: self.network.rules.rules()?,
            top: self.top,
            measure_all: self.measure_all,
        })
    }

    /// The network with the first multiplier.
    fn experiment(&self, plan: &RankPlan) -> anyhow::Result<Experiment> {
        self.network.experiment(LayerOptions { lut: plan.luts.first().cloned(), ..plan.options.clone() })
    }
}
