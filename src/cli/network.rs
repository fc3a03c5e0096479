//! Options of a network on its data, which every command has that runs one.

use super::inputs::{Given, OutputNameArgs, experiment};
use super::quantization::QuantizationArgs;
use super::{DataArgs, ModelArgs};
use crate::eval::{Experiment, LayerOptions, Scheme};

/// A network, its data, and how it is quantized.
#[derive(Debug, clap::Args)]
pub(super) struct NetworkArgs {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    output: OutputNameArgs,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    quantization: QuantizationArgs,
}

impl NetworkArgs {
    /// The evaluation of the network on its data, some of which are in memory: all layers in fp32.
    pub fn experiment(&self, given: Given) -> anyhow::Result<Experiment> {
        experiment(&self.model, &self.output, &self.data, &self.quantization, given)
    }

    /// `options` of all layers with the widths asked for.
    pub fn options(&self, options: LayerOptions) -> LayerOptions {
        self.quantization.apply(options)
    }

    /// What the quantization of all layers shares.
    pub fn scheme(&self) -> Scheme {
        self.quantization.scheme()
    }
}
