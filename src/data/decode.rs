//! PNG and JPEG files to planes of bytes.

use super::EncodedImage;
use super::planes::Planes;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use std::io::{self, Cursor};

/// An image file is damaged, or neither PNG nor JPEG.
#[derive(Debug, thiserror::Error)]
#[error("{file}: cannot decode the image")]
pub struct DecodeError {
    file: String,
    #[source]
    source: ImageError,
}

/// Channels, height and width, from the image's header.
pub(super) fn shape(image: &EncodedImage) -> Result<[usize; 3], DecodeError> {
    let decoder = reader(image)?.into_decoder().map_err(|source| failed(image, source))?;
    let (width, height) = decoder.dimensions();
    Ok([channels(decoder.color_type()), height as usize, width as usize])
}

/// Decodes to one channel of grey, or three of colour. Transparency is dropped, 16 bits become 8,
/// and orientation tags are not followed, as torchvision's loader does.
pub(super) fn planes(image: &EncodedImage) -> Result<Planes, DecodeError> {
    let reader = reader(image)?;
    if reader.format() == Some(ImageFormat::Jpeg) && !jpeg_ends(&image.bytes) {
        // The decoder would make up what is missing.
        let error = io::Error::new(io::ErrorKind::UnexpectedEof, "no end-of-image marker: the file is truncated");
        return Err(failed(image, error.into()));
    }
    let decoded = reader.decode().map_err(|source| failed(image, source))?;
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    let channels = channels(decoded.color());
    let bytes = match channels {
        1 => decoded.into_luma8().into_raw(),
        _ => deinterleave(decoded),
    };
    Ok(Planes { shape: [channels, height, width], bytes })
}

fn deinterleave(image: DynamicImage) -> Vec<u8> {
    let rgb = image.into_rgb8();
    let plane = |channel: usize| rgb.as_raw().chunks_exact(3).map(move |pixel| pixel[channel]);
    (0..3).flat_map(plane).collect()
}

fn reader(image: &EncodedImage) -> Result<ImageReader<Cursor<&[u8]>>, DecodeError> {
    let reader = ImageReader::new(Cursor::new(&image.bytes[..])).with_guessed_format();
    reader.map_err(|source| failed(image, source.into()))
}

fn channels(color: ColorType) -> usize {
    if color.has_color() { 3 } else { 1 }
}

fn failed(image: &EncodedImage, source: ImageError) -> DecodeError {
    DecodeError { file: image.file.clone(), source }
}

/// Whether there is an end-of-image marker after the start of the first scan. Earlier ones belong to
/// thumbnails in the segments before it (ITU-T T.81, annex B).
fn jpeg_ends(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    // After the start-of-image marker, segments follow each other: a marker and a length that counts itself.
    let mut segment = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(segment..segment + 4) {
        if marker == START_OF_SCAN {
            return bytes[segment..].windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
        // Fill bytes may precede a marker.
        segment += if marker == 0xff { 1 } else { 2 + usize::from(u16::from_be_bytes([high, low])) };
    }
    false
}
