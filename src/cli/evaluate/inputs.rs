//! Everything that an evaluation reads, opened and checked before it starts.

use super::super::inputs::match_classes;
use super::EvaluateArgs;
use super::assignment::{Plan, warn_of};
use super::options::Reference;
use crate::data::{Dataset, PixelKind, Preprocess};
use crate::eval::{self, Assignment, LayerStatistics};
use crate::layer::InferenceMode;
use crate::model::Model;
use crate::quant::ParamsFile;
use anyhow::{Context, bail, ensure};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// What an evaluation works on.
pub(super) struct Inputs {
    /// What was asked of the layers.
    pub plan: Plan,
    /// What becomes of each.
    pub assignment: Assignment,
    /// Swapped and folded.
    pub model: Model,
    /// Taken when the evaluation starts to read it.
    pub dataset: Option<Dataset>,
    pub dataset_name: String,
    /// Samples to evaluate.
    pub samples: usize,
    /// Samples of a batch: those asked for, unless the network takes them one by one.
    pub batch_size: NonZeroUsize,
    pub preprocess: Preprocess,
    /// What the set's pixels are before that.
    pub pixel_kind: PixelKind,
    /// Whether anything needs quantization parameters.
    pub needs_scales: bool,
    /// What layers are calibrated on, where they are: taken when calibration starts to read it.
    pub calibration: Option<CalibrationInput>,
    /// The same for noise that is derived from a multiplier.
    pub noise_calibration: Option<CalibrationInput>,
    pub qparams: Option<ParamsFile>,
    /// The baseline.
    pub reference: Option<Reference>,
    /// What observes the layers, where anything does.
    pub statistics: Option<Arc<LayerStatistics>>,
    /// Trainable parameters, before folding.
    pub parameters: u64,
    /// What a reader of the report should know.
    pub notes: Vec<String>,
}

/// A calibration set, and what happens to its images.
pub(super) struct CalibrationInput {
    pub dataset: Dataset,
    pub preprocess: Preprocess,
}

impl Inputs {
    pub fn open(args: &EvaluateArgs) -> anyhow::Result<Self> {
        args.noise.check()?;
        let reference = args.gates.open()?;
        let mut plan = args.plan()?;
        let qparams = args.quantization.qparams.as_deref();
        let qparams = qparams.map(|path| ParamsFile::read(path).context("--qparams")).transpose()?;
        let mut model = args.model.open()?;
        // A network that is quantized already brings its own, unless calibration is asked for.
        let qparams = qparams.or_else(|| model.params.take().filter(|_| args.quantization.calib_data.is_none()));
        let mut dataset = args.data.open(&model)?;
        let preprocess = args.data.preprocess(&dataset, &model.preprocess);
        model = args.model.fit(model, preprocess.output_shape(dataset.image_shape(), dataset.pixel_kind())?)?;
        let class_note = match_classes(&mut dataset, &mut model)?;
        check_images(&dataset, &preprocess, &model)?;
        let parameters = model.graph.trainable_parameters();
        let is_measured = args.report.layer_errors || plan.derives_noise();
        let statistics = prepare(args, &mut model, is_measured)?;
        let scheme = args.quantization.scheme();
        let assignment = Assignment::resolve(&model.graph, &plan.base, &plan.rules, &scheme, &mut plan.luts)
            .context("--assign or --set")?;
        warn_of(&plan.luts.all());
        let needs_scales = assignment.is_quantized()
            || args.quantization.save_qparams.is_some()
            || args.report.compare == Some(InferenceMode::Quantized);
        let noise_calibration = calibration(args, &model, assignment.derives_noise())?;
        let calibration = calibration(args, &model, needs_scales && qparams.is_none())?;
        let samples = args.run.limit.map_or(dataset.len(), NonZeroUsize::get).min(dataset.len());
        let labels = dataset.labels().get(..samples).unwrap_or_default();
        model
            .task
            .check_labels(labels)
            .with_context(|| format!("{}, the first {samples} of {} samples", dataset.name(), dataset.len()))?;
        if let Some(Reference { baseline, .. }) = &reference {
            let (path, found) = (baseline.path.display(), baseline.metric().task);
            ensure!(
                found == model.task,
                "--baseline: {path} is of a network for {found}, and {} is one for {}",
                model.name,
                model.task
            );
        }
        if let Some(Reference { baseline, .. }) = &reference
            && args.gates.alpha.is_some()
            && baseline.report.dataset.samples != samples
        {
            let (path, found) = (baseline.path.display(), baseline.report.dataset.samples);
            bail!("--alpha: {path} is of {found} samples, this run of {samples}: compare runs over the same ones");
        }
        let mut notes = model.notes.clone();
        notes.extend(class_note);
        notes.extend(reference.as_ref().and_then(|reference| reference.note.clone()));
        if args.data.is_normalisation_unknown(&dataset, &model.preprocess) {
            notes.push("byte images were only divided by 255: no --mean and --std were given".to_owned());
        }
        if qparams.is_some() && assignment.is_quantized() {
            notes.extend(unused_calibration(args, &plan));
        }
        if args.data.is_normalisation_unused(&dataset) {
            let note = "images of floats are taken as they are: --mean and --std bear on byte images";
            tracing::warn!("{note}");
            notes.push(note.to_owned());
        }
        Ok(Inputs {
            plan,
            assignment,
            samples,
            batch_size: model.graph.batch_size(args.run.batch_size),
            parameters,
            model,
            dataset_name: dataset.name().to_owned(),
            pixel_kind: dataset.pixel_kind(),
            dataset: Some(dataset),
            preprocess,
            needs_scales,
            calibration,
            qparams,
            reference,
            statistics,
            noise_calibration,
            notes,
        })
    }
}

/// What was asked of calibration, where scales are given and nothing is calibrated.
fn unused_calibration(args: &EvaluateArgs, plan: &Plan) -> Option<String> {
    let mut options = args.quantization.of_calibration();
    options.extend(plan.rules.set_widths().then_some("the widths of --set or --assign"));
    let from = if args.quantization.qparams.is_some() { "--qparams" } else { "the model's own file" };
    let note = format!("scales are those of {from}, which {} did not change", options.join(", "));
    (!options.is_empty()).then(|| {
        tracing::warn!("{note}");
        note
    })
}

/// Swaps the layers, to be measured where that is asked for.
fn prepare(args: &EvaluateArgs, model: &mut Model, is_measured: bool) -> anyhow::Result<Option<Arc<LayerStatistics>>> {
    let fold = !args.model.no_fold_bn;
    if is_measured {
        return Ok(Some(eval::prepare_observed(model, fold, LayerStatistics::new)?));
    }
    eval::prepare(model, fold)?;
    Ok(None)
}

/// Fails unless preprocessed images are what the network takes.
fn check_images(dataset: &Dataset, preprocess: &Preprocess, model: &Model) -> anyhow::Result<()> {
    let found = preprocess.output_shape(dataset.image_shape(), dataset.pixel_kind())?;
    let expected = model.input;
    if found[0] != expected[0] {
        let mend = match (expected[0], dataset.pixel_kind()) {
            (1, PixelKind::Bytes) => "convert them by --channels gray",
            (3, PixelKind::Bytes) => "convert them by --channels rgb",
            _ if model.architecture == "onnx" => {
                "give others, or say by --layout which axis of the network's is channels"
            }
            _ => "give others",
        };
        let (name, channels) = (dataset.name(), found[0]);
        bail!("{name}: images have {channels} channels, but {} takes {}: {mend}", model.name, expected[0]);
    }
    if found != expected {
        let mend = match dataset.pixel_kind() {
            PixelKind::Bytes => "use --resize and --crop",
            PixelKind::Floats => "floats are taken as they are, so give them in that size",
        };
        let (name, [_, height, width], [_, rows, columns]) = (dataset.name(), found, expected);
        bail!("{name}: images are {height} x {width}, but {} takes {rows} x {columns}: {mend}", model.name);
    }
    Ok(())
}

/// The calibration set: `--calib-data`, which is checked even where it is not used, else the model's own.
fn calibration(args: &EvaluateArgs, model: &Model, is_needed: bool) -> anyhow::Result<Option<CalibrationInput>> {
    let input = if let Some(path) = args.quantization.calib_data.as_deref() {
        let dataset = args.data.open_calibration(path)?;
        let preprocess = args.data.preprocess(&dataset, &model.preprocess);
        check_images(&dataset, &preprocess, model).context("--calib-data")?;
        CalibrationInput { dataset, preprocess }
    } else if is_needed {
        let dataset = eval::calibration_data(model)?;
        let preprocess = args.data.preprocess_own(&dataset, &model.preprocess);
        CalibrationInput { dataset, preprocess }
    } else {
        return Ok(None);
    };
    Ok(Some(input).filter(|_| is_needed))
}
