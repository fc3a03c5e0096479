//! `lut info`: describes and audits one multiplier, alone or over the operands of a network.

use super::super::costs::CostsArgs;
use super::super::inputs::{DataArgs, Given, LutFileArgs, ModelArgs, OutputNameArgs, experiment};
use super::super::named::named;
use super::super::output::FormatArgs;
use super::super::quantization::QuantizationArgs;
use super::super::{ExitCode, TerminalArgs};
use crate::eval::{Experiment, LayerOptions, LutSpec, Session};
use crate::lut::{Audit, CODINGS, Coding, Costs};
use crate::report::{LutDetails, OperandsInUse, Report};
use anyhow::{Context, ensure};
use std::num::NonZeroUsize;

/// Samples over whose operands a multiplier is measured.
const SAMPLES: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not 0");

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct InfoArgs {
    /// LUT file, '-' for standard input, or the name of a multiplier
    lut: String,

    /// Exit with 1 if a metric stated in the metadata differs from the measured one, signed products have the
    /// wrong sign, the table differs from the design or the circuit of EvoApproxLib that it is named after, single
    /// operands are far worse than all others, or a few products alone keep it from being exact or a known design
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    file: LutFileArgs,

    #[command(flatten)]
    costs: CostsArgs,

    /// With a network: how quantized integers become operands; default: signed for signed LUTs, sign-magnitude
    /// for unsigned LUTs
    #[arg(long, value_name = "CODING", value_parser = named(&CODINGS), help_heading = "Multiplier")]
    coding: Option<Coding>,

    /// A network: the multiplier's errors over the operands of its layers are shown too
    #[command(flatten)]
    network: Option<ModelArgs>,

    #[command(flatten)]
    output: Option<OutputNameArgs>,

    #[command(flatten)]
    data: Option<DataArgs>,

    #[command(flatten)]
    quantization: Option<QuantizationArgs>,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(args: &InfoArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let reads_stdin_twice = args.network.is_some() && args.lut == "-";
    ensure!(!reads_stdin_twice, "a network's operands need a LUT file or a name, not standard input");
    let costs = args.costs.open()?;
    let lut = args.file.open(&args.lut, args.coding)?;
    let mut audit = Audit::new(&lut);
    audit.info.cost = costs.get(&lut);
    let holds = audit.holds();
    let in_use = args.operands_in_use(&costs)?;
    args.format.print(&LutDetails { audit, in_use }, terminal)?;
    Ok(if args.check && !holds { ExitCode::GateFailed } else { ExitCode::Success })
}

impl InfoArgs {
    /// The multiplier's errors in the network, where one was given.
    fn operands_in_use(&self, costs: &Costs) -> anyhow::Result<Option<OperandsInUse>> {
        let (data, quantization) = (self.data.as_ref(), self.quantization.as_ref());
        let Some(network) = &self.network else {
            let other = [
                ("--coding requires", self.coding.is_some()),
                ("--output-name requires", self.output.is_some()),
                ("options of data require", data.is_some()),
                ("options of quantization require", quantization.is_some()),
            ];
            let other = other.into_iter().find(|(_, is_given)| *is_given);
            ensure!(other.is_none(), "{} a network (--model, or --weights)", other.unwrap_or_default().0);
            return Ok(None);
        };
        let (data, quantization) = (data.cloned().unwrap_or_default(), quantization.cloned().unwrap_or_default());
        let lut = LutSpec { lut: self.lut.clone(), ..self.file.reading() };
        let layers = LayerOptions { lut: Some(lut), coding: self.coding, ..LayerOptions::default() };
        let layers = quantization.apply(layers);
        let (output, given) = (OutputNameArgs::default(), Given::default());
        let experiment = experiment(network, self.output.as_ref().unwrap_or(&output), &data, &quantization, given)?;
        let mut session = Session::open(Experiment { layers, limit: Some(SAMPLES), ..experiment })?;
        let assignment = session.assignment().clone();
        let findings = session.evaluate(&assignment, |_| Ok(())).context("operands in use")?;
        Ok(Some(OperandsInUse::new(&Report::new(&session, &findings, costs))))
    }
}
