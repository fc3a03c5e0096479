//! PNG and JPEG files to planes of bytes.

use super::EncodedImage;
use super::planes::Planes;
use super::preprocess::PreprocessError;
use image::{ColorType, DynamicImage, ImageReader};
use std::io::Cursor;

/// Channels, height and width, from the image's header.
pub(super) fn shape(image: &EncodedImage) -> Result<[usize; 3], PreprocessError> {
    use image::ImageDecoder;
    let decoder = reader(image)?.into_decoder().map_err(|source| failed(image, source))?;
    let (width, height) = decoder.dimensions();
    Ok([channels(decoder.color_type()), height as usize, width as usize])
}

/// Decodes to one channel of grey, or three of colour. Transparency is dropped, 16 bits become 8,
/// and orientation tags are not followed, as torchvision's loader does.
pub(super) fn planes(image: &EncodedImage) -> Result<Planes, PreprocessError> {
    let decoded = reader(image)?.decode().map_err(|source| failed(image, source))?;
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    let channels = channels(decoded.color());
    let bytes = match channels {
        1 => decoded.into_luma8().into_raw(),
        _ => deinterleave(&decoded),
    };
    Ok(Planes { shape: [channels, height, width], bytes })
}

fn deinterleave(image: &DynamicImage) -> Vec<u8> {
    let rgb = image.to_rgb8();
    let plane = |channel: usize| rgb.as_raw().chunks_exact(3).map(move |pixel| pixel[channel]);
    (0..3).flat_map(plane).collect()
}

fn reader(image: &EncodedImage) -> Result<ImageReader<Cursor<&[u8]>>, PreprocessError> {
    let reader = ImageReader::new(Cursor::new(&image.bytes[..])).with_guessed_format();
    reader.map_err(|source| failed(image, source.into()))
}

fn channels(color: ColorType) -> usize {
    if color.has_color() { 3 } else { 1 }
}

fn failed(image: &EncodedImage, source: image::ImageError) -> PreprocessError {
    PreprocessError::Decode { file: image.file.clone(), source }
}
