//! What an evaluation reports.

use super::EvaluateArgs;
use super::inputs::Inputs;
use crate::eval::Outcome;
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
            mode,
            model,
            dataset_name,
            samples,
            preprocess,
            lut,
            config,
            baseline,
            parameters,
            batch_size,
            mut notes,
            ..
        } = inputs;
        let lut = lut.filter(|_| mode == InferenceMode::Approximate).map(|lut| LutInfo::of(&lut));
        let layers = LayerReport::of(&model.graph, lut.as_ref().map(|lut| lut.name.as_str()));
        let shifted = layers.iter().filter(|layer| layer.shifted).count();
        if shifted > 0 {
            let coding = config.coding;
            notes.push(format!("quantization parameters of {shifted} layers were shifted by 128 for coding {coding}"));
        }
        let gates = self.gates.judge(outcome, baseline.as_ref());
        if let Some(baseline) = baseline.filter(|baseline| baseline.dataset != blake3 || baseline.samples != samples) {
            let note = format!("the baseline was evaluated on other data ({} samples)", baseline.samples);
            tracing::warn!("{note}");
            notes.push(note);
        }
        let noise = NoiseReport { stdev: self.noise.noise_std, mean: self.noise.noise_mean };
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
                batch_size: batch_size.get(),
                coding: mode.is_quantized().then_some(config.coding),
                quantization: quantization.filter(|_| mode.is_quantized()),
                noise: (mode == InferenceMode::Noise).then_some(noise),
                fold_bn: !self.model.no_fold_bn,
                mean: preprocess.mean,
                std: preprocess.std,
                resize: preprocess.resize,
                crop: preprocess.crop,
                channels: preprocess.channels.map(|channels| channels.to_string()),
            },
            lut,
            accuracy: outcome.accuracy.clone(),
            opcount: OpcountReport::of(&layers, samples),
            timing: TimingReport::of(outcome.elapsed, samples, &layers, kernel),
            layers,
            gates,
            notes,
        }
    }
}
