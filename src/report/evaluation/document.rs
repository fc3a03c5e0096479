//! The report as formats show it.

use super::{LayerReport, Report};
use crate::eval::{Gate, GateKind};
use crate::report::document::{Document, Records, Section, grouped, optional, shape, significant};
use crate::report::lut::reading;

fn percent(fraction: f64) -> String {
    format!("{:.2} %", fraction * 100.0)
}

impl Document for Report {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a report is JSON")
    }

    fn sections(&self) -> Vec<Section> {
        let accuracy = &self.accuracy;
        let [low, high] = accuracy.ci95;
        let mut pairs = vec![
            (
                "model",
                format!(
                    "{} ({}, {} parameters)",
                    self.model.name,
                    self.model.architecture,
                    grouped(self.model.parameters)
                ),
            ),
            ("dataset", format!("{}, {} samples", self.dataset.name, grouped(self.dataset.samples as u64))),
            ("mode", self.config.mode.to_string()),
        ];
        if let Some(lut) = &self.lut {
            let sign = if lut.signed { "signed" } else { "unsigned" };
            let errors = &lut.errors;
            pairs.push((
                "multiplier",
                format!("{} ({sign}, MAE {}, WCE {})", lut.name, significant(errors.mae, 4), errors.wce),
            ));
            pairs.push(("read as", reading(lut)));
        }
        if let Some(coding) = self.config.coding {
            pairs.push(("coding", coding.to_string()));
        }
        if let Some(quantization) = &self.config.quantization {
            pairs.push(("quantization", quantization.summary()));
        }
        if let Some(noise) = self.config.noise {
            pairs.push((
                "noise",
                format!("stdev {} (relative), mean {}, seed {}", noise.stdev, noise.mean, self.config.seed),
            ));
        }
        pairs.push((
            "top-1",
            format!(
                "{} ({} of {}), 95 % interval {} to {}",
                percent(accuracy.top1),
                grouped(accuracy.correct),
                grouped(accuracy.total),
                percent(low),
                percent(high)
            ),
        ));
        if let Some(top5) = accuracy.top5 {
            pairs.push(("top-5", percent(top5)));
        }
        pairs.push(("loss", format!("{:.4}", accuracy.loss)));
        let by = self.opcount.by_multiplier.iter().map(|(name, n)| format!("{} {name}", grouped(*n)));
        pairs.push((
            "multiplications",
            format!("{} a sample; in all {}", grouped(self.opcount.per_sample), by.collect::<Vec<_>>().join(", ")),
        ));
        let timing = &self.timing;
        let kernel = timing.kernel.map(|kernel| format!(", kernel {kernel}")).unwrap_or_default();
        pairs.push((
            "time",
            format!(
                "{:.2} s, {:.0} images/s, {} threads{kernel}",
                timing.seconds, timing.images_per_second, timing.threads
            ),
        ));
        for gate in &self.gates {
            pairs.push(("gate", gate_summary(gate)));
        }
        for note in &self.notes {
            pairs.push(("note", note.clone()));
        }
        vec![Section::pairs(pairs), self.layer_section()]
    }

    fn records(&self) -> Records {
        let accuracy = &self.accuracy;
        let quantization = self.config.quantization.as_ref();
        let noise = self.config.noise;
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
            ("noise_std", optional(noise.map(|noise| noise.stdev).as_ref())),
            ("noise_mean", optional(noise.map(|noise| noise.mean).as_ref())),
            ("seed", self.config.seed.to_string()),
            ("top1", accuracy.top1.to_string()),
            ("ci95_low", accuracy.ci95[0].to_string()),
            ("ci95_high", accuracy.ci95[1].to_string()),
            ("top5", optional(accuracy.top5.as_ref())),
            ("correct", accuracy.correct.to_string()),
            ("total", accuracy.total.to_string()),
            ("loss", accuracy.loss.to_string()),
            ("opcount_per_sample", self.opcount.per_sample.to_string()),
            ("opcount_total", self.opcount.total.to_string()),
            ("seconds", self.timing.seconds.to_string()),
            ("images_per_second", self.timing.images_per_second.to_string()),
        ])
    }
}

impl Report {
    fn layer_section(&self) -> Section {
        let header = ["layer", "kind", "multiplier", "multiplications", "fan-in", "weight", "output"];
        let row = |layer: &LayerReport| {
            vec![
                layer.name.clone(),
                layer.kind.to_owned(),
                layer.multiplier().to_owned(),
                grouped(layer.opcount),
                layer.fan_in.to_string(),
                shape(&layer.weight_shape),
                shape(&layer.output_shape),
            ]
        };
        Section {
            title: None,
            header: header.map(str::to_owned).to_vec(),
            rows: self.layers.iter().map(row).collect(),
            numeric: vec![3, 4],
        }
    }
}

fn gate_summary(gate: &Gate) -> String {
    let verdict = if gate.passed { "held" } else { "FAILED" };
    match gate.gate {
        GateKind::MinAccuracy => {
            format!("top-1 {} of at least {}: {verdict}", percent(gate.found), percent(gate.bound))
        }
        GateKind::MaxDrop => format!("drop {} of at most {}: {verdict}", percent(gate.found), percent(gate.bound)),
    }
}
