//! Sets of one PNG or JPEG file a sample: what class folders and lists have in common.
//!
//! Files are only read here; they are decoded where batches are made, on many threads.

use super::storage::{Origin, Storage, read_up_to};
use super::{DataError, Dataset, EncodedImage, PixelKind, Pixels, ReadPixels, decode};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Extensions of image files, in lower case.
const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Whether a file's name is that of an image.
pub(super) fn is_image(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

/// The set of image `files`, at least one, with a label each. The first one gives the set's shape.
pub(super) fn dataset(origin: Origin, files: Arc<[Storage]>, labels: Vec<u32>) -> Result<Dataset, DataError> {
    let image_shape = decode::shape(&encoded(&files[0])?)?;
    Ok(Dataset::new(origin, image_shape, PixelKind::Bytes, labels, Files(files)))
}

fn encoded(file: &Storage) -> Result<EncodedImage, DataError> {
    let bytes = file.open().and_then(|mut file| read_up_to(&mut file, u64::MAX));
    let bytes = bytes.map_err(|source| DataError::io(file, source))?;
    Ok(EncodedImage { file: file.to_string(), bytes })
}

struct Files(Arc<[Storage]>);

impl ReadPixels for Files {
    fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError> {
        self.0[samples].iter().map(encoded).collect::<Result<_, _>>().map(Pixels::Encoded)
    }
}
