//! What a study says of a network under a bound of its drop: the cheapest multiplier for all layers, and one for each.
//!
//! The page's script finds the same for any other bound; a test holds the two together.

use super::{MeasuredDrop, MixStep, Network, Run, StudyPage};
use serde::Serialize;

/// What the study says of a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The network's name, with the settings that tell it from others.
    pub network: String,
    /// The value that drops are measured from.
    pub baseline: Option<f64>,
    /// What that is.
    pub baseline_label: Option<String>,
    /// The cheapest multiplier for all layers, where one saves energy.
    pub uniform: Option<UniformVerdict>,
    /// One for each layer.
    pub mix: Option<MixVerdict>,
}

/// The cheapest multiplier for all layers within the bound.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UniformVerdict {
    /// Its name.
    pub multiplier: String,
    /// The metric's value.
    pub value: f64,
    /// Its drop.
    pub drop: f64,
    /// The drop's 95 % interval.
    pub ci95: [f64; 2],
    /// Energy over that of exact multiplications.
    pub energy: f64,
}

/// A multiplier for each layer, predicted to be within the bound.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MixVerdict {
    /// The sum of the layers' drops.
    pub predicted_drop: f64,
    /// Energy over that of exact multiplications.
    pub energy: f64,
    /// Layers and multipliers; none for exact products.
    pub layers: Vec<(String, Option<String>)>,
}

/// Rounding that two equal drops may differ by.
const SLACK: f64 = 1e-9;

impl StudyPage {
    /// One verdict a network, under the page's own bound and by its first basis of energies.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |(i, network): (usize, &Network)| Verdict {
            network: network.title(),
            baseline: network.baseline.as_ref().map(|baseline| baseline.value),
            baseline_label: network.baseline.as_ref().map(|baseline| baseline.label.clone()),
            uniform: self.best_uniform(i),
            mix: self.best_mix(network),
        };
        self.networks.iter().enumerate().map(verdict).collect()
    }

    /// The energy of a run by the page's first basis.
    fn energy(&self, run: &Run) -> Option<f64> {
        let own = run.energy.filter(|_| run.basis == Some(0));
        own.or_else(|| *self.multipliers[run.multiplier?].energy.first()?)
    }

    fn best_uniform(&self, network: usize) -> Option<UniformVerdict> {
        let runs = self.runs.iter().filter(|run| run.network == network && run.is_uniform());
        let candidate = |run: &Run| -> Option<UniformVerdict> {
            let MeasuredDrop { drop, ci95, .. } = run.drop.filter(|drop| drop.drop <= self.bound + SLACK)?;
            let multiplier = self.multipliers[run.multiplier?].name.clone();
            Some(UniformVerdict {
                multiplier,
                value: run.value,
                drop,
                ci95,
                energy: self.energy(run).filter(|energy| *energy < 1.0)?,
            })
        };
        let better =
            |a: &UniformVerdict, b: &UniformVerdict| a.energy.total_cmp(&b.energy).then(a.drop.total_cmp(&b.drop));
        runs.filter_map(candidate).min_by(better)
    }

    fn best_mix(&self, network: &Network) -> Option<MixVerdict> {
        let mix = network.mixes.first()?;
        let MixStep { drop, energy, picks } = mix.steps.iter().rfind(|step| step.drop <= self.bound + SLACK)?;
        let name = |pick: Option<usize>| pick.map(|pick| self.multipliers[mix.choices[pick].multiplier].name.clone());
        let layers = network.layers.iter().zip(picks).map(|(layer, pick)| (layer.name.clone(), name(*pick)));
        Some(MixVerdict { predicted_drop: *drop, energy: *energy, layers: layers.collect() })
    }
}

impl Network {
    /// Its name, with the settings that tell it from others.
    pub fn title(&self) -> String {
        let settings = self.settings.iter().map(|(name, value)| format!(", {name} {value}"));
        let data = self.data.as_ref().map(|_| format!(" on {}", self.dataset));
        format!("{}{}{}", self.name, data.unwrap_or_default(), settings.collect::<String>())
    }
}
