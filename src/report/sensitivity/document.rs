//! Sensitivity as formats show it.

use super::{NoiseLayer, NoiseSensitivity, SensitivityDetails, SensitivityLayer, SensitivityLut};
use crate::report::Degradation;
use crate::report::document::{Document, Records, Section, optional};
use crate::stats::{grouped, percent, significant};

impl Document for SensitivityDetails {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("sensitivity is JSON")
    }

    fn title(&self) -> String {
        format!("Sensitivity of {} on {} by {}", self.model.name, self.dataset.name, self.by)
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = vec![self.summary()];
        sections.extend(self.luts.iter().flat_map(|lut| [Self::alone(lut), Self::alone_exact(lut)]));
        sections.extend(self.noise.as_ref().map(Self::tolerances));
        sections
    }

    fn records(&self) -> Records {
        let of_luts = self.luts.iter().flat_map(|lut| lut.layers.iter().map(|layer| self.record(lut, layer)));
        let of_noise = self.noise.iter().flat_map(|noise| noise.layers.iter().map(|layer| self.noise_record(layer)));
        Records::many(of_luts.chain(of_noise))
    }
}

impl SensitivityDetails {
    fn summary(&self) -> Section {
        let samples = grouped(self.dataset.samples as u64);
        let loss = self.exact_loss.map(|loss| format!(", loss {loss:.4}")).unwrap_or_default();
        let metric = self.model.task.metric();
        let noise = self.noise.as_ref().map(|noise| {
            let [low, high] = noise.tried.map(|stdev| significant(stdev, 3));
            let drop = metric.difference(noise.max_drop);
            format!(
                "Gaussian, relative to a layer's output over batches of {}, {low} to {high}, to a ratio of {}; drop of at \
                 most {}; seed {}",
                noise.batch_size,
                noise.ratio,
                drop.trim_start_matches('+'),
                noise.seed
            )
        });
        let pairs = [
            ("model", self.model.name.clone()),
            ("dataset", format!("{}, {samples} samples", self.dataset.name)),
            ("exact", format!("{} {}{loss}", metric.name, self.exact)),
        ];
        let notes = self.notes.iter().map(|note| ("note", note.clone()));
        Section::pairs(pairs.into_iter().chain(noise.map(|noise| ("noise", noise))).chain(notes))
    }

    /// Rows of layers of which each has cells of `found`.
    fn layers(
        title: String,
        lut: &SensitivityLut,
        found: fn(&SensitivityLayer) -> &Degradation,
        energy: bool,
    ) -> Section {
        let has_energy = energy && lut.layers.iter().any(|layer| layer.relative_energy.is_some());
        let row = |layer: &SensitivityLayer| {
            let mut row = vec![layer.name.clone()];
            if energy {
                row.push(percent(layer.opcount_share));
            }
            if has_energy {
                row.push(layer.relative_energy.map(|energy| percent(1.0 - energy)).unwrap_or_default());
            }
            let found = found(layer);
            row.extend(found.drop_cells());
            row.extend(found.loss_cells());
            row
        };
        let mut header = vec!["layer"];
        header.extend(energy.then_some("products"));
        header.extend(has_energy.then_some("energy saved"));
        header.extend(["drop", "95 % interval", "loss", "its 95 % interval"]);
        Section {
            title: Some(title),
            numeric: (1..header.len()).collect(),
            details: vec![header.len() - 1],
            header: header.into_iter().map(str::to_owned).collect(),
            rows: lut.layers.iter().map(row).collect(),
        }
    }

    fn alone(lut: &SensitivityLut) -> Section {
        let [drop, interval] = lut.all.drop_cells();
        let energy = lut.relative_energy.map(|energy| format!(", energy saved {}", percent(1.0 - energy)));
        let title = format!(
            "{} in one layer, the others exact; in all layers: drop {drop} ({interval}){}",
            lut.name,
            energy.unwrap_or_default()
        );
        Self::layers(title, lut, |layer| &layer.alone, true)
    }

    fn alone_exact(lut: &SensitivityLut) -> Section {
        let title = format!("One layer exact, {} in the others: the drop that is left", lut.name);
        Self::layers(title, lut, |layer| &layer.alone_exact, false)
    }

    fn tolerances(noise: &NoiseSensitivity) -> Section {
        let row = |layer: &NoiseLayer| {
            let sign = match layer.bound.as_str() {
                "below" => "< ",
                "beyond" => "> ",
                _ => "",
            };
            let [drop, interval] = layer.found.drop_cells();
            let tolerance = format!("{sign}{}", significant(layer.tolerance, 3));
            vec![layer.name.clone(), percent(layer.opcount_share), tolerance, drop, interval]
        };
        let header = ["layer", "products", "noise", "drop at that", "95 % interval"];
        Section {
            title: Some("The largest relative standard deviation of noise that each layer tolerates alone".to_owned()),
            header: header.map(str::to_owned).to_vec(),
            rows: noise.layers.iter().map(row).collect(),
            numeric: vec![1, 2, 3, 4],
            ..Section::default()
        }
    }

    /// What the records of all ways begin with.
    fn start(&self, lut: &str, layer: (&str, &str, u64, f64), rank: usize) -> Vec<(String, String)> {
        let (name, kind, opcount, share) = layer;
        let fields = [
            ("model", self.model.name.clone()),
            ("dataset", self.dataset.name.clone()),
            ("by", self.by.clone()),
            ("lut", lut.to_owned()),
            ("rank", rank.to_string()),
            ("layer", name.to_owned()),
            ("kind", kind.to_owned()),
            ("opcount", opcount.to_string()),
            ("opcount_share", share.to_string()),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    fn record(&self, lut: &SensitivityLut, layer: &SensitivityLayer) -> Vec<(String, String)> {
        let of_layer = (layer.name.as_str(), layer.kind.as_str(), layer.opcount, layer.opcount_share);
        let mut fields = self.start(&lut.name, of_layer, layer.rank);
        let energy = [("energy_share", layer.energy_share), ("relative_energy", layer.relative_energy)];
        fields.extend(energy.map(|(name, value)| (name.to_owned(), optional(value.as_ref()))));
        fields.extend(Degradation::record(Some(&layer.alone), ""));
        fields.extend(Degradation::record(Some(&layer.alone_exact), "alone_exact_"));
        fields
    }

    fn noise_record(&self, layer: &NoiseLayer) -> Vec<(String, String)> {
        let of_layer = (layer.name.as_str(), layer.kind.as_str(), layer.opcount, layer.opcount_share);
        let mut fields = self.start("", of_layer, layer.rank);
        fields.push(("noise_std".to_owned(), layer.tolerance.to_string()));
        fields.push(("bound".to_owned(), layer.bound.clone()));
        fields.extend(Degradation::record(Some(&layer.found), ""));
        fields
    }
}
