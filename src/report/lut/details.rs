//! One multiplier: how its table was read, how far it is from exact, and what its audit found.

use super::super::document::{Document, Records, Section};
use super::{OperandsInUse, cost_source, energy, operands, reading, records, value, word};
use crate::lut::catalogue::Recognized;
use crate::lut::{Audit, Quadrant};
use crate::stats::{significant, significant_percent};
use serde::Serialize;

/// A multiplier with its audit, and its errors in a network, where one was given.
#[derive(Debug, Clone, Serialize)]
pub struct LutDetails {
    /// The audit.
    #[serde(flatten)]
    pub audit: Audit,
    /// Its errors over the operands of a network's layers.
    #[serde(rename = "network", skip_serializing_if = "Option::is_none")]
    pub in_use: Option<OperandsInUse>,
}

impl LutDetails {
    fn identity(&self) -> Section {
        let info = &self.audit.info;
        let metadata = &info.metadata;
        let known = [
            ("design", metadata.design.clone()),
            ("parameters", metadata.parameters.clone()),
            ("paper", metadata.paper.clone()),
            ("source", metadata.source.clone()),
        ];
        let cost = info.cost.iter().flat_map(|cost| {
            [
                ("power", value(cost.figures.power_mw, "mW", cost.relative.power)),
                ("energy", energy(cost)),
                ("area", value(cost.figures.area_um2, "um2", cost.relative.area)),
                ("delay", value(cost.figures.delay_ns, "ns", cost.relative.delay)),
                ("costs by", Some(cost_source(cost))),
            ]
        });
        let mut pairs = vec![
            ("name", info.name.clone()),
            ("operands", operands(info)),
            ("read as", reading(info)),
            ("blake3", info.blake3.clone()),
            ("lut[0][0]", info.zero_product.to_string()),
            ("symmetric", if info.symmetric { "yes" } else { "no" }.to_owned()),
        ];
        let circuit = info
            .catalogue
            .iter()
            .flat_map(|circuit| [("catalogue", circuit.to_string()), ("published", published(circuit))]);
        pairs.extend(circuit);
        pairs.extend(known.into_iter().chain(cost).filter_map(|(name, value)| Some((name, value?))));
        pairs.extend(info.warnings.iter().map(|warning| ("warning", warning.clone())));
        pairs.extend(info.notes.iter().map(|note| ("note", note.clone())));
        Section::pairs(pairs)
    }

    /// Every error metric, beside the value that the table's metadata state.
    fn errors(&self) -> Section {
        let errors = &self.audit.info.errors;
        let number = |x: f64| significant(x, 5);
        let share = |x: f64| significant_percent(x, 4);
        let metrics = [
            ("mae", "mean absolute error (MAE)", number(errors.mae)),
            ("wce", "worst-case error (WCE)", errors.wce.to_string()),
            ("mse", "mean squared error (MSE)", number(errors.mse)),
            ("rmse", "its root (RMSE)", number(errors.rmse)),
            ("mre", "mean relative error (MRE)", share(errors.mre)),
            ("wcre", "worst-case relative error (WCRE)", share(errors.wcre)),
            ("ep", "error probability (EP)", share(errors.ep)),
            ("bias", "mean error (bias)", number(errors.bias)),
            ("variance", "variance of the error", number(errors.variance)),
            ("nmed", "normalized MAE (NMED)", share(errors.nmed)),
            ("psnr", "peak signal-to-noise ratio (PSNR)", errors.psnr.map_or("-".to_owned(), |x| format!("{x:.2} dB"))),
        ];
        let claim = |metric: &str| self.audit.metric_checks.iter().find(|check| check.metric == metric);
        let row = |(name, words, measured): (&str, &str, String)| {
            let stated = claim(name).into_iter().flat_map(|claim| {
                let verdict = if claim.holds { "holds" } else { "FAILS" };
                [claim.stated.clone(), verdict.to_owned()]
            });
            [words.to_owned(), measured].into_iter().chain(stated).collect::<Vec<_>>()
        };
        let worst = self.audit.worst_operands.iter().zip(["first", "second"]);
        let worst = worst
            .map(|(worst, side)| vec![format!("largest MAE of a {side} operand, {}", worst.value), number(worst.mae)]);
        let mut header = ["error", "measured", "stated", ""].map(str::to_owned).to_vec();
        header.truncate(if self.audit.metric_checks.is_empty() { 2 } else { 4 });
        let mut rows: Vec<_> = metrics.into_iter().map(row).chain(worst).collect();
        rows.iter_mut().for_each(|row| row.resize(header.len(), String::new()));
        Section { numeric: (1..header.len().min(3)).collect(), header, rows, ..Section::default() }
    }

    fn quadrants(&self) -> Option<Section> {
        let row = |quadrant: &Quadrant| {
            vec![
                quadrant.signs.map(String::from).join(" x "),
                significant(quadrant.mae, 5),
                significant(quadrant.bias, 5),
                format!("{} of {}", quadrant.wrong_signs, quadrant.pairs),
                word(quadrant.relation),
            ]
        };
        let header = ["signs", "MAE", "bias", "products of the wrong sign", "against + x +"];
        (!self.audit.quadrants.is_empty()).then(|| Section {
            header: header.map(str::to_owned).to_vec(),
            rows: self.audit.quadrants.iter().map(row).collect(),
            numeric: vec![1, 2, 3],
            ..Section::default()
        })
    }

    fn findings(&self) -> Section {
        let findings: Vec<_> = self.audit.findings.iter().map(|finding| ("FAILED", finding.to_string())).collect();
        Section::pairs(if findings.is_empty() {
            vec![("audit", "nothing wrong was found".to_owned())]
        } else {
            findings
        })
    }
}

/// The figures that the catalogue has of a circuit.
fn published(circuit: &Recognized) -> String {
    let Recognized { mae, wce, mre, power_mw, area_um2, delay_ns, .. } = circuit;
    format!("MAE {mae}, WCE {wce}, MRE {}, {power_mw} mW, {area_um2} um2, {delay_ns} ns", significant_percent(*mre, 4))
}

impl Document for LutDetails {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("an audit is JSON")
    }

    fn sections(&self) -> Vec<Section> {
        let in_use = self.in_use.as_ref().map(OperandsInUse::section);
        let sections = [Some(self.identity()), Some(self.errors()), self.quadrants(), in_use, Some(self.findings())];
        sections.into_iter().flatten().collect()
    }

    fn records(&self) -> Records {
        records([&self.audit.info])
    }
}
