//! Products that are looked up: kernels take them for many positions of one output at a time, so that operands
//! are turned to planes and tiles, and numbers back to positions.

use super::dots::Shape;
use super::sized::sized;
use crate::kernel::{Clip, ConvGeometry, Images, LANES, Lanes, Planes, Tile, fill_tile, to_planar, to_positions};
use crate::layer::after_sums::AfterSums;
use crate::layer::epilogue::Epilogue;
use crate::layer::integer::{Integer, Sums};
use crate::layer::quantized::Quantized;
use crate::layer::tiles::{Arithmetic, is_depthwise};
use std::ops::Range;
use std::sync::Arc;

/// A layer whose products are looked up.
pub(super) struct LookUps {
    pub layer: Quantized,
    /// Whether the products are exact ones, in a form that no dot product takes.
    pub is_exact: bool,
    pub bias: Option<Vec<f32>>,
    pub after_sums: Option<Arc<AfterSums>>,
    pub shape: Shape,
}

/// Memory that a thread keeps.
#[derive(Default)]
pub(super) struct Memory {
    /// Of each group, but of one for all where planes are slid over.
    planes: Vec<Planes>,
    /// The first image of the planes.
    first: usize,
    planar: Vec<u8>,
    tile: Tile,
    rows: Vec<Lanes<f32>>,
    sums: Sums,
}

/// Outputs whose numbers are turned to positions at a time.
const OUTPUTS: usize = 64;

/// How operands reach the look-ups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    /// Each position reads itself.
    Pointwise,
    /// Patches of padded planes.
    Patches,
    /// Padded planes, slid over.
    Slide,
}

impl LookUps {
    fn strategy(&self, geometry: &ConvGeometry) -> Strategy {
        let Shape { groups, outputs, channels, .. } = self.shape;
        if is_depthwise(groups, channels, outputs) && self.integer(Clip::default()).can_slide(geometry.depth()) {
            Strategy::Slide
        } else if geometry.is_pointwise() && groups == 1 {
            Strategy::Pointwise
        } else {
            Strategy::Patches
        }
    }

    /// Whether it slides over planes, of one image at a time.
    pub fn slides(&self, geometry: &ConvGeometry) -> bool {
        self.strategy(geometry) == Strategy::Slide
    }

    /// The arithmetic, whose numbers are clamped.
    fn integer(&self, clip: Clip) -> Integer<'_> {
        let epilogue = Epilogue { bias: self.bias.as_deref(), after_sums: self.after_sums.as_deref(), clip };
        if self.is_exact {
            return Integer::exact(&self.layer, epilogue);
        }
        Integer::approximate(&self.layer, epilogue).expect("a layer that looks up has a multiplier")
    }

    /// Output positions that are best computed at a time: whole tiles, and whole lines where planes are slid over.
    pub fn positions(&self, geometry: &ConvGeometry) -> usize {
        let [height, width] = geometry.output;
        match self.strategy(geometry) {
            // Lines of one image, and of a long line as many as a tile has.
            Strategy::Slide if width > LANES => width,
            Strategy::Slide => (LANES / width).clamp(1, height) * width,
            Strategy::Pointwise | Strategy::Patches => LANES,
        }
    }

    /// Lays out what positions of `range` of the images read.
    pub fn begin(&self, geometry: &ConvGeometry, images: Images<u8>, range: Range<usize>, memory: &mut Memory) {
        let Memory { planes, first, planar, .. } = memory;
        let strategy = self.strategy(geometry);
        if strategy == Strategy::Pointwise {
            return;
        }
        let padding = self.integer(Clip::default()).padding();
        let all = self.shape.groups * self.shape.channels;
        // Planes that are slid over hold all groups.
        let (count, channels) = match strategy {
            Strategy::Slide => (1, all),
            Strategy::Pointwise | Strategy::Patches => (self.shape.groups, self.shape.channels),
        };
        let positions = geometry.input[0] * geometry.input[1];
        *first = range.start;
        planes.resize_with(count.max(planes.len()), Planes::default);
        for planes in &mut planes[..count] {
            planes.reset(ConvGeometry { channels, ..*geometry }, padding, range.len());
        }
        let planar = sized(planar, all * positions);
        for (i, image) in range.enumerate() {
            channels_of(images, image, all, planar);
            for (planes, planar) in planes.iter_mut().zip(planar.chunks_exact((channels * positions).max(1))) {
                planes.fill(i, planar);
            }
        }
    }

    /// Overwrites `numbers` with those of all outputs, clamped, at each of `positions`, counted through all images and
    /// among those that were laid out: no more than [`positions`](Self::positions), all of one image where planes are slid
    /// over.
    pub fn numbers(
        &self,
        geometry: &ConvGeometry,
        images: Images<u8>,
        positions: Range<usize>,
        clip: Clip,
        memory: &mut Memory,
        numbers: &mut [f32],
    ) {
        let (integer, all, strategy) = (self.integer(clip), geometry.positions(), self.strategy(geometry));
        let Memory { planes, first, tile, rows, sums, planar } = memory;
        let Shape { groups, outputs, .. } = self.shape;
        let stride = groups * outputs;
        rows.resize(OUTPUTS, Lanes::default());
        if strategy == Strategy::Slide {
            let plane = planes[0].plane(positions.start / all - *first);
            for start in (0..stride).step_by(OUTPUTS) {
                let channels = start..(start + OUTPUTS).min(stride);
                let within = positions.start % all..positions.start % all + positions.len();
                for piece in within.clone().step_by(LANES) {
                    let piece = piece..(piece + LANES).min(within.end);
                    let rows = &mut rows[..channels.len()];
                    integer.slide(outputs, channels.clone(), &plane, piece.clone(), sums, rows);
                    let at = (piece.start - within.start) * stride + start;
                    to_positions(rows, piece.len(), stride, &mut numbers[at..]);
                }
            }
            return;
        }
        // Positions that read themselves have no planes.
        let has_planes = strategy == Strategy::Patches;
        for group in 0..groups {
            match planes.get(group).filter(|_| has_planes) {
                Some(planes) => {
                    let before = *first * all;
                    fill_tile(planes, positions.start - before..positions.end - before, tile);
                }
                None => fill_by_positions(images, self.shape.channels, positions.clone(), tile, planar),
            }
            for start in (0..outputs).step_by(OUTPUTS) {
                let channels = group * outputs + start..group * outputs + (start + OUTPUTS).min(outputs);
                let rows = &mut rows[..channels.len()];
                integer.outputs(channels.clone(), tile, sums, rows);
                to_positions(rows, positions.len(), stride, &mut numbers[channels.start..]);
            }
        }
    }
}

/// Overwrites `planar` with the channels of an image, which has no border, `[channel, height, width]`.
fn channels_of(images: Images<u8>, image: usize, channels: usize, planar: &mut [u8]) {
    let size = images.layout.image();
    to_planar(&images.values[image * size..][..size], images.layout.elements, channels, planar);
}

/// Fills `tile` with the operands of positions that read themselves, in images without borders.
fn fill_by_positions(
    images: Images<u8>,
    channels: usize,
    positions: Range<usize>,
    tile: &mut Tile,
    planar: &mut Vec<u8>,
) {
    let elements = images.layout.elements;
    tile.reset(channels, positions.len());
    let planar = sized(planar, channels * positions.len());
    to_planar(&images.values[positions.start * elements..positions.end * elements], elements, channels, planar);
    for (k, planar) in planar.chunks_exact(positions.len()).enumerate() {
        tile.row_mut(k).copy_from_slice(planar);
    }
}
