//! Datasets: labeled images from files of many formats, preprocessed and prepared ahead in batches.
//!
//! [`open`] recognizes a file or folder and returns a [`Dataset`], which reads any range of its
//! samples in bounded memory; [`embedded()`] returns the datasets that are part of the program.
//! [`Preprocess`] turns their bytes into the numbers that a network was trained on, and
//! [`Batches`] does both on a thread of its own, ahead of whoever evaluates or calibrates:
//!
//! ```
//! use approx_eval::data::{self, Batches, Preprocess};
//! use std::num::NonZeroUsize;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! const BATCH: NonZeroUsize = NonZeroUsize::new(64).unwrap();
//! let dataset = data::embedded("fashion-mnist")?.open()?;
//! dataset.check_labels(10)?;
//! let preprocess = Preprocess { mean: vec![0.2860], std: vec![0.3530], ..Preprocess::default() };
//! for batch in Batches::start(dataset, preprocess, BATCH, Some(128))? {
//!     let batch = batch?;
//!     assert_eq!(batch.images.dims(), [64, 1, 28, 28]);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A format is one file of this folder and one line of the registry in `registry.rs`. Opening a
//! dataset makes every check that needs no pixel; a `ReadPixels` reads the rest.

mod anomalies;
mod array;
mod batches;
mod budget;
mod channels;
mod cifar;
mod classes;
#[cfg_attr(not(feature = "images"), path = "no_codec.rs")]
mod codec;
mod csv;
mod decode;
mod element;
mod embedded;
mod error;
mod folder;
mod format;
mod idx;
mod image_files;
mod interpolation;
#[cfg(feature = "images")]
mod jpeg;
mod lines;
mod list;
mod memory;
mod names;
mod npy;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
mod planes;
mod preprocess;
mod probe;
mod registry;
mod resize;
mod safetensors;
mod selection;
mod source;
mod spec;
mod storage;

pub use batches::{Batch, BatchError, Batches};
pub use channels::{CHANNELS, Channels};
pub use classes::ClassMatch;
pub use decode::DecodeError;
pub use embedded::{EMBEDDED, Embedded, embedded};
pub use error::DataError;
pub use interpolation::{INTERPOLATIONS, Interpolation};
pub use memory::{Numbers, Samples};
pub(crate) use preprocess::MAX_SIDE;
pub use preprocess::{ByteIntegers, Preprocess, PreprocessError};
pub use registry::{DATA_FORMATS, DataFormat, open};
pub use safetensors::embedded_safetensors;
pub use selection::{Parts, Selection};
pub use spec::DatasetSpec;
pub use storage::Origin;

use std::ops::Range;
use std::sync::Arc;

/// The part of a folder with standard names to read. Ignored for a single file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// What networks are evaluated on: `t10k-*`, `test_batch.bin`, `test.bin`.
    Test,
    /// What networks are trained and calibrated on: `train-*`, `data_batch_*.bin`, `train.bin`.
    Train,
}

/// The type of a dataset's pixels before preprocessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelKind {
    /// Gray levels or color channels from 0 to 255, which preprocessing normalizes.
    Bytes,
    /// Numbers that the network takes unchanged.
    Floats,
}

/// Pixels of consecutive samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// Images `[C, H, W]` one after the other, all of [`Dataset::image_shape`].
    Bytes(Vec<u8>),
    /// The same in f32.
    Floats(Vec<f32>),
    /// Image files still to be decoded, of any size; they become bytes.
    Encoded(Vec<EncodedImage>),
}

impl Pixels {
    /// Adds the pixels of further samples of the same dataset.
    ///
    /// # Panics
    /// When those are of another kind.
    fn append(&mut self, more: Pixels) {
        match (self, more) {
            (Pixels::Bytes(all), Pixels::Bytes(mut more)) => all.append(&mut more),
            (Pixels::Floats(all), Pixels::Floats(mut more)) => all.append(&mut more),
            (Pixels::Encoded(all), Pixels::Encoded(mut more)) => all.append(&mut more),
            _ => panic!("pixels of two kinds in one dataset"),
        }
    }
}

/// The content of an image file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedImage {
    /// The file, for messages.
    pub file: String,
    /// PNG or JPEG.
    pub bytes: Vec<u8>,
}

/// Reads a dataset's pixels in its format.
pub(crate) trait ReadPixels: Send {
    /// Reads the samples of a range that lies in the set.
    fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError>;

    /// Takes what is stored for images of `shape`, `[C, H, W]`, whose axes are stored in `order`, where the format
    /// leaves that open and the sizes are those; returns whether that is so.
    fn take_as(&mut self, _shape: [usize; 3], _order: AxisOrder) -> bool {
        false
    }

    /// Reads signed integers of 8 bits as bytes, plus 128, where they are stored; returns whether that is so.
    fn take_signed(&mut self) -> bool {
        false
    }
}

/// The order in which a file has the axes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AxisOrder {
    /// `[C, H, W]`.
    ChannelsFirst,
    /// `[H, W, C]`.
    ChannelsLast,
}

/// A dataset of labeled images, opened and checked as far as possible without reading pixels.
pub struct Dataset {
    origin: Arc<Origin>,
    image_shape: [usize; 3],
    pixel_kind: PixelKind,
    labels: Vec<u32>,
    class_names: Option<Vec<String>>,
    /// Whether bytes are signed integers plus 128.
    is_signed: bool,
    reader: Box<dyn ReadPixels>,
}

impl Dataset {
    pub(crate) fn new(
        origin: Origin,
        image_shape: [usize; 3],
        pixel_kind: PixelKind,
        labels: Vec<u32>,
        reader: impl ReadPixels + 'static,
    ) -> Dataset {
        let (origin, reader) = (Arc::new(origin), Box::new(reader));
        Dataset { origin, image_shape, pixel_kind, labels, class_names: None, is_signed: false, reader }
    }

    /// The same dataset with class names, indexed by its labels.
    pub(crate) fn with_class_names(self, names: Vec<String>) -> Dataset {
        Dataset { class_names: Some(names), ..self }
    }

    /// The set's name and the hash of its files; a clone outlives the set.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// The name that reports use.
    pub fn name(&self) -> &str {
        self.origin.name()
    }

    /// Samples, at least one.
    #[expect(clippy::len_without_is_empty, reason = "no dataset is empty")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Channels, height and width of every image; for encoded images, of the first one.
    pub fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    /// Takes what is stored for images of `shape` (channels, height, width) whose axes are in `order`, where
    /// those of the stored array are of these sizes; returns whether they are.
    pub(crate) fn take_as(&mut self, shape: [usize; 3], order: AxisOrder) -> bool {
        let is_taken = self.reader.take_as(shape, order);
        if is_taken {
            self.image_shape = shape;
        }
        is_taken
    }

    /// Takes signed integers of 8 bits for bytes that are 128 more, where these are stored; returns whether they are.
    pub(crate) fn take_signed(&mut self) -> bool {
        self.is_signed = self.reader.take_signed();
        self.is_signed
    }

    /// Whether bytes are signed integers plus 128.
    pub(crate) fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// The type of the pixels, once decoded.
    pub fn pixel_kind(&self) -> PixelKind {
        self.pixel_kind
    }

    /// The class of every sample.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The classes' names by label, where the format or [`Dataset::match_classes`] has set them.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }

    /// Fails at the first label that is not below `classes`.
    ///
    /// # Errors
    /// Names the dataset, the sample and its label.
    pub fn check_labels(&self, classes: usize) -> Result<(), DataError> {
        match self.labels.iter().position(|&label| label as usize >= classes) {
            None => Ok(()),
            Some(_) if self.counts_from_one(classes) => {
                Err(DataError::LabelsFromOne { file: self.name().to_owned(), classes })
            }
            Some(sample) => Err(DataError::Label {
                file: self.name().to_owned(),
                sample,
                label: self.labels[sample].into(),
                classes: classes as u64,
            }),
        }
    }

    /// Whether labels are the numbers of `classes` classes counted from 1.
    fn counts_from_one(&self, classes: usize) -> bool {
        let ends = self.labels.iter().min().zip(self.labels.iter().max());
        ends.is_some_and(|(&least, &largest)| least == 1 && largest as usize == classes)
    }

    /// Reads the pixels of `samples`. Ranges may come in any order; going forward is fastest.
    ///
    /// # Errors
    /// When a file can no longer be read, or its content is damaged.
    ///
    /// # Panics
    /// When `samples` is not within the set.
    pub fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError> {
        assert!(samples.start <= samples.end && samples.end <= self.len(), "{samples:?} of {}", self.len());
        if samples.is_empty() {
            return Ok(match self.pixel_kind {
                PixelKind::Bytes => Pixels::Bytes(Vec::new()),
                PixelKind::Floats => Pixels::Floats(Vec::new()),
            });
        }
        self.reader.read(samples)
    }

    /// Reads the pixels of the samples at `indices`: what follows on one another at once.
    ///
    /// # Errors
    /// As [`read`](Dataset::read).
    ///
    /// # Panics
    /// When an index is not within the set.
    pub(crate) fn read_all(&mut self, indices: &[usize]) -> Result<Pixels, DataError> {
        let mut runs = selection::runs(indices);
        let mut pixels = self.read(runs.next().unwrap_or(0..0))?;
        for run in runs {
            pixels.append(self.read(run)?);
        }
        Ok(pixels)
    }
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Dataset { origin, image_shape, pixel_kind, labels, .. } = self;
        write!(f, "Dataset {{ {}: {} {pixel_kind:?} images {image_shape:?} }}", origin.name(), labels.len())
    }
}

#[cfg(test)]
mod tests;
