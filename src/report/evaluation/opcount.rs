//! The multiplications of a report, and their energy.

use super::{CostReport, LayerReport};
use crate::lut::CostSource;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Multiplications of linear and convolution layers and of products of two activations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpcountReport {
    /// Of one sample.
    pub per_sample: u64,
    /// Of all samples.
    pub total: u64,
    /// Of all samples, by multiplier: `fp32`, `exact`, or the multiplier's name.
    pub by_multiplier: BTreeMap<String, u64>,
    /// The energy of the integer multiplications, where that of the multipliers is known.
    pub energy: Option<EnergyReport>,
}

/// Energy of multiplications, relative to exact ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EnergyReport {
    /// Energy over that of as many exact multiplications.
    pub relative: f64,
    /// Multiplications of one sample whose energy is known: those of layers whose multiplier has one, and
    /// exact ones.
    pub opcount: u64,
    /// Each multiplier's energy and its provenance.
    pub sources: BTreeMap<String, EnergySource>,
}

/// A multiplier's energy and its provenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EnergySource {
    /// Energy of one multiplication over that of an exact one.
    pub relative: f64,
    /// The kind of source.
    pub source: CostSource,
    /// The source in words.
    pub note: String,
}

impl OpcountReport {
    /// The sum over `layers`, for `samples` samples, which cost `cost`.
    pub fn new(layers: &[LayerReport], samples: usize, cost: Option<&CostReport>) -> Self {
        let mut by_multiplier = BTreeMap::new();
        for layer in layers {
            *by_multiplier.entry(layer.multiplier().to_owned()).or_default() += layer.opcount * samples as u64;
        }
        let per_sample: u64 = layers.iter().map(|layer| layer.opcount).sum();
        let energy = cost.and_then(|cost| EnergyReport::new(cost, layers));
        OpcountReport { per_sample, total: per_sample * samples as u64, by_multiplier, energy }
    }
}

impl EnergyReport {
    /// The relative energy of `cost`; `None` where no multiplier of `layers` with a table has one.
    fn new(cost: &CostReport, layers: &[LayerReport]) -> Option<Self> {
        let source = |lut: &String| {
            let of = cost.by_multiplier.get(lut).filter(|of| of.basis == cost.basis)?;
            let source = EnergySource { relative: of.relative.energy?, source: of.source, note: of.note.clone() };
            Some((lut.clone(), source))
        };
        let luts = layers.iter().filter_map(|layer| layer.lut.as_ref());
        let sources: BTreeMap<String, EnergySource> = luts.filter_map(source).collect();
        let relative = cost.relative_energy?;
        (!sources.is_empty()).then_some(EnergyReport { relative, opcount: cost.opcount, sources })
    }
}
