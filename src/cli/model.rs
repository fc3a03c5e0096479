//! `approx-eval model`: networks described.

use super::inputs::{OutputNameArgs, parse_input};
use super::output::FormatArgs;
use super::{ExitCode, TerminalArgs};
use crate::model::{FORMATS, ModelFormat, ModelSpec, SHIPPED, UnsupportedFormat};
use crate::report::{ModelDetails, ModelList};
use crate::zoo::Architecture;
use anyhow::{Context, ensure};
use std::path::Path;

#[derive(Debug, clap::Subcommand)]
pub(super) enum ModelCommand {
    /// Show a network's layers, parameters and multiplications
    Info(InfoArgs),
    /// List the networks that can be named
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct InfoArgs {
    /// A model directory, an .onnx or .tflite file, a shipped network's name, or an architecture's name
    model: String,

    /// Input of an architecture, or of an .onnx or .tflite file that leaves it open: channels, height, width
    #[arg(long, value_name = "C,H,W", value_parser = parse_input)]
    input: Option<[usize; 3]>,

    /// Outputs of an architecture
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    num_classes: Option<u32>,

    #[command(flatten)]
    output: OutputNameArgs,

    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(command: &ModelCommand, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    match command {
        ModelCommand::Info(args) => args.format.print(&args.describe()?, terminal)?,
        ModelCommand::List(args) => args.format.print(&ModelList::all(), terminal)?,
    }
    Ok(ExitCode::Success)
}

impl InfoArgs {
    fn describe(&self) -> anyhow::Result<ModelDetails> {
        let shapes_architecture = self.input.is_some() || self.num_classes.is_some();
        let path = Path::new(&self.model);
        let is_file = ModelFormat::recognize(path).is_some() || UnsupportedFormat::recognize(path).is_some();
        let is_shipped = SHIPPED.get(&self.model).is_some();
        ensure!(
            !(self.num_classes.is_some() && is_file),
            "--num-classes applies to an architecture's name; {} has classes of its own",
            self.model
        );
        if is_file || (is_shipped && !shapes_architecture) {
            let (model, output) = (Some(self.model.clone()), self.output.output_name.clone());
            let spec = ModelSpec { model, output, input: self.input, ..ModelSpec::default() };
            return Ok(ModelDetails::new(&spec.open()?));
        }
        ensure!(
            self.output.output_name.is_none(),
            "--output-name applies to an .onnx or .tflite file, not to {}",
            self.model
        );
        let kinds: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        let architecture = Architecture::find(&self.model)
            .with_context(|| format!("{}: not {}, nor a network's name", self.model, kinds.join(" or ")))?;
        let input = self.input.unwrap_or(architecture.input);
        let classes = self.num_classes.map_or(architecture.num_classes, |classes| classes as usize);
        let graph = architecture.build(input, classes, None).with_context(|| format!("input {input:?}"))?;
        Ok(ModelDetails::from_architecture(architecture, &graph, input, classes))
    }
}
