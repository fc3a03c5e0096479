//! Samples in memory: tensors that a caller has, as a dataset like any file.

use super::array::{self, Array};
use super::element::{Element, Kind};
use super::source::Source;
use super::storage::{Origin, Storage};
use super::{DataError, Dataset};
use crate::integer::IntegerType;
use candle_core::{DType, Device, Tensor};
use safetensors::Dtype;
use std::sync::Arc;

/// Labelled images in memory. A clone shares them.
///
/// ```
/// use approx_eval::data::Samples;
/// use candle_core::{Device, Tensor};
///
/// let batches = (0..3u32).map(|label| Ok((Tensor::full(0.5f32, (2, 1, 4, 4), &Device::Cpu)?, vec![label; 2])));
/// let samples = Samples::from_batches("gray", batches)?;
/// assert_eq!(samples.open()?.labels(), [0, 0, 1, 1, 2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Samples {
    name: String,
    dims: Vec<u64>,
    kind: Kind,
    images: Storage,
    labels: Storage,
    label_dims: Vec<u64>,
    label_kind: Kind,
}

/// Numbers of an array in memory, in row-major order and little-endian bytes.
#[derive(Debug, Clone)]
pub struct Numbers {
    /// Their type.
    pub dtype: Dtype,
    /// The array's dimensions.
    pub dims: Vec<usize>,
    /// All of them.
    pub bytes: Arc<[u8]>,
}

impl Numbers {
    /// The type and the dimensions, which the bytes must fill; `name` is for the message if they do not.
    fn shape(&self, name: &str) -> Result<(Kind, Vec<u64>), DataError> {
        let Numbers { dtype, dims, bytes } = self;
        let found = || format!("{} bytes of {dtype:?} {dims:?}", bytes.len());
        let wrong = |expected: &str| DataError::content(name, found(), expected);
        let kind = Kind::of_dtype(*dtype).ok_or_else(|| wrong("integers or floats"))?;
        let dims: Vec<u64> = dims.iter().map(|&size| size as u64).collect();
        let size = dims.iter().try_fold(kind.size(), |size, &dim| size.checked_mul(dim));
        if size == Some(bytes.len() as u64) {
            Ok((kind, dims))
        } else {
            Err(wrong("as many numbers as the dimensions say"))
        }
    }
}

impl Samples {
    /// Images and labels as arrays of files have them: of any shape and type that those can have, and treated alike.
    ///
    /// # Errors
    /// When an array's bytes are not as many as its dimensions and type say.
    pub fn from_numbers(name: &str, images: Numbers, labels: Numbers) -> Result<Self, DataError> {
        let [image_name, label_name] = ["images", "labels"].map(|part| format!("{name} {part}"));
        let ((kind, dims), (label_kind, label_dims)) = (images.shape(&image_name)?, labels.shape(&label_name)?);
        let storage = |name: String, bytes: Arc<[u8]>| Storage::Memory { name: name.into(), bytes };
        Ok(Samples {
            name: name.to_owned(),
            dims,
            kind,
            images: storage(image_name, images.bytes),
            labels: storage(label_name, labels.bytes),
            label_dims,
            label_kind,
        })
    }

    /// Images `[N, C, H, W]`, or of another shape that files can have, and the class of each. Tensors of
    /// `u8` are byte images, which preprocessing normalizes; all others become `f32` and are taken as
    /// they are.
    ///
    /// # Errors
    /// When the tensor cannot be read.
    pub fn new(name: &str, images: &Tensor, labels: &[u32]) -> candle_core::Result<Self> {
        Self::from_batches(name, [Ok((images.clone(), labels.to_vec()))])
    }

    /// The same for batches that follow one another, all of them of one shape and type.
    ///
    /// # Errors
    /// When there is no batch, a tensor cannot be read, or shapes or types differ.
    pub fn from_batches(
        name: &str,
        batches: impl IntoIterator<Item = candle_core::Result<(Tensor, Vec<u32>)>>,
    ) -> candle_core::Result<Self> {
        let (mut images, mut labels): (Vec<u8>, Vec<u32>) = Default::default();
        let mut first: Option<(Vec<usize>, bool)> = None;
        let mut count = 0;
        for batch in batches {
            let (tensor, batch_labels) = batch?;
            let Some((&samples, sample)) = tensor.dims().split_first() else {
                candle_core::bail!("'{name}': a batch of images is a scalar, expected [N, C, H, W]");
            };
            let is_bytes = tensor.dtype() == DType::U8;
            let (expected, expected_bytes) = first.get_or_insert_with(|| (sample.to_vec(), is_bytes));
            if *expected != sample || *expected_bytes != is_bytes {
                candle_core::bail!("'{name}': images of shape {sample:?} follow images of shape {expected:?}");
            }
            let flat = tensor.to_device(&Device::Cpu)?.flatten_all()?;
            if is_bytes {
                images.extend(flat.to_vec1::<u8>()?);
            } else {
                let values = flat.to_dtype(DType::F32)?.to_vec1::<f32>()?;
                images.extend(values.into_iter().flat_map(f32::to_le_bytes));
            }
            labels.extend(batch_labels);
            count += samples;
        }
        let Some((sample, is_bytes)) = first else { candle_core::bail!("'{name}': no batches of images") };
        let storage =
            |part: &str, bytes: Vec<u8>| Storage::Memory { name: format!("{name} {part}").into(), bytes: bytes.into() };
        Ok(Samples {
            name: name.to_owned(),
            dims: std::iter::once(count as u64).chain(sample.into_iter().map(|size| size as u64)).collect(),
            kind: if is_bytes { Kind::Integer(IntegerType::U8) } else { Kind::F32 },
            images: storage("images", images),
            label_dims: vec![labels.len() as u64],
            label_kind: Kind::Integer(IntegerType::U32),
            labels: storage("labels", labels.into_iter().flat_map(u32::to_le_bytes).collect()),
        })
    }

    /// Opens them as a dataset.
    ///
    /// # Errors
    /// When the images' shape is not one that images have, or there are not as many labels.
    pub fn open(&self) -> Result<Dataset, DataError> {
        let files: Arc<[Storage]> = [self.images.clone(), self.labels.clone()].into();
        let array = |storage: &Storage, kind: Kind, dims: &[u64]| -> Result<Array, DataError> {
            let (source, element) = (Source::plain(storage.clone())?, Element { kind, big_endian: false });
            Ok(Array { source, offset: 0, element, dims: dims.to_vec() })
        };
        let images = array(&self.images, self.kind, &self.dims)?;
        let labels = array(&self.labels, self.label_kind, &self.label_dims)?;
        array::dataset(Origin::new(self.name.clone(), files), images, labels)
    }
}
