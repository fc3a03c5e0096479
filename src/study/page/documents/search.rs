//! What a search found: its front, the chosen assignment beside others, and the multiplier of each layer.

use super::{interval, list, number, text};
use crate::report::html::{FrontPoint, StudyDocument, StudyFigure, StudyTable};
use crate::stats::{percent, significant_percent};
use crate::task::TASKS;
use serde_json::Value;

/// Assignments that have names of their own.
const NAMED: [&str; 3] = ["chosen", "uniform", "greedy"];

pub(super) fn read(json: &Value, document: &mut StudyDocument) {
    let named: Vec<(&str, &Value)> = NAMED.iter().filter_map(|name| Some((*name, json.get(*name)?))).collect();
    let front = list(json, "front").iter().map(|found| (text(found, &["role", "name"]).unwrap_or("front"), found));
    let points: Vec<FrontPoint> =
        named.iter().copied().chain(front).filter_map(|(name, found)| point(name, found)).collect();
    if points.is_empty() {
        return;
    }
    let row = |point: &FrontPoint| {
        let [low, high] = point.ci95.map_or_else(Default::default, |ends| ends.map(percent));
        vec![point.name.clone(), significant_percent(point.energy, 4), percent(point.value), low, high]
    };
    document.tables.push(StudyTable {
        caption: "assignments, on the samples that say most about them".to_owned(),
        header: ["assignment", "cost", "metric", "interval from", "to"].map(str::to_owned).to_vec(),
        rows: points.iter().map(row).collect(),
        numeric: vec![1, 2, 3, 4],
    });
    document.figures.push(StudyFigure::Front { points });
    let layers = list(json, "layers");
    let multiplier = |of: &Value, layer: usize| {
        list(of, "assignment").get(layer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let row = |(i, layer): (usize, &Value)| {
        let name = text(layer, &["name", "layer"]).unwrap_or_default().to_owned();
        let share = number(layer, &["opcount_share"]).map(percent).unwrap_or_default();
        [name, share].into_iter().chain(named.iter().map(|(_, of)| multiplier(of, i))).collect()
    };
    let header = ["layer", "products"].into_iter().chain(named.iter().map(|(name, _)| *name));
    document.tables.push(StudyTable {
        caption: "the multiplier of each layer".to_owned(),
        header: header.map(str::to_owned).collect(),
        rows: layers.iter().enumerate().map(row).collect(),
        numeric: vec![1],
    });
}

/// An assignment as a point, by the samples that were kept for it where there are such.
fn point(name: &str, found: &Value) -> Option<FrontPoint> {
    let measured = ["confirmation", "search", "scan"].iter().filter_map(|key| found.get(*key));
    let measured = measured.clone().find(|measured| measured.is_object())?;
    let keys: Vec<&str> = TASKS.iter().map(|task| task.metric().key).collect();
    let value = number(measured, &keys)?;
    let ci95 = number(measured, &["drop"]).zip(interval(measured, "drop_ci95"));
    Some(FrontPoint {
        name: name.to_owned(),
        energy: number(found, &["relative_cost", "relative_energy", "energy"])?,
        value,
        // What the drop's interval says of the value.
        ci95: ci95.map(|(drop, [low, high])| [value + drop - high, value + drop - low]),
        chosen: name == "chosen",
    })
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::report::html::StudyFigure;
    use serde_json::json;

    #[test]
    fn assignments_are_points_and_rows() {
        let found = |cost: f64, top1: f64| {
            json!({
                "relative_cost": cost, "assignment": ["exact", "drum-4"], "scan": {"top1": 0.5},
                "confirmation": {"top1": top1, "drop": 0.25, "drop_ci95": [0.125, 0.5]},
            })
        };
        let json = json!({
            "kind": "search", "model": {"name": "resnet8"}, "chosen": found(0.5, 0.75), "greedy": found(0.75, 0.75),
            "front": [{"relative_cost": 0.25, "confirmation": null, "search": {"top1": 0.625}}],
            "layers": [{"name": "conv1", "opcount_share": 0.25}, {"name": "fc"}],
        });
        let document = read(&json, String::new()).unwrap();
        let [StudyFigure::Front { points }] = document.figures.as_slice() else { panic!("{:?}", document.figures) };
        assert_eq!((points.len(), points[0].chosen, points[1].chosen), (3, true, false));
        assert_eq!((points[0].value, points[0].ci95), (0.75, Some([0.5, 0.875])));
        assert_eq!((points[2].energy, points[2].value, points[2].ci95), (0.25, 0.625, None));
        assert_eq!(document.tables[1].header, ["layer", "products", "chosen", "greedy"]);
        assert_eq!(document.tables[1].rows, [["conv1", "25.00 %", "exact", "exact"], ["fc", "", "drum-4", "drum-4"]]);
    }
}
