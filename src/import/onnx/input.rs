//! The input that an ONNX graph declares.

use super::OnnxProblem;
use super::lower::{self, BatchSize};
use crate::import::Layout;
use crate::import::image_input::ImageInput;
use rten_onnx::onnx::{DataType, Dimension, GraphProto, ValueInfoProto};

/// The largest axis that an image may have.
const MAX_SIZE: i64 = 1 << 16;

/// The input of a network.
pub(super) struct Input {
    pub name: String,
    pub images: ImageInput,
    pub batch: BatchSize,
    /// The type of its integers, if it has no real numbers.
    pub integers: Option<DataType>,
}

impl Input {
    /// The only input of `graph` that is not an initializer; sizes that it leaves open are those of `images`.
    pub fn find(graph: &GraphProto, layout: Layout, images: Option<[usize; 3]>) -> Result<Self, OnnxProblem> {
        let is_initial = |input: &&ValueInfoProto| graph.initializer.iter().any(|tensor| tensor.name == input.name);
        let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|input| !is_initial(input)).collect();
        let names = || inputs.iter().map(|input| input.name.clone().unwrap_or_default()).collect();
        let [input] = inputs.as_slice() else { return Err(OnnxProblem::Inputs { found: names() }) };
        Self::new(input, layout, images)
    }

    fn new(input: &ValueInfoProto, layout: Layout, images: Option<[usize; 3]>) -> Result<Self, OnnxProblem> {
        let name = input.name.clone().unwrap_or_default();
        let tensor = input.r#type.as_ref().and_then(|ty| ty.tensor_type.as_ref());
        let ty = tensor.and_then(|tensor| tensor.elem_type).unwrap_or(DataType(0));
        let dims =
            tensor.and_then(|tensor| tensor.shape.as_ref()).map(|shape| shape.dim.as_slice()).unwrap_or_default();
        let text = |dim: &Dimension| match (dim.dim_value, &dim.dim_param) {
            (Some(size), _) => size.to_string(),
            (None, Some(name)) => name.clone(),
            (None, None) => "?".to_owned(),
        };
        let found = format!("{ty}[{}]", dims.iter().map(text).collect::<Vec<_>>().join(", "));
        let wrong = |expected: &str| OnnxProblem::Input {
            name: name.clone(),
            found: found.clone(),
            expected: expected.to_owned(),
        };
        let is_real = matches!(ty, DataType::FLOAT | DataType::FLOAT16 | DataType::BFLOAT16 | DataType::DOUBLE);
        let integers = lower::integer_range(ty).filter(|_| ty != DataType::INT32).map(|_| ty);
        if !is_real && integers.is_none() {
            return Err(wrong("images of real numbers, or of integers of at most 16 bits"));
        }
        let (first, rest) = dims.split_first().ok_or_else(|| wrong("[batch, channels, height, width]"))?;
        if rest.iter().any(|dim| dim.dim_value.is_some_and(|size| size > MAX_SIZE)) {
            return Err(wrong("known sizes of at most 65536"));
        }
        // Exporters write 0 and -1 for open sizes, too.
        let size = |dim: &Dimension| dim.dim_value.filter(|size| *size > 0).map(|size| size as usize);
        let declared: Vec<Option<usize>> = rest.iter().map(size).collect();
        let (sample, layout) = match declared.iter().copied().collect() {
            Some(sample) => (sample, layout),
            None if declared.len() > 3 => return Err(wrong("[batch, channels, height, width]")),
            None => match images {
                Some(images) => filled(&declared, layout, images),
                None => return Err(OnnxProblem::OpenInput { name, found }),
            },
        };
        let batch = match first.dim_value {
            Some(size @ 1..=MAX_SIZE) => BatchSize::Constant(size as usize),
            _ => BatchSize::Open,
        };
        match ImageInput::new(&sample, layout) {
            Some(images) => Ok(Input { name, images, batch, integers }),
            None if layout == Layout::Nhwc => Err(OnnxProblem::Layout { name, found, layout }),
            None => Err(wrong("[batch, channels, height, width]")),
        }
    }
}

/// A sample's dimensions, of which some are open: these are those of `images`; and their axis order.
fn filled(declared: &[Option<usize>], layout: Layout, [channels, height, width]: [usize; 3]) -> (Vec<usize>, Layout) {
    let can_be_channels = |size: Option<&Option<usize>>| matches!(size, Some(Some(1 | 3)));
    let is_nhwc = can_be_channels(declared.last()) && !can_be_channels(declared.first());
    let layout = match layout {
        Layout::Auto if declared.len() == 3 && is_nhwc => Layout::Nhwc,
        Layout::Auto => Layout::Nchw,
        stated => stated,
    };
    // Arrays of numbers may have the axes of the file already.
    let (own, rows) = (vec![channels, height, width], vec![channels * height, width]);
    let candidates = match (declared.len(), layout) {
        (3, Layout::Nhwc) => vec![vec![height, width, channels], own],
        (3, _) => vec![own],
        (2, _) if channels == 1 => vec![rows],
        (2, _) => vec![vec![channels, height * width], rows],
        _ => vec![vec![channels * height * width]],
    };
    let fits =
        |sizes: &&Vec<usize>| declared.iter().zip(*sizes).all(|(known, size)| known.is_none_or(|known| known == *size));
    let sizes = candidates.iter().find(fits).unwrap_or(&candidates[0]);
    (declared.iter().zip(sizes).map(|(known, &size)| known.unwrap_or(size)).collect(), layout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use rten_onnx::onnx::{TensorShapeProto, TypeProto, TypeProtoTensor};

    fn input(ty: DataType, dims: &[i64], layout: Layout) -> Result<Input, OnnxProblem> {
        input_for(None, ty, dims, layout)
    }

    fn input_for(images: Option<[usize; 3]>, ty: DataType, dims: &[i64], layout: Layout) -> Result<Input, OnnxProblem> {
        let dim = |&size: &i64| match size {
            0 => Dimension { dim_value: None, dim_param: Some("n".to_owned()) },
            size => Dimension { dim_value: Some(size), dim_param: None },
        };
        let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
        let tensor_type = Some(TypeProtoTensor { elem_type: Some(ty), shape });
        let ty = TypeProto { tensor_type, sequence: None };
        Input::new(&ValueInfoProto { name: Some("x".to_owned()), r#type: Some(ty) }, layout, images)
    }

    #[test]
    fn channels_are_found() {
        use Layout::{Auto, Nchw, Nhwc};
        let cases: [(&[i64], Layout, [usize; 3]); 11] = [
            (&[0, 3, 224, 200], Auto, [3, 224, 200]),
            (&[0, 224, 200, 3], Auto, [3, 224, 200]),
            (&[0, 224, 200, 3], Nchw, [224, 200, 3]),
            (&[0, 3, 1, 3], Auto, [3, 1, 3]),
            (&[0, 3, 1, 2], Nhwc, [2, 3, 1]),
            (&[1, 12, 8, 8], Auto, [12, 8, 8]),
            (&[1, 12, 80], Auto, [12, 1, 80]),
            (&[1, 784], Auto, [1, 28, 28]),
            (&[1, 3072], Auto, [3, 32, 32]),
            (&[1, 1024], Auto, [1, 32, 32]),
            (&[1, 640], Auto, [1, 1, 640]),
        ];
        for_each_case(cases, |(dims, layout, expected)| {
            assert_eq!(input(DataType::FLOAT, dims, layout).unwrap().images.shape, expected, "{dims:?} {layout:?}");
        });
        assert_eq!(input(DataType::FLOAT, &[7, 3, 4, 4], Auto).unwrap().batch, BatchSize::Constant(7));
        assert_eq!(input(DataType::FLOAT, &[0, 3, 4, 4], Auto).unwrap().batch, BatchSize::Open);
    }

    #[test]
    fn open_sizes_are_those_of_the_images() {
        use Layout::{Auto, Nchw, Nhwc};
        type Case = ([usize; 3], &'static [i64], Layout, [usize; 3]);
        let cases: [Case; 13] = [
            ([3, 6, 5], &[0, 3, 0, 0], Auto, [3, 6, 5]),
            ([3, 6, 5], &[0, 0, 0, 3], Auto, [3, 6, 5]),
            ([3, 6, 5], &[0, 0, 0, 0], Auto, [3, 6, 5]),
            ([3, 6, 5], &[0, 0, 0, 0], Nhwc, [3, 6, 5]),
            ([3, 6, 5], &[0, 3, -1, 5], Nchw, [3, 6, 5]),
            ([3, 6, 5], &[0, 3, 0], Auto, [3, 1, 30]),
            ([3, 6, 5], &[0, 0], Auto, [1, 1, 90]),
            ([3, 6, 5], &[0, 3, 3, 0], Nhwc, [3, 3, 3]),
            // Numbers that have the axes of the file.
            ([1, 6, 128], &[0, 6, 0], Auto, [6, 1, 128]),
            ([1, 6, 128], &[0, 0, 0], Auto, [6, 1, 128]),
            ([28, 30, 1], &[0, 0, 0, 1], Auto, [1, 28, 30]),
            ([1, 28, 30], &[0, 0, 0, 1], Auto, [1, 28, 30]),
            // What is stated stays, for others to compare with the images.
            ([3, 6, 5], &[0, 1, 0, 8], Auto, [1, 6, 8]),
        ];
        for_each_case(cases, |(images, dims, layout, expected)| {
            let input = input_for(Some(images), DataType::FLOAT, dims, layout).unwrap();
            assert_eq!(input.images.shape, expected, "{images:?} {dims:?} {layout:?}");
        });
    }

    #[test]
    fn inputs_other_than_images_are_refused() {
        let cases: [(DataType, &[i64], Layout, &str); 6] = [
            (DataType::INT64, &[0, 3, 4, 4], Layout::Auto, "INT64[n, 3, 4, 4], expected images of real numbers"),
            (DataType::FLOAT, &[0, 3, 0, 4], Layout::Auto, "FLOAT[n, 3, n, 4], expected known sizes"),
            (DataType::FLOAT, &[0, 3, -1, 4], Layout::Auto, "known sizes"),
            (DataType::FLOAT, &[0, 3, 1 << 40, 4], Layout::Auto, "known sizes"),
            (DataType::FLOAT, &[0, 3, 4], Layout::Nhwc, "expected [batch, height, width, channels]"),
            (DataType::FLOAT, &[], Layout::Auto, "expected [batch, channels, height, width]"),
        ];
        for_each_case(cases, |(ty, dims, layout, expected)| {
            let error = input(ty, dims, layout).err().expect(expected).to_string();
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        });
    }
}
