//! `approx-eval advise`: one page on one multiplier in one network.

use super::costs::CostsArgs;
use super::inputs::LutFileArgs;
use super::named::named;
use super::output::OutputArgs;
use super::progress::Bar;
use super::studied::{StudiedNetworkArgs, parse_drop};
use super::{ExitCode, TerminalArgs};
use crate::eval::{Experiment, LayerOptions, LutSpec};
use crate::layer::InferenceMode;
use crate::lut::{CODINGS, Coding};
use crate::study::advise::{AdviceExperiments, AdviceSettings, advise};
use anyhow::ensure;
use clap::ValueHint;

#[derive(Debug, clap::Args)]
pub(super) struct AdviseArgs {
    /// LUT file, or the name of a multiplier
    #[arg(value_hint = ValueHint::AnyPath)]
    lut: String,

    /// The largest drop in accuracy (or AUC) against exact products that is allowed, a fraction: 0.01 is one percentage
    /// point
    #[arg(long, value_name = "D", default_value = "0.01", allow_hyphen_values = true, value_parser = parse_drop)]
    max_drop: f64,

    /// Do not try what 'approx-eval correct' would recover
    #[arg(long)]
    no_correction: bool,

    #[command(flatten)]
    file: LutFileArgs,

    /// How quantized integers become operands; default: sign-magnitude for unsigned LUTs, else signed
    #[arg(long, value_name = "CODING", value_parser = named(&CODINGS), help_heading = "Multiplier")]
    coding: Option<Coding>,

    #[command(flatten)]
    costs: CostsArgs,

    #[command(flatten)]
    pub(super) network: StudiedNetworkArgs,

    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &AdviseArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    args.network.on_threads(|| args.run(terminal))
}

impl AdviseArgs {
    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        ensure!(self.lut != "-", "standard input is read once, and advice opens its multiplier again: give a file");
        let costs = self.costs.open()?;
        let approximate = || self.experiment(InferenceMode::Approximate);
        let experiments = AdviceExperiments {
            approximate: approximate()?,
            corrected: approximate()?,
            exact: self.experiment(InferenceMode::Quantized)?,
        };
        let output = self.output.create()?;
        let settings = AdviceSettings { max_drop: self.max_drop, corrects: !self.no_correction };
        let advice = advise(experiments, &self.lut(), &costs, settings, &Bar::new(terminal))?;
        output.write(&advice, terminal)?;
        Ok(ExitCode::Success)
    }

    fn lut(&self) -> LutSpec {
        LutSpec { lut: self.lut.clone(), ..self.file.reading() }
    }

    /// The network, its layers computing `mode`, and products of two activations what is asked for.
    fn experiment(&self, mode: InferenceMode) -> anyhow::Result<Experiment> {
        self.network.experiment(LayerOptions {
            mode: Some(mode),
            attention: self.network.rules.attention(),
            lut: Some(self.lut()),
            coding: self.coding,
            ..LayerOptions::default()
        })
    }
}
