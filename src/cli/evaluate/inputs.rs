//! Everything that an evaluation reads, opened and checked before it starts.

use super::EvaluateArgs;
use super::options::Mode;
use crate::data::{Dataset, Preprocess};
use crate::eval;
use crate::layer::InferenceMode;
use crate::lut::Lut;
use crate::quant::{ParamsFile, QuantConfig};
use crate::report::Baseline;
use crate::zoo::Model;
use anyhow::{Context, bail, ensure};
use std::num::NonZeroUsize;

/// What an evaluation works on.
pub(super) struct Inputs {
    pub mode: InferenceMode,
    pub model: Model,
    /// Taken when the evaluation starts to read it.
    pub dataset: Option<Dataset>,
    pub dataset_name: String,
    /// Samples to evaluate.
    pub samples: usize,
    /// Samples of a batch: those asked for, unless the network takes them one by one.
    pub batch_size: NonZeroUsize,
    pub preprocess: Preprocess,
    /// What layers are calibrated on, where they are: taken when calibration starts to read it.
    pub calibration: Option<CalibrationInput>,
    pub lut: Option<Lut>,
    pub config: QuantConfig,
    pub qparams: Option<ParamsFile>,
    pub baseline: Option<Baseline>,
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
        let baseline = args.gates.open()?;
        let (lut, coding) = args.lut.open()?;
        let default_mode = if lut.is_some() { Mode::Approx } else { Mode::Base };
        let mode = InferenceMode::from(args.mode.unwrap_or(default_mode));
        ensure!(
            mode != InferenceMode::Approximate || lut.is_some(),
            "--mode approx needs a multiplier: give --lut FILE, or a name that 'approx-eval lut list' shows"
        );
        let config = args.quantization.config(coding, lut.as_ref())?;
        let qparams = args.quantization.qparams.as_deref();
        let qparams = qparams.map(|path| ParamsFile::read(path).context("--qparams")).transpose()?;
        let model = args.model.open()?;
        let dataset = args.data.open(&model)?;
        dataset.check_labels(model.num_classes)?;
        let preprocess = args.data.preprocess(&dataset, &model.preprocess);
        let model = args.model.fit(model, preprocess.output_shape(dataset.image_shape(), dataset.pixel_kind())?);
        check_images(&dataset, &preprocess, &model)?;
        let is_quantized = mode.is_quantized() || args.quantization.save_qparams.is_some();
        let calibration = calibration(args, &model, is_quantized && qparams.is_none())?;
        let mut notes = model.notes.clone();
        if args.data.is_normalisation_unknown(&dataset, &model.preprocess) {
            notes.push("byte images were only divided by 255: no --mean and --std were given".to_owned());
        }
        Ok(Inputs {
            mode,
            samples: args.run.limit.map_or(dataset.len(), NonZeroUsize::get).min(dataset.len()),
            batch_size: model.graph.batch_size().and_then(NonZeroUsize::new).unwrap_or(args.run.batch_size),
            parameters: model.graph.trainable_parameters(),
            model,
            dataset_name: dataset.name().to_owned(),
            dataset: Some(dataset),
            preprocess,
            calibration,
            lut,
            config,
            qparams,
            baseline,
            notes,
        })
    }
}

/// Fails unless preprocessed images are what the network takes.
fn check_images(dataset: &Dataset, preprocess: &Preprocess, model: &Model) -> anyhow::Result<()> {
    let found = preprocess.output_shape(dataset.image_shape(), dataset.pixel_kind())?;
    let expected = model.input;
    if found[0] != expected[0] {
        let name = if expected[0] == 1 { "gray" } else { "rgb" };
        bail!(
            "{}: images have {} channels, but {} takes {}: convert byte images by --channels {name}",
            dataset.name(),
            found[0],
            model.name,
            expected[0]
        );
    }
    if found != expected {
        bail!(
            "{}: images are {} x {}, but {} takes {} x {}: use --resize and --crop on byte images",
            dataset.name(),
            found[1],
            found[2],
            model.name,
            expected[1],
            expected[2]
        );
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
