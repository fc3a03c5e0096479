//! The report as formats show it.

use super::Report;
use super::summary;
use crate::report::document::{Check, Document, Records, Section, optional};

impl Document for Report {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a report is JSON")
    }

    fn title(&self) -> String {
        let multiplier = self.lut.as_ref().map(|lut| format!(", {}", lut.name)).unwrap_or_default();
        format!("{} on {}, {}{multiplier}", self.model.name, self.dataset.name, self.config.mode)
    }

    fn sections(&self) -> Vec<Section> {
        let comparisons = (!self.comparisons.is_empty()).then(|| summary::comparisons(&self.comparisons));
        let sections = [Some(summary::pairs(self)), comparisons, Some(summary::layers(&self.layers))];
        sections.into_iter().flatten().collect()
    }

    fn records(&self) -> Records {
        let accuracy = &self.accuracy;
        let quantization = self.config.quantization.as_ref();
        let noise = self.config.noise.as_ref();
        let compared = self.comparisons.first();
        let comparison = compared.map(|compared| &compared.comparison);
        Records::one([
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
            ("top1", accuracy.top1.to_string()),
            ("ci95_low", accuracy.ci95[0].to_string()),
            ("ci95_high", accuracy.ci95[1].to_string()),
            ("top5", optional(accuracy.top5.as_ref())),
            ("correct", accuracy.correct.to_string()),
            ("total", accuracy.total.to_string()),
            ("loss", accuracy.loss.to_string()),
            ("reference", optional(compared.map(|compared| &compared.reference))),
            ("difference", optional(comparison.map(|comparison| &comparison.difference))),
            ("flips", optional(comparison.map(|comparison| &comparison.flips))),
            ("agreement", optional(comparison.map(|comparison| &comparison.agreement))),
            ("mcnemar_p", optional(comparison.map(|comparison| &comparison.mcnemar_p))),
            ("opcount_per_sample", self.opcount.per_sample.to_string()),
            ("opcount_total", self.opcount.total.to_string()),
            ("relative_energy", optional(self.opcount.energy.as_ref().map(|energy| &energy.relative))),
            ("seconds", self.timing.seconds.to_string()),
            ("images_per_second", self.timing.images_per_second.to_string()),
        ])
    }

    fn checks(&self) -> Vec<Check> {
        let ran = Check { name: "evaluation".to_owned(), summary: summary::top1(&self.accuracy), passed: true };
        let gate = |gate: &crate::eval::Gate| Check {
            name: summary::gate_name(gate.gate).to_owned(),
            summary: summary::gate(gate),
            passed: gate.passed,
        };
        std::iter::once(ran).chain(self.gates.iter().map(gate)).collect()
    }
}
