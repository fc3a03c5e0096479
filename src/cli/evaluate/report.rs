//! What an evaluation reports.

use super::EvaluateArgs;
use super::inputs::Inputs;
use crate::eval::{Outcome, Settings};
use crate::layer::InferenceMode;
use crate::lut::LutInfo;
use crate::report::{
    ConfigReport, DatasetReport, LayerReport, ModelReport, NoiseReport, OpcountReport, QuantizationReport, Report,
    TimingReport, ToolReport,
};

impl EvaluateArgs {
    /// The report of an evaluation that is over; `blake3` is the data set's hash.
    pub(super) fn report(
        &self,
        inputs: Inputs,
        outcome: &Outcome,
        blake3: String,
        quantization: Option<QuantizationReport>,
        kernel: &'static str,
    ) -> Report {
        let Inputs {
            plan, assignment, model, dataset_name, samples, preprocess, baseline, parameters, mut notes, ..
        } = inputs;
        let mut luts = assignment.luts_in_use();
        // The global one first, where it is in use.
        luts.sort_by_key(|lut| plan.setting.lut.as_ref() != Some(lut));
        let layers = LayerReport::of(&model.graph, &assignment);
        let shifted = layers.iter().filter(|layer| layer.shifted).count();
        if shifted > 0 {
            notes.push(format!("quantization parameters of {shifted} layers were shifted by 128 for their coding"));
        }
        let gates = self.gates.judge(outcome, baseline.as_ref());
        if let Some(baseline) = baseline.filter(|baseline| baseline.dataset != blake3 || baseline.samples != samples) {
            let note = format!("the baseline was evaluated on other data ({} samples)", baseline.samples);
            tracing::warn!("{note}");
            notes.push(note);
        }
        let mode = assignment.shared_mode().unwrap_or(plan.setting.mode);
        let is_quantized = assignment.is_quantized();
        let noise = NoiseReport { stdev: self.noise.noise_std, mean: self.noise.noise_mean };
        let infos: Vec<LutInfo> = luts.iter().map(|lut| LutInfo::of(lut)).collect();
        Report {
            schema: 1,
            tool: ToolReport::default(),
            model: ModelReport {
                name: model.name,
                path: model.path.map(|path| path.display().to_string()),
                architecture: model.architecture.to_owned(),
                parameters,
                blake3: model.blake3,
            },
            dataset: DatasetReport {
                name: dataset_name,
                path: self.data.path().map(|path| path.display().to_string()),
                samples,
                blake3,
            },
            config: ConfigReport {
                mode,
                seed: self.noise.seed,
                batch_size: self.run.batch_size.get(),
                coding: is_quantized.then_some(plan.setting.config.coding),
                quantization: quantization.filter(|_| is_quantized),
                noise: (mode == InferenceMode::Noise).then_some(noise),
                assignment: (!plan.rules.is_empty())
                    .then(|| plan.rules.behind(Settings { mode: Some(plan.setting.mode), ..plan.base })),
                fold_bn: !self.model.no_fold_bn,
                mean: preprocess.mean,
                std: preprocess.std,
                resize: preprocess.resize,
                crop: preprocess.crop,
                channels: preprocess.channels.map(|channels| channels.to_string()),
            },
            lut: infos.first().cloned(),
            luts: infos,
            accuracy: outcome.accuracy.clone(),
            opcount: OpcountReport::of(&layers, samples, &luts, &plan.costs),
            timing: TimingReport::of(outcome.elapsed, samples, &layers, kernel),
            layers,
            gates,
            notes,
        }
    }
}
