//! A search as formats show it.

use super::{SearchDetails, SearchPoint};
use crate::registry::Named;
use crate::report::Degradation;
use crate::report::document::{Check, Document, Records, Section};
use crate::stats::{grouped, percent, significant, significant_percent};

/// Points of the front that tables show.
const SHOWN: usize = 12;

impl Document for SearchDetails {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a search is JSON")
    }

    fn title(&self) -> String {
        format!("{} on {}, multipliers by layer", self.model.name, self.dataset.name)
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = vec![self.summary(), self.results(), self.assignments()];
        if !self.front.is_empty() {
            sections.push(self.front_section());
        }
        sections
    }

    fn records(&self) -> Records {
        self.rows(self.named().chain(&self.front))
    }

    fn checks(&self) -> Vec<Check> {
        let summary = format!("{}, at most {}", self.verdict(), self.difference(self.settings.max_drop));
        vec![Check { name: "confirmation".to_owned(), summary, passed: self.is_confirmed() }]
    }
}

impl SearchDetails {
    /// The records of the front alone.
    pub fn front_records(&self) -> Records {
        self.rows(self.front.iter())
    }

    fn difference(&self, drop: f64) -> String {
        self.model.task.metric().difference(drop).trim_start_matches('+').to_owned()
    }

    /// What was chosen, in a line.
    fn verdict(&self) -> String {
        let saved = |point: &SearchPoint| percent(1.0 - point.relative_cost);
        let found = self.chosen.best_known();
        let drop = self.difference(found.drop);
        let metric = self.model.task.metric().title;
        format!(
            "saves {} of the {} of exact multiplications for a drop of {drop} in {metric} on {} samples that the search \
             never saw",
            saved(&self.chosen),
            self.settings.objective,
            grouped(found.samples)
        )
    }

    fn summary(&self) -> Section {
        let settings = &self.settings;
        let samples = &self.samples;
        let metric = self.model.task.metric();
        let confidence = format!(", at a confidence of {}", significant_percent(settings.confidence, 2));
        let confidence = if settings.confidence > 0.5 { confidence } else { String::new() };
        let bound = self.difference(settings.max_drop) + &confidence;
        let limit = settings.max_multipliers.map(|most| ("multipliers", format!("at most {most} different ones")));
        let confirmed = if self.is_confirmed() {
            "passed: the drop there is within the bound"
        } else {
            "failed: the drop there is beyond the bound; search with more samples, a higher --confidence or another --seed"
        };
        let stopped = self.stopped.as_ref().map(|why| ("ended early", format!("by the limit of {why}")));
        let pairs = [
            ("result", self.verdict()),
            ("confirmation", confirmed.to_owned()),
            ("model", format!("{} on {}", self.model.name, self.dataset.name)),
            ("bound", format!("drop of {} by at most {bound}", metric.title)),
        ];
        let after = [
            ("costs", format!("{} relative to exact multiplications, by {}", settings.objective, settings.cost_basis)),
            (
                "samples",
                format!(
                    "drawn by seed {}: {} for the search, {} of them to compare all assignments, {} others to confirm it",
                    settings.seed,
                    grouped(samples.search as u64),
                    grouped(samples.scan as u64),
                    grouped(samples.confirmation as u64)
                ),
            ),
            (
                "search",
                format!(
                    "{} assignments of {} multipliers to {} layers, by {}",
                    grouped(self.evaluations as u64),
                    self.multipliers.len(),
                    self.layers.len(),
                    settings.methods.join(", ")
                ),
            ),
        ];
        let notes = self.notes.iter().map(|note| ("note", note.clone()));
        Section::pairs(pairs.into_iter().chain(limit).chain(after).chain(stopped).chain(notes))
    }

    /// The assignments that have names.
    fn results(&self) -> Section {
        let cells =
            |found: Option<&Degradation>| found.map_or_else(|| [String::new(), String::new()], Degradation::drop_cells);
        let row = |point: &SearchPoint| {
            let [search, _] = cells(point.search.as_ref());
            let [drop, interval] = cells(point.confirmation.as_ref());
            vec![
                point.role.clone(),
                significant(point.relative_cost, 4),
                point.multipliers.to_string(),
                search,
                drop,
                interval,
            ]
        };
        let objective = self.settings.objective.name();
        let header = ["assignment", objective, "multipliers", "drop, search", "drop, confirmed", "95 % interval"];
        Section {
            header: header.map(str::to_owned).to_vec(),
            rows: self.named().map(row).collect(),
            numeric: vec![1, 2, 3, 4, 5],
            ..Section::default()
        }
    }

    /// What each layer has.
    fn assignments(&self) -> Section {
        let has_tolerances = self.layers.iter().any(|layer| layer.tolerance.is_some());
        let named = [("chosen", &self.chosen), ("greedy", &self.greedy)];
        let row = |(i, layer): (usize, &super::SearchLayer)| {
            let mut row = vec![layer.name.clone(), percent(layer.opcount_share)];
            if has_tolerances {
                row.push(layer.tolerance.map(|tolerance| significant(tolerance, 3)).unwrap_or_default());
            }
            row.extend(named.iter().map(|(_, point)| point.assignment[i].clone()));
            row
        };
        let mut header = vec!["layer".to_owned(), "products".to_owned()];
        header.extend(has_tolerances.then(|| "tolerance".to_owned()));
        header.extend(named.iter().map(|(name, _)| (*name).to_owned()));
        Section {
            numeric: (1..header.len() - named.len()).collect(),
            header,
            rows: self.layers.iter().enumerate().map(row).collect(),
            ..Section::default()
        }
    }

    fn front_section(&self) -> Section {
        let metric = self.model.task.metric();
        let row = |point: &SearchPoint| {
            let found = point.search.as_ref().unwrap_or(&point.scan);
            let [drop, interval] = found.drop_cells();
            vec![
                significant(point.relative_cost, 4),
                metric.text(found.metric.value),
                drop,
                interval,
                point.multipliers.to_string(),
                point.origins.first().cloned().unwrap_or_default(),
            ]
        };
        let step = self.front.len().div_ceil(SHOWN).max(1);
        let shown = self.front.iter().step_by(step);
        let title = "Front: nothing else that was evaluated on all samples of the search is as good for as little";
        let header = [self.settings.objective.name(), metric.name, "drop", "95 % interval", "multipliers", "found by"];
        Section {
            title: Some(title.to_owned()),
            header: header.map(str::to_owned).to_vec(),
            rows: shown.map(row).collect(),
            numeric: vec![0, 1, 2, 3, 4],
            ..Section::default()
        }
    }

    fn rows<'a>(&self, points: impl Iterator<Item = &'a SearchPoint>) -> Records {
        let record = |point: &SearchPoint| {
            let mut fields: Vec<(String, String)> = vec![
                ("role".to_owned(), point.role.clone()),
                ("origins".to_owned(), point.origins.join(";")),
                (format!("relative_{}", self.settings.objective), point.relative_cost.to_string()),
                ("multipliers".to_owned(), point.multipliers.to_string()),
            ];
            let parts =
                [("", point.search.as_ref().or(Some(&point.scan))), ("confirmed_", point.confirmation.as_ref())];
            fields.extend(parts.into_iter().flat_map(|(prefix, found)| Degradation::record(found, prefix)));
            let layers = self.layers.iter().zip(&point.assignment);
            fields.extend(layers.map(|(layer, multiplier)| (format!("layer:{}", layer.name), multiplier.clone())));
            fields
        };
        Records::many(points.map(record))
    }
}
