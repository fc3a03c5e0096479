//! Sets of one PNG or JPEG file a sample: what class folders and lists have in common.
//!
//! Files are only read here; they are decoded where batches are made, on many threads.

use super::storage::{Origin, Storage};
use super::{DataError, Dataset, EncodedImage, PixelKind, Pixels, ReadPixels, decode};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Extensions of image files, in lower case.
const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Bytes of the largest image file that is read.
const LARGEST: u64 = 256 << 20;

/// Bytes of files that are read together, for a batch.
const LARGEST_BATCH: u64 = 2 << 30;

/// Whether a file's name is that of an image.
pub(super) fn is_image(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

/// The set of image `files`, at least one, with a label each. The first one gives the set's shape.
pub(super) fn dataset(origin: Origin, files: Arc<[Storage]>, labels: Vec<u32>) -> Result<Dataset, DataError> {
    // All that is missing shows before the first image is decoded.
    files.iter().try_for_each(|file| file.len().map(drop))?;
    let image_shape = decode::shape(&encoded(&files[0])?)?;
    Ok(Dataset::new(origin, image_shape, PixelKind::Bytes, labels, Files(files)))
}

fn encoded(file: &Storage) -> Result<EncodedImage, DataError> {
    let bytes = file.read(LARGEST).map_err(|source| DataError::io(file, source))?;
    Ok(EncodedImage { file: file.to_string(), bytes })
}

struct Files(Arc<[Storage]>);

impl ReadPixels for Files {
    fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError> {
        let mut images = Vec::with_capacity(samples.len());
        let mut bytes = 0;
        for file in &self.0[samples] {
            let image = encoded(file)?;
            bytes += image.bytes.len() as u64;
            if bytes > LARGEST_BATCH {
                let found = format!("more than {LARGEST_BATCH} bytes in the images of a batch");
                return Err(DataError::content(file, found, "smaller files, or a smaller batch size"));
            }
            images.push(image);
        }
        Ok(Pixels::Encoded(images))
    }
}
