//! Advice as formats show it: one page.

use super::{Advice, LayerAdvice, ProductAdvice};
use crate::report::document::{Check, Document, Records, Section, optional};
use crate::stats::{grouped, percent, significant, significant_percent};

impl Document for Advice {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("advice is JSON")
    }

    fn title(&self) -> String {
        format!("{} for {}", self.lut.name, self.model.name)
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = vec![self.words_section(), self.results(), self.layers_section()];
        if !self.products.is_empty() {
            sections.push(self.products_section());
        }
        sections
    }

    fn records(&self) -> Records {
        let found = |found: Option<&crate::report::Degradation>| {
            [optional(found.map(|found| found.metric.value).as_ref()), optional(found.map(|found| found.drop).as_ref())]
        };
        let rows = [
            ("all", Some(&self.all)),
            ("corrected", self.corrected.as_ref().map(|corrected| &corrected.found)),
            ("mixed", self.mixed.as_ref().map(|mixed| &mixed.found)),
        ];
        let layers = self.layers.iter().map(|layer| (layer.name.as_str(), Some(&layer.alone)));
        let record = |(what, degradation): (&str, Option<&crate::report::Degradation>)| {
            let [value, drop] = found(degradation);
            [("what", what.to_owned()), ("value", value), ("drop", drop)]
        };
        Records::many(rows.into_iter().chain(layers).filter(|(_, found)| found.is_some()).map(record))
    }

    fn checks(&self) -> Vec<Check> {
        let summary = self.advice.get(1).cloned().unwrap_or_default();
        vec![Check { name: "bound".to_owned(), summary, passed: self.is_within(&self.all) }]
    }
}

impl Advice {
    fn words_section(&self) -> Section {
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        pairs.extend(self.advice.iter().map(|sentence| ("-", sentence.clone())));
        pairs.extend(self.notes.iter().map(|note| ("note", note.clone())));
        Section::pairs(pairs)
    }

    fn results(&self) -> Section {
        let metric = self.exact.task.metric();
        let exact = ["exact products".to_owned(), metric.text(self.exact.value), String::new(), String::new()];
        let energy = self.cost.as_ref().and_then(|cost| cost.relative_energy);
        let ways = [
            (self.lut.name.clone(), Some(&self.all), energy),
            ("corrected".to_owned(), self.corrected.as_ref().map(|corrected| &corrected.found), energy),
            (
                "some layers exact".to_owned(),
                self.mixed.as_ref().map(|mixed| &mixed.found),
                self.mixed.as_ref().and_then(|mixed| mixed.relative_energy),
            ),
        ];
        let of_exact = energy.map(|_| percent(1.0)).unwrap_or_default();
        let mut rows = vec![exact.into_iter().chain([of_exact]).collect::<Vec<_>>()];
        for (what, found, energy) in ways {
            let Some(found) = found else { continue };
            let [drop, interval] = found.drop_cells();
            rows.push(vec![
                what,
                metric.text(found.metric.value),
                drop,
                interval,
                energy.map(percent).unwrap_or_default(),
            ]);
        }
        let title = format!("{} on {} samples of {}", self.model.name, grouped(self.all.samples), self.dataset.name);
        Section {
            title: Some(title),
            header: ["products", metric.name, "drop", "95 % interval", "energy"].map(str::to_owned).to_vec(),
            rows,
            numeric: vec![1, 2, 3, 4],
            ..Section::default()
        }
    }

    fn layers_section(&self) -> Section {
        let row = |layer: &LayerAdvice| {
            let [drop, interval] = layer.alone.drop_cells();
            let stays = if layer.stays_exact { "keep exact" } else { "" };
            vec![layer.name.clone(), percent(layer.opcount_share), drop, interval, stays.to_owned()]
        };
        Section {
            title: Some("Each layer alone approximate, the most sensitive first".to_owned()),
            header: ["layer", "products", "drop", "95 % interval", ""].map(str::to_owned).to_vec(),
            rows: self.layers.iter().map(row).collect(),
            numeric: vec![1, 2, 3],
            ..Section::default()
        }
    }

    fn products_section(&self) -> Section {
        let row = |product: &ProductAdvice| {
            let [a, b] = product.operands;
            vec![
                format!("{a} x {b}"),
                product.exact.to_string(),
                product.product.to_string(),
                significant((product.product - product.exact) as f64, 6),
                grouped(product.uses),
                significant_percent(product.share, 3),
            ]
        };
        let samples = grouped(self.counted_samples as u64);
        let title = format!("Products by use times error, over the operands of {samples} samples");
        Section {
            title: Some(title),
            header: ["activation x weight", "exact", "table", "error", "uses", "of all error"]
                .map(str::to_owned)
                .to_vec(),
            rows: self.products.iter().map(row).collect(),
            numeric: vec![1, 2, 3, 4, 5],
            ..Section::default()
        }
    }
}
