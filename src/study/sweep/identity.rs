//! What decides a job, as a key.

use super::point::Point;
use crate::eval::{Configuration, Session};
use crate::lut::Lut;
use crate::report::SweepJob;
use crate::study::scope::Variant;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the jobs of a point have in common: the network's weights, its quantization parameters, its multipliers and all
/// settings. `session` is configured for it.
pub(super) fn of_point(point: &Point, session: &Session) -> Value {
    let Point { job, configuration, inputs } = point;
    let Configuration { layers, rules, .. } = configuration;
    let configs = session.assignment().layers().iter();
    let noise = session.assignment().layers().iter().filter_map(|config| config.noise_lut().map(AsRef::as_ref));
    let luts: BTreeSet<String> =
        configs.filter_map(|config| config.operand_lut()).chain(noise).map(Lut::blake3).collect();
    json!({
        "model": job.model,
        "model_blake3": session.model().blake3,
        "data": job.data,
        "lut": job.lut,
        "luts_blake3": luts,
        "params_blake3": session.params_source().map(|(_, _, blake3)| blake3),
        "settings": job.settings,
        "layers": layers,
        "rules": rules,
        "inputs": inputs,
    })
}

/// The key of a variant of such a point.
pub(super) fn key(of_point: &Value, variant: &Variant) -> String {
    let identity = json!({ "point": of_point, "scope": variant.scope, "layer": variant.layer });
    blake3::hash(identity.to_string().as_bytes()).to_hex()[..32].to_owned()
}

/// The job of a variant of a point, without its place.
pub(super) fn job(point: &Point, variant: &Variant) -> SweepJob {
    SweepJob { scope: variant.scope.to_owned(), layer: variant.layer.clone(), ..point.job.clone() }
}
