//! Options that decide what each layer computes.

use super::super::named::named;
use super::EvaluateArgs;
use crate::eval::{LayerSetting, Luts, Rule, Rules, Settings};
use crate::layer::{InferenceMode, MODES};
use crate::lut::{Costs, Lut};
use anyhow::{Context, ensure};
use std::path::PathBuf;
use std::sync::Arc;

/// The mode, and what is different for some layers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Layers")]
pub(super) struct AssignArgs {
    /// What layers compute; default: approx when a LUT is given, else base
    #[arg(long, value_name = "MODE", value_parser = named(&MODES))]
    pub mode: Option<InferenceMode>,

    /// Change settings of single layers by the rules of a file, or as an earlier JSON report had them
    #[arg(long, value_name = "FILE.json")]
    assign: Option<PathBuf>,

    /// Change settings of the layers whose names match a glob; the last match wins; repeats. Keys:
    /// mode, lut, lut_format, swap_operands, coding, noise_std, noise_mean,
    /// noise_from_lut, act_bits, weight_bits
    #[arg(long, value_name = "PATTERN:KEY=VALUE,..", value_parser = parse_rule)]
    set: Vec<Rule>,
}

/// A rule, its error in one line.
fn parse_rule(text: &str) -> Result<Rule, String> {
    text.parse().map_err(|error| format!("{:#}", anyhow::Error::new(error)))
}

/// What is asked of the layers, before the network is known.
pub(super) struct Plan {
    /// What the options ask of every layer.
    pub base: Settings,
    /// The same made good.
    pub setting: LayerSetting,
    /// What is different for some.
    pub rules: Rules,
    /// Multipliers opened so far.
    pub luts: Luts,
    /// Energies of multipliers.
    pub costs: Costs,
}

impl Plan {
    /// Whether any layer may have noise that is derived from a multiplier.
    pub fn derives_noise(&self) -> bool {
        self.base.noise_from_lut.is_some() || self.rules.derive_noise()
    }
}

impl EvaluateArgs {
    /// Reads and checks what is asked of the layers.
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        let some = |x: f64| (x != 0.0).then_some(x);
        let base = Settings {
            mode: self.assign.mode,
            noise_std: some(self.noise.noise_std),
            noise_mean: some(self.noise.noise_mean),
            noise_from_lut: self.noise.noise_from_lut.clone(),
            act_bits: self.quantization.act_bits,
            weight_bits: self.quantization.weight_bits,
            ..self.lut.settings()?
        };
        let mut luts = Luts::default();
        let setting = LayerSetting::open_unused(&base, &self.quantization.scheme(), &mut luts)
            .map_err(|error| (format!("--{}", error.key().replace('_', "-")), error))
            .map_err(|(option, error)| anyhow::Error::new(error).context(option))?;
        let mut rules = match &self.assign.assign {
            Some(path) => Rules::read(path).context("--assign")?,
            None => Rules::new(Vec::new()),
        };
        rules.extend(self.assign.set.iter().cloned());
        ensure!(
            base.mode() != InferenceMode::Approximate || setting.lut.is_some() || !rules.is_empty(),
            "--mode approx needs a multiplier: give --lut FILE, or a name that 'approx-eval lut list' shows"
        );
        Ok(Plan { base, setting, rules, luts, costs: self.costs.open()? })
    }
}

/// Says aloud what is doubtful of the multipliers.
pub(super) fn warn_of(luts: &[Arc<Lut>]) {
    for lut in luts {
        lut.provenance().warnings.iter().for_each(|warning| tracing::warn!("{}: {warning}", lut.name()));
    }
}
