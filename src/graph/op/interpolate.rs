//! Resizing by linear interpolation along one axis.

use super::image::are_images;
use super::with_values;
use crate::graph::operator::unary;
use crate::graph::{Dim, ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{Images, ImagesMut};
use candle_core::Tensor;
use rayon::prelude::*;

/// Interpolation between neighbors along an axis: each output is `x[i] * (1 - share) + x[i + 1] * share`, in
/// `f32`.
#[derive(Debug, Clone)]
pub struct Interpolate {
    /// The axis, which is not the batch.
    pub axis: usize,
    /// For each output `i` and `share`, which is 0 where `i + 1` may be past the end.
    pub places: Vec<(usize, f32)>,
}

impl Operator for Interpolate {
    fn kind(&self) -> &'static str {
        "interpolate"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let last = self.places.iter().map(|&(place, share)| place + usize::from(share != 0.0)).max();
        match (input.shape.get(self.axis), last) {
            (Some(&Dim::Fixed(size)), Some(last)) if last < size => {
                let mut output = input.clone();
                output.shape[self.axis] = Dim::Fixed(self.places.len());
                Ok(vec![output])
            }
            (_, last) => {
                let least = last.map_or(1, |last| last + 1);
                let expected = format!(
                    "a known size of at least {least} along axis {}, and at least one output position",
                    self.axis
                );
                Err(OpError::input(0, input, expected))
            }
        }
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let mut shape = x.dims().to_vec();
        let (from, to) = (shape[self.axis], self.places.len());
        shape[self.axis] = to;
        // Elements that share an index along the axis.
        let line: usize = shape[self.axis + 1..].iter().product();
        let mut output = vec![0f32; shape.iter().product()];
        with_values(x, |values| {
            let blocks = output.par_chunks_mut((to * line).max(1)).zip(values.par_chunks((from * line).max(1)));
            blocks.for_each(|(output, x)| {
                for (output, &(place, share)) in output.chunks_mut(line.max(1)).zip(&self.places) {
                    let (before, after) = x[place * line..].split_at(line);
                    blend(before, after, share, output);
                }
            });
        })?;
        Ok(vec![Tensor::from_vec(output, shape, x.device())?])
    }
    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

/// Overwrites `output` with `before * (1 - share) + after * share`, where `after` matters if the share is not 0.
fn blend(before: &[f32], after: &[f32], share: f32, output: &mut [f32]) {
    if share == 0.0 {
        output.copy_from_slice(before);
        return;
    }
    let pairs = before.iter().zip(after);
    output.iter_mut().zip(pairs).for_each(|(y, (&a, &b))| *y = a * (1.0 - share) + b * share);
}

impl ImageOperator for Interpolate {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        self.axis >= 2 && inputs[0].rank() == 4 && are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        let (x, elements) = (&inputs[0], output.layout.elements);
        for image in 0..output.count() {
            for line in 0..output.layout.size[0] {
                let output = output.line_mut(image, line);
                if self.axis == 2 {
                    let (place, share) = self.places[line];
                    let after = place + usize::from(share != 0.0);
                    blend(x.line(image, place), x.line(image, after), share, output);
                    continue;
                }
                for (output, &(place, share)) in output.chunks_exact_mut(elements).zip(&self.places) {
                    let (before, after) = x.line(image, line)[place * elements..].split_at(elements);
                    blend(before, after, share, output);
                }
            }
        }
        Ok(())
    }
}
