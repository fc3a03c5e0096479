//! What single layers lose: a bar for each, with its interval, for every multiplier; or the noise that each stands.

use super::{interval, list, number, text};
use crate::report::html::{StudyDocument, StudyFigure, StudyTable};
use crate::stats::{percent, significant};
use serde_json::Value;

pub(super) fn read(json: &Value, document: &mut StudyDocument) {
    for lut in list(json, "luts") {
        let name = text(lut, &["name", "lut"]).unwrap_or("multiplier");
        let title = format!("{name}: drop when the layer alone is approximate");
        add(document, &title, list(lut, "layers"), true, |layer| {
            let alone = layer.get("alone").unwrap_or(layer);
            Some((number(alone, &["drop"])?, interval(alone, "drop_ci95")))
        });
    }
    let noise = json.get("noise").map_or(&[][..], |noise| list(noise, "layers"));
    add(document, "relative deviation of noise that the layer stands", noise, false, |layer| {
        Some((number(layer, &["tolerance"])?, None))
    });
}

/// Columns of a table of layers; the last two where intervals are known.
const HEADER: [&str; 5] = ["layer", "products", "value", "interval from", "to"];

/// Adds the bars of layers, and a table of the same.
fn add(
    document: &mut StudyDocument,
    title: &str,
    layers: &[Value],
    points: bool,
    bar: impl Fn(&Value) -> Option<(f64, Option<[f64; 2]>)>,
) {
    let bar = |layer: &Value| {
        let (value, ci95) = bar(layer)?;
        Some((text(layer, &["name", "layer"])?.to_owned(), value, ci95))
    };
    let bars: Vec<(String, f64, Option<[f64; 2]>)> = layers.iter().filter_map(bar).collect();
    if bars.is_empty() {
        return;
    }
    let value = |x: f64| if points { format!("{:.2}", 100.0 * x) } else { significant(x, 4) };
    let row = |((layer, drop, ci95), found): (&(String, f64, Option<[f64; 2]>), &Value)| {
        let share = number(found, &["opcount_share"]).map(percent).unwrap_or_default();
        let [low, high] = ci95.map_or_else(Default::default, |ends| ends.map(value));
        vec![layer.clone(), share, value(*drop), low, high]
    };
    let has_intervals = bars.iter().any(|(_, _, ci95)| ci95.is_some());
    let columns = if has_intervals { 5 } else { 3 };
    document.tables.push(StudyTable {
        caption: format!("{title}{}", if points { ", in points" } else { "" }),
        header: HEADER.iter().take(columns).map(|name| (*name).to_owned()).collect(),
        rows: bars.iter().zip(layers).map(row).map(|row| row.into_iter().take(columns).collect()).collect(),
        numeric: (1..columns).collect(),
    });
    document.figures.push(StudyFigure::Bars { title: title.to_owned(), bars, points });
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::report::html::StudyFigure;
    use serde_json::json;

    #[test]
    fn every_multiplier_has_bars() {
        let layer = |name: &str, drop: f64| json!({"name": name, "opcount_share": 0.5, "alone": {"drop": drop, "drop_ci95": [drop - 0.01, drop + 0.01]}});
        let json = json!({
            "kind": "sensitivity", "model": {"name": "lenet5"},
            "luts": [{"name": "drum-4", "layers": [layer("conv1", 0.02), layer("fc", 0.125)]}],
            "noise": {"layers": [{"name": "conv1", "tolerance": 0.25}]},
        });
        let document = read(&json, String::new()).unwrap();
        let [drops, noise] = document.figures.as_slice() else { panic!("{:?}", document.figures) };
        let StudyFigure::Bars { bars, points: true, .. } = drops else { panic!("{drops:?}") };
        assert_eq!(bars[1], ("fc".to_owned(), 0.125, Some([0.115, 0.135])));
        let StudyFigure::Bars { bars, points: false, .. } = noise else { panic!("{noise:?}") };
        assert_eq!(bars[0], ("conv1".to_owned(), 0.25, None));
        assert_eq!(document.tables[0].rows[1], ["fc", "50.00 %", "12.50", "11.50", "13.50"]);
    }
}
