//! Concatenation along an axis.

use super::image::are_images;
use crate::graph::operator::check_f32;
use crate::graph::{Dim, ImageOperator, KeptInputs, OpError, Operator, RunContext, Selection, ValueType};
use crate::kernel::{Images, ImagesMut};
use candle_core::Tensor;

/// Joins any number of values along `axis`.
#[derive(Debug, Clone, Copy)]
pub struct Concat {
    /// The axis, which is not the batch.
    pub axis: usize,
}

impl Operator for Concat {
    fn kind(&self) -> &'static str {
        "concat"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        check_f32(inputs, 1..=usize::MAX, "at least 1")?;
        let mut joined = inputs[0].clone();
        let mut total = 0;
        for (index, input) in inputs.iter().enumerate() {
            let Some(&Dim::Fixed(size)) = input.shape.get(self.axis) else {
                return Err(OpError::input(index, input, format!("a known size along axis {}", self.axis)));
            };
            total += size;
            let mut alike = (*input).clone();
            alike.shape[self.axis] = inputs[0].shape[self.axis];
            if alike != *inputs[0] {
                return Err(OpError::input(index, input, format!("{} but for axis {}", inputs[0], self.axis)));
            }
        }
        joined.shape[self.axis] = Dim::Fixed(total);
        Ok(vec![joined])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![Tensor::cat(inputs, self.axis)?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::All
    }
    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl Concat {
    /// Joins the first `channels[i]` elements of every position of each input.
    fn select<T: Copy>(inputs: &[Images<T>], channels: &[usize], output: &mut ImagesMut<T>) {
        let to = output.layout.elements;
        for image in 0..output.count() {
            for y in 0..output.layout.size[0] {
                let line = output.line_mut(image, y);
                let mut start = 0;
                for (input, &channels) in inputs.iter().zip(channels) {
                    let from = input.line(image, y).chunks_exact(input.layout.elements.max(1));
                    for (output, input) in line.chunks_exact_mut(to).zip(from) {
                        output[start..start + channels].copy_from_slice(&input[..channels]);
                    }
                    start += channels;
                }
            }
        }
    }
}

impl ImageOperator for Concat {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        self.axis == 1 && are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        let channels: Vec<usize> = inputs.iter().map(|input| input.layout.elements).collect();
        Self::select(inputs, &channels, output);
        Ok(())
    }

    fn as_selection(&self) -> Option<&dyn Selection> {
        Some(self)
    }
}

impl Selection for Concat {
    fn select_bytes(&self, inputs: &[Images<u8>], channels: &[usize], output: &mut ImagesMut<u8>) {
        Self::select(inputs, channels, output);
    }

    fn select_words(&self, inputs: &[Images<i16>], channels: &[usize], output: &mut ImagesMut<i16>) {
        Self::select(inputs, channels, output);
    }
}
