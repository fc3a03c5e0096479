//! `approx-eval correct`: accuracy back without retraining.

use super::evaluate::{LayerArgs, ThreadArgs};
use super::experiment_file::FileArgs;
use super::inputs::Given;
use super::named::named;
use super::network::NetworkArgs;
use super::output::FormatArgs;
use super::progress::Bar;
use super::{ExitCode, LutArgs, TerminalArgs};
use crate::eval::{Experiment, Session};
use crate::output::OutputFolder;
use crate::report::{FORMATS, Style};
use crate::study::correct::{CorrectOptions, PARTS, Part, correct};
use anyhow::Context;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct CorrectArgs {
    #[command(flatten)]
    file: FileArgs,

    #[command(flatten)]
    correction: PartArgs,

    #[command(flatten)]
    pub(super) layers: LayerArgs,

    #[command(flatten)]
    lut: LutArgs,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    threads: ThreadArgs,

    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Correction")]
struct PartArgs {
    /// Folder for the corrected network, a model directory: a new or an empty one
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,

    /// Parts that every layer is corrected by, such as map,bias; default: for each layer those that leave its output the
    /// least error
    ///
    /// Whatever does not help the network on the last quarter of the calibration samples, which nothing is fitted on, is
    /// left out.
    #[arg(id = "correction", long = "parts", value_name = "PART,..", value_delimiter = ',', value_parser = named(&PARTS))]
    parts: Vec<Part>,
}

/// Corrects a network, on as many threads as asked for.
pub(super) fn run(args: &CorrectArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    args.file.announce();
    args.threads.install(|| args.run(terminal))
}

impl CorrectArgs {
    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        // All that can be wrong is found before the work starts.
        let mut session = Session::open(self.experiment()?)?.with_progress(Bar::new(terminal));
        let PartArgs { output, parts } = &self.correction;
        let options = CorrectOptions { parts: (!parts.is_empty()).then(|| parts.iter().copied().collect()) };
        options.check(&session)?;
        let folder = OutputFolder::create(output).context("--output")?;
        let correction = correct(&mut session, options)?;
        correction.write(&session, &folder)?;
        let report = correction.report(&session, output);
        let json = FORMATS.find("json").map_err(anyhow::Error::msg)?;
        folder.write("correction.json", &json.export(&report, Style::default()))?;
        folder.commit()?;
        self.format.print(&report, terminal)?;
        Ok(ExitCode::Success)
    }

    /// What the options ask for: without a dataset of the network's own, calibration data say what its images are.
    fn experiment(&self) -> anyhow::Result<Experiment> {
        let layers = self.layers.apply(self.network.options(self.lut.options(false)?));
        let rules = self.layers.rules()?;
        let opened = self.network.experiment(Given::default())?;
        let needs_data = opened.data.is_none() && opened.model.dataset.is_none();
        let data = if needs_data { opened.calibration.data.clone() } else { opened.data.clone() };
        Ok(Experiment { layers, rules, data, operand_samples: 0, ..opened })
    }
}
