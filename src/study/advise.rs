//! Advice on one multiplier in one network: what it is, what it costs in accuracy and saves in energy, and what a
//! designer can do about it.

use super::correct::{CorrectError, CorrectOptions, correct};
use super::layerwise::{FreeLayer, Layerwise, LayerwiseError};
use super::sensitivity;
use crate::eval::{Configuration, Experiment, Findings, LutSpec, OpenError, Progress, Session, SessionError};
use crate::layer::{AccBits, Accumulator};
use crate::lut::{Audit, Costs, EntryUse};
use crate::registry::Named;
use crate::report::{
    AccumulatorAdvice, Advice, CorrectedAdvice, Degradation, LayerAdvice, MixedAdvice, ProductAdvice, Report, SCHEMA,
    SensitivityLayer, SensitivityLut, ToolReport,
};
use crate::task::{Comparison, ComparisonError};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

/// Samples whose products are counted, and over which accumulators are followed.
const COUNTED: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");

/// Products of the table that are shown.
const PRODUCTS: usize = 10;

/// Products of each layer among which these are looked for.
const PRODUCTS_OF_A_LAYER: usize = 512;

/// Experiments that advice takes, all of one network and data.
pub struct AdviceExperiments {
    /// All layers have the multiplier.
    pub approximate: Experiment,
    /// The same, to be corrected.
    pub corrected: Experiment,
    /// The same in mode `quant`, under the multiplier's coding: layers whose mode no rule states are studied alone.
    pub exact: Experiment,
}

/// What advice is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdviceSettings {
    /// The largest drop of the metric, a fraction.
    pub max_drop: f64,
    /// Whether a correction is tried.
    pub corrects: bool,
}

/// Why there is no advice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdviseError {
    /// The network or its data cannot be opened.
    #[error(transparent)]
    Open(Box<OpenError>),
    /// An evaluation failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// An evaluation of single layers failed.
    #[error(transparent)]
    Layerwise(#[from] LayerwiseError),
    /// Runs cannot be compared.
    #[error(transparent)]
    Comparison(#[from] ComparisonError),
}

impl From<OpenError> for AdviseError {
    fn from(error: OpenError) -> Self {
        AdviseError::Open(Box::new(error))
    }
}

impl AdviseError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            AdviseError::Open(error) => error.keys(),
            AdviseError::Session(error) => error.keys(),
            AdviseError::Layerwise(error) => error.keys(),
            AdviseError::Comparison(_) => &[],
        }
    }
}

/// Advice on the multiplier `lut`, which costs so much, for the network of `experiments`.
///
/// # Errors
/// When the network or its data fail, or the multiplier does not suit.
pub fn advise(
    experiments: AdviceExperiments,
    lut: &LutSpec,
    costs: &Costs,
    settings: AdviceSettings,
    progress: &dyn Progress,
) -> Result<Advice, AdviseError> {
    let AdviceExperiments { approximate, corrected, exact } = experiments;
    // All that can be wrong is found before the first evaluation.
    let mut exact = Session::open(exact)?;
    let few = approximate.limit.map_or(COUNTED, |limit| limit.min(COUNTED));
    let counting = Experiment {
        limit: Some(few),
        operand_samples: few.get() as u64,
        costliest_products: PRODUCTS_OF_A_LAYER,
        ..approximate
    };
    let mut counting = Session::open(counting)?;
    let mut notes = Vec::new();

    let sensitivity = sensitivity::by_multiplier(&mut exact, std::slice::from_ref(lut), costs, progress)?;
    let of_lut = sensitivity.luts.into_iter().next().expect("one multiplier was asked about");
    let mixed = if of_lut.all.drop > settings.max_drop {
        mixed(&mut exact, lut, &of_lut, settings.max_drop, progress)?
    } else {
        None
    };
    if of_lut.all.drop > settings.max_drop && mixed.is_none() {
        notes.push("no layers that stay exact bring the drop within the bound".to_owned());
    }
    let corrected = if settings.corrects {
        by_correction(corrected, (&mut exact, progress), &of_lut.all, &mut notes)?
    } else {
        None
    };

    let assignment = counting.assignment().clone();
    let findings = counting.evaluate(&assignment, |_| Ok(()))?;
    let report = Report::new(&counting, &findings, costs);
    let audit = assignment.luts_in_use().first().map(|lut| Audit::new(lut));
    let stays_exact: BTreeSet<&str> =
        mixed.iter().flat_map(|mixed| mixed.exact_layers.iter().map(String::as_str)).collect();
    let layer = |layer: &SensitivityLayer| LayerAdvice {
        name: layer.name.clone(),
        opcount: layer.opcount,
        opcount_share: layer.opcount_share,
        alone: layer.alone.clone(),
        stays_exact: stays_exact.contains(layer.name.as_str()),
    };
    let mut advice = Advice {
        schema: SCHEMA,
        kind: Advice::KIND.to_owned(),
        tool: ToolReport::default(),
        advice: Vec::new(),
        model: sensitivity.model,
        dataset: sensitivity.dataset,
        max_drop: settings.max_drop,
        lut: report
            .lut
            .clone()
            .or_else(|| audit.as_ref().map(|audit| audit.info.clone()))
            .expect("a multiplier is in use"),
        audit: audit.iter().flat_map(|audit| audit.findings.iter().map(ToString::to_string)).collect(),
        cost: report.cost,
        exact: sensitivity.exact,
        layers: of_lut.layers.iter().map(layer).collect(),
        all: of_lut.all,
        corrected,
        mixed,
        accumulators: accumulators(&mut counting)?,
        products: costliest(&findings),
        counted_samples: few.get().min(counting.samples()),
        notes: sensitivity.notes.into_iter().chain(notes).collect(),
    };
    advice.advice = advice.in_words();
    Ok(advice)
}

/// The multiplier in all layers but those that have to stay exact: the layers that cost most alone, one after another,
/// until the drop is within the bound, less those that it stays within without.
fn mixed(
    session: &mut Session,
    lut: &LutSpec,
    of_lut: &SensitivityLut,
    max_drop: f64,
    progress: &dyn Progress,
) -> Result<Option<MixedAdvice>, AdviseError> {
    let samples = 0..session.samples();
    let mut layerwise = Layerwise::new(session, std::slice::from_ref(lut), progress)?;
    let layers = layerwise.layers.len();
    // The layers by what they cost alone, as places among those that are free.
    let place = |name: &str| layerwise.layers.iter().position(|layer| layer.name == name);
    let ranked: Vec<usize> = of_lut.layers.iter().filter_map(|layer| place(&layer.name)).collect();
    let opcounts: Vec<u64> = layerwise.layers.iter().map(|layer| layer.opcount).collect();
    layerwise.start("layers that stay exact", 2 * layers, samples.len());
    let mut measure = |choice: &[usize]| {
        let assignment = layerwise.assignment(choice);
        let found = layerwise.measure(&assignment, samples.clone())?;
        layerwise.advance(samples.len());
        Ok::<_, LayerwiseError>((found.drop <= max_drop).then_some(found))
    };
    let mut choice = vec![1; layers];
    let mut found = None;
    // Where all layers are exact, the multiplier is in none.
    for &layer in ranked.iter().take(layers.saturating_sub(1)) {
        choice[layer] = 0;
        found = measure(&choice)?;
        if found.is_some() {
            break;
        }
    }
    let Some(mut found) = found else {
        layerwise.finish();
        return Ok(None);
    };
    let mut kept: Vec<usize> = (0..layers).filter(|&layer| choice[layer] == 0).collect();
    kept.sort_by_key(|&layer| Reverse(opcounts[layer]));
    for layer in kept {
        choice[layer] = 1;
        match measure(&choice)? {
            Some(without) => found = without,
            None => choice[layer] = 0,
        }
    }
    layerwise.finish();
    let all = layerwise.opcount() as f64;
    let exact: Vec<&FreeLayer> =
        layerwise.layers.iter().zip(&choice).filter(|(_, option)| **option == 0).map(|(layer, _)| layer).collect();
    let exact_layers: Vec<String> = exact.iter().map(|layer| layer.name.clone()).collect();
    let exact_share = exact.iter().map(|layer| layer.opcount as f64).sum::<f64>() / all;
    let relative_energy = energy(of_lut, &exact_layers);
    Ok(Some(MixedAdvice { exact_layers, exact_share, found, relative_energy }))
}

/// Energy over that of exact products where these layers stay exact. It is linear in the layers, so that it follows from
/// that of each layer alone and that of all.
fn energy(of_lut: &SensitivityLut, exact_layers: &[String]) -> Option<f64> {
    let alone = |layer: &SensitivityLayer| layer.relative_energy;
    let sum: f64 = of_lut.layers.iter().map(alone).sum::<Option<f64>>()?;
    let none =
        (sum - of_lut.relative_energy?) / (of_lut.layers.len().checked_sub(1).filter(|count| *count > 0)? as f64);
    let approximate = of_lut.layers.iter().filter(|layer| !exact_layers.contains(&layer.name));
    Some(none + approximate.map(|layer| layer.relative_energy.map(|energy| energy - none)).sum::<Option<f64>>()?)
}

/// What the network reaches with the multiplier after a correction; `None`, with a note, where it cannot be corrected.
fn by_correction(
    experiment: Experiment,
    (exact, progress): (&mut Session, &dyn Progress),
    all: &Degradation,
    notes: &mut Vec<String>,
) -> Result<Option<CorrectedAdvice>, AdviseError> {
    let mut session = Session::open(experiment)?;
    let correction = match correct(&mut session, CorrectOptions { parts: None }) {
        Ok(correction) => correction,
        Err(CorrectError::Session(error)) => return Err(error.into()),
        Err(error) => {
            notes.push(format!("not corrected: {error}"));
            return Ok(None);
        }
    };
    let applied = correction.layers.iter().flat_map(|layer| layer.applied.iter());
    let mut parts: Vec<String> = Vec::new();
    for part in applied {
        if !parts.iter().any(|known| known == part.name()) {
            parts.push(part.name().to_owned());
        }
    }
    let exact_products = Layerwise::new(exact, &[], progress)?.exact;
    let reference = exact.evaluate(&exact_products, |_| Ok(()))?.outcome.predictions;
    let assignment = session.assignment().clone();
    let own = session.evaluate(&assignment, |_| Ok(()))?.outcome;
    let comparison = Comparison::new(&reference, &own.predictions)?;
    let found = Degradation::new(own.metrics.metric(), &comparison, None, None);
    let recovered = (all.drop > 0.0).then(|| 1.0 - found.drop / all.drop);
    Ok(Some(CorrectedAdvice { found, parts, recovered }))
}

/// The widths that accumulators need, over the samples of `session`.
fn accumulators(session: &mut Session) -> Result<Option<AccumulatorAdvice>, AdviseError> {
    let Experiment { layers, rules, scheme, seed, .. } = session.experiment();
    let followed = Configuration {
        layers: layers.clone(),
        rules: rules.clone(),
        scheme: *scheme,
        accumulator: Some(Accumulator::from(AccBits::AUTO)),
        seed: *seed,
    };
    session.configure(followed)?;
    let assignment = session.assignment().clone();
    let findings = session.evaluate(&assignment, |_| Ok(()))?;
    let found = findings.layers.iter().filter_map(|layer| layer.accumulator);
    let widths = found.map(|found| [found.bits_needed, found.bits_worst_case]);
    let widest = widths.reduce(|a, b| [a[0].max(b[0]), a[1].max(b[1])]);
    Ok(widest.map(|[bits_needed, bits_worst_case]| AccumulatorAdvice {
        bits_needed,
        bits_worst_case,
        samples: session.samples(),
    }))
}

/// The products that contribute most to the sum of absolute errors over all layers.
fn costliest(findings: &Findings) -> Vec<ProductAdvice> {
    let mut products: BTreeMap<[i32; 2], ProductAdvice> = BTreeMap::new();
    let counted = || findings.layers.iter().filter_map(|layer| layer.operands.as_ref());
    let all: f64 = counted().map(|counted| counted.errors.mae * counted.errors.products as f64).sum();
    for entry in counted().flat_map(|counted| &counted.costliest) {
        let EntryUse { operands, exact, product, uses, .. } = *entry;
        let known = products.entry(operands).or_insert(ProductAdvice { operands, exact, product, uses: 0, share: 0.0 });
        known.uses += uses;
        known.share += (product - exact).abs() as f64 * uses as f64 / all;
    }
    let mut products: Vec<ProductAdvice> = products.into_values().collect();
    products.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.operands.cmp(&b.operands)));
    products.truncate(PRODUCTS);
    products
}
