//! The shape of a dataset's images, for networks that follow it.

use super::{ImagesError, OpenError, PreprocessOptions};
use crate::data::{DatasetSpec, Split};
use crate::model::InputConfig;

impl PreprocessOptions {
    /// Channels, height and width of the images of `data` after preprocessing by these options alone: what a
    /// network takes whose file leaves sizes open.
    ///
    /// # Errors
    /// When the dataset cannot be read or preprocessed.
    pub fn image_shape(&self, data: &DatasetSpec) -> Result<[usize; 3], OpenError> {
        let dataset = data.open(Split::Test)?;
        let preprocess = self.resolve(&dataset, &InputConfig::default());
        let shape = preprocess.output_shape(dataset.image_shape(), dataset.pixel_kind());
        Ok(shape.map_err(ImagesError::from)?)
    }
}
