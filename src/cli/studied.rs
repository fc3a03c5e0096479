//! Options of studies of one network, under one multiplier or several.

use super::evaluate::{RuleArgs, RunArgs};
use super::experiment_file::FileArgs;
use super::inputs::{Given, LutFileArgs};
use super::named::named;
use super::network::NetworkArgs;
use crate::eval::{Experiment, LayerOptions, LutSpec, Session};
use crate::layer::InferenceMode;
use crate::lut::{CODINGS, Coding};
use anyhow::ensure;
use clap::ValueHint;
use std::path::PathBuf;

/// The network, its data, and how it is run.
#[derive(Debug, clap::Args)]
pub(super) struct StudiedNetworkArgs {
    #[command(flatten)]
    file: FileArgs,

    #[command(flatten)]
    pub rules: RuleArgs,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    run: RunArgs,
}

impl StudiedNetworkArgs {
    /// `options` of all layers with the widths asked for.
    pub fn options(&self, options: LayerOptions) -> LayerOptions {
        self.network.options(options)
    }

    /// The network and its data, its layers as `options` and the rules have them.
    pub fn experiment(&self, options: LayerOptions) -> anyhow::Result<Experiment> {
        Ok(Experiment {
            layers: self.options(options),
            rules: self.rules.rules()?,
            limit: self.run.limit,
            shuffle: self.run.shuffle,
            batch_size: self.run.batch_size,
            kernel: self.run.kernel()?,
            operand_samples: 0,
            ..self.network.experiment(Given::default())?
        })
    }

    /// Takes LUT files that the first rules name from these folders, one for each of them.
    pub fn rebase_rules(&mut self, folders: &[PathBuf]) {
        self.rules.rebase(folders);
    }

    /// Does `work` on as many threads as asked for.
    pub fn on_threads<T: Send>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        self.file.announce();
        self.run.threads.install(work)
    }
}

/// The network, its data, and the multipliers that its layers may have.
#[derive(Debug, clap::Args)]
pub(super) struct StudiedArgs {
    #[command(flatten)]
    pub network: StudiedNetworkArgs,

    #[command(flatten)]
    library: LibraryArgs,
}

/// Several multipliers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Multipliers")]
struct LibraryArgs {
    /// LUT files, or names of multipliers (see 'approx-eval lut list'); may be given more than once
    ///
    /// Several in one text: globs, folders, ranges such as 'truncated-{4..9}', or the lists shipped, designs and catalogue.
    #[arg(short, long = "lut", value_name = "LUT", num_args = 1.., value_hint = ValueHint::AnyPath)]
    lut: Vec<String>,

    #[command(flatten)]
    file: LutFileArgs,

    /// How quantized integers become operands; default: sign-magnitude for unsigned LUTs, else signed
    #[arg(long, value_name = "CODING", value_parser = named(&CODINGS))]
    coding: Option<Coding>,
}

impl StudiedArgs {
    /// The multipliers, each once.
    pub fn luts(&self) -> anyhow::Result<Vec<LutSpec>> {
        self.library.file.select(&self.library.lut)
    }

    /// Fails unless a multiplier is given.
    pub fn check_luts(&self) -> anyhow::Result<()> {
        ensure!(
            !self.library.lut.is_empty(),
            "no multiplier: give LUT files, or names that 'approx-eval lut list' shows, with --lut"
        );
        Ok(())
    }

    /// Opens the network and its data, all layers with exact products under the coding of the first of `luts`; `seed` is
    /// that of noise.
    pub fn open(&self, luts: &[LutSpec], seed: u64) -> anyhow::Result<Session> {
        let options = LayerOptions {
            mode: Some(InferenceMode::Quantized),
            attention: self.network.rules.attention(),
            lut: luts.first().cloned(),
            coding: self.library.coding,
            ..LayerOptions::default()
        };
        Ok(Session::open(Experiment { seed, ..self.network.experiment(options)? })?)
    }
}

/// A bound on the drop of the metric.
pub(super) fn parse_drop(text: &str) -> Result<f64, String> {
    let drop = text.parse().ok().filter(|drop: &f64| *drop > 0.0 && *drop <= 1.0);
    drop.ok_or_else(|| {
        "expected a fraction above 0 and at most 1, such as 0.005 for half a percentage point".to_owned()
    })
}
