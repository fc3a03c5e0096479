//! Multipliers that no layer uses: a grid of modes and multipliers has fp32 and exact products once, not once for each.

use super::point::Point;
use crate::eval::{Assignment, Configuration, LayerConfig, LayerOptions, Session};
use crate::lut::{Bits, Coding};
use crate::report::SweepJob;
use std::collections::BTreeSet;
use std::iter::zip;

/// `point` without its multiplier, where that changes nothing: with the same coding, every layer computes the same without.
/// `session` is configured for the point.
pub(super) fn without_idle_lut(point: &Point, session: &mut Session) -> Option<Point> {
    let Configuration { layers, rules, .. } = &point.configuration;
    layers.lut.as_ref()?;
    let with = session.assignment().clone();
    let quantized = with.layers().iter().find(|layer| layer.mode().is_quantized());
    let coding = quantized.map(|layer| layer.quantization.coding);
    let options = LayerOptions { lut: None, coding, ..layers.clone() };
    let without = session.assign(&options, rules).ok()?;
    if !is_same(&with, &without) {
        return None;
    }
    let mut point = point.clone();
    point.configuration.layers = options;
    point.job.lut = None;
    Some(point)
}

/// Adds codings to the settings of `jobs` without multipliers, where these are not all of one.
pub(super) fn tell_codings_apart(jobs: &mut [(&mut SweepJob, Option<Coding>)]) {
    let codings: BTreeSet<String> = jobs.iter().filter_map(|(_, coding)| Some(coding.as_ref()?.to_string())).collect();
    for (job, coding) in jobs.iter_mut().filter(|_| codings.len() > 1) {
        job.settings.extend(coding.map(|coding| ("coding".to_owned(), coding.to_string())));
    }
}

/// Whether all layers compute the same, on the integers of 8 bits that they have without a multiplier.
fn is_same(with: &Assignment, without: &Assignment) -> bool {
    let is_plain = |layer: &LayerConfig| layer.operand_lut().is_none_or(|lut| lut.bits() == [Bits::EIGHT; 2]);
    let is_same = |(with, without): (&LayerConfig, &LayerConfig)| {
        let quantization = !with.mode().is_quantized() || with.quantization == without.quantization;
        with.mode() == without.mode() && quantization && is_plain(with)
    };
    with.luts_in_use().is_empty() && !with.derives_noise() && zip(with.layers(), without.layers()).all(is_same)
}
