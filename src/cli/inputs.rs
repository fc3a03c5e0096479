//! Options that name what is evaluated: network, data, multiplier.

use super::named::named;
use super::quantization::QuantizationArgs;
use crate::data::{CHANNELS, Channels, DATA_FORMATS, DataFormat, DatasetSpec, INTERPOLATIONS, Interpolation, Samples};
use crate::eval::{CalibrationOptions, Experiment, LayerOptions, LutSpec, ParamsSpec, PreprocessOptions};
use crate::import::{LAYOUTS, Layout};
use crate::lut::{self, CODINGS, Coding, Lut, LutFormat, OpenOptions};
use crate::model::{Model, ModelSpec};
use crate::quant::ParamsFile;
use crate::task::{TASKS, Task};
use anyhow::{Context, bail};
use clap::{ArgAction, ValueHint};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The network.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub(super) struct ModelArgs {
    /// A shipped network's name, a model directory or an .onnx or .tflite file; default: the shipped lenet5
    #[arg(short, long, value_name = "MODEL", conflicts_with = "arch", value_hint = ValueHint::AnyPath)]
    model: Option<String>,

    /// An architecture that 'approx-eval model list' shows, instead of --model; requires --weights
    #[arg(long, value_name = "NAME", requires = "weights")]
    arch: Option<String>,

    /// A PyTorch state dict in safetensors
    ///
    /// Without --arch, its architecture is detected. With an .onnx file, it replaces that file's tensors of
    /// the same names.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// Channels, height and width of the network's input, where its file or its weights leave them open;
    /// default: those of the data
    #[arg(long, value_name = "C,H,W", value_parser = parse_input)]
    input: Option<[usize; 3]>,

    /// Axis order of the ONNX model's input: nchw, nhwc or auto
    #[arg(long, value_name = "LAYOUT", default_value = "auto", value_parser = named(&LAYOUTS))]
    layout: Layout,

    /// What the outputs mean; default: what the network's outputs suggest
    ///
    /// These are anomaly-detection for the zoo's autoencoder and for .onnx files that output images,
    /// binary-classification for networks of one output, else classification.
    #[arg(long, value_name = "TASK", value_parser = named(&TASKS))]
    pub task: Option<Task>,

    /// Score above which a binary classifier's sample is of class 1; default: 0.5 if the network ends in
    /// a sigmoid, else 0
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = parse_threshold)]
    pub threshold: Option<f64>,

    /// Do not fold batch normalization into the preceding layer
    #[arg(long)]
    pub no_fold_bn: bool,
}

/// The output of an imported network.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Network")]
pub(super) struct OutputNameArgs {
    /// Output of the .onnx or .tflite file to evaluate; default: the only one that is a vector for each sample
    #[arg(long, value_name = "NAME")]
    pub output_name: Option<String>,
}

/// What a network in memory is called.
const IN_MEMORY: &str = "model";

fn parse_threshold(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|threshold: &f64| threshold.is_finite())
        .ok_or_else(|| "expected a finite number".to_owned())
}

impl ModelArgs {
    /// Opens the network, whose file may be in memory; sizes of its input that the file leaves open are those of
    /// `images`.
    pub fn open(
        &self,
        output: &OutputNameArgs,
        contents: Option<Arc<[u8]>>,
        images: impl FnOnce() -> anyhow::Result<Option<[usize; 3]>>,
    ) -> anyhow::Result<Model> {
        let spec = ModelSpec {
            model: self.model.clone().or(contents.as_ref().map(|_| IN_MEMORY.to_owned())),
            contents,
            architecture: self.arch.clone(),
            weights: self.weights.clone(),
            layout: self.layout,
            input: self.input,
            output: output.output_name.clone(),
        };
        let model = match spec.open() {
            Err(error) if error.leaves_input_open() => match images()? {
                Some(images) => spec.open_for(images)?,
                None => return Err(error.into()),
            },
            model => model?,
        };
        model.notes.iter().for_each(|note| tracing::info!("{note}"));
        Ok(model)
    }
}

/// Far beyond any image, and small enough that no count of multiplications overflows.
const MAX_SIZE: usize = 1 << 16;

/// An input of a network: `C,H,W`.
pub(super) fn parse_input(text: &str) -> Result<[usize; 3], String> {
    let size = |size: &str| size.parse().ok().filter(|size| (1..=MAX_SIZE).contains(size));
    let sizes: Option<Vec<usize>> = text.split(',').map(size).collect();
    let sizes = sizes.and_then(|sizes| <[usize; 3]>::try_from(sizes).ok());
    sizes.ok_or_else(|| format!("expected three numbers from 1 to {MAX_SIZE}: channels, height, width"))
}

/// The data set and what happens to its images.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Data")]
pub(super) struct DataArgs {
    /// Dataset, its format detected (see docs/data.md); default: the model's embedded test set, if it has one
    #[arg(short, long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// Format of the dataset, instead of detecting it
    #[arg(long, value_name = "FORMAT", value_parser = named(&DATA_FORMATS))]
    data_format: Option<DataFormat>,

    /// Mean, one or one per channel, used to normalize 8-bit images after division by 255; default: the
    /// model's, else 0
    #[arg(long, value_name = "X,..", value_delimiter = ',', allow_hyphen_values = true, action = ArgAction::Set)]
    mean: Option<Vec<f32>>,

    /// Standard deviation, one or one per channel, used to normalize 8-bit images; default: the model's,
    /// else 1
    #[arg(long, value_name = "X,..", value_delimiter = ',', allow_hyphen_values = true, action = ArgAction::Set)]
    std: Option<Vec<f32>>,

    /// Resize 8-bit images so that their shorter side is N, with antialiasing
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    resize: Option<u32>,

    /// Resampling filter for --resize; default: the model's, else bilinear
    #[arg(long, value_name = "NAME", value_parser = named(&INTERPOLATIONS))]
    interpolation: Option<Interpolation>,

    /// Crop an N x N square from the center of 8-bit images
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    crop: Option<u32>,

    /// Convert 8-bit images
    #[arg(long, value_name = "CHANNELS", value_parser = named(&CHANNELS))]
    channels: Option<Channels>,
}

impl DataArgs {
    /// The dataset, where one was given.
    pub fn spec(&self) -> anyhow::Result<Option<DatasetSpec>> {
        if self.data.is_none() && self.data_format.is_some() {
            bail!("--data-format requires --data");
        }
        Ok(self.data.as_deref().map(|path| self.spec_of(path)))
    }

    /// The dataset at `path`, in the format that was stated.
    pub fn spec_of(&self, path: &Path) -> DatasetSpec {
        DatasetSpec::Path { path: path.to_owned(), format: self.data_format }
    }

    /// How byte images are preprocessed.
    pub fn preprocess(&self) -> PreprocessOptions {
        PreprocessOptions {
            mean: self.mean.clone(),
            std: self.std.clone(),
            resize: self.resize.map(|n| n as usize),
            interpolation: self.interpolation,
            crop: self.crop.map(|n| n as usize),
            channels: self.channels,
        }
    }
}

/// What an evaluation's options would name files for, in memory.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// An ONNX or TensorFlow Lite file, in place of `--model`.
    pub model: Option<Arc<[u8]>>,
    /// The data, in place of `--data`.
    pub data: Option<Samples>,
    /// The calibration set, in place of `--calib-data`.
    pub calibration: Option<Samples>,
    /// Quantization parameters, in place of `--qparams`.
    pub params: Option<ParamsFile>,
}

/// The evaluation of a network on its data, some of it in memory, quantized as asked for: all layers in fp32.
pub(super) fn experiment(
    model: &ModelArgs,
    output: &OutputNameArgs,
    data: &DataArgs,
    quantization: &QuantizationArgs,
    given: Given,
) -> anyhow::Result<Experiment> {
    let (dataset, preprocess) = (given.data.map(DatasetSpec::Memory).or(data.spec()?), data.preprocess());
    let stated = quantization.calibration(data)?;
    let calibration = CalibrationOptions {
        data: given.calibration.map(DatasetSpec::Memory).or(stated.data),
        params: given.params.map(ParamsSpec::Memory).or(stated.params),
        ..stated
    };
    let seen = dataset.as_ref().or(calibration.data.as_ref());
    let images = || Ok(seen.map(|data| preprocess.image_shape(data)).transpose()?);
    let opened = model.open(output, given.model, images)?;
    Ok(Experiment {
        task: model.task,
        threshold: model.threshold,
        fold_batch_norm: !model.no_fold_bn,
        data: dataset,
        preprocess,
        calibration,
        scheme: quantization.scheme(),
        requantize: quantization.requantize(),
        ..Experiment::new(opened)
    })
}

/// How a multiplier's table is read.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Multiplier")]
pub(super) struct LutFileArgs {
    /// How the LUT file is read, instead of detecting it, such as bin-u16 or i16-signed-numeric
    ///
    /// Words joined by '-': a file format (bin, npy, csv, text, memh, c, safetensors), an entry type (u8 to i64),
    /// unsigned or signed, the order of rows and columns (numeric: from the most negative operand;
    /// twos-complement: by bit pattern, 0 first), operand widths (8x8).
    #[arg(long, value_name = "FORMAT")]
    lut_format: Option<LutFormat>,

    /// The LUT file is indexed [weight][activation], not [activation][weight]
    #[arg(long)]
    swap_operands: bool,
}

impl LutFileArgs {
    /// How files are read, of no file yet.
    pub fn reading(&self) -> LutSpec {
        LutSpec { lut: String::new(), format: self.lut_format, swap_operands: self.swap_operands }
    }

    /// The multipliers that these texts stand for, each once.
    pub fn select(&self, texts: &[String]) -> anyhow::Result<Vec<LutSpec>> {
        let mut seen = HashSet::new();
        let mut luts = Vec::new();
        for text in texts {
            let selected = lut::select(text).context("--lut")?;
            luts.extend(selected.into_iter().map(|lut| LutSpec { lut, ..self.reading() }));
        }
        luts.retain(|spec| seen.insert(spec.clone()));
        Ok(luts)
    }

    /// Opens a file or a named multiplier; names that have a signed and an unsigned form follow `coding`.
    pub fn open(&self, lut: &str, coding: Option<Coding>) -> anyhow::Result<Lut> {
        let options = OpenOptions { format: self.lut_format, swap_operands: self.swap_operands, coding };
        let lut = lut::open(lut, &options)?;
        lut.provenance().warnings.iter().for_each(|warning| tracing::warn!("{}: {warning}", lut.name()));
        Ok(lut)
    }
}

/// The multiplier.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Multiplier")]
pub(super) struct LutArgs {
    /// LUT file, '-' for standard input, or the name of a multiplier: a design (see 'approx-eval lut list') or a circuit
    /// of EvoApproxLib that a design computes, such as mul8s_1L2H
    #[arg(short, long, value_name = "LUT", value_hint = ValueHint::AnyPath)]
    lut: Option<String>,

    #[command(flatten)]
    file: LutFileArgs,

    /// How quantized integers become operands; default: sign-magnitude for unsigned LUTs, else signed
    ///
    /// The name of a design that has both takes its signed form under signed. A network that is quantized already, to
    /// integers none of which is negative, has affine as the default for unsigned LUTs: its own integers are multiplied.
    #[arg(long, value_name = "CODING", value_parser = named(&CODINGS))]
    coding: Option<Coding>,
}

impl LutArgs {
    /// Options of all layers: the multiplier and the coding. `reads_other` says whether another option names
    /// a LUT file that is read in the same way.
    pub fn options(&self, reads_other: bool) -> anyhow::Result<LayerOptions> {
        let LutFileArgs { lut_format, swap_operands } = &self.file;
        if self.lut.is_none() && !reads_other && (lut_format.is_some() || *swap_operands) {
            bail!("--lut-format and --swap-operands require --lut or --noise-from-lut");
        }
        let lut = self.lut.as_ref().map(|lut| LutSpec { lut: lut.clone(), ..self.reading() });
        Ok(LayerOptions { lut, coding: self.coding, ..LayerOptions::default() })
    }

    /// How LUT files are read.
    pub fn reading(&self) -> LutSpec {
        self.file.reading()
    }
}
