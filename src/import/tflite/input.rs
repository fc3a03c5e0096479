//! The input that a file declares.

use super::error::TfliteProblem;
use super::schema::{Model, Tensor};
use super::tensor;
use crate::import::Layout;
use crate::import::image_input::ImageInput;
use crate::quant::Grid;

/// The largest axis that an image may have.
const MAX_SIZE: i32 = 1 << 16;

/// The input of a network.
pub(super) struct Input {
    /// The number of its tensor.
    pub number: i32,
    pub name: String,
    pub images: ImageInput,
    /// The batch size in the file.
    pub batch: usize,
    /// The integers that it takes, if it does.
    pub grid: Option<Grid>,
}

impl Input {
    /// The only input of a file; sizes that it leaves open are those of `images`.
    pub fn find(model: &Model, layout: Layout, images: Option<[usize; 3]>) -> Result<Self, TfliteProblem> {
        /// Names of more inputs are not listed.
        const LISTED: usize = 16;
        let names = || {
            let tensors = model.main.inputs.iter().take(LISTED).filter_map(|&number| model.main.tensor(number));
            tensors.map(|tensor| tensor.name.to_string()).collect()
        };
        let &[number] = model.main.inputs.as_slice() else { return Err(TfliteProblem::Inputs { found: names() }) };
        let tensor = model.main.tensor(number).ok_or_else(|| TfliteProblem::Inputs { found: names() })?;
        Self::new(number, tensor, layout, images)
    }

    fn new(number: i32, tensor: &Tensor, layout: Layout, images: Option<[usize; 3]>) -> Result<Self, TfliteProblem> {
        let (name, found) = (tensor.name.to_string(), tensor.describe());
        let wrong = |expected| TfliteProblem::Input { name: name.clone(), found: found.clone(), expected };
        if !(tensor.ty.is_real() || tensor.ty.is_grid()) {
            return Err(wrong("images of FLOAT32, INT8 or UINT8"));
        }
        let grid = tensor::grid(tensor)
            .map_err(|source| TfliteProblem::Quantization { name: name.clone(), source: Box::new(source) })?;
        let sizes: Vec<i32> = tensor.shape.iter().take(super::schema::MAX_AXES + 1).collect();
        let Some((&batch, rest)) = sizes.split_first().filter(|(_, rest)| (1..=4).contains(&rest.len())) else {
            return Err(wrong("[batch, height, width, channels]"));
        };
        if rest.iter().chain([&batch]).any(|size| !(1..=MAX_SIZE).contains(size)) {
            return Err(wrong("sizes of 1 to 65536"));
        }
        let is_open = |axis: usize| tensor.signature.get(axis).is_some_and(|size| size < 0);
        let declared: Vec<Option<usize>> =
            rest.iter().enumerate().map(|(axis, &size)| (!is_open(axis + 1)).then_some(size as usize)).collect();
        // A file has channels last whatever its sizes are, unless the caller knows better.
        let layout = match layout {
            Layout::Auto if rest.len() == 3 => Layout::Nhwc,
            stated => stated,
        };
        let sample: Vec<usize> = match (declared.iter().copied().collect(), images) {
            (Some(sample), _) => sample,
            (None, Some([channels, height, width])) if declared.len() == 3 => {
                let own = if layout == Layout::Nhwc { [height, width, channels] } else { [channels, height, width] };
                declared.iter().zip(own).map(|(known, size)| known.unwrap_or(size)).collect()
            }
            (None, Some(_)) => return Err(wrong("known sizes, except for the batch")),
            (None, None) => return Err(TfliteProblem::OpenInput { name, found }),
        };
        let batch = if is_open(0) { 1 } else { batch as usize };
        match ImageInput::new(&sample, layout) {
            Some(images) => Ok(Input { number, name, images, batch, grid }),
            None if layout == Layout::Nhwc => Err(TfliteProblem::Layout { name, found, layout }),
            None => Err(wrong("[batch, height, width, channels]")),
        }
    }
}
