//! Options that name what is evaluated: network, data, multiplier.

use super::named::named;
use super::quantization::CodingArg;
use crate::data::{
    self, CHANNELS, Channels, ClassMatch, DATA_FORMATS, DataFormat, Dataset, INTERPOLATIONS, Interpolation, PixelKind,
    Preprocess, Split,
};
use crate::eval::{LutSpec, Settings};
use crate::import::{LAYOUTS, Layout};
use crate::lut::{self, Coding, Lut, LutFormat, LutFormatError, OpenOptions};
use crate::model::{InputConfig, Model, SHIPPED, Task};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// The network.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub(super) struct ModelArgs {
    /// A shipped network's name, a model directory or an .onnx file; default: the shipped lenet5
    #[arg(short, long, value_name = "MODEL", conflicts_with = "arch")]
    model: Option<String>,

    /// A zoo architecture, in place of --model; needs --weights
    #[arg(long, value_name = "NAME", requires = "weights")]
    arch: Option<String>,

    /// A state dict in safetensors, named as PyTorch names it: alone it tells its architecture; with an
    /// .onnx file, it replaces that file's tensors by layer name
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// Axis order of the ONNX model's input: nchw, nhwc or auto
    #[arg(long, value_name = "LAYOUT", default_value = "auto", value_parser = named(&LAYOUTS))]
    layout: Layout,

    /// What the outputs mean; default: anomaly-detection for the zoo's autoencoder and for .onnx files
    /// that give back images, else classification
    #[arg(long, value_name = "TASK")]
    task: Option<Task>,

    /// Keep batch normalisation apart in place of folding it into the layer before
    #[arg(long)]
    pub no_fold_bn: bool,
}

impl ModelArgs {
    pub fn open(&self) -> anyhow::Result<Model> {
        let model = match (&self.arch, self.model.as_deref(), self.weights.as_deref()) {
            (Some(arch), _, weights) => Model::from_weights(arch, weights.context("--arch needs --weights")?)?,
            (None, Some(name), weights) if Model::is_onnx(name) => {
                Model::from_onnx(Path::new(name), self.layout, weights)?
            }
            (None, Some(name), Some(_)) => {
                bail!("--weights bears on --arch NAME and on --model FILE.onnx, and {name} is no such file")
            }
            (None, None, Some(weights)) => Model::detect(weights)?,
            (None, name, None) => Model::open(name.or(SHIPPED.names().next()).unwrap_or_default())?,
        };
        model.notes.iter().for_each(|note| tracing::info!("{note}"));
        Ok(model)
    }

    /// How images meet the network, where it is of an ONNX file.
    pub fn layout(&self) -> Option<Layout> {
        self.model.as_deref().is_some_and(Model::is_onnx).then_some(self.layout)
    }

    /// The network for `images` of another size than it usually takes, where it is a bare state dict
    /// that allows that, or one that takes windows and may take recordings of them; and for the task that
    /// was asked for.
    pub fn fit(&self, model: Model, images: [usize; 3]) -> anyhow::Result<Model> {
        let is_bare = self.weights.is_some() && self.model.is_none();
        let takes_windows = model.task == Task::AnomalyDetection;
        let mut model = if is_bare || takes_windows { model.fit(images) } else { model };
        if let Some(task) = self.task {
            model.set_task(task, || "--task".to_owned())?;
        } else if model.may_give_images_back() {
            let (is, may_be) = (Task::Classification, Task::AnomalyDetection);
            model
                .notes
                .push(format!("as many outputs as inputs: taken for {is}; --task {may_be} judges an autoencoder"));
        }
        Ok(model)
    }
}

/// The data set and what happens to its images.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Data")]
pub(super) struct DataArgs {
    /// Data set, its format recognised (see docs/data.md); default: the model's embedded test set
    #[arg(short, long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// Force the data set's format
    #[arg(long, value_name = "FORMAT", value_parser = named(&DATA_FORMATS))]
    data_format: Option<DataFormat>,

    /// Mean of byte images, subtracted after division by 255; default: the model's
    #[arg(long, value_name = "R,G,B", value_delimiter = ',', allow_hyphen_values = true)]
    mean: Option<Vec<f32>>,

    /// Standard deviation of byte images, divided by last; default: the model's
    #[arg(long, value_name = "R,G,B", value_delimiter = ',', allow_hyphen_values = true)]
    std: Option<Vec<f32>>,

    /// Resize byte images so that their shorter side is N, with antialiasing
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    resize: Option<u32>,

    /// Resampling filter for --resize; default: the model's, else bilinear
    #[arg(long, value_name = "NAME", value_parser = named(&INTERPOLATIONS))]
    interpolation: Option<Interpolation>,

    /// Cut an N x N square from the middle of byte images
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    crop: Option<u32>,

    /// Convert byte images
    #[arg(long, value_name = "CHANNELS", value_parser = named(&CHANNELS))]
    channels: Option<Channels>,
}

impl DataArgs {
    pub fn open(&self, model: &Model) -> anyhow::Result<Dataset> {
        if let Some(path) = &self.data {
            return Ok(data::open(path, self.data_format, Split::Test)?);
        }
        if self.data_format.is_some() {
            bail!("--data-format bears on --data, which is not given");
        }
        let embedded = model.dataset.as_deref().and_then(|name| data::embedded(name).ok());
        let embedded =
            embedded.with_context(|| format!("model '{}' has no test set of its own: give --data", model.name))?;
        Ok(embedded.open()?)
    }

    /// Opens a calibration set as `--data` would be, but for the training part of a folder that has one.
    pub fn open_calibration(&self, path: &Path) -> anyhow::Result<Dataset> {
        data::open(path, self.data_format, Split::Train).context("--calib-data")
    }

    /// What happens to images of `dataset`: the options, else the model's own.
    pub fn preprocess(&self, dataset: &Dataset, own: &InputConfig) -> Preprocess {
        let plain = Preprocess::default();
        let or = |given: &Option<Vec<f32>>, own: &[f32], plain: Vec<f32>| match given {
            Some(given) => given.clone(),
            None if own.is_empty() => plain,
            None => own.to_vec(),
        };
        // The model's own sizes are for bytes; only what was asked for is an error on floats.
        let own_size = |size: Option<usize>| size.filter(|_| dataset.pixel_kind() == PixelKind::Bytes);
        Preprocess {
            mean: or(&self.mean, &own.mean, plain.mean),
            std: or(&self.std, &own.std, plain.std),
            resize: self.resize.map(|n| n as usize).or_else(|| own_size(own.resize)),
            interpolation: self.interpolation.or(own.interpolation).unwrap_or_default(),
            crop: self.crop.map(|n| n as usize).or_else(|| own_size(own.crop)),
            channels: self.channels,
        }
    }

    /// What happens to images of the model's own calibration set, which have the network's shape already.
    pub fn preprocess_own(&self, dataset: &Dataset, own: &InputConfig) -> Preprocess {
        Preprocess { resize: None, crop: None, channels: None, ..self.preprocess(dataset, own) }
    }

    /// The data set's path, where one was given.
    pub fn path(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// The format that was forced.
    pub fn format(&self) -> Option<String> {
        self.data_format.map(|format| format.to_string())
    }

    /// Whether values were given that bear on byte images alone, and `dataset` has none.
    pub fn is_normalisation_unused(&self, dataset: &Dataset) -> bool {
        dataset.pixel_kind() == PixelKind::Floats && (self.mean.is_some() || self.std.is_some())
    }

    /// Whether nobody said how byte images are normalised.
    pub fn is_normalisation_unknown(&self, dataset: &Dataset, own: &InputConfig) -> bool {
        let known = self.mean.is_some() || self.std.is_some() || !own.mean.is_empty() || !own.std.is_empty();
        dataset.pixel_kind() == PixelKind::Bytes && !known
    }
}

/// Makes the set's labels the network's, and names the network's classes by the set's where it has no
/// names of its own. Gives what a reader of the report should know of it.
pub(super) fn match_classes(dataset: &mut Dataset, model: &mut Model) -> anyhow::Result<Option<String>> {
    if model.task == Task::AnomalyDetection {
        dataset.match_anomalies()?;
        return Ok(None);
    }
    let found = dataset.match_classes(model.num_classes, &model.labels)?;
    if let (true, Some(names)) = (model.labels.is_empty(), dataset.class_names()) {
        model.labels = names.to_vec();
    }
    Ok(match found {
        ClassMatch::Order { unknown } => {
            let note = format!("classes are taken in their order, not by name: '{unknown}' is none of the model's");
            tracing::warn!("{}: {note}", dataset.name());
            Some(note)
        }
        ClassMatch::Numbers | ClassMatch::Names => None,
    })
}

/// How a multiplier's table is read.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Multiplier")]
pub(super) struct LutFileArgs {
    /// State how the LUT file is read, in place of detecting it: words joined by '-', such as
    /// bin-u16, i16-signed-twos-complement or text-unsigned
    #[arg(long, value_name = "FORMAT", value_parser = checked_format)]
    lut_format: Option<String>,

    /// Exchange the LUT's operands: its first becomes the weight
    #[arg(long)]
    swap_operands: bool,
}

/// A text that states how a LUT file is read.
fn checked_format(text: &str) -> Result<String, LutFormatError> {
    text.parse::<LutFormat>().map(|_| text.to_owned())
}

impl LutFileArgs {
    /// Opens a file or a named multiplier; names that have a signed and an unsigned form follow `coding`.
    pub fn open(&self, lut: &str, coding: Option<Coding>) -> anyhow::Result<Lut> {
        let format = self.lut_format.as_deref().map(str::parse).transpose()?;
        let options = OpenOptions { format, swap_operands: self.swap_operands, coding };
        let lut = lut::open(lut, &options)?;
        lut.provenance().warnings.iter().for_each(|warning| tracing::warn!("{}: {warning}", lut.name()));
        Ok(lut)
    }
}

/// The multiplier.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Multiplier")]
pub(super) struct LutArgs {
    /// A LUT file or the name of a multiplier (see 'approx-eval lut list')
    #[arg(short, long, value_name = "LUT")]
    lut: Option<String>,

    #[command(flatten)]
    file: LutFileArgs,

    /// How quantized integers become operands; default: signed for signed LUTs and without one,
    /// sign-magnitude for unsigned LUTs
    #[arg(long, value_name = "CODING")]
    coding: Option<CodingArg>,
}

impl LutArgs {
    /// What the options ask of every layer.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let LutFileArgs { lut_format, swap_operands } = &self.file;
        if self.lut.is_none() && (lut_format.is_some() || *swap_operands) {
            bail!("--lut-format and --swap-operands bear on --lut, which is not given");
        }
        let spec =
            |lut: &String| LutSpec { lut: lut.clone(), lut_format: lut_format.clone(), swap_operands: *swap_operands };
        let coding = self.coding.map(Coding::from);
        Ok(Settings { lut: self.lut.as_ref().map(spec), coding, ..Settings::default() })
    }
}
