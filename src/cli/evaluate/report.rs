//! What an evaluation reports.

use super::inputs::Inputs;
use super::options::Reference;
use super::{EvaluateArgs, Findings};
use crate::data::PixelKind;
use crate::eval::{Answered, Comparison, Confusion, Settings};
use crate::layer::InferenceMode;
use crate::lut::LutInfo;
use crate::model::{Model, Task};
use crate::report::{
    ClassReport, ComparisonReport, ConfigReport, DatasetReport, EnergyReport, LayerReport, ModelReport, NoiseReport,
    OpcountReport, Report, TimingReport, ToolReport,
};

impl EvaluateArgs {
    /// The report of an evaluation that is over.
    pub(super) fn report(&self, inputs: &Inputs, found: &Findings) -> anyhow::Result<Report> {
        let Inputs { plan, assignment, model, samples, .. } = inputs;
        let samples = *samples;
        let mut luts = assignment.luts_in_use();
        // The global one first, where it is in use.
        luts.sort_by_key(|lut| plan.setting.lut.as_ref() != Some(lut));
        let layers = LayerReport::of(&model.graph, assignment, &found.errors);
        let (baseline, mut notes) = (inputs.reference.as_ref(), inputs.notes.clone());
        let shifted = layers.iter().filter(|layer| layer.shifted).count();
        if shifted > 0 {
            notes.push(format!("quantization parameters of {shifted} layers were shifted by 128 for their coding"));
        }
        let compared = baseline.and_then(|reference| compared(reference, &found.outcome.answered, &mut notes));
        let comparison = compared.as_ref().map(|compared| &compared.comparison);
        let baseline = baseline.map(|reference| &reference.baseline);
        let gates = self.gates.judge(found.outcome.quality.figure(), baseline, comparison)?;
        let is_other =
            |baseline: &crate::report::Baseline| baseline.dataset != found.blake3 || baseline.samples != samples;
        if let Some(baseline) = baseline.filter(|baseline| is_other(baseline)) {
            let note = format!("the baseline was evaluated on other data ({} samples)", baseline.samples);
            tracing::warn!("{note}");
            notes.push(note);
        }
        let opcount = OpcountReport::of(&layers, samples, &luts, &plan.costs);
        if opcount.energy.as_ref().is_some_and(EnergyReport::is_mixed) {
            notes.push(
                "the energy adds up figures of different kinds of sources: give all of them by --costs".to_owned(),
            );
        }
        let infos: Vec<LutInfo> = luts.iter().map(|lut| LutInfo::new(lut)).collect();
        Ok(Report {
            schema: 1,
            tool: ToolReport::default(),
            model: ModelReport {
                name: model.name.clone(),
                path: model.path.as_ref().map(|path| path.display().to_string()),
                architecture: model.architecture.to_owned(),
                parameters: inputs.parameters,
                blake3: model.blake3.clone(),
                task: model.task,
                weights: model.weights.clone(),
            },
            dataset: DatasetReport {
                name: inputs.dataset_name.clone(),
                path: self.data.path().map(|path| path.display().to_string()),
                samples,
                blake3: found.blake3.clone(),
            },
            config: self.config_report(inputs, found),
            lut: infos.first().cloned(),
            luts: infos,
            quality: found.outcome.quality.clone(),
            classes: classes(&found.outcome.answered, model),
            predictions: None,
            comparisons: found.comparison.iter().cloned().chain(compared).collect(),
            opcount,
            timing: TimingReport::of(found.outcome.elapsed, samples, &layers, found.kernel),
            layers,
            gates,
            notes,
        })
    }

    /// How the network was run.
    fn config_report(&self, inputs: &Inputs, found: &Findings) -> ConfigReport {
        let Inputs { plan, assignment, preprocess, .. } = inputs;
        let mode = assignment.shared_mode().unwrap_or(plan.setting.mode);
        let is_quantized = assignment.is_quantized();
        let derived = self.noise.noise_from_lut.clone();
        let given = |x: f64| derived.is_none().then_some(x);
        let (stdev, mean) = (given(self.noise.noise_std), given(self.noise.noise_mean));
        let noise = NoiseReport { stdev, mean, from_lut: derived };
        let of_bytes = |values: &[f32]| match inputs.pixel_kind {
            PixelKind::Bytes => values.to_vec(),
            PixelKind::Floats => Vec::new(),
        };
        let base = Settings { mode: Some(plan.setting.mode), ..plan.base.clone() };
        ConfigReport {
            mode,
            seed: self.noise.seed,
            batch_size: inputs.batch_size.get(),
            coding: is_quantized.then_some(plan.setting.config.coding),
            quantization: found.quantization.clone().filter(|_| is_quantized),
            noise: (mode == InferenceMode::Noise).then_some(noise),
            assignment: plan.rules.behind(base),
            fold_bn: !self.model.no_fold_bn,
            layout: self.model.layout(),
            data_format: self.data.format(),
            mean: of_bytes(&preprocess.mean),
            std: of_bytes(&preprocess.std),
            resize: preprocess.resize,
            interpolation: preprocess.resize.map(|_| preprocess.interpolation),
            crop: preprocess.crop,
            channels: preprocess.channels.map(|channels| channels.to_string()),
        }
    }
}

/// The run against a baseline with predictions; why they cannot be compared goes to the notes.
fn compared(reference: &Reference, answered: &Answered, notes: &mut Vec<String>) -> Option<ComparisonReport> {
    let comparison = Comparison::of(reference.answered.as_ref()?, answered);
    match comparison {
        Ok(comparison) => Some(ComparisonReport {
            reference: reference.baseline.path.display().to_string(),
            figure: reference.baseline.figure,
            comparison,
        }),
        Err(error) => {
            notes.push(format!("the baseline's predictions were not compared: {error}"));
            None
        }
    }
}

/// Accuracy class by class, of a classifier.
fn classes(answered: &Answered, model: &Model) -> Vec<ClassReport> {
    if model.task != Task::Classification {
        return Vec::new();
    }
    let by_class = Confusion::of(answered, model.num_classes).by_class().into_iter();
    by_class.map(|accuracy| ClassReport { label: model.labels.get(accuracy.class).cloned(), accuracy }).collect()
}
