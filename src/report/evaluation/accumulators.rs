//! The accumulators of a run, in words.

use super::{LayerReport, Report};
use crate::layer::AccumulatorFindings;
use crate::stats::{grouped, listed, percent};
use std::cmp::Reverse;

/// Layers that a note lists.
const LISTED: usize = 3;

/// The layers whose sums were kept in accumulators, with what these went through.
fn accumulated(layers: &[LayerReport]) -> impl Iterator<Item = (&LayerReport, AccumulatorFindings)> {
    layers.iter().filter_map(|layer| Some((layer, layer.accumulator?)))
}

/// The share of a layer's outputs in which an addition overflowed.
fn share(found: &AccumulatorFindings) -> f64 {
    found.overflows as f64 / found.outputs as f64
}

/// The least width at which no layer overflows, on the data and on any.
pub(super) fn widths(layers: &[LayerReport]) -> Option<[u32; 2]> {
    let widths = accumulated(layers).map(|(_, found)| [found.bits_needed, found.bits_worst_case]);
    widths.reduce(|a, b| [a[0].max(b[0]), a[1].max(b[1])])
}

/// Outputs of all layers in which an addition overflowed.
pub(super) fn overflows(layers: &[LayerReport]) -> Option<u64> {
    accumulated(layers).map(|(_, found)| found.overflows).reduce(|a, b| a + b)
}

/// The accumulators and what they went through.
pub(super) fn summary(report: &Report) -> Option<String> {
    let ([needed, worst], bits) = (widths(&report.layers)?, report.config.acc_bits?);
    let of = match (bits.get(), report.config.acc_overflow) {
        (Some(bits), Some(overflow)) => {
            let all = accumulated(&report.layers).count();
            let overflowed = accumulated(&report.layers).filter(|(_, found)| found.overflows > 0).count();
            let which = if overflowed == 0 { "no layer".to_owned() } else { format!("{overflowed} of {all} layers") };
            format!("{bits} bits, {overflow}, {which} overflowed; ")
        }
        _ => String::new(),
    };
    Some(format!("{of}{needed} bits never overflow on this data, {worst} on any"))
}

/// A note on the layers that overflowed most.
pub(super) fn overflow_note(layers: &[LayerReport]) -> Option<String> {
    let mut overflowed: Vec<_> = accumulated(layers).filter(|(_, found)| found.overflows > 0).collect();
    if overflowed.is_empty() {
        return None;
    }
    let needed = overflowed.iter().map(|(_, found)| found.bits_needed).max()?;
    // Stable: layers of the same share stay in graph order.
    overflowed.sort_by_key(|(_, found)| Reverse((share(found) * 1e9) as u64));
    let layers = overflowed.iter().map(|(layer, found)| {
        format!("{} in {} of its outputs (needs {} bits)", layer.name, percent(share(found)), found.bits_needed)
    });
    let layers = listed(layers, LISTED);
    Some(format!("accumulators overflowed: {layers}; on the sums of this run --acc-bits {needed} is wide enough"))
}

/// A layer's overflows, as a table shows them.
pub(super) fn overflows_of(found: &AccumulatorFindings) -> String {
    match found.overflows {
        0 => "0".to_owned(),
        overflows => format!("{} ({})", grouped(overflows), percent(share(found))),
    }
}
