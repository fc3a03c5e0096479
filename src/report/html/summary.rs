//! A page's verdicts as a document: what the command prints, and what the page shows without a script.

use super::{MixVerdict, StudyPage, UniformVerdict, Verdict};
use crate::report::document::{Document, Records, Section};
use crate::stats::{percent, significant_percent};
use serde_json::json;

/// Multipliers of layers that no table has.
const EXACT: &str = "exact";

impl Document for StudyPage {
    fn json(&self) -> serde_json::Value {
        json!({
            "schema": 1,
            "kind": "report",
            "title": self.title,
            "bound": self.bound,
            "energies": self.bases.first(),
            "jobs": self.jobs,
            "evaluations": self.runs.len(),
            "multipliers": self.multipliers.len(),
            "verdicts": self.verdicts(),
            "documents": self.documents.iter().map(|document| &document.file).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }

    fn title(&self) -> String {
        self.title.clone()
    }

    fn sections(&self) -> Vec<Section> {
        let verdicts = self.verdicts();
        let about = Section::pairs(self.about());
        let best = (!verdicts.is_empty()).then(|| self.best(&verdicts));
        let layers = verdicts.iter().filter_map(|verdict| Some(layers(verdict, verdict.mix.as_ref()?)));
        std::iter::once(about).chain(best).chain(layers).collect()
    }

    fn records(&self) -> Records {
        let text = |x: Option<f64>| x.map(|x| x.to_string()).unwrap_or_default();
        Records::many(self.verdicts().into_iter().map(|verdict| {
            let (uniform, mix) = (verdict.uniform.as_ref(), verdict.mix.as_ref());
            [
                ("network", verdict.network.clone()),
                ("bound", self.bound.to_string()),
                ("baseline", text(verdict.baseline)),
                ("multiplier", uniform.map(|uniform| uniform.multiplier.clone()).unwrap_or_default()),
                ("value", text(uniform.map(|uniform| uniform.value))),
                ("drop", text(uniform.map(|uniform| uniform.drop))),
                ("energy", text(uniform.map(|uniform| uniform.energy))),
                ("mix_predicted_drop", text(mix.map(|mix| mix.predicted_drop))),
                ("mix_energy", text(mix.map(|mix| mix.energy))),
            ]
        }))
    }
}

impl StudyPage {
    fn about(&self) -> Vec<(&'static str, String)> {
        let jobs = match self.jobs.planned {
            Some(planned) => format!("{} of {planned}", self.jobs.done),
            None => self.jobs.done.to_string(),
        };
        let mut about = vec![
            ("study", self.sources.join(", ")),
            ("jobs", jobs),
            ("multipliers", self.multipliers.len().to_string()),
            ("bound", format!("a drop of {}", percent(self.bound))),
        ];
        about.extend(self.bases.first().map(|basis| ("energies", basis.clone())));
        about.extend(self.notes.iter().map(|note| ("note", note.clone())));
        about
    }

    /// The best of each network within the bound.
    fn best(&self, verdicts: &[Verdict]) -> Section {
        let row = |verdict: &Verdict| {
            let baseline = verdict.baseline.map(percent).unwrap_or_default();
            let uniform =
                |cell: fn(&UniformVerdict) -> String| verdict.uniform.as_ref().map_or("none".to_owned(), cell);
            let mix = verdict.mix.as_ref().map(|mix| significant_percent(mix.energy, 3));
            let name = uniform(|uniform| uniform.multiplier.clone());
            let energy = verdict.uniform.as_ref().map(|uniform| significant_percent(uniform.energy, 3));
            let value = verdict.uniform.as_ref().map(|uniform| percent(uniform.value));
            let [value, energy, mix] = [value, energy, mix].map(Option::unwrap_or_default);
            vec![verdict.network.clone(), baseline, name, value, energy, mix]
        };
        Section {
            title: Some(format!("the least energy within a drop of {}", percent(self.bound))),
            header: ["network", "exact", "one for all", "reaches", "energy", "mix, predicted"]
                .map(str::to_owned)
                .to_vec(),
            rows: verdicts.iter().map(row).collect(),
            numeric: vec![1, 3, 4, 5],
            ..Section::default()
        }
    }
}

/// The multiplier of each layer.
fn layers(verdict: &Verdict, mix: &MixVerdict) -> Section {
    let row = |(layer, multiplier): &(String, Option<String>)| {
        vec![layer.clone(), multiplier.clone().unwrap_or_else(|| EXACT.to_owned())]
    };
    let (drop, energy) = (percent(mix.predicted_drop), significant_percent(mix.energy, 3));
    Section {
        title: Some(format!("{}: predicted drop {drop} at {energy} of the energy, not evaluated", verdict.network)),
        header: ["layer", "multiplier"].map(str::to_owned).to_vec(),
        rows: mix.layers.iter().map(row).collect(),
        ..Section::default()
    }
}
