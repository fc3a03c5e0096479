//! PNG and JPEG files to planes of bytes.

use super::EncodedImage;
use super::jpeg::{Jpeg, JpegError};
use super::planes::Planes;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader};
use std::io::Cursor;

/// An image file is damaged, or neither PNG nor JPEG.
#[derive(Debug, thiserror::Error)]
#[error("{file}: cannot decode the image")]
pub struct DecodeError {
    file: String,
    #[source]
    source: CodecError,
}

#[derive(Debug, thiserror::Error)]
enum CodecError {
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// Channels, height and width, from the image's header.
pub(super) fn shape(image: &EncodedImage) -> Result<[usize; 3], DecodeError> {
    let shape = || {
        if is_jpeg(image) {
            return Ok(Jpeg::new(&image.bytes)?.shape());
        }
        let decoder = reader(image)?.into_decoder()?;
        let (width, height) = decoder.dimensions();
        Ok([channels(decoder.color_type()), height as usize, width as usize])
    };
    shape().map_err(|source| DecodeError { file: image.file.clone(), source })
}

/// Decodes to one channel of grey, or three of colour. Transparency is dropped, 16 bits become 8,
/// and orientation tags are not followed, as torchvision's loader does.
pub(super) fn planes(image: &EncodedImage) -> Result<Planes, DecodeError> {
    let planes = || {
        let (shape, pixels) = if is_jpeg(image) {
            let jpeg = Jpeg::new(&image.bytes)?;
            (jpeg.shape(), jpeg.pixels()?)
        } else {
            let decoded = reader(image)?.decode()?;
            let shape = [channels(decoded.color()), decoded.height() as usize, decoded.width() as usize];
            let gray = shape[0] == 1;
            (shape, if gray { decoded.into_luma8().into_raw() } else { decoded.into_rgb8().into_raw() })
        };
        Ok(Planes { shape, bytes: if shape[0] == 1 { pixels } else { deinterleave(&pixels) } })
    };
    planes().map_err(|source| DecodeError { file: image.file.clone(), source })
}

fn deinterleave(rgb: &[u8]) -> Vec<u8> {
    let plane = |channel: usize| rgb.chunks_exact(3).map(move |pixel| pixel[channel]);
    (0..3).flat_map(plane).collect()
}

fn is_jpeg(image: &EncodedImage) -> bool {
    image::guess_format(&image.bytes).is_ok_and(|format| format == ImageFormat::Jpeg)
}

fn reader(image: &EncodedImage) -> Result<ImageReader<Cursor<&[u8]>>, ImageError> {
    Ok(ImageReader::new(Cursor::new(&image.bytes[..])).with_guessed_format()?)
}

fn channels(color: ColorType) -> usize {
    if color.has_color() { 3 } else { 1 }
}
