//! Which jobs are of one network under one choice of settings, and what such choices are called.

use super::read::Finished;
use crate::layer::InferenceMode;
use serde_json::Value;
use std::collections::BTreeMap;

/// Settings that tell jobs of one network apart, rather than networks.
const OF_JOBS: &[&str] = &["mode", "lut", "scope", "layer", "seed"];

/// Names and values of a job's settings, as texts.
pub(super) type Settings = BTreeMap<String, String>;

/// Those of a job's settings that it shares with the jobs it is compared with.
pub(super) fn shared(job: &Finished) -> Settings {
    let settings = job.job.settings.iter();
    let settings = settings.filter(|(name, value)| {
        !OF_JOBS.contains(&name.as_str())
            && !name.starts_with("noise")
            && !value.is_null()
            && **value != Value::Bool(false)
    });
    settings.map(|(name, value)| (name.clone(), text(value))).collect()
}

/// A value as an option takes it; a switch takes none.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => String::new(),
        value => value.to_string(),
    }
}

/// A job's settings apart from those that all of them share.
pub(super) fn differing(of: &Settings, common: &Settings) -> Vec<(String, String)> {
    let differs = |(name, value): &(&String, &String)| common.get(*name) != Some(value);
    of.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What all of several choices have in common.
pub(super) fn common<'a>(all: impl Iterator<Item = &'a Settings> + Clone) -> Settings {
    let Some(first) = all.clone().next() else { return Settings::new() };
    let in_all = |(name, value): &(&String, &String)| all.clone().all(|other| other.get(*name) == Some(value));
    first.iter().filter(in_all).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The network of each job, as its place among the different ones, and the settings of each network.
///
/// Jobs in fp32 have no settings of quantization: they are of the first network that ran the same model on the same data.
pub(super) fn networks(jobs: &[Finished]) -> (Vec<usize>, Vec<Settings>) {
    let is_fp32 = |job: &Finished| job.mode == InferenceMode::Baseline;
    let mut keys = Vec::new();
    let mut settings = Vec::new();
    let mut places = vec![0; jobs.len()];
    for of_fp32 in [false, true] {
        for (place, job) in places.iter_mut().zip(jobs).filter(|(_, job)| is_fp32(job) == of_fp32) {
            let key = (job.subject(), shared(job));
            let found =
                keys.iter().position(|(subject, settings)| (of_fp32 || *settings == key.1) && *subject == key.0);
            *place = found.unwrap_or_else(|| {
                settings.push(key.1.clone());
                keys.push(key);
                keys.len() - 1
            });
        }
    }
    (places, settings)
}
