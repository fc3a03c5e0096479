//! Whether a dataset's samples are what a network takes, and how they become that.

use super::PreprocessOptions;
use crate::data::{
    AxisOrder, ByteIntegers, Channels, ClassMatch, DataError, Dataset, PixelKind, Preprocess, PreprocessError,
};
use crate::model::{InputConfig, Model};
use crate::quant::Grid;

/// Images that a network cannot take.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// Another number of channels.
    #[error("{dataset}: images have {found} channel{} after preprocessing, but {model} takes {expected}: {}", if *.found == 1 { "" } else { "s" }, channels_hint(*.expected, *.kind, *.has_layout))]
    Channels {
        /// The dataset's name.
        dataset: String,
        /// Channels of its images.
        found: usize,
        /// The network's name.
        model: String,
        /// Channels that it takes.
        expected: usize,
        /// What the pixels are.
        kind: PixelKind,
        /// Whether the axis order of the network's input can be stated.
        has_layout: bool,
    },
    /// Another size.
    #[error("{dataset}: images are {} x {} after preprocessing, but {model} takes {} x {}: {}", found[0], found[1], expected[0], expected[1], size_hint(*.kind))]
    Size {
        /// The dataset's name.
        dataset: String,
        /// Height and width of its images.
        found: [usize; 2],
        /// The network's name.
        model: String,
        /// Height and width that it takes.
        expected: [usize; 2],
        /// What the pixels are.
        kind: PixelKind,
    },
    /// They cannot be preprocessed as asked.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
}

fn channels_hint(expected: usize, kind: PixelKind, has_layout: bool) -> &'static str {
    match (expected, kind) {
        (1, PixelKind::Bytes) => "convert the images to gray",
        (3, PixelKind::Bytes) => "convert the images to rgb",
        _ if has_layout => "use other data, or state which axis of the network's input has the channels",
        _ => "use other data",
    }
}

fn size_hint(kind: PixelKind) -> &'static str {
    match kind {
        PixelKind::Bytes => "resize and crop them to that size",
        PixelKind::Floats => "floats are taken as they are, so prepare them in that size",
    }
}

impl ImagesError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            ImagesError::Channels { expected: 1, kind: PixelKind::Bytes, .. } => &["channels gray"],
            ImagesError::Channels { expected: 3, kind: PixelKind::Bytes, .. } => &["channels rgb"],
            ImagesError::Channels { has_layout: true, .. } => &["layout"],
            ImagesError::Size { kind: PixelKind::Bytes, .. } => &["resize", "crop"],
            ImagesError::Preprocess(error) => error.keys(),
            _ => &[],
        }
    }
}

/// What happens to images of `dataset` on their way to the network. Takes bytes for the integers of its input, where
/// they are, and samples whose axes are named otherwise for those of the network: in the dimensions of its file, with
/// axes of 1 more or less, with channels last, or one after the other in one axis. What the file has itself comes first.
pub(super) fn arrange(
    dataset: &mut Dataset,
    options: &PreprocessOptions,
    model: &Model,
) -> Result<Preprocess, ImagesError> {
    let own = if model.channels_last { AxisOrder::ChannelsLast } else { AxisOrder::ChannelsFirst };
    let is_own = dataset.take_as(model.input, own);
    let mut preprocess = options.resolve(dataset, &model.preprocess);
    preprocess.integers = options.integers(dataset, model);
    let found = preprocess.output_shape(dataset.image_shape(), dataset.pixel_kind())?;
    if is_own || found == model.input {
        return Ok(preprocess);
    }
    let [channels, height, width] = model.input;
    // Else the sizes alone do not tell channels from positions.
    let is_one_order = !model.channels_last || channels == 1 || height * width == 1;
    let is_same = |shape: &[usize]| longer_axes(&found).eq(longer_axes(shape));
    if is_one_order && (is_same(&model.input) || model.own_shape.as_deref().is_some_and(is_same)) {
        preprocess.reshape = Some(model.input);
    } else if !dataset.take_as(model.input, AxisOrder::ChannelsFirst)
        && !dataset.take_as(model.input, AxisOrder::ChannelsLast)
    {
        // Samples without channels have one order, and a network of vectors has no axes that contradict it.
        let is_vector = |own: &[usize]| longer_axes(own).eq([&found.iter().product::<usize>()]);
        let takes_any = is_one_order && found[0] == 1 && model.own_shape.as_deref().is_some_and(is_vector);
        preprocess.reshape = takes_any.then_some(model.input);
    }
    Ok(preprocess)
}

/// The sizes that say where each number is: those of more than 1.
fn longer_axes(shape: &[usize]) -> impl Iterator<Item = &usize> {
    shape.iter().filter(|&&size| size != 1)
}

/// The network as messages name it, with the dimensions of its file.
fn describe(model: &Model) -> String {
    let own = model.own_shape.iter().map(|shape| {
        let axes: Vec<String> = std::iter::once("N".to_owned()).chain(shape.iter().map(usize::to_string)).collect();
        format!(", whose input is [{}],", axes.join(", "))
    });
    std::iter::once(model.name.clone()).chain(own).collect()
}

/// Fails unless preprocessed images are what the network takes.
pub(super) fn check_images(dataset: &Dataset, preprocess: &Preprocess, model: &Model) -> Result<(), ImagesError> {
    let (kind, expected) = (dataset.pixel_kind(), model.input);
    let found = preprocess.output_shape(dataset.image_shape(), kind)?;
    let (dataset, model_name) = (dataset.name().to_owned(), describe(model));
    if found[0] != expected[0] {
        let has_layout = model.source.layout().is_some();
        let (found, expected) = (found[0], expected[0]);
        return Err(ImagesError::Channels { dataset, found, model: model_name, expected, kind, has_layout });
    }
    if found != expected {
        let ([_, found @ ..], [_, expected @ ..]) = (found, expected);
        return Err(ImagesError::Size { dataset, found, model: model_name, expected, kind });
    }
    Ok(())
}

/// Maps the dataset's labels to the network's outputs, and names the network's classes by the dataset's
/// where it has no names of its own. Returns what a reader of the report should know.
pub(super) fn match_classes(dataset: &mut Dataset, model: &mut Model) -> Result<Option<String>, DataError> {
    let found = model.task.match_labels(dataset, model.outputs, &model.labels)?;
    let takes_names = model.labels.is_empty() && model.task.class_column().is_some();
    if let (true, Some(names)) = (takes_names, dataset.class_names()) {
        model.labels = names.to_vec();
    }
    Ok(match found {
        ClassMatch::Order { unknown } => {
            let note =
                format!("labels matched by index, not by name: class '{unknown}' is not among the model's labels");
            tracing::warn!("{}: {note}", dataset.name());
            Some(note)
        }
        ClassMatch::Numbers | ClassMatch::Names => None,
    })
}

impl PreprocessOptions {
    /// What happens to images of `dataset`: these options, else the model's `own`.
    pub fn resolve(&self, dataset: &Dataset, own: &InputConfig) -> Preprocess {
        let plain = Preprocess::default();
        // The model's own values are for its own channels. Images that have others are refused for that, not
        // for the values.
        let channels = self.channels.map_or(dataset.image_shape()[0], Channels::count);
        let or = |given: &Option<Vec<f32>>, own: &[f32], plain: Vec<f32>| match given {
            Some(given) => given.clone(),
            None if own.is_empty() || own.len() > 1 && own.len() != channels => plain,
            None => own.to_vec(),
        };
        // The model's own sizes are for bytes; only what was asked for is an error on floats.
        let own_size = |size: Option<usize>| size.filter(|_| dataset.pixel_kind() == PixelKind::Bytes);
        Preprocess {
            mean: or(&self.mean, &own.mean, plain.mean),
            std: or(&self.std, &own.std, plain.std),
            resize: self.resize.or_else(|| own_size(own.resize)),
            interpolation: self.interpolation.or(own.interpolation).unwrap_or_default(),
            crop: self.crop.or_else(|| own_size(own.crop)),
            channels: self.channels,
            integers: None,
            reshape: None,
        }
    }

    /// The integers that the bytes of `dataset` are: those of the network's input if that has 8 bits, unless bytes are
    /// to be normalized. Signed integers that are stored as such are never.
    fn integers(&self, dataset: &mut Dataset, model: &Model) -> Option<ByteIntegers> {
        let is_of_bytes = |grid: &Grid| i64::from(grid.q_max()) - i64::from(grid.q_min()) == 255;
        let grid = model.input_grid.filter(is_of_bytes)?;
        let is_signed = grid.q_min() < 0 && dataset.take_signed();
        let is_normalized = self.is_normalized(&model.preprocess);
        let are_integers = dataset.pixel_kind() == PixelKind::Bytes && (is_signed || !is_normalized);
        let (first, zero_point, scale) = (grid.q_min(), grid.zero_point(), grid.scale());
        are_integers.then_some(ByteIntegers { first, zero_point, scale })
    }

    /// Whether a mean or standard deviation is known.
    fn is_normalized(&self, own: &InputConfig) -> bool {
        self.mean.is_some() || self.std.is_some() || !own.mean.is_empty() || !own.std.is_empty()
    }

    /// What happens to images of the model's own calibration set, which have the network's shape already.
    pub(super) fn resolve_own(&self, dataset: &Dataset, own: &InputConfig) -> Preprocess {
        Preprocess { resize: None, crop: None, channels: None, ..self.resolve(dataset, own) }
    }

    /// What a reader of the report should know of the normalization of `dataset` by `preprocess`.
    pub(super) fn notes(&self, dataset: &Dataset, own: &InputConfig, preprocess: &Preprocess) -> Option<String> {
        let is_given = self.mean.is_some() || self.std.is_some();
        let unused = |what: &str| {
            let note = format!("images of {what} are taken as they are: mean and std apply to byte images only");
            tracing::warn!("{note}");
            Some(note)
        };
        match (dataset.pixel_kind(), preprocess.integers) {
            (PixelKind::Bytes, Some(_)) if dataset.is_signed() => is_given.then(|| unused("signed integers"))?,
            (PixelKind::Bytes, Some(integers)) if integers.first < 0 => {
                Some("bytes are the integers of the network's input plus 128: no mean and std were given".to_owned())
            }
            (PixelKind::Bytes, Some(_)) => {
                Some("bytes are the integers of the network's input: no mean and std were given".to_owned())
            }
            (PixelKind::Bytes, None) if !self.is_normalized(own) => {
                Some("byte images were only divided by 255: no mean and std were given".to_owned())
            }
            (PixelKind::Floats, _) if is_given => unused("floats"),
            _ => None,
        }
    }
}
