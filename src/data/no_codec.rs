//! What replaces the decoders of PNG and JPEG files in builds without the cargo feature `images`: an
//! error that says so.

use super::planes::Planes;

#[derive(Debug, thiserror::Error)]
#[error("PNG and JPEG files need the cargo feature 'images', which this build lacks")]
pub struct CodecError;

pub fn shape(_: &[u8]) -> Result<[usize; 3], CodecError> {
    Err(CodecError)
}

pub fn planes(_: &[u8]) -> Result<Planes, CodecError> {
    Err(CodecError)
}
