//! The report as formats show it.

use super::accumulators;
use super::summary;
use super::verdict::in_words;
use super::{CostReport, Report};
use crate::eval::Gate;
use crate::registry::Named;
use crate::report::comparison::TaskFields;
use crate::report::document::{Check, Document, Records, Section, optional};
use crate::report::lut::word;
use crate::task::Comparison;

impl Document for Report {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a report is JSON")
    }

    fn title(&self) -> String {
        let multiplier = self.lut.as_ref().map(|lut| format!(", {}", lut.name)).unwrap_or_default();
        format!("{} on {}, {}{multiplier}", self.model.name, self.dataset.name, self.config.mode)
    }

    fn sections(&self) -> Vec<Section> {
        let task = self.metrics.task();
        let comparisons = (!self.comparisons.is_empty()).then(|| summary::comparisons(&self.comparisons, task));
        let sections = [Some(summary::pairs(self)), comparisons, Some(summary::layers(&self.layers))];
        sections.into_iter().flatten().collect()
    }

    fn records(&self) -> Records {
        let [low, high] = self.metrics.ci95();
        let quantization = self.config.quantization.as_ref();
        let noise = self.config.noise.as_ref();
        let compared = self.comparisons.first();
        let comparison = compared.map(|compared| &compared.comparison);
        let test = comparison.map(|comparison| comparison.test.record()).unwrap_or_default();
        let own = TaskFields(self.metrics.record().into_iter().chain(test).collect());
        let mut fields = vec![
            ("model", self.model.name.clone()),
            ("dataset", self.dataset.name.clone()),
            ("samples", self.dataset.samples.to_string()),
            ("mode", self.config.mode.to_string()),
            ("lut", self.lut.as_ref().map(|lut| lut.name.clone()).unwrap_or_default()),
            ("mae", optional(self.lut.as_ref().map(|lut| &lut.errors.mae))),
            ("wce", optional(self.lut.as_ref().map(|lut| &lut.errors.wce))),
            ("coding", optional(self.config.coding.as_ref())),
            ("act_bits", optional(quantization.and_then(|q| q.act_bits.as_ref()))),
            ("weight_bits", optional(quantization.and_then(|q| q.weight_bits.as_ref()))),
            ("noise_std", optional(noise.and_then(|noise| noise.stdev.as_ref()))),
            ("noise_mean", optional(noise.and_then(|noise| noise.mean.as_ref()))),
            ("seed", self.config.seed.to_string()),
            ("top1", own.get("top1")),
            ("ci95_low", low.to_string()),
            ("ci95_high", high.to_string()),
            ("top5", own.get("top5")),
            ("correct", own.get("correct")),
            ("total", self.dataset.samples.to_string()),
            ("loss", own.get("loss")),
            ("reference", optional(compared.map(|compared| &compared.reference))),
            ("difference", optional(comparison.map(|comparison| &comparison.difference))),
            ("flips", own.get("flips")),
            ("agreement", own.get("agreement")),
            ("mcnemar_p", own.get("mcnemar_p")),
            ("opcount_per_sample", self.opcount.per_sample.to_string()),
            ("opcount_total", self.opcount.total.to_string()),
            ("relative_energy", optional(self.cost.as_ref().and_then(|cost| cost.relative_energy.as_ref()))),
            ("seconds", self.timing.seconds.to_string()),
            ("images_per_second", self.timing.images_per_second.to_string()),
        ];
        // Those of classifiers came first and stay where they are; other tasks' follow.
        fields.extend(own.others(|task| task.record_columns(), &fields));
        fields.push(("other_codings", summary::other_codings(self)));
        fields.extend(self.cost_fields());
        fields.push(("catalogue", optional(self.lut.as_ref().and_then(|lut| lut.catalogue.as_ref()))));
        fields.push(("lut_warnings", summary::lut_warnings(self)));
        fields.extend(self.later_fields());
        Records::one(fields)
    }

    fn checks(&self) -> Vec<Check> {
        let ran = Check { name: "evaluation".to_owned(), summary: summary::metric(&self.metrics), passed: true };
        let task = self.metrics.task();
        let gate = |gate: &Gate| Check {
            name: gate.gate.name().to_owned(),
            summary: in_words(gate, task),
            passed: gate.passed,
        };
        std::iter::once(ran).chain(self.gates.iter().map(gate)).collect()
    }
}

impl Report {
    /// What the multiplications cost, for spreadsheets.
    fn cost_fields(&self) -> [(&'static str, String); 9] {
        let cost = self.cost.as_ref();
        let figure = |figure: fn(&CostReport) -> Option<f64>| optional(cost.and_then(figure).as_ref());
        [
            ("power_mw", figure(|cost| cost.power_mw)),
            ("relative_power", figure(|cost| cost.relative_power)),
            ("energy_pj", figure(|cost| cost.energy_pj)),
            ("energy_uj_per_sample", figure(|cost| cost.energy_uj_per_sample)),
            ("area_um2", figure(|cost| cost.area_um2)),
            ("delay_ns", figure(|cost| cost.delay_ns)),
            ("cost_coverage", figure(|cost| Some(cost.coverage))),
            ("cost_source", cost.map(|cost| word(cost.source)).unwrap_or_default()),
            ("cost_basis", optional(cost.map(|cost| &cost.basis))),
        ]
    }

    /// Fields that came later: those before keep their places.
    fn later_fields(&self) -> Vec<(&'static str, String)> {
        let quantization = self.config.quantization.as_ref();
        let lut = self.lut.as_ref();
        let comparison = self.comparisons.first().map(|compared| &compared.comparison);
        let changes = comparison.and_then(Comparison::mcnemar);
        let gates = match self.gates.iter().all(|gate| gate.passed) {
            _ if self.gates.is_empty() => "",
            true => "pass",
            false => "fail",
        };
        let named = |name: &'static str, value: Option<String>| (name, value.unwrap_or_default());
        let text = |x: f64| x.to_string();
        vec![
            named("reference_value", self.comparisons.first().map(|compared| text(compared.metric.value))),
            named("difference_ci95_low", comparison.map(|comparison| text(comparison.ci95[0]))),
            named("difference_ci95_high", comparison.map(|comparison| text(comparison.ci95[1]))),
            named("p", comparison.and_then(Comparison::p).map(text)),
            named("changed", changes.map(|changes| changes.changed.to_string())),
            named("lost", changes.map(|changes| changes.lost.to_string())),
            named("gained", changes.map(|changes| changes.gained.to_string())),
            ("gates", gates.to_owned()),
            named("mre", lut.map(|lut| text(lut.errors.mre))),
            named("nmed", lut.map(|lut| text(lut.errors.nmed))),
            named("ep", lut.map(|lut| text(lut.errors.ep))),
            named("bias", lut.map(|lut| text(lut.errors.bias))),
            ("architecture", self.model.architecture.clone()),
            ("parameters", self.model.parameters.to_string()),
            ("act_scheme", optional(quantization.and_then(|q| q.act_scheme.as_ref()))),
            ("weight_scheme", optional(quantization.and_then(|q| q.weight_scheme.as_ref()))),
            ("scale", optional(quantization.and_then(|q| q.scale.as_ref()))),
            named("observer", quantization.and_then(|q| q.observer.clone())),
            ("calib_samples", optional(quantization.and_then(|q| q.samples.as_ref()))),
            ("batch_size", self.config.batch_size.to_string()),
            ("threads", self.timing.threads.to_string()),
            named("kernel", self.timing.kernel.clone()),
            named("lookups_per_second", self.timing.lookups_per_second.map(text)),
            ("model_blake3", self.model.blake3.clone()),
            ("dataset_blake3", self.dataset.blake3.clone()),
            named("lut_blake3", lut.map(|lut| lut.blake3.clone())),
            ("version", self.tool.version.clone()),
            named("weight_integers", summary::weight_integers(self)),
            ("acc_bits", optional(self.config.acc_bits.as_ref())),
            ("acc_overflow", optional(self.config.acc_overflow.as_ref())),
            named("acc_bits_needed", accumulators::widths(&self.layers).map(|[needed, _]| needed.to_string())),
            named("acc_bits_worst_case", accumulators::widths(&self.layers).map(|[_, worst]| worst.to_string())),
            named("acc_overflows", accumulators::overflows(&self.layers).map(|overflows| overflows.to_string())),
        ]
    }
}
