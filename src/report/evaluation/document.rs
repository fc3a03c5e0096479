//! The report as formats show it.

use super::Report;
use super::summary;
use crate::eval::{Comparison, Gate};
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
        let task = self.quality.figure().task();
        let comparisons = (!self.comparisons.is_empty()).then(|| summary::comparisons(&self.comparisons, task));
        let sections = [Some(summary::pairs(self)), comparisons, Some(summary::layers(&self.layers))];
        sections.into_iter().flatten().collect()
    }

    fn records(&self) -> Records {
        let [low, high] = self.quality.ci95();
        let (accuracy, detection) = (self.quality.accuracy(), self.quality.detection());
        let quantization = self.config.quantization.as_ref();
        let noise = self.config.noise.as_ref();
        let compared = self.comparisons.first();
        let comparison = compared.map(|compared| &compared.comparison);
        let flips = comparison.and_then(Comparison::flips);
        let delong_p = comparison.filter(|_| flips.is_none()).and_then(Comparison::p);
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
            ("top1", optional(accuracy.map(|accuracy| &accuracy.top1))),
            ("ci95_low", low.to_string()),
            ("ci95_high", high.to_string()),
            ("top5", optional(accuracy.and_then(|accuracy| accuracy.top5.as_ref()))),
            ("correct", optional(accuracy.map(|accuracy| &accuracy.correct))),
            ("total", self.dataset.samples.to_string()),
            ("loss", optional(accuracy.map(|accuracy| &accuracy.loss))),
            ("reference", optional(compared.map(|compared| &compared.reference))),
            ("difference", optional(comparison.map(|comparison| &comparison.difference))),
            ("flips", optional(flips.map(|flips| &flips.flips))),
            ("agreement", optional(flips.map(|flips| &flips.agreement))),
            ("mcnemar_p", optional(flips.map(|flips| &flips.mcnemar_p))),
            ("opcount_per_sample", self.opcount.per_sample.to_string()),
            ("opcount_total", self.opcount.total.to_string()),
            ("relative_energy", optional(self.opcount.energy.as_ref().map(|energy| &energy.relative))),
            ("seconds", self.timing.seconds.to_string()),
            ("images_per_second", self.timing.images_per_second.to_string()),
            ("auc", optional(detection.map(|detection| &detection.auc))),
            ("partial_auc", optional(detection.map(|detection| &detection.partial_auc))),
            ("delong_p", optional(delong_p.as_ref())),
        ])
    }

    fn checks(&self) -> Vec<Check> {
        let ran = Check { name: "evaluation".to_owned(), summary: summary::quality(&self.quality), passed: true };
        let task = self.quality.figure().task();
        let gate = |gate: &Gate| Check {
            name: summary::gate_name(gate.gate).to_owned(),
            summary: summary::gate(gate, task),
            passed: gate.passed,
        };
        std::iter::once(ran).chain(self.gates.iter().map(gate)).collect()
    }
}
