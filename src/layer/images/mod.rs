//! Layers over channels-last images: what a layer reads and writes lies as the next one takes it.
//!
//! An [`ImageLayer`] is a layer laid out for one mode. Its input is numbers, or operands in the [`Form`] that it
//! multiplies; its outputs go, in the same pass over them, wherever they are needed: as numbers, and as the
//! operands of the layers that read them. Bias, bounds of a fused activation and the addition of a residual come
//! between, with the same roundings as if each had been a step of its own.

mod buffer;
mod dots;
mod form;
mod look_ups;
mod memory;
mod numbers;
mod reads;
mod scaling;
mod sized;
mod targets;
mod terms;

pub(crate) use buffer::{ImageBuffer, Input, Place};
pub(crate) use form::Form;
pub(crate) use numbers::{Numbers, planar_images, write_images};
pub(crate) use targets::{Finish, Targets};

use super::after_sums::AfterSums;
use super::quantized::Quantized;
use super::{LayerProblem, Window};
use crate::kernel::{ConvGeometry, RealDot, best};
use crate::sabotage::{self, Fault};
use dots::{Dots, Shape, Source};
use look_ups::LookUps;
use memory::{Workspace, with_workspace};
use rayon::prelude::*;
use scaling::Scaling;
use sized::sized;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A layer laid out for one mode.
pub struct ImageLayer {
    form: Form,
    products: Products,
    scaling: Scaling,
    /// Output channels of all groups.
    outputs: usize,
}

/// How products are summed.
enum Products {
    Bytes(Dots<u8, i8, i32>),
    Words(Dots<i16, i16, i32>),
    Reals(Dots<f32, f32, f32>),
    LookUps(LookUps),
}

/// Numbers that are kept between sums and outputs: a part of the second-level cache.
const NUMBERS: usize = 1 << 15;

impl ImageLayer {
    /// The layer with this weight and bias in baseline mode, over windows with the kernel and groups of `window`.
    pub(super) fn baseline(weight: &[f32], window: &Window, bias: Option<&[f32]>) -> Self {
        let kernel: &'static RealDot = best().reals();
        let (outputs, depth) = (window.outputs, window.geometry.depth());
        let of = |_: usize, output: usize, element: usize| weight[output * depth + element];
        let dots = Dots::new(kernel, Shape::of(window), &[1], usize::MAX, of);
        let scaling = Scaling::new(Vec::new(), Vec::new(), bias, outputs);
        ImageLayer { form: Form::Reals, products: Products::Reals(dots), scaling, outputs }
    }

    /// The layer that is `quantized`, with exact products or those of its multiplier, and this bias, over windows with
    /// the kernel and groups of `window`; what follows integer sums takes the place of the bias.
    ///
    /// # Errors
    /// When it has no multiplier.
    pub(super) fn quantized(
        quantized: &Quantized,
        window: &Window,
        is_approximate: bool,
        bias: Option<&[f32]>,
        after_sums: Option<&Arc<AfterSums>>,
    ) -> Result<Self, LayerProblem> {
        terms::quantized(quantized, Shape::of(window), is_approximate, bias, after_sums)
    }

    /// Whether it holds the weight that it was laid out from, to be read back.
    pub(super) fn holds_weight(&self) -> bool {
        matches!(&self.products, Products::Reals(dots) if dots.has_panels())
    }

    /// The weight that it was laid out from, row-major and to the bit; `None` where it does not hold it.
    pub(super) fn weight(&self) -> Option<Vec<f32>> {
        if let Products::Reals(dots) = &self.products { dots.weights() } else { None }
    }

    /// What its input images hold.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// The border that its input images need for `geometry`.
    pub fn border(&self, geometry: &ConvGeometry) -> [[usize; 2]; 2] {
        match self.products {
            // Planes have their own.
            Products::LookUps(_) => [[0; 2]; 2],
            _ => reads::border(geometry),
        }
    }

    /// Overwrites `targets` with the outputs of `count` images; `threads` is the number of threads that it may use.
    ///
    /// # Errors
    /// The index of a target that has no operand for a number that is NaN.
    pub fn run(
        &self,
        geometry: &ConvGeometry,
        input: Input,
        count: usize,
        finish: Finish,
        targets: Targets,
        threads: usize,
    ) -> Result<(), usize> {
        let lines = count * geometry.output[0];
        let mut job = Job { layer: self, scaling: &self.scaling, geometry, input, count, finish };
        if threads == 1 || lines == 1 {
            return job.run(0..lines * geometry.output[1], targets);
        }
        let wrong = sabotage::is(Fault::ThreadDependentSum).then(|| self.scaling.one_too_large());
        job.scaling = wrong.as_ref().unwrap_or(&self.scaling);
        let areas = targets.split(geometry.output, lines, threads);
        areas.into_par_iter().try_for_each(|(lines, targets)| {
            job.run(lines.start * geometry.output[1]..lines.end * geometry.output[1], targets)
        })
    }
}

/// What all threads share.
struct Job<'a> {
    layer: &'a ImageLayer,
    scaling: &'a Scaling,
    geometry: &'a ConvGeometry,
    input: Input<'a>,
    count: usize,
    finish: Finish<'a>,
}

impl Job<'_> {
    /// Computes output positions, counted through all images: whole lines.
    fn run(&self, positions: Range<usize>, targets: Targets) -> Result<(), usize> {
        with_workspace(|workspace| self.run_within(workspace, positions, targets))
    }

    fn run_within(
        &self,
        workspace: &mut Workspace,
        positions: Range<usize>,
        mut targets: Targets,
    ) -> Result<(), usize> {
        let Job { layer, scaling, geometry, input, count, finish } = *self;
        let Workspace { integers, reals, look_ups, numbers, bytes } = workspace;
        let all = geometry.positions();
        let step = match (&layer.products, input) {
            (Products::LookUps(products), Input::Bytes(images)) => {
                let range = positions.start / all..positions.end.div_ceil(all);
                products.begin(geometry, images, range, look_ups);
                products.positions(geometry)
            }
            _ => (NUMBERS / layer.outputs).clamp(32, 256),
        };
        let within_image = layer.slides(geometry);
        let mut start = positions.start;
        while start < positions.end {
            let mut end = (start + step).min(positions.end);
            if within_image {
                end = end.min((start / all + 1) * all);
            }
            let block = start..end;
            let numbers = sized(numbers, block.len() * layer.outputs);
            let scaling = (scaling, finish.clip);
            match (&layer.products, input) {
                (Products::Bytes(dots), Input::Bytes(images)) => {
                    dots.numbers(Source { geometry, images, count }, block.clone(), scaling, integers, numbers);
                }
                (Products::Words(dots), Input::Words(images)) => {
                    dots.numbers(Source { geometry, images, count }, block.clone(), scaling, integers, numbers);
                }
                (Products::Reals(dots), Input::Reals(images)) => {
                    dots.numbers(Source { geometry, images, count }, block.clone(), scaling, reals, numbers);
                }
                (Products::LookUps(products), Input::Bytes(images)) => {
                    products.numbers(geometry, images, block.clone(), finish.clip, look_ups, numbers);
                }
                _ => unreachable!("a layer reads images of its own form"),
            }
            targets.write(geometry.output, block, layer.outputs, finish.residual, numbers, bytes)?;
            start = end;
        }
        Ok(())
    }
}

impl ImageLayer {
    /// Whether blocks of positions are those of one image.
    fn slides(&self, geometry: &ConvGeometry) -> bool {
        matches!(&self.products, Products::LookUps(products) if products.slides(geometry))
    }
}

impl fmt::Debug for ImageLayer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("ImageLayer").field("form", &self.form).finish_non_exhaustive()
    }
}
