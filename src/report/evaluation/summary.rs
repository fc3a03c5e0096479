//! A report as tables for people.

use super::accumulators;
use super::layers::zero_point_text;
use super::verdict::in_words;
use super::{ComparisonReport, CostReport, LayerReport, Report};
use crate::eval::Gate;
use crate::layer::InferenceMode;
use crate::lut::{Coding, CostSource, LutInfo, OperandErrors};
use crate::report::comparison::{cells, details, headings};
use crate::report::document::{Section, shape};
use crate::report::lut::{reading, word};
use crate::stats::{grouped, percent, significant, significant_percent};
use crate::task::{Metrics, Task};
use std::collections::{BTreeMap, BTreeSet};

/// The report as names and values, below what they come to.
pub(super) fn pairs(report: &Report) -> Section {
    let model = &report.model;
    let samples = grouped(report.dataset.samples as u64);
    let mut pairs = vec![
        ("model", format!("{} ({}, {} parameters)", model.name, model.architecture, grouped(model.parameters))),
        ("dataset", format!("{}, {samples} samples", report.dataset.name)),
        ("mode", mode(report)),
    ];
    for lut in &report.luts {
        pairs.push(("multiplier", multiplier(lut)));
        pairs.push(("read as", reading(lut)));
        pairs.extend(lut.catalogue.iter().map(|circuit| ("catalogue", circuit.to_string())));
        pairs.extend(lut.warnings.iter().map(|warning| ("warning", warning.clone())));
        pairs.extend(lut.notes.iter().map(|note| ("note", note.clone())));
    }
    if let Some(coding) = report.config.coding {
        pairs.push(("coding", coding_text(report, coding)));
    }
    if let Some(quantization) = &report.config.quantization {
        pairs.push(("quantization", quantization.summary()));
        pairs.extend(weight_integers(report).map(|text| ("weights", text)));
    }
    pairs.extend(accumulators::summary(report).map(|summary| ("accumulators", summary)));
    if let Some(noise) = &report.config.noise {
        pairs.push(("noise", noise.summary(report.config.seed)));
    }
    if let Some(seed) = report.config.shuffle {
        pairs.push(("shuffle", format!("samples are drawn by seed {seed}, not the first ones")));
    }
    let task = report.metrics.task();
    pairs.push((task.metric().name, metric(&report.metrics)));
    pairs.extend(report.metrics.details());
    pairs.extend(worst_class(report).map(|class| ("worst class", class)));
    pairs.push(("multiplications", multiplications(report)));
    pairs.extend(operands(report).map(|operands| ("operands", operands)));
    pairs.extend(report.cost.as_ref().map(cost).unwrap_or_default());
    if report.cost.is_none() && !report.luts.is_empty() {
        pairs.push(("costs", "unknown: neither the table nor its name says them, a file can (--costs)".to_owned()));
    }
    pairs.push(("time", time(report)));
    pairs.extend(report.gates.iter().map(|found| ("gate", gate(found, task))));
    pairs.extend(report.notes.iter().map(|note| ("note", note.clone())));
    Section { title: Some(report.verdict()), ..Section::pairs(pairs) }
}

/// The mode of all layers, or how many have which, in the order of the first ones.
fn mode(report: &Report) -> String {
    let mut counts: Vec<(InferenceMode, usize)> = Vec::new();
    for layer in &report.layers {
        match counts.iter_mut().find(|(mode, _)| *mode == layer.mode) {
            Some((_, count)) => *count += 1,
            None => counts.push((layer.mode, 1)),
        }
    }
    match counts.as_slice() {
        [] => report.config.mode.to_string(),
        [(mode, _)] => mode.to_string(),
        several => {
            let texts: Vec<String> = several.iter().map(|(mode, count)| format!("{mode} in {count}")).collect();
            format!("{} of {} layers", texts.join(", "), report.layers.len())
        }
    }
}

/// The common coding, and how many layers have another.
fn coding_text(report: &Report, common: Coding) -> String {
    let quantized = report.layers.iter().filter_map(|layer| layer.coding);
    match quantized.clone().filter(|coding| *coding != common).count() {
        0 => common.to_string(),
        others => format!("{common}, another in {others} of {} quantized layers", quantized.count()),
    }
}

/// The layers of another coding than the common one, with their codings and integers.
pub(super) fn other_codings(report: &Report) -> String {
    let others = report.layers.iter().filter(|layer| layer.coding.is_some() && layer.coding != report.config.coding);
    let text = |layer: &LayerReport| {
        let parts = [layer.coding.map(|coding| coding.to_string()), layer.integers()];
        format!("{}: {}", layer.name, parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    };
    others.map(text).collect::<Vec<_>>().join("; ")
}

/// The integers of the weights with their zero points, and in how many layers where these differ.
pub(super) fn weight_integers(report: &Report) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in report.layers.iter().filter_map(LayerReport::weight_integers) {
        *counts.entry(text).or_default() += 1;
    }
    let one = counts.len() == 1;
    let text = |(text, count): (String, usize)| if one { text } else { format!("{text} in {count} layers") };
    let texts: Vec<String> = counts.into_iter().map(text).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// What is wrong with the multipliers' tables.
pub(super) fn lut_warnings(report: &Report) -> String {
    let warnings =
        report.luts.iter().flat_map(|lut| lut.warnings.iter().map(move |warning| format!("{}: {warning}", lut.name)));
    warnings.collect::<Vec<_>>().join("; ")
}

fn multiplier(lut: &LutInfo) -> String {
    let sign = if lut.signed { "signed" } else { "unsigned" };
    format!("{} ({sign}, MAE {}, WCE {})", lut.name, significant(lut.errors.mae, 4), lut.errors.wce)
}

/// The task's metric with what it was counted on, and its interval.
pub(super) fn metric(metrics: &Metrics) -> String {
    let interval = metrics.task().metric().interval(metrics.ci95());
    format!("{} ({}), 95 % interval {interval}", metrics.metric(), metrics.counts())
}

fn worst_class(report: &Report) -> Option<String> {
    let known = report.classes.iter().filter_map(|class| Some((class.accuracy.accuracy?, class)));
    let (accuracy, class) = known.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let name = class.label.clone().unwrap_or_else(|| class.accuracy.class.to_string());
    Some(format!("{name}, {} of {} samples", percent(accuracy), grouped(class.accuracy.samples)))
}

fn multiplications(report: &Report) -> String {
    let by = report.opcount.by_multiplier.iter().map(|(name, n)| format!("{} {name}", grouped(*n)));
    format!("{} a sample; in all {}", grouped(report.opcount.per_sample), by.collect::<Vec<_>>().join(", "))
}

/// The multipliers' errors over the operands in use, which may be a corner of the table.
fn operands(report: &Report) -> Option<String> {
    let counted: Vec<_> = report.layers.iter().filter_map(|layer| layer.operands.as_ref()).collect();
    let products: f64 = counted.iter().map(|of| of.products as f64).sum();
    let mean = |of: fn(&OperandErrors) -> f64| {
        counted.iter().map(|errors| of(errors) * errors.products as f64).sum::<f64>() / products
    };
    let end =
        |of: fn(&OperandErrors) -> f64, pick: fn(f64, f64) -> f64| counted.iter().map(|errors| of(errors)).reduce(pick);
    let [low, high] = [f64::min, f64::max].map(|pick| end(|of| of.mae, pick));
    Some(format!(
        "MAE over those in use {} (by layer {} to {}), NMED {} (of 2^2b - 1: {}); at least {} of the table unused in \
         every layer",
        significant(mean(|of| of.mae), 4),
        significant(low?, 4),
        significant(high?, 4),
        significant_percent(mean(|of| of.nmed), 3),
        significant_percent(mean(|of| of.nmed_full_scale), 3),
        percent(end(|of| of.unused, f64::min)?),
    ))
}

/// What the multiplications cost, and where the figures come from.
fn cost(cost: &CostReport) -> Vec<(&'static str, String)> {
    let value = |measured: Option<f64>, unit: &str, relative: Option<f64>| {
        let measured = measured.map(|value| format!("{} {unit}", significant(value, 3)));
        let relative = relative.map(|share| format!("{} of exact", percent(share)));
        let parts: Vec<String> = measured.into_iter().chain(relative).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    let area = [value(cost.area_um2, "um2", None), cost.delay_ns.map(|ns| format!("delay {} ns", significant(ns, 3)))];
    let area: Vec<String> = area.into_iter().flatten().collect();
    let references = cost.by_multiplier.values().filter(|of| of.basis == cost.basis);
    let references: BTreeSet<&str> = references.filter_map(|of| Some(of.relative_to.as_ref()?.name.as_str())).collect();
    let references = references.into_iter().collect::<Vec<_>>().join(" and ");
    let reference = match cost.source {
        _ if references.is_empty() => String::new(),
        CostSource::UnitGates => ", relative to the exact array multiplier".to_owned(),
        _ => format!(", relative to {references}"),
    };
    let lines = [
        ("power", value(cost.power_mw, "mW", cost.relative_power)),
        ("energy", value(cost.energy_uj_per_sample, "uJ a sample", cost.relative_energy)),
        ("area", Some(area.join(", ")).filter(|area| !area.is_empty())),
        ("costs", Some(format!("of {} of multiplications, by {}{reference}", percent(cost.coverage), cost.basis))),
    ];
    lines.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

fn time(report: &Report) -> String {
    let timing = &report.timing;
    let kernel = timing.kernel.as_ref().map(|kernel| format!(", kernel {kernel}")).unwrap_or_default();
    let rate = timing.images_per_second;
    format!("{:.2} s, {rate:.0} images/s, {} threads{kernel}", timing.seconds, timing.threads)
}

/// A gate in words, of a network for `task`.
pub(super) fn gate(gate: &Gate, task: Task) -> String {
    format!("{}: {}", if gate.passed { "held" } else { "FAILED" }, in_words(gate, task))
}

/// This run against others.
pub(super) fn comparisons(comparisons: &[ComparisonReport], task: Task) -> Section {
    let its_metric = format!("its {}", task.metric().name);
    let header = ["compared with", &its_metric].into_iter().chain(headings(task));
    let header: Vec<String> = header.map(str::to_owned).collect();
    let row = |compared: &ComparisonReport| {
        let start = [compared.reference.clone(), compared.metric.to_string()];
        start.into_iter().chain(cells(&compared.comparison, task)).collect()
    };
    Section {
        numeric: (1..header.len()).collect(),
        details: details(&header),
        rows: comparisons.iter().map(row).collect(),
        header,
        ..Section::default()
    }
}

/// A range of integers.
fn range([low, high]: [i32; 2]) -> String {
    format!("{low} to {high}")
}

/// A column of the layers' table: its name, whether it is numeric, and its text for a layer.
type Column = (&'static str, bool, fn(&LayerReport) -> String);

/// Columns of every table.
const ALWAYS: [Column; 7] = [
    ("layer", false, |layer| layer.name.clone()),
    ("kind", false, |layer| layer.kind.clone()),
    ("multiplier", false, |layer| layer.multiplier().to_owned()),
    ("products", true, |layer| grouped(layer.opcount)),
    ("fan-in", true, |layer| layer.fan_in.to_string()),
    ("weight", false, |layer| shape(&layer.weight_shape)),
    ("output", false, |layer| shape(&layer.output_shape)),
];

/// Where modes differ.
const MODE: [Column; 1] = [("mode", false, |layer| layer.mode.to_string())];

/// Where codings differ.
const CODING: [Column; 1] =
    [("coding", false, |layer| layer.coding.map_or_else(String::new, |coding| coding.to_string()))];

/// Where scales come from different places.
const SOURCE: [Column; 1] = [("scales", false, |layer| layer.scales.map_or_else(String::new, word))];

/// Where layers are quantized.
const QUANTIZED: [Column; 5] = [
    ("input scale", true, |layer| layer.input_scale.map_or_else(String::new, |scale| significant(scale.into(), 4))),
    ("zero point", true, |layer| layer.input_zero_point.map_or_else(String::new, |zero_point| zero_point.to_string())),
    ("integers", true, |layer| layer.input_range.map_or_else(String::new, range)),
    ("weight zero point", true, |layer| layer.weight_zero_points.map_or_else(String::new, zero_point_text)),
    ("weights", true, |layer| layer.weight_range.map_or_else(String::new, range)),
];

/// Where layers are perturbed.
const NOISE: [Column; 2] = [
    ("noise std", true, |layer| layer.noise.map_or_else(String::new, |noise| significant(noise.stdev, 4))),
    ("noise mean", true, |layer| layer.noise.map_or_else(String::new, |noise| significant(noise.mean, 4))),
];

/// Where operands were counted.
const OPERANDS: [Column; 3] = [
    ("MAE in use", true, |layer| layer.operands.map_or_else(String::new, |of| significant(of.mae, 4))),
    ("NMED in use", true, |layer| layer.operands.map_or_else(String::new, |of| significant_percent(of.nmed, 3))),
    ("unused", true, |layer| layer.operands.map_or_else(String::new, |of| percent(of.unused))),
];

/// Where sums were kept in accumulators.
const ACCUMULATORS: [Column; 3] = [
    ("acc bits", true, |layer| layer.accumulator.map_or_else(String::new, |of| of.bits_needed.to_string())),
    ("worst case", true, |layer| layer.accumulator.map_or_else(String::new, |of| of.bits_worst_case.to_string())),
    ("overflows", true, |layer| layer.accumulator.map_or_else(String::new, |of| accumulators::overflows_of(&of))),
];

/// Where errors were measured.
const MEASURED: [Column; 4] = [
    ("saturated", true, |layer| layer.error.map_or_else(String::new, |error| percent(error.saturation))),
    ("SNR", true, |layer| {
        layer.error.and_then(|error| error.snr_db).map_or_else(String::new, |snr| format!("{snr:.2} dB"))
    }),
    ("error std", true, |layer| {
        layer.error.and_then(|error| error.relative_std).map_or_else(String::new, |std| significant(std, 4))
    }),
    ("error mean", true, |layer| layer.error.map_or_else(String::new, |error| significant(error.mean, 4))),
];

/// Where errors were predicted, too.
const PREDICTED: [Column; 2] = [
    ("predicted std", true, |layer| {
        layer.predicted.map_or_else(String::new, |predicted| significant(predicted.stdev, 4))
    }),
    ("predicted mean", true, |layer| {
        layer.predicted.map_or_else(String::new, |predicted| significant(predicted.mean, 4))
    }),
];

/// Columns of details: modes follow from the multiplier and the noise.
const DETAILS: [&str; 6] = ["weight", "output", "mode", "MAE in use", "NMED in use", "unused"];

/// Columns that are details where all layers have the same in them.
const ONCE: [&str; 4] = ["multiplier", "zero point", "weight zero point", "weights"];

/// The layers, without columns that would be empty.
pub(super) fn layers(layers: &[LayerReport]) -> Section {
    let any = |has: fn(&LayerReport) -> bool| layers.iter().any(has);
    let differ = layers.iter().any(|layer| layer.mode != layers[0].mode);
    let mut codings = layers.iter().filter_map(|layer| layer.coding);
    let first = codings.next();
    let codings_differ = codings.any(|coding| Some(coding) != first);
    let sources_differ = layers.iter().filter_map(|layer| layer.scales).collect::<BTreeSet<_>>().len() > 1;
    let parts: [(&[Column], bool); 10] = [
        (&ALWAYS, true),
        (&MODE, differ),
        (&CODING, codings_differ),
        (&SOURCE, sources_differ),
        (&QUANTIZED, any(|layer| layer.input_scale.is_some())),
        (&NOISE, any(|layer| layer.noise.is_some())),
        (&OPERANDS, any(|layer| layer.operands.is_some())),
        (&ACCUMULATORS, any(|layer| layer.accumulator.is_some())),
        (&MEASURED, any(|layer| layer.error.is_some())),
        (&PREDICTED, any(|layer| layer.predicted.is_some())),
    ];
    let columns: Vec<&Column> = parts.iter().filter(|(_, shown)| *shown).flat_map(|(columns, _)| *columns).collect();
    // What is the same in all layers stands above.
    let is_same = |(.., text): &Column| layers.windows(2).all(|pair| text(&pair[0]) == text(&pair[1]));
    let is_detail = |column: &Column| DETAILS.contains(&column.0) || (ONCE.contains(&column.0) && is_same(column));
    Section {
        details: (0..columns.len()).filter(|&i| is_detail(columns[i])).collect(),
        header: columns.iter().map(|(name, ..)| (*name).to_owned()).collect(),
        rows: layers.iter().map(|layer| columns.iter().map(|(.., text)| text(layer)).collect()).collect(),
        numeric: (0..columns.len()).filter(|&i| columns[i].1).collect(),
        ..Section::default()
    }
}
