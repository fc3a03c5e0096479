//! What is evaluated and how: the options that an evaluation and a check of one have in common.

use super::accumulators::AccumulatorArgs;
use super::options::{LayerArgs, NoiseArgs, RunArgs};
use crate::cli::LutArgs;
use crate::cli::inputs::Given;
use crate::cli::network::NetworkArgs;
use crate::eval::{Configuration, Experiment};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// A network, its data, and what its layers compute.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct EvaluationArgs {
    #[command(flatten)]
    layers: LayerArgs,

    #[command(flatten)]
    lut: LutArgs,

    #[command(flatten)]
    noise: NoiseArgs,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    accumulators: AccumulatorArgs,

    #[command(flatten)]
    run: RunArgs,
}

impl EvaluationArgs {
    /// Takes LUT files that the first rules name from these folders, one for each of them.
    pub fn rebase_rules(&mut self, folders: &[PathBuf]) {
        self.layers.rebase(folders);
    }

    /// Does `work` on as many threads as asked for.
    pub fn on_threads<T: Send>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        self.run.threads.install(work)
    }

    /// How many samples are asked for.
    pub fn limit(&self) -> Option<NonZeroUsize> {
        self.run.limit
    }

    /// What the options ask of a session, whatever it was opened for.
    pub fn configuration(&self) -> anyhow::Result<Configuration> {
        let layers = self.network.options(self.lut.options(self.noise.is_derived())?);
        Ok(Configuration {
            layers: self.layers.apply(self.noise.apply(layers, self.lut.reading())?),
            rules: self.layers.rules()?,
            scheme: self.network.scheme(),
            accumulator: self.accumulators.accumulator(),
            seed: self.noise.seed,
        })
    }

    /// What the options ask for.
    pub fn experiment(&self) -> anyhow::Result<Experiment> {
        self.experiment_on(Given::default())
    }

    /// The same, of a network and data some of which are in memory.
    pub fn experiment_on(&self, given: Given) -> anyhow::Result<Experiment> {
        let Configuration { layers, rules, scheme, accumulator, seed } = self.configuration()?;
        Ok(Experiment {
            layers,
            rules,
            scheme,
            accumulator,
            seed,
            limit: self.run.limit,
            shuffle: self.run.shuffle,
            batch_size: self.run.batch_size,
            kernel: self.run.kernel()?,
            ..self.network.experiment(given)?
        })
    }
}
