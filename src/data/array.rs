//! Sets stored as two arrays, images and labels: what IDX, safetensors and npz files have in common.
//!
//! A format says where an array's numbers begin, of what type they are, and their dimensions; from
//! there on all such sets are read alike.

use super::element::{Element, Kind, Unfit};
use super::source::Source;
use super::storage::Origin;
use super::{AxisOrder, DataError, Dataset, PixelKind, Pixels, ReadPixels};
use crate::integer::IntegerType;
use std::ops::Range;

/// Bytes of labels, which are kept in memory: those of 134 million samples in eight bytes each.
const MOST_LABEL_BYTES: u64 = 1 << 30;

/// Numbers in row-major order from `offset` of `source`.
pub(super) struct Array {
    pub source: Source,
    pub offset: u64,
    pub element: Element,
    pub dims: Vec<u64>,
}

impl Array {
    /// Bytes from `offset` to the end, `None` where that is more than a file can hold.
    pub fn size(&self) -> Option<u64> {
        self.dims.iter().try_fold(self.element.kind.size(), |size, &dim| size.checked_mul(dim))
    }

    /// Where the array ends in its source, `None` where that is beyond what a file can hold.
    fn end(&self) -> Option<u64> {
        self.size()?.checked_add(self.offset)
    }

    /// Dimensions and type for a message, as `u8 [10, 28, 28]`.
    pub fn describe(&self) -> String {
        format!("{} {:?}", self.element.kind.name(), self.dims)
    }

    /// Fails unless the array ends where its source does.
    fn check_len(&mut self) -> Result<(), DataError> {
        let described = self.describe();
        match self.end() {
            Some(end) => self.source.check_len(end, &format!("{described} from byte {}", self.offset)),
            None => Err(DataError::content(&self.source, described, "dimensions that fit a file")),
        }
    }

    fn is_bytes(&self) -> bool {
        self.element.pixel_kind() == PixelKind::Bytes
    }

    /// Whether these are byte images `[N, H, W, C]`: the last axis alone can be gray or color channels.
    fn is_channels_last(&self) -> bool {
        let channels = [1, 3];
        self.is_bytes()
            && matches!(self.dims[..], [_, first, _, last] if channels.contains(&last) && !channels.contains(&first))
    }

    /// The shape of one image: `[N, D]` gives `[1, 1, D]`, `[N, H, W]` gives `[1, H, W]`, and dimensions
    /// of 1 in front of the last three are left out. Floats have any number of axes: those before the last two
    /// are merged.
    fn image_shape(&self) -> Result<[usize; 3], DataError> {
        let shape = match self.dims[..] {
            [_, h, w, c] if self.is_channels_last() => [c, h, w],
            [_, ref ones @ .., c, h, w] if ones.iter().all(|&dim| dim == 1) => [c, h, w],
            [_, d] => [1, 1, d],
            [_, h, w] => [1, h, w],
            // Numbers that a network takes as they are have whatever axes it has.
            [_] if !self.is_bytes() => [1; 3],
            [_, ref outer @ .., h, w] if !self.is_bytes() => [product(outer), h, w],
            _ => [0; 3],
        };
        let shape = shape.map(|dim| usize::try_from(dim).unwrap_or(0));
        if shape.contains(&0) || self.dims[0] == 0 {
            let expected = "images as [N, H, W], [N, C, H, W], [N, H, W, C] or [N, D], with no dimension of 0";
            return Err(DataError::content(&self.source, self.describe(), expected));
        }
        Ok(shape)
    }

    /// Reads all labels of an array `[N]` or `[N, 1]`.
    fn labels(&mut self) -> Result<Vec<u32>, DataError> {
        let flat = matches!(self.dims[..], [_] | [_, 1]);
        if !flat || !self.element.kind.is_integer() {
            let expected = "labels as [N] integers (convert floats with astype(int), one-hot rows with argmax)";
            return Err(DataError::content(&self.source, self.describe(), expected));
        }
        if self.size().is_none_or(|size| size > MOST_LABEL_BYTES) {
            let expected = format!("labels of at most {MOST_LABEL_BYTES} bytes");
            return Err(DataError::content(&self.source, self.describe(), expected));
        }
        let bytes = self.source.read(self.offset, self.size().unwrap_or(u64::MAX))?;
        self.element.labels(&bytes).map_err(|Unfit { index, value }| DataError::Label {
            file: self.source.to_string(),
            sample: index,
            label: value,
            classes: 1 << 32,
        })
    }
}

/// The set of `images` and `labels` that each fill their sources to the end. What shows without unpacking is
/// looked at first: a wrong number of labels must not cost the decoding of all images.
pub(super) fn whole_dataset(origin: Origin, mut images: Array, mut labels: Array) -> Result<Dataset, DataError> {
    for array in [&mut images, &mut labels] {
        if array.source.known_len().is_some() || array.end().is_none() {
            array.check_len()?;
        }
    }
    check_counts(&images, &labels)?;
    images.check_len()?;
    labels.check_len()?;
    dataset(origin, images, labels)
}

/// Fails unless there are as many images as labels.
pub(super) fn check_counts(images: &Array, labels: &Array) -> Result<(), DataError> {
    let [image_count, label_count] = [images, labels].map(|array| array.dims.first().copied().unwrap_or(0));
    if image_count == label_count {
        return Ok(());
    }
    let [images, labels] = [images, labels].map(|array| array.source.to_string());
    Err(DataError::Count { images, image_count, labels, label_count })
}

/// The set of `images` and `labels`; both arrays' lengths have been checked.
pub(super) fn dataset(origin: Origin, images: Array, mut labels: Array) -> Result<Dataset, DataError> {
    let image_shape = images.image_shape()?;
    check_counts(&images, &labels)?;
    let labels = labels.labels()?;
    let kind = images.element.pixel_kind();
    let channels = if images.is_channels_last() { image_shape[0] } else { 1 };
    Ok(Dataset::new(
        origin,
        image_shape,
        kind,
        labels,
        ArrayImages { array: images, interleaved: channels, is_signed: false },
    ))
}

struct ArrayImages {
    array: Array,
    /// Channels that lie side by side in every pixel; 1 where they are planes.
    interleaved: usize,
    /// Whether signed integers become bytes by adding 128.
    is_signed: bool,
}

impl ReadPixels for ArrayImages {
    fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError> {
        let Array { source, offset, element, dims } = &mut self.array;
        // Products of sizes that were compared with the file's length when it was opened.
        let image: u64 = dims[1..].iter().product();
        let size = image * element.kind.size();
        let mut bytes = source.read(*offset + samples.start as u64 * size, samples.len() as u64 * size)?;
        let mut element = *element;
        if self.is_signed {
            // In two's complement, adding 128 flips the sign bit.
            bytes.iter_mut().for_each(|byte| *byte ^= 0x80);
            element.kind = Kind::Integer(IntegerType::U8);
        }
        let pixels = element.pixels(bytes).map_err(|Unfit { index, value }| {
            let sample = samples.start + index / image as usize;
            let expected = "0 to 255 (integer images are bytes; save other ranges as f32)";
            DataError::content(&*source, format!("pixel value {value} in sample {sample}"), expected)
        })?;
        Ok(match pixels {
            Pixels::Bytes(bytes) if self.interleaved > 1 => {
                Pixels::Bytes(planes(&bytes, image as usize, self.interleaved))
            }
            Pixels::Floats(values) if self.interleaved > 1 => {
                Pixels::Floats(planes(&values, image as usize, self.interleaved))
            }
            pixels => pixels,
        })
    }

    fn take_as(&mut self, shape: [usize; 3], order: AxisOrder) -> bool {
        let [channels, height, width] = shape.map(|size| size as u64);
        let (dims, interleaved) = match order {
            AxisOrder::ChannelsFirst => ([channels, height, width], 1),
            AxisOrder::ChannelsLast => ([height, width, channels], shape[0]),
        };
        // In one axis, they lie one after the other in that order.
        let longer = self.array.dims[1..].iter().filter(|&&dim| dim != 1);
        let is_taken = longer.eq([&product(&dims)])
            || match self.array.dims[..] {
                [_, ref ones @ .., a, b, c] => ones.iter().all(|&dim| dim == 1) && [a, b, c] == dims,
                _ => false,
            };
        if is_taken {
            self.interleaved = interleaved;
        }
        is_taken
    }

    fn take_signed(&mut self) -> bool {
        self.is_signed = self.array.element.kind == Kind::Integer(IntegerType::I8);
        self.is_signed
    }
}

/// The product of sizes; 0 where that is more than a number can hold.
fn product(sizes: &[u64]) -> u64 {
    sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size)).unwrap_or(0)
}

/// Images `[H, W, C]` of `size` numbers as `[C, H, W]`.
fn planes<T: Copy>(images: &[T], size: usize, channels: usize) -> Vec<T> {
    let planes = images.chunks_exact(size).flat_map(|image| (0..channels).map(move |channel| &image[channel..]));
    planes.flat_map(|plane| plane.iter().step_by(channels).copied()).collect()
}
