//! What came of a job, without what a clock and a machine have a say in.

use super::SweepJob;
use crate::report::document::Document;
use crate::report::{CostReport, OpcountReport, Report};
use crate::task::Metrics;

/// Fields of an evaluation's record that differ from run to run, though all that is computed is the same.
const OF_THE_MACHINE: &[&str] = &["seconds", "images_per_second", "lookups_per_second", "threads", "kernel"];

/// Fields that a sweep's table has in its own way.
const OWN: &[&str] = &["model", "lut", "top1"];

/// A job of a sweep that is done, and its figures.
#[derive(Debug, Clone)]
pub struct SweepRow {
    /// The job's key.
    pub key: String,
    /// The job.
    pub job: SweepJob,
    /// How well the network did.
    pub metrics: Metrics,
    /// Hash of the data.
    pub dataset_blake3: String,
    /// What a reader should know.
    pub notes: Vec<String>,
    opcount: OpcountReport,
    cost: Option<CostReport>,
    /// The version of the program.
    version: String,
    /// Top-1 accuracy, a fraction of at least six digits; empty of a network that predicts no classes.
    top1: String,
    /// The other fields of the evaluation's record.
    fields: Vec<(String, String)>,
}

impl SweepRow {
    /// The row of the job of this key, of which `report` is the report.
    pub fn new(key: String, job: SweepJob, report: Report) -> Self {
        let records = report.records();
        let row = records.rows.into_iter().next().unwrap_or_default();
        let record: Vec<(String, String)> = records.header.into_iter().zip(row).collect();
        let top1 = record.iter().find(|(name, _)| name == "top1").map(|(_, value)| digits(value)).unwrap_or_default();
        let is_left = |name: &str| !OF_THE_MACHINE.contains(&name) && !OWN.contains(&name);
        SweepRow {
            key,
            job,
            dataset_blake3: report.dataset.blake3,
            metrics: report.metrics,
            opcount: report.opcount,
            cost: report.cost,
            version: report.tool.version,
            notes: report.notes,
            top1,
            fields: record.into_iter().filter(|(name, _)| is_left(name)).collect(),
        }
    }

    /// The names and values of its record, in their order: model, lut, scope, layer and top1, then the fields of an
    /// evaluation, then those of `settings` that these do not have.
    pub(super) fn record(&self, settings: &[String]) -> Vec<(String, String)> {
        let SweepJob { model, lut, scope, layer, .. } = &self.job;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let own = [
            ("model", model.clone()),
            ("lut", text(lut)),
            ("scope", scope.clone()),
            ("layer", text(layer)),
            ("top1", self.top1.clone()),
        ];
        let mut record: Vec<_> = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        record.extend(self.fields.iter().cloned());
        for setting in settings {
            let name = setting.replace('-', "_");
            if !record.iter().any(|(other, _)| *other == name) {
                let value =
                    if name == "data" { self.job.data.clone() } else { self.job.settings.get(setting).cloned() };
                record.push((name, value.unwrap_or_default()));
            }
        }
        record
    }

    /// The first field that differs from that of the same job elsewhere, and both values.
    pub fn difference<'a>(&'a self, other: &'a SweepRow) -> Option<(&'a str, [&'a str; 2])> {
        let top1 = std::iter::once(("top1", [self.top1.as_str(), &other.top1]));
        let pairs = self.fields.iter().zip(&other.fields);
        let fields = pairs.map(|((name, value), (_, other))| (name.as_str(), [value.as_str(), other]));
        top1.chain(fields).find(|(name, [value, other])| *name != "version" && value != other)
    }

    /// Energy of its multiplications over that of exact ones, where that is known.
    pub(super) fn relative_energy(&self) -> Option<f64> {
        self.cost.as_ref()?.relative_energy
    }

    /// All of it, for programs.
    pub(super) fn json(&self) -> serde_json::Value {
        let SweepRow { key, job, metrics, dataset_blake3, opcount, cost, version, notes, .. } = self;
        let mut json = serde_json::json!({
            "key": key,
            "job": job,
            "dataset": { "blake3": dataset_blake3 },
            "opcount": opcount,
            "cost": cost,
            "tool": { "version": version },
            "notes": notes,
        });
        // `accuracy` of a classifier, and what others have in its place.
        if let (Some(json), Ok(serde_json::Value::Object(metrics))) =
            (json.as_object_mut(), serde_json::to_value(metrics))
        {
            json.extend(metrics);
        }
        json
    }
}

/// A fraction with at least six digits behind the point; empty where there is none.
fn digits(fraction: &str) -> String {
    const LEAST: usize = 6;
    let (_, decimals) = fraction.split_once('.').unwrap_or((fraction, ""));
    match fraction.parse::<f64>() {
        Ok(value) if decimals.len() < LEAST => format!("{value:.LEAST$}"),
        _ => fraction.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::digits;
    use crate::cases::for_each_case;

    #[test]
    fn fractions_have_six_digits() {
        let cases = [("0.91", "0.910000"), ("1", "1.000000"), ("0.3333333333333333", "0.3333333333333333"), ("", "")];
        for_each_case(cases, |(fraction, expected)| assert_eq!(digits(fraction), expected));
    }
}
