//! PNG and JPEG files to planes of bytes. Behind the cargo feature `images`, without which every such
//! file is an error that says so.

use super::EncodedImage;
use super::budget::{Budget, Share};
use super::codec::{self, CodecError};
use super::planes::Planes;

/// What the images take that are being decoded and brought into shape, on all threads.
static MEMORY: Budget = Budget::new(1 << 30);

/// An image file that cannot be decoded: it is damaged, or neither PNG nor JPEG.
#[derive(Debug, thiserror::Error)]
#[error("{file}: cannot decode the image")]
pub struct DecodeError {
    file: String,
    #[source]
    source: CodecError,
}

/// Channels, height and width, from the image's header.
pub(super) fn shape(image: &EncodedImage) -> Result<[usize; 3], DecodeError> {
    codec::shape(&image.bytes).map_err(|source| DecodeError { file: image.file.clone(), source })
}

/// The memory that decoding an image and bringing it into shape takes, to be held meanwhile.
pub(super) fn memory(image: &EncodedImage) -> Result<Share<'static>, DecodeError> {
    /// Copies of it at a time: the decoder's own, pixel by pixel, as planes, resized.
    const COPIES: u64 = 4;
    let bytes = shape(image)?.iter().fold(COPIES, |bytes, &size| bytes.saturating_mul(size as u64));
    Ok(MEMORY.take(bytes))
}

/// Decodes to one channel of gray, or three of color. Transparency is dropped, 16 bits become 8,
/// and orientation tags are not followed, as in torchvision's loader.
pub(super) fn planes(image: &EncodedImage) -> Result<Planes, DecodeError> {
    codec::planes(&image.bytes).map_err(|source| DecodeError { file: image.file.clone(), source })
}
