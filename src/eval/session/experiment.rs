//! What an evaluation is asked to do, before anything is opened or checked.

use crate::data::{Channels, DatasetSpec, Interpolation, Parts, Selection, Split};
use crate::eval::{LayerOptions, LutFiles, Rules, Scheme};
use crate::kernel::{self, Kernel, Rounding};
use crate::layer::Accumulator;
use crate::model::Model;
use crate::quant::ParamsFile;
use crate::task::Task;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// One network, its data, and how its layers compute: all that decides an evaluation.
///
/// Fields that [`new`](Experiment::new) leaves at their defaults follow the model: its own dataset,
/// preprocessing, calibration set and task.
pub struct Experiment {
    /// The network.
    pub model: Model,
    /// What its outputs mean; `None` is the model's own task.
    pub task: Option<Task>,
    /// The score above which a binary classifier's samples are of class 1; `None` is the model's own, else
    /// 0.5 for outputs that are probabilities and 0 for others.
    pub threshold: Option<f64>,
    /// Whether batch normalization is folded into the preceding layer.
    pub fold_batch_norm: bool,
    /// The dataset; `None` is the model's embedded test set.
    pub data: Option<DatasetSpec>,
    /// How its byte images are preprocessed.
    pub preprocess: PreprocessOptions,
    /// Where scales and zero points come from.
    pub calibration: CalibrationOptions,
    /// What the quantization of all layers shares.
    pub scheme: Scheme,
    /// The options of every layer.
    pub layers: LayerOptions,
    /// Those that override them for some layers.
    pub rules: Rules,
    /// Multipliers' files in memory that these name.
    pub lut_files: LutFiles,
    /// How layers' sums become integers of their outputs, for a network that runs on integers alone; `None` as its file
    /// says, which of most networks is not at all.
    pub requantize: Option<Rounding>,
    /// Evaluates the first samples only.
    pub limit: Option<NonZeroUsize>,
    /// Draws as many samples as `limit` says, and as [`CalibrationOptions::samples`] says, by this seed instead of
    /// taking the first ones (see [`Selection`]).
    pub shuffle: Option<u64>,
    /// Reads the evaluated samples in these parts.
    pub parts: Option<Parts>,
    /// Samples of a batch.
    pub batch_size: NonZeroUsize,
    /// What sums are kept in, in modes quant and approx; `None` keeps them whole.
    pub accumulator: Option<Accumulator>,
    /// Seed of noise.
    pub seed: u64,
    /// What sums products; all kernels compute the same bits.
    pub kernel: &'static dyn Kernel,
    /// Whether each layer's output error is measured.
    pub layer_errors: bool,
    /// First samples over whose operands each layer's multiplier is measured; 0 measures nothing.
    pub operand_samples: u64,
    /// Products of each layer's multiplier that contribute most to its errors over these operands, to be found.
    pub costliest_products: usize,
    /// First samples over which the integers of each layer are kept ([`LayerVectors`](crate::layer::LayerVectors)); 0
    /// keeps none.
    pub vector_samples: u64,
}

/// Preprocessing of byte images; what is `None` is the model's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PreprocessOptions {
    /// Mean of each channel after division by 255.
    pub mean: Option<Vec<f32>>,
    /// Standard deviation of each channel.
    pub std: Option<Vec<f32>>,
    /// Shorter side after resizing.
    pub resize: Option<usize>,
    /// Resampling filter for resizing.
    pub interpolation: Option<Interpolation>,
    /// Side of the square cropped from the center.
    pub crop: Option<usize>,
    /// Conversion of channels.
    pub channels: Option<Channels>,
}

/// Where quantization parameters come from, layer by layer: from `params` if given, else from the model's own file;
/// where neither has any, from calibration on `data` or the model's own calibration set, but not beside `params`.
#[derive(Debug, Clone, Default)]
pub struct CalibrationOptions {
    /// Parameters that are known already; nothing is calibrated.
    pub params: Option<ParamsSpec>,
    /// The calibration set.
    pub data: Option<DatasetSpec>,
    /// Calibrates on the first samples only.
    pub samples: Option<usize>,
}

/// Quantization parameters that are known.
#[derive(Debug, Clone)]
pub enum ParamsSpec {
    /// Those of a file.
    Path(PathBuf),
    /// These.
    Memory(ParamsFile),
}

/// Where a network's quantization parameters came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParamsSource {
    /// Calibration on the model's own calibration set.
    Model,
    /// Calibration on a calibration set that was given.
    CalibData,
    /// Parameters that were given.
    Qparams,
    /// The model's own file, which is quantized already.
    ModelFile,
}

impl Experiment {
    /// `model` in `f32` on its own test set, in batches of 64.
    pub fn new(model: Model) -> Self {
        Experiment {
            model,
            task: None,
            threshold: None,
            fold_batch_norm: true,
            data: None,
            preprocess: PreprocessOptions::default(),
            calibration: CalibrationOptions::default(),
            scheme: Scheme::default(),
            layers: LayerOptions::default(),
            rules: Rules::default(),
            lut_files: LutFiles::default(),
            requantize: None,
            limit: None,
            shuffle: None,
            parts: None,
            batch_size: NonZeroUsize::new(64).expect("64 is not 0"),
            accumulator: None,
            seed: 0,
            kernel: kernel::best(),
            layer_errors: false,
            operand_samples: 16,
            costliest_products: 0,
            vector_samples: 0,
        }
    }

    /// Which samples of the dataset are evaluated.
    pub(super) fn evaluated(&self) -> Selection {
        let selection = self.select(self.limit.map(NonZeroUsize::get), Split::Test);
        self.parts.map_or(selection, |parts| selection.in_parts(parts))
    }

    /// Which samples of the calibration set are calibrated on.
    pub(super) fn calibrated(&self) -> Selection {
        self.select(self.calibration.samples, Split::Train)
    }

    /// The first samples of a split, or drawn ones.
    pub(super) fn select(&self, limit: Option<usize>, split: Split) -> Selection {
        self.shuffle.map_or_else(|| Selection::from(limit), |seed| Selection::drawn(limit, seed, split))
    }

    /// Whether layers are to be observed: their errors are measured, or noise by them.
    pub(super) fn observes_layers(&self) -> bool {
        self.layer_errors || self.layers.measures_noise() || self.rules.measure_noise()
    }

    /// The settings given that only calibration uses, by key.
    pub(super) fn calibration_keys(&self) -> Vec<&'static str> {
        let Scheme { act_scheme, weight_scheme, scale, observer, .. } = self.scheme;
        let default = Scheme::default();
        let given = [
            ("act_bits", self.layers.act_bits.is_some()),
            ("weight_bits", self.layers.weight_bits.is_some()),
            ("act_scheme", act_scheme.is_some()),
            ("weight_scheme", weight_scheme != default.weight_scheme),
            ("scale", scale != default.scale),
            ("calib", observer != default.observer),
            ("calib_samples", self.calibration.samples.is_some()),
            ("the widths of rules", self.rules.set_widths()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(key, _)| key).collect()
    }
}

impl fmt::Debug for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Experiment { model, data, layers, rules, limit, seed, .. } = self;
        f.debug_struct("Experiment")
            .field("model", &model.name)
            .field("data", data)
            .field("layers", layers)
            .field("rules", rules)
            .field("limit", limit)
            .field("seed", seed)
            .finish_non_exhaustive()
    }
}
