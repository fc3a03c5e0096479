//! Correcting layer after layer, each over the outputs of those that are corrected already.

use super::choice::{Choice, Weights, snr_db};
use super::error::CorrectError;
use super::layers::Original;
use super::part::{Part, Parts};
use crate::eval::{Assignment, Beside, CalibrationImages, Session, SessionError, Walk};
use crate::layer::{LayerError, LayerParts, WeightedLayer};
use crate::quant::{LayerParams, ParamsError, WeightParams};
use std::ops::Range;
use std::sync::Arc;

/// What a layer became.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fitted {
    /// Which parts it has.
    pub applied: Parts,
    /// Weights that are stored as other integers.
    pub moved: usize,
    pub parts: LayerParts,
    pub params: LayerParams,
    /// The signal-to-noise ratio of its outputs without a correction and with it, for the same inputs, in decibels;
    /// `None` without error.
    pub snr_db: [Option<f64>; 2],
}

/// Which parts are used, and whether each layer chooses among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub parts: Parts,
    pub chooses: bool,
}

/// Corrects the network's layers over a part of the calibration samples, which it leaves corrected.
pub(super) fn fit(
    session: &mut Session,
    assignment: &Assignment,
    originals: &[Original],
    plan: Plan,
    samples: &CalibrationImages,
    part: &Range<usize>,
) -> Result<Vec<Fitted>, CorrectError> {
    restore(session, originals)?;
    session.progress().start("correcting layers", originals.len());
    let (mut all, mut walk) = (Vec::new(), samples.walk(part)?);
    for original in originals {
        let fitted = fit_layer(session, assignment, original, plan, &mut walk)?;
        set(session, original, &fitted)?;
        all.push(fitted);
        session.progress().advance(1);
    }
    session.progress().finish();
    Ok(all)
}

/// Gives the layers their own parts again.
pub(super) fn restore(session: &mut Session, originals: &[Original]) -> Result<(), SessionError> {
    for original in originals {
        session.set_layer(&original.name, &original.parts, original.params.clone())?;
    }
    Ok(())
}

/// Gives the layers what they became.
pub(super) fn apply(session: &mut Session, originals: &[Original], fitted: &[Fitted]) -> Result<(), SessionError> {
    originals.iter().zip(fitted).try_for_each(|(original, fitted)| set(session, original, fitted))
}

fn set(session: &mut Session, original: &Original, fitted: &Fitted) -> Result<(), SessionError> {
    Ok(session.set_layer(&original.name, &fitted.parts, fitted.params.clone())?)
}

fn fit_layer(
    session: &mut Session,
    assignment: &Assignment,
    original: &Original,
    plan: Plan,
    walk: &mut Walk,
) -> Result<Fitted, CorrectError> {
    let usable = usable(original, plan.parts);
    let own = original.layer(session, &original.parts, &original.params).map_err(SessionError::from)?;
    let mapped = if usable.has(Part::Map) { mapped(session, original)? } else { None };
    let layers: Vec<&dyn WeightedLayer> =
        [Some(&own), mapped.as_ref()].into_iter().flatten().map(AsRef::as_ref).collect();
    let beside = Beside { exact: own.as_ref(), approximate: &layers, with_activations: usable.has(Part::Affine) };
    let mut moments = vec![Vec::new(); layers.len()];
    session.advance(walk, assignment, original.index, |_, input| beside.add(input, &mut moments))?;

    let units: Vec<f64> = (0..original.outputs()).map(|channel| original.unit(channel)).collect();
    let factors: Vec<_> = (0..original.outputs()).map(|channel| original.factors(channel)).collect();
    let weights = |moments| Weights { moments, units: &units, factors: &factors, targets: &original.means };
    let own = weights(&moments[0]);
    let before = own.with(Parts::default());
    let rest = usable.without(Part::Map);
    let of = |weights: Weights| if plan.chooses { weights.best(rest) } else { weights.with(named(rest)) };
    let choice = of(own);
    let (is_mapped, choice) = match moments.get(1).map(|moments| of(weights(moments))) {
        Some(mapped) if !plan.chooses || mapped.error < choice.error => (true, mapped),
        _ => (false, choice),
    };
    let fitted = corrected(original, is_mapped, &choice)
        .map_err(|error| CorrectError::Params { layer: original.name.clone(), source: error })?;
    Ok(Fitted { snr_db: [snr_db(before.signal, before.error), choice.snr_db()], ..fitted })
}

/// The parts that a layer can have.
fn usable(original: &Original, parts: Parts) -> Parts {
    if original.has_scales() { parts } else { parts.without(Part::Bn) }
}

/// All of the parts that were named; `bn` has what `bias` does.
fn named(parts: Parts) -> Parts {
    if parts.has(Part::Bn) { parts.without(Part::Bias) } else { parts }
}

/// The layer of mapped weights, where any moved.
fn mapped(session: &Session, original: &Original) -> Result<Option<Box<dyn WeightedLayer>>, SessionError> {
    if original.nearest == original.integers {
        return Ok(None);
    }
    let weight = original.weight(&original.nearest, &original.params);
    let parts = LayerParts { weight, ..original.parts.clone() };
    let layer = original.layer(session, &parts, &original.params);
    layer.map(Some).map_err(|error: LayerError| error.into())
}

/// What a choice makes of a layer.
fn corrected(original: &Original, is_mapped: bool, choice: &Choice) -> Result<Fitted, ParamsError> {
    let Choice { parts: applied, factors, gains, shifts, .. } = choice;
    let mut params = original.params.clone();
    if let Some(gains) = gains {
        let weight = &original.params.weight;
        let scales = gains.iter().enumerate().map(|(i, gain)| (f64::from(weight.scale(i)) * gain) as f32).collect();
        let zero_points = (0..gains.len()).map(|channel| weight.zero_point(channel)).collect();
        params.weight = WeightParams::new(scales, zero_points, weight.range())?;
    }
    let integers = if is_mapped { &original.nearest } else { &original.integers };
    let weight =
        if is_mapped || gains.is_some() { original.weight(integers, &params) } else { original.parts.weight.clone() };
    let outputs = original.outputs();
    let own = |channel: usize| original.parts.bias.as_ref().map_or(0.0, |bias| bias[channel]);
    let bias = match shifts {
        Some(shifts) => Some((0..outputs).map(|i| (f64::from(own(i)) + shifts[i]) as f32).collect::<Vec<f32>>()),
        None => original.parts.bias.clone(),
    };
    if let (Some(bias), Some(_)) = (&bias, &params.bias) {
        let step = |channel: usize| f64::from(params.input.scale()) * f64::from(params.weight.scale(channel));
        // Out of range integers saturate.
        let steps = bias.iter().enumerate().map(|(i, &b)| (f64::from(b) / step(i)).round_ties_even() as i32);
        params.bias = Some(Arc::from(steps.collect::<Vec<_>>()));
    }
    let mut applied: Vec<Part> = applied.iter().collect();
    applied.extend(is_mapped.then_some(Part::Map));
    let activation_factors = factors.clone().filter(|factors| factors.iter().any(|&factor| factor != 0));
    if activation_factors.is_none() {
        applied.retain(|part| *part != Part::Affine);
    }
    let moved = integers.iter().zip(&original.integers).filter(|(a, b)| a != b).count();
    Ok(Fitted {
        applied: applied.into_iter().collect(),
        moved,
        parts: LayerParts { weight, bias, activation_factors },
        params,
        snr_db: [None; 2],
    })
}
