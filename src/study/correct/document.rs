//! A correction as a document, and as a model directory.

use super::Correction;
use crate::eval::Session;
use crate::layer::ApproxLayer;
use crate::lut::Lut;
use crate::model::{
    CorrectedLayerConfig, CorrectedNetwork, CorrectedTensors, CorrectionConfig, CorrectionData, CorrectionSource,
    CorrectionTool, InputConfig, LutId, WriteModelError, write_corrected,
};
use crate::output::OutputFolder;
use crate::report::{
    AffineCost, CorrectionCalibration, CorrectionLayer, CorrectionLut, CorrectionReport, KeptOut, KeptOutFigures,
    ModelReport, ToolReport,
};
use crate::study::correct::{CorrectedLayer, Judged};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

impl Correction {
    /// The document of a correction of the network of `session`, which is written to `output`.
    pub fn report(&self, session: &Session, output: &Path) -> CorrectionReport {
        let figures = |judged: &Judged| KeptOutFigures {
            metric: judged.metric.map(|metric| metric.value),
            distance: judged.distance,
        };
        let layers: Vec<CorrectionLayer> = self.layers.iter().map(CorrectedLayer::report).collect();
        let costs = layers.iter().filter_map(|layer| layer.affine_cost);
        let calibration = session.experiment().calibration.data.as_ref().and_then(|data| data.as_path());
        let luts = self.luts().into_iter();
        CorrectionReport {
            schema: 1,
            kind: "correct".to_owned(),
            tool: ToolReport::default(),
            model: ModelReport::of(session),
            luts: luts.map(|lut| CorrectionLut { name: lut.name().to_owned(), blake3: lut.blake3() }).collect(),
            calibration: CorrectionCalibration {
                path: calibration.map(|path| path.display().to_string()),
                blake3: self.calibration_blake3.clone(),
                fitted_on: self.fitted_on,
                kept_out: self.judged_on,
            },
            asked: self.asked.map(|parts| owned(&parts.names())),
            left_out: self.left_out.iter().map(ToString::to_string).collect(),
            kept_out: KeptOut {
                task: session.model().task,
                exact: figures(&self.exact),
                before: figures(&self.before),
                after: figures(&self.after),
            },
            affine_cost: costs.reduce(AffineCost::plus),
            layers,
            output: output.display().to_string(),
            notes: session.notes().iter().cloned().chain(self.notes()).collect(),
        }
    }

    /// Writes the corrected network of `session` into a folder.
    ///
    /// # Errors
    /// When files of the network that it is made from cannot be read or have changed, or the folder cannot be written.
    pub fn write(&self, session: &Session, folder: &OutputFolder) -> Result<(), WriteModelError> {
        let (model, experiment) = (session.model(), session.experiment());
        let given = &experiment.preprocess;
        let own = model.preprocess.clone();
        let input = InputConfig {
            mean: given.mean.clone().unwrap_or(own.mean),
            std: given.std.clone().unwrap_or(own.std),
            resize: given.resize.or(own.resize),
            interpolation: given.interpolation.or(own.interpolation),
            crop: given.crop.or(own.crop),
            ..own
        };
        let weights = |layer: &CorrectedLayer| {
            let mut all = model.graph.layers();
            let found = all.find(|found| found.name() == layer.name).and_then(ApproxLayer::as_weighted);
            found.map(|found| found.weight().dims().to_vec()).unwrap_or_default()
        };
        let corrected: Vec<&CorrectedLayer> = self.layers.iter().filter(|layer| !layer.applied.is_empty()).collect();
        let dims: Vec<Vec<usize>> = corrected.iter().map(|layer| weights(layer)).collect();
        let tensors = corrected.iter().zip(&dims);
        let tensors: Vec<CorrectedTensors> =
            tensors.map(|(layer, dims)| CorrectedTensors { name: &layer.name, dims, parts: &layer.parts }).collect();
        let correction = self.config(session);
        let params = &self.params;
        write_corrected(
            folder,
            &CorrectedNetwork { model, input: &input, correction: &correction, layers: &tensors, params },
        )
    }

    /// What the network's configuration says of the correction.
    fn config(&self, session: &Session) -> CorrectionConfig {
        let ToolReport { name, version, .. } = ToolReport::default();
        let model = session.model();
        let configs = session.model().graph.layers().zip(session.assignment().layers());
        let codings: BTreeMap<&str, _> =
            configs.map(|(layer, config)| (layer.name(), config.quantization.coding)).collect();
        let layer = |layer: &CorrectedLayer| {
            let (lut, coding) = (LutId::new(&layer.lut), codings[layer.name.as_str()]);
            (layer.name.clone(), CorrectedLayerConfig { lut, coding, parts: owned(&layer.applied.names()) })
        };
        CorrectionConfig {
            schema: 1,
            tool: CorrectionTool { name, version },
            source: CorrectionSource {
                name: model.name.clone(),
                architecture: model.architecture.to_owned(),
                path: model.source.path().map(|path| path.display().to_string()),
                blake3: model.blake3.clone(),
            },
            calibration: CorrectionData {
                blake3: self.calibration_blake3.clone(),
                fitted_on: self.fitted_on,
                kept_out: self.judged_on,
            },
            layers: self.layers.iter().map(layer).collect(),
        }
    }

    /// The multipliers, in the order of the layers that use them first.
    fn luts(&self) -> Vec<&Arc<Lut>> {
        let mut luts: Vec<&Arc<Lut>> = Vec::new();
        for layer in &self.layers {
            if !luts.iter().any(|known| Arc::ptr_eq(known, &layer.lut)) {
                luts.push(&layer.lut);
            }
        }
        luts
    }

    /// What a reader of the document should know.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.before.metric.is_none() {
            notes.push(
                "calibration samples have no labels of the network's task: it was judged by how close its outputs come to \
                 those of exact products"
                    .to_owned(),
            );
        }
        if self.layers.iter().all(|layer| layer.applied.is_empty()) {
            notes.push("nothing that was tried helps on held-out samples: the network is as it was".to_owned());
        }
        notes
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl CorrectedLayer {
    fn report(&self) -> CorrectionLayer {
        let outputs = self.opcount / (self.fan_in as u64).max(1);
        let cost = |factors: &Vec<i32>| AffineCost {
            constants: factors.len() as u64,
            additions: self.opcount / (self.group_outputs as u64).max(1) + outputs,
            multiplications: outputs,
        };
        CorrectionLayer {
            name: self.name.clone(),
            lut: self.lut.name().to_owned(),
            parts: owned(&self.applied.names()),
            weights: self.weights,
            moved: self.moved,
            snr_before_db: self.snr_db[0],
            snr_after_db: self.snr_db[1],
            affine_cost: self.parts.activation_factors.as_ref().map(cost),
        }
    }
}
