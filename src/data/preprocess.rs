//! From a dataset's pixels to the inputs that a network was trained on.

use super::planes::Planes;
use super::{Channels, DecodeError, EncodedImage, PixelKind, Pixels, decode, resize};
use crate::data::Interpolation;
use rayon::prelude::*;

/// What happens to byte images, in this order: channels, resize, crop, `(x / 255 - mean) / std`.
///
/// Images of floats are used unchanged: `mean` and `std` are ignored, and the other fields must be
/// `None`. The default divides bytes by 255 and does nothing else.
///
/// ```
/// use approx_eval::data::{Pixels, Preprocess};
///
/// let preprocess = Preprocess { mean: vec![0.5], std: vec![0.25], ..Preprocess::default() };
/// let values = preprocess.apply(Pixels::Bytes(vec![0, 255]), [1, 1, 2])?;
/// assert_eq!(values, [-2.0, 2.0]);
/// # Ok::<(), approx_eval::data::PreprocessError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocess {
    /// Subtracted after the division by 255: one value, or one per channel.
    pub mean: Vec<f32>,
    /// Divided by last: one value, or one per channel.
    pub std: Vec<f32>,
    /// The shorter side after resizing as torchvision's `Resize` does on images, with antialiasing.
    pub resize: Option<usize>,
    /// The resampling filter for resizing.
    pub interpolation: Interpolation,
    /// The side of the square cut from the center as torchvision's `CenterCrop` does, with zero
    /// bytes around smaller images.
    pub crop: Option<usize>,
    /// Conversion between gray and color.
    pub channels: Option<Channels>,
    /// The integers that bytes are: they become the numbers that these represent, instead of being normalized.
    pub integers: Option<ByteIntegers>,
    /// The shape that samples have at last, with the same numbers in the same order: that of a network
    /// which names its axes otherwise.
    pub reshape: Option<[usize; 3]>,
}

/// The integers that bytes are, of which each represents a real number: `(first + byte - zero_point) * scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ByteIntegers {
    /// The integer that byte 0 is: -128 of a signed type.
    pub first: i32,
    /// The integer that represents 0, one of those that bytes are.
    pub zero_point: i32,
    /// The real number that one integer step represents.
    pub scale: f32,
}

impl ByteIntegers {
    /// The number that the integer of a byte represents.
    pub fn number(self, byte: u8) -> f32 {
        (self.first + i32::from(byte) - self.zero_point) as f32 * self.scale
    }
}

impl Default for Preprocess {
    fn default() -> Preprocess {
        let interpolation = Interpolation::default();
        Preprocess {
            mean: vec![0.0],
            std: vec![1.0],
            resize: None,
            interpolation,
            crop: None,
            channels: None,
            integers: None,
            reshape: None,
        }
    }
}

/// Why images cannot be preprocessed with the given settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreprocessError {
    /// The mean or standard deviation has neither one value nor one per channel.
    #[error("{key} has {found} values, but the images have {channels} channel{}; expected {}",
        if *.channels == 1 { "" } else { "s" },
        if *.channels == 1 { "1".to_owned() } else { format!("{} or 1, or convert the images to gray or rgb", .channels) })]
    ChannelValues {
        /// `mean` or `std`.
        key: &'static str,
        /// Values given.
        found: usize,
        /// Channels of the images.
        channels: usize,
    },
    /// A value out of range.
    #[error("{key} has the value {value}, expected {expected}")]
    Value {
        /// The setting: `mean`, `std`, `resize` or `crop`.
        key: &'static str,
        /// The value.
        value: f32,
        /// The allowed range.
        expected: &'static str,
    },
    /// A conversion of byte images was asked for, but the images are floats.
    #[error(
        "{key} was given, but the dataset's images are floats, which are used unchanged; omit it or provide byte images"
    )]
    Floats {
        /// The setting: `resize`, `crop` or `channels`.
        key: &'static str,
    },
    /// Only gray and RGB images can be converted.
    #[error("images have {found} channels; only images with 1 or 3 channels can be converted to {wanted}")]
    Conversion {
        /// Channels of the images.
        found: usize,
        /// Channels asked for.
        wanted: Channels,
    },
    /// The result would not fit in memory.
    #[error(
        "{file}: resizing {height} x {width} so that the shorter side is {size} makes more than {} pixels",
        MAX_PIXELS
    )]
    TooLarge {
        /// The image.
        file: String,
        /// Its height.
        height: usize,
        /// Its width.
        width: usize,
        /// The side asked for.
        size: usize,
    },
    /// Encoded images of several sizes or channel counts.
    #[error(
        "{file}: becomes {found:?} (channels, height, width), but the first image is {expected:?}; {}",
        if found[0] == expected[0] { "resize and crop all images to one size" } else { "convert all to gray or rgb" }
    )]
    Shape {
        /// The image.
        file: String,
        /// Its shape after preprocessing.
        found: [usize; 3],
        /// The shape that it should have.
        expected: [usize; 3],
    },
    /// An image file is damaged.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl PreprocessError {
    /// The settings that fix this error, where some do.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            PreprocessError::ChannelValues { key: "mean", .. } => &["mean", "channels"],
            PreprocessError::ChannelValues { .. } => &["std", "channels"],
            PreprocessError::Value { key, .. } | PreprocessError::Floats { key } => match *key {
                "mean" => &["mean"],
                "std" => &["std"],
                "resize" => &["resize"],
                "crop" => &["crop"],
                _ => &["channels"],
            },
            PreprocessError::TooLarge { .. } => &["resize"],
            PreprocessError::Shape { found, expected, .. } if found[0] == expected[0] => &["resize", "crop"],
            PreprocessError::Conversion { .. } | PreprocessError::Shape { .. } => &["channels"],
            PreprocessError::Decode(_) => &[],
        }
    }
}

/// The longest side that options may ask for.
pub(crate) const MAX_SIDE: usize = 10_000;
/// Pixels of one channel that resizing may make.
const MAX_PIXELS: usize = MAX_SIDE * MAX_SIDE;

impl Preprocess {
    /// The shape `[C, H, W]` that images of `input` have afterwards.
    ///
    /// # Errors
    /// When these settings cannot be applied to such images; nothing is left to fail on a set whose
    /// images are all of this shape.
    pub fn output_shape(&self, input: [usize; 3], kind: PixelKind) -> Result<[usize; 3], PreprocessError> {
        let shape = self.image_shape(input, kind)?;
        Ok(self.reshape.unwrap_or(shape))
    }

    /// The shape of the images before they are reshaped.
    fn image_shape(&self, input: [usize; 3], kind: PixelKind) -> Result<[usize; 3], PreprocessError> {
        if kind == PixelKind::Floats {
            let geometry = [
                ("resize", self.resize.is_some()),
                ("crop", self.crop.is_some()),
                ("channels", self.channels.is_some()),
            ];
            return match geometry.iter().find(|(_, given)| *given) {
                Some((key, _)) => Err(PreprocessError::Floats { key }),
                None => Ok(input),
            };
        }
        let channels = match (self.channels, input[0]) {
            (None, found) => found,
            (Some(wanted), 1 | 3) => wanted.count(),
            (Some(wanted), found) => return Err(PreprocessError::Conversion { found, wanted }),
        };
        self.check_values(channels)?;
        let [height, width] = self.resized("the dataset", [input[1], input[2]])?;
        Ok(match self.crop {
            Some(side) => [channels, side, side],
            None => [channels, height, width],
        })
    }

    /// Turns `pixels` of images `[C, H, W]` = `input` into f32 images of [`Preprocess::output_shape`],
    /// one after the other. Work on single images is spread over the current rayon pool.
    ///
    /// # Errors
    /// As [`Preprocess::output_shape`], and when an encoded image is damaged or has another shape.
    ///
    /// # Panics
    /// When a dimension of `input` is 0.
    pub fn apply(&self, pixels: Pixels, input: [usize; 3]) -> Result<Vec<f32>, PreprocessError> {
        match pixels {
            Pixels::Floats(values) => self.image_shape(input, PixelKind::Floats).map(|_| values),
            Pixels::Bytes(bytes) => {
                let normalize = Normalize::new(self, self.image_shape(input, PixelKind::Bytes)?);
                if self.resize.or(self.crop).is_none() && self.channels.is_none() {
                    return Ok(normalize.all(&bytes));
                }
                normalize.each(bytes.par_chunks_exact(input.iter().product()), |image| {
                    self.fit("the dataset", Planes { shape: input, bytes: image.to_vec() })
                })
            }
            Pixels::Encoded(images) => {
                let output = self.image_shape(input, PixelKind::Bytes)?;
                let normalize = Normalize::new(self, output);
                normalize.each(images.par_iter(), |image| self.fit_encoded(image, input[0], output))
            }
        }
    }

    /// Decodes an image of a set whose first image has `channels`, and brings it to `output`.
    fn fit_encoded(
        &self,
        image: &EncodedImage,
        channels: usize,
        output: [usize; 3],
    ) -> Result<Planes, PreprocessError> {
        let _memory = decode::memory(image)?;
        let decoded = decode::planes(image)?;
        // A color set may hold gray images, as ImageNet does; a gray set with color is a mistake.
        let decoded = if (decoded.shape[0], channels) == (1, 3) { decoded.to_rgb() } else { decoded };
        let fitted = self.fit(&image.file, decoded)?;
        if fitted.shape == output {
            return Ok(fitted);
        }
        Err(PreprocessError::Shape { file: image.file.clone(), found: fitted.shape, expected: output })
    }

    /// Everything before normalization.
    fn fit(&self, file: &str, mut image: Planes) -> Result<Planes, PreprocessError> {
        image = match (self.channels, image.shape[0]) {
            (Some(Channels::Gray), 3) => image.to_gray(),
            (Some(Channels::Rgb), 1) => image.to_rgb(),
            _ => image,
        };
        let size = [image.shape[1], image.shape[2]];
        let resized = self.resized(file, size)?;
        if resized != size {
            image = image.resize(resized[0], resized[1], self.interpolation);
        }
        Ok(match self.crop {
            Some(side) if image.shape[1..] != [side, side] => image.center_crop(side),
            _ => image,
        })
    }

    /// Height and width after resizing.
    fn resized(&self, file: &str, size: [usize; 2]) -> Result<[usize; 2], PreprocessError> {
        let Some(side) = self.resize else { return Ok(size) };
        let resized = resize::shorter_side(side, size);
        resized.filter(|[h, w]| h.checked_mul(*w).is_some_and(|pixels| pixels <= MAX_PIXELS)).ok_or_else(|| {
            PreprocessError::TooLarge { file: file.to_owned(), height: size[0], width: size[1], size: side }
        })
    }

    fn check_values(&self, channels: usize) -> Result<(), PreprocessError> {
        for (key, values) in [("mean", &self.mean), ("std", &self.std)] {
            if values.len() != 1 && values.len() != channels {
                return Err(PreprocessError::ChannelValues { key, found: values.len(), channels });
            }
        }
        if let Some(&value) = self.mean.iter().find(|mean| !mean.is_finite()) {
            return Err(PreprocessError::Value { key: "mean", value, expected: "finite numbers" });
        }
        if let Some(&value) = self.std.iter().find(|std| !(std.is_finite() && **std > 0.0)) {
            return Err(PreprocessError::Value { key: "std", value, expected: "finite numbers above 0" });
        }
        for (key, side) in [("resize", self.resize), ("crop", self.crop)] {
            if side.is_some_and(|side| side == 0 || side > MAX_SIDE) {
                let value = side.unwrap_or(0) as f32;
                return Err(PreprocessError::Value { key, value, expected: "1 to 10000" });
            }
        }
        Ok(())
    }
}

/// `(x / 255 - mean) / std` of every byte, by channel.
struct Normalize {
    tables: Vec<[f32; 256]>,
    plane: usize,
}

impl Normalize {
    fn new(preprocess: &Preprocess, [channels, height, width]: [usize; 3]) -> Normalize {
        let of = |values: &[f32], channel: usize| values[if values.len() == 1 { 0 } else { channel }];
        let table = |channel| {
            let (mean, std) = (of(&preprocess.mean, channel), of(&preprocess.std, channel));
            std::array::from_fn(|byte| match preprocess.integers {
                Some(integers) => integers.number(byte as u8),
                None => (byte as f32 / 255.0 - mean) / std,
            })
        };
        Normalize { tables: (0..channels).map(table).collect(), plane: height * width }
    }

    /// Brings images into shape one by one, on many threads, and normalizes them.
    fn each<I: Send>(
        &self,
        images: impl IndexedParallelIterator<Item = I>,
        fit: impl Fn(I) -> Result<Planes, PreprocessError> + Sync,
    ) -> Result<Vec<f32>, PreprocessError> {
        let size = self.tables.len() * self.plane;
        let mut values = vec![0.0; images.len() * size];
        let filled = values.par_chunks_exact_mut(size).zip(images).try_for_each(|(values, image)| {
            self.fill(&fit(image)?.bytes, values);
            Ok(())
        });
        filled.map(|()| values)
    }

    /// Normalizes images that are in shape already.
    fn all(&self, bytes: &[u8]) -> Vec<f32> {
        let mut values = vec![0.0; bytes.len()];
        self.fill(bytes, &mut values);
        values
    }

    fn fill(&self, bytes: &[u8], values: &mut [f32]) {
        let planes = bytes.chunks_exact(self.plane).zip(values.chunks_exact_mut(self.plane));
        for ((bytes, values), table) in planes.zip(self.tables.iter().cycle()) {
            for (value, &byte) in values.iter_mut().zip(bytes) {
                *value = table[usize::from(byte)];
            }
        }
    }
}
