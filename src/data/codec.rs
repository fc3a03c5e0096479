//! The decoders of PNG and JPEG files.

use super::jpeg::{Jpeg, JpegError};
use super::planes::Planes;
use crate::guard::{Panicked, guarded};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader};
use std::io::Cursor;

#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

pub fn shape(bytes: &[u8]) -> Result<[usize; 3], CodecError> {
    guarded(|| decode_shape(bytes))?
}

pub fn planes(bytes: &[u8]) -> Result<Planes, CodecError> {
    guarded(|| decode_planes(bytes))?
}

fn decode_shape(bytes: &[u8]) -> Result<[usize; 3], CodecError> {
    if is_jpeg(bytes) {
        return Ok(Jpeg::new(bytes)?.shape());
    }
    let decoder = reader(bytes)?.into_decoder()?;
    let (width, height) = decoder.dimensions();
    Ok([channels(decoder.color_type()), height as usize, width as usize])
}

fn decode_planes(bytes: &[u8]) -> Result<Planes, CodecError> {
    let (shape, pixels) = if is_jpeg(bytes) {
        let jpeg = Jpeg::new(bytes)?;
        (jpeg.shape(), jpeg.pixels()?)
    } else {
        let decoded = reader(bytes)?.decode()?;
        let shape = [channels(decoded.color()), decoded.height() as usize, decoded.width() as usize];
        let is_gray = shape[0] == 1;
        (shape, if is_gray { decoded.into_luma8().into_raw() } else { decoded.into_rgb8().into_raw() })
    };
    Ok(Planes { shape, bytes: if shape[0] == 1 { pixels } else { deinterleave(&pixels) } })
}

fn deinterleave(rgb: &[u8]) -> Vec<u8> {
    let plane = |channel: usize| rgb.chunks_exact(3).map(move |pixel| pixel[channel]);
    (0..3).flat_map(plane).collect()
}

fn is_jpeg(bytes: &[u8]) -> bool {
    image::guess_format(bytes).is_ok_and(|format| format == ImageFormat::Jpeg)
}

fn reader(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, ImageError> {
    Ok(ImageReader::new(Cursor::new(bytes)).with_guessed_format()?)
}

fn channels(color: ColorType) -> usize {
    if color.has_color() { 3 } else { 1 }
}
