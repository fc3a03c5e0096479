//! Which layers approximation hurts: each of them alone approximate, each alone exact, and the noise that each stands.

use super::bisection::Bound;
use super::layerwise::{Layerwise, LayerwiseError};
use super::tolerance::{Tolerance, ToleranceSettings};
use crate::eval::{LutSpec, Progress, Session};
use crate::lut::{CostKind, Costs};
use crate::report::{
    Degradation, NoiseLayer, NoiseSensitivity, SCHEMA, SensitivityDetails, SensitivityLayer, SensitivityLut, ToolReport,
};
use std::cmp::Ordering;

/// What each of the multipliers `luts`, which cost so much, does to the network in each layer alone, and in all others.
///
/// # Errors
/// When a multiplier does not suit, no layer is free, or an evaluation fails.
pub fn by_multiplier(
    session: &mut Session,
    luts: &[LutSpec],
    costs: &Costs,
    progress: &dyn Progress,
) -> Result<SensitivityDetails, LayerwiseError> {
    let samples = 0..session.samples();
    let mut layerwise = Layerwise::new(session, luts, progress)?;
    let mut details = start(&mut layerwise, "multiplier")?;
    let (layers, candidates) = (layerwise.layers.len(), layerwise.candidates.len());
    // Where there is one layer, it is all of them.
    layerwise.start("sensitivity", candidates * (2 * layers + 1), samples.len());
    let mut all = Vec::new();
    for option in 1..=candidates {
        let assignment = layerwise.assignment(&vec![option; layers]);
        all.push(layerwise.measure(&assignment, samples.clone())?);
        layerwise.advance(samples.len());
    }
    // Layer by layer, so that what comes before is shared: of exact products first, then of each multiplier.
    let mut found: Vec<Vec<Degradation>> = Vec::new();
    for ground in 0..=candidates {
        for layer in 0..layers {
            layerwise.share_before(Some(layer));
            let options = if ground == 0 { 1..=candidates } else { 0..=0 };
            let mut of_layer = Vec::new();
            for option in options {
                let mut choice = vec![ground; layers];
                choice[layer] = option;
                let assignment = layerwise.assignment(&choice);
                of_layer.push(layerwise.measure(&assignment, samples.clone())?);
                layerwise.advance(samples.len());
            }
            found.push(of_layer);
        }
        layerwise.share_before(None);
    }
    layerwise.finish();
    let (alone, alone_exact) = found.split_at(layers);
    for (place, all) in all.into_iter().enumerate() {
        let pairs = (0..layers).map(|layer| (&alone[layer][place], &alone_exact[place * layers + layer][0]));
        details.luts.push(of_multiplier(&layerwise, place, costs, all, pairs));
    }
    Ok(details)
}

/// What is said of the candidate of that `place`, of which `found` has what it does in each layer alone and in all others.
fn of_multiplier<'a>(
    layerwise: &Layerwise,
    place: usize,
    costs: &Costs,
    all: Degradation,
    found: impl Iterator<Item = (&'a Degradation, &'a Degradation)>,
) -> SensitivityLut {
    let candidate = &layerwise.candidates[place];
    let prices = layerwise.costs(costs, CostKind::Energy, &[place]).ok();
    let kept: f64 = layerwise.kept_opcounts().iter().map(|(_, opcount)| *opcount as f64).sum();
    let free: f64 = layerwise.layers.iter().map(|layer| layer.opcount as f64).sum();
    // The multipliers of layers that are kept come behind the candidate.
    let kept_cost = prices.as_ref().map(|prices| {
        let price = |(lut, opcount): &(Option<usize>, u64)| {
            let price = lut.map_or(prices.exact, |lut| prices.multipliers[1 + lut]);
            price * *opcount as f64
        };
        layerwise.kept_opcounts().iter().map(price).sum::<f64>()
    });
    let energy = |approximate: f64| {
        let (prices, kept_cost) = (prices.as_ref()?, kept_cost?);
        let own = approximate * prices.multipliers[0] + (free - approximate) * prices.exact;
        Some((own + kept_cost) / ((free + kept) * prices.exact))
    };
    let total: u64 = layerwise.opcount();
    let layer = |(layer, (alone, alone_exact)): (&super::layerwise::FreeLayer, (&Degradation, &Degradation))| {
        let share = |prices: &crate::lut::CommonCosts| {
            let own = layer.opcount as f64 * prices.multipliers[0];
            own / (free * prices.multipliers[0] + kept_cost.unwrap_or_default())
        };
        SensitivityLayer {
            rank: 0,
            name: layer.name.clone(),
            kind: layer.kind.clone(),
            opcount: layer.opcount,
            opcount_share: layer.opcount as f64 / total as f64,
            energy_share: prices.as_ref().map(share),
            relative_energy: energy(layer.opcount as f64),
            alone: alone.clone(),
            alone_exact: alone_exact.clone(),
        }
    };
    let mut layers: Vec<SensitivityLayer> = layerwise.layers.iter().zip(found).map(layer).collect();
    layers.sort_by(|a, b| worst_first(&a.alone, &b.alone));
    layers.iter_mut().enumerate().for_each(|(place, layer)| layer.rank = place + 1);
    SensitivityLut {
        name: candidate.lut.name().to_owned(),
        lut: candidate.spec.lut.clone(),
        blake3: candidate.lut.table_hash().to_hex().to_string(),
        relative_energy: energy(free),
        cost_basis: prices.as_ref().map(|prices| prices.basis.clone()),
        all,
        layers,
    }
}

/// By the drop of the metric, then by the increase of the loss.
fn worst_first(a: &Degradation, b: &Degradation) -> Ordering {
    let loss = |found: &Degradation| found.loss_increase.unwrap_or_default();
    b.drop.total_cmp(&a.drop).then(loss(b).total_cmp(&loss(a)))
}

/// The largest noise within the bound that each layer stands alone, under the coding of the session.
///
/// # Errors
/// When no layer is free, or an evaluation fails.
pub fn by_noise(
    session: &mut Session,
    settings: ToleranceSettings,
    progress: &dyn Progress,
) -> Result<SensitivityDetails, LayerwiseError> {
    let samples = 0..session.samples();
    let mut layerwise = Layerwise::new(session, &[], progress)?;
    let mut details = start(&mut layerwise, "noise")?;
    let total = layerwise.opcount();
    let steps = settings.most_steps();
    layerwise.start("noise tolerances", layerwise.layers.len() * steps, samples.len());
    let mut layers = Vec::new();
    for index in 0..layerwise.layers.len() {
        layerwise.share_before(Some(index));
        let mut left = steps;
        let Tolerance { bound, found } = Tolerance::find(settings, |stdev| {
            left = left.saturating_sub(1);
            layerwise.advance(samples.len());
            layerwise.measure(&layerwise.with_noise(index, stdev), samples.clone())
        })?;
        layerwise.advance(left * samples.len());
        let layer = &layerwise.layers[index];
        layers.push(NoiseLayer {
            rank: 0,
            name: layer.name.clone(),
            kind: layer.kind.clone(),
            opcount: layer.opcount,
            opcount_share: layer.opcount as f64 / total as f64,
            tolerance: Tolerance { bound, found: found.clone() }.stdev(settings),
            bound: match bound {
                Bound::Below => "below",
                Bound::At(_) => "at",
                Bound::Beyond => "beyond",
            }
            .to_owned(),
            found,
        });
    }
    layerwise.share_before(None);
    layerwise.finish();
    layers.sort_by(|a, b| a.tolerance.total_cmp(&b.tolerance).then(worst_first(&a.found, &b.found)));
    layers.iter_mut().enumerate().for_each(|(place, layer)| layer.rank = place + 1);
    details.noise = Some(NoiseSensitivity {
        max_drop: settings.max_drop,
        tried: [settings.low, settings.high],
        ratio: settings.ratio,
        seed: layerwise.session().experiment().seed,
        batch_size: layerwise.session().batch_size().get(),
        layers,
    });
    Ok(details)
}

/// The document without findings.
fn start(layerwise: &mut Layerwise, by: &str) -> Result<SensitivityDetails, LayerwiseError> {
    let samples = 0..layerwise.session().samples();
    let (exact, exact_loss) = layerwise.exact_result(&samples)?;
    let report = layerwise.report(&samples)?.clone();
    Ok(SensitivityDetails {
        schema: SCHEMA,
        kind: SensitivityDetails::KIND.to_owned(),
        by: by.to_owned(),
        tool: ToolReport::default(),
        model: report.model,
        dataset: report.dataset,
        config: report.config,
        exact,
        exact_loss,
        luts: Vec::new(),
        noise: None,
        notes: report.notes,
    })
}
