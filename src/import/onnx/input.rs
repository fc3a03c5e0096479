//! How images meet an ONNX network.

use super::OnnxProblem;
use super::lower::BatchSize;
use crate::graph::op::{Reshape, Transpose};
use crate::graph::{Dim, Graph, ValueId, ValueType};
use rten_onnx::onnx::{DataType, GraphProto, ValueInfoProto};
use serde::{Deserialize, Serialize};

/// Which axis of a network's input the channels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Layout {
    /// The second, as PyTorch has it.
    Nchw,
    /// The last, as TensorFlow has it.
    Nhwc,
    /// The last where that alone can be a number of channels, else the second.
    #[default]
    Auto,
}

/// More than any image has, along an axis.
const MAX_SIZE: i64 = 1 << 16;

/// The input of a network.
pub(super) struct Images {
    pub name: String,
    /// Channels, height, width.
    pub shape: [usize; 3],
    pub batch: BatchSize,
    pub notes: Vec<String>,
    /// The dimensions of a sample that the network itself takes.
    sample: Vec<usize>,
    /// Whether channels come last there.
    channels_last: bool,
}

impl Images {
    /// The only input of `graph` that is no initial value.
    pub fn of(graph: &GraphProto, layout: Layout) -> Result<Self, OnnxProblem> {
        let is_initial = |input: &&ValueInfoProto| graph.initializer.iter().any(|tensor| tensor.name == input.name);
        let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|input| !is_initial(input)).collect();
        let names = || inputs.iter().map(|input| input.name.clone().unwrap_or_default()).collect();
        let [input] = inputs.as_slice() else { return Err(OnnxProblem::Inputs { found: names() }) };
        Self::new(input, layout)
    }

    fn new(input: &ValueInfoProto, layout: Layout) -> Result<Self, OnnxProblem> {
        let name = input.name.clone().unwrap_or_default();
        let tensor = input.r#type.as_ref().and_then(|ty| ty.tensor_type.as_ref());
        let ty = tensor.and_then(|tensor| tensor.elem_type).unwrap_or(DataType(0));
        let dims =
            tensor.and_then(|tensor| tensor.shape.as_ref()).map(|shape| shape.dim.as_slice()).unwrap_or_default();
        let text = |dim: &rten_onnx::onnx::Dimension| match (dim.dim_value, &dim.dim_param) {
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
        if !matches!(ty, DataType::FLOAT | DataType::FLOAT16 | DataType::DOUBLE) {
            return Err(wrong("images of real numbers"));
        }
        let (first, rest) = dims.split_first().ok_or_else(|| wrong("[batch, channels, height, width]"))?;
        let size = |dim: &rten_onnx::onnx::Dimension| {
            dim.dim_value.filter(|size| (1..=MAX_SIZE).contains(size)).map(|size| size as usize)
        };
        let sample: Option<Vec<usize>> = rest.iter().map(size).collect();
        let sample = sample.ok_or_else(|| wrong("known sizes but for the batch: export with images of one size"))?;
        let batch = match first.dim_value {
            Some(size @ 1..=MAX_SIZE) => BatchSize::Constant(size as usize),
            _ => BatchSize::Open,
        };
        let mut notes = Vec::new();
        let is_channels = |size: usize| matches!(size, 1 | 3);
        let mut channels_last = layout == Layout::Nhwc;
        let shape = match *sample.as_slice() {
            [first, _, last] if layout == Layout::Auto && is_channels(last) && !is_channels(first) => {
                channels_last = true;
                notes.push("the network takes images with channels last (--layout nhwc)".to_owned());
                [last, first, sample[1]]
            }
            [height, width, channels] if channels_last => [channels, height, width],
            _ if channels_last => return Err(wrong("[batch, height, width, channels] for --layout nhwc")),
            [channels, height, width] => [channels, height, width],
            [channels, length] => [channels, 1, length],
            [numbers] => {
                let shape = image_of(numbers);
                notes.push(format!("the network takes rows of {numbers} numbers: images of {shape:?}"));
                shape
            }
            _ => return Err(wrong("[batch, channels, height, width]")),
        };
        Ok(Images { name, shape, batch, notes, sample, channels_last })
    }

    /// Adds the input to a graph: the images themselves, and as the network takes them.
    pub fn add(&self, graph: &mut Graph, batch: BatchSize) -> Result<(ValueId, ValueId), OnnxProblem> {
        let samples = if batch == BatchSize::One { Dim::Fixed(1) } else { Dim::Batch(1) };
        let of = |sizes: &[usize]| -> Vec<Dim> {
            std::iter::once(samples).chain(sizes.iter().map(|&size| Dim::Fixed(size))).collect()
        };
        let input = graph.input(&self.name, ValueType::f32(of(&self.shape)))?;
        let name = format!("{} as the network takes it", self.name);
        let images = if self.channels_last {
            graph.add_one(&name, Transpose { order: vec![0, 2, 3, 1] }, &[input])?
        } else if self.sample == self.shape {
            input
        } else {
            graph.add_one(&name, Reshape { shape: of(&self.sample) }, &[input])?
        };
        Ok((input, images))
    }

    /// An image that the network gives back, its axes in the order of the input's.
    pub fn restore(&self, graph: &mut Graph, name: &str, image: ValueId) -> Result<ValueId, OnnxProblem> {
        if !self.channels_last || graph.ty(image).rank() != 4 {
            return Ok(image);
        }
        Ok(graph.add_one(name, Transpose { order: vec![0, 3, 1, 2] }, &[image])?)
    }
}

/// The image that a row of numbers is: square and grey, or square and of three colours, if it can be.
fn image_of(numbers: usize) -> [usize; 3] {
    let square = |channels: usize| {
        let side = (numbers / channels).isqrt();
        (side * side * channels == numbers).then_some([channels, side, side])
    };
    square(1).or_else(|| square(3)).unwrap_or([1, 1, numbers])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rten_onnx::onnx::{Dimension, TensorShapeProto, TypeProto, TypeProtoTensor};

    fn images(ty: DataType, dims: &[i64], layout: Layout) -> Result<Images, OnnxProblem> {
        let dim = |&size: &i64| match size {
            0 => Dimension { dim_value: None, dim_param: Some("n".to_owned()) },
            size => Dimension { dim_value: Some(size), dim_param: None },
        };
        let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
        let tensor_type = Some(TypeProtoTensor { elem_type: Some(ty), shape });
        let ty = TypeProto { tensor_type, sequence: None };
        Images::new(&ValueInfoProto { name: Some("x".to_owned()), r#type: Some(ty) }, layout)
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
        for (dims, layout, expected) in cases {
            assert_eq!(images(DataType::FLOAT, dims, layout).unwrap().shape, expected, "{dims:?} {layout:?}");
        }
        assert_eq!(images(DataType::FLOAT, &[7, 3, 4, 4], Auto).unwrap().batch, BatchSize::Constant(7));
        assert_eq!(images(DataType::FLOAT, &[0, 3, 4, 4], Auto).unwrap().batch, BatchSize::Open);
    }

    #[test]
    fn inputs_that_are_no_images_are_refused() {
        let cases: [(DataType, &[i64], Layout, &str); 6] = [
            (DataType::INT64, &[0, 3, 4, 4], Layout::Auto, "INT64[n, 3, 4, 4], expected images of real numbers"),
            (DataType::FLOAT, &[0, 3, 0, 4], Layout::Auto, "FLOAT[n, 3, n, 4], expected known sizes"),
            (DataType::FLOAT, &[0, 3, -1, 4], Layout::Auto, "known sizes"),
            (DataType::FLOAT, &[0, 3, 1 << 40, 4], Layout::Auto, "known sizes"),
            (DataType::FLOAT, &[0, 3, 4], Layout::Nhwc, "expected [batch, height, width, channels]"),
            (DataType::FLOAT, &[], Layout::Auto, "expected [batch, channels, height, width]"),
        ];
        for (ty, dims, layout, expected) in cases {
            let error = images(ty, dims, layout).err().expect(expected).to_string();
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        }
    }
}
