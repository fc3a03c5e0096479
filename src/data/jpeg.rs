//! JPEG files to pixels, to the bit as libjpeg-turbo decodes them, and with it Pillow and torchvision: networks
//! were trained on what those read, and their accuracies are compared with PyTorch's.

use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError as CodecError, PixelFormat};

/// What decoding may take, in bytes: enough for 170 megapixels of baseline color, 85 of progressive.
const MAX_MEMORY: u64 = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub(super) enum JpegError {
    #[error("no end-of-image marker: the file is truncated")]
    Truncated,
    #[error("{0} bits a sample, expected 8")]
    Precision(u8),
    #[error("an image of height or width 0")]
    Empty,
    /// Libjpeg reads more of these; the decoder does not, or not to the bit.
    #[error(
        "components sampled {samplings:?}, expected one component, three with none sampled finer than the first, or \
         four sampled alike, 4:2:2 or 4:2:0; save the image again with another program"
    )]
    Components { samplings: Vec<(u8, u8)> },
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// The header of a JPEG file that can be decoded.
pub(super) struct Jpeg<'a> {
    bytes: &'a [u8],
    decoder: Decoder<'a>,
}

impl<'a> Jpeg<'a> {
    /// Reads the header. Whatever follows the first image of the file is ignored.
    pub fn new(bytes: &'a [u8]) -> Result<Self, JpegError> {
        let limits = DecodeLimits { max_memory: Some(MAX_MEMORY), ..DecodeLimits::default() };
        let mut decoder = Decoder::new_with_limits(bytes, limits)?;
        decoder.set_limits(limits);
        // Where a progressive file lacks its last scans, libjpeg smooths.
        decoder.set_block_smoothing(true);
        let header = decoder.header();
        if header.precision != 8 {
            return Err(JpegError::Precision(header.precision));
        }
        if header.width == 0 || header.height == 0 {
            return Err(JpegError::Empty);
        }
        let samplings = header.components.iter().map(|part| (part.horizontal_sampling, part.vertical_sampling));
        let samplings: Vec<_> = samplings.collect();
        let format = match samplings[..] {
            [_] => PixelFormat::Grayscale,
            [y, cb, cr] if [cb, cr].iter().all(|part| part.0 <= y.0 && part.1 <= y.1) => PixelFormat::Rgb,
            [c, m, y, k] if c == k && m == y && (c == m || m == (1, 1) && matches!(c, (2, 1 | 2))) => PixelFormat::Rgb,
            _ => return Err(JpegError::Components { samplings }),
        };
        decoder.set_output_format(format);
        Ok(Jpeg { bytes, decoder })
    }

    /// Channels, 1 or 3, height and width.
    pub fn shape(&self) -> [usize; 3] {
        let header = self.decoder.header();
        let channels = if header.components.len() == 1 { 1 } else { 3 };
        [channels, header.height(), header.width()]
    }

    /// Gray levels, or RGB pixel by pixel. Where libjpeg would make up what is missing or damaged, an error.
    pub fn pixels(&self) -> Result<Vec<u8>, JpegError> {
        if !ends(self.bytes) {
            return Err(JpegError::Truncated);
        }
        Ok(self.decoder.decode_image()?.into_vec())
    }
}

/// Whether there is an end-of-image marker after the start of the first scan. Earlier ones belong to
/// thumbnails in the segments before it (ITU-T T.81, annex B).
fn ends(bytes: &[u8]) -> bool {
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
