//! What the taps of a kernel read along one axis.
//!
//! A tap reads positions that lie `step` apart, so that the positions of an axis fall into `step` phases, each of which
//! is read by some of the taps, almost whole: the places of a phase that a tap leaves out are few, near the border.

use crate::layer::taps::Taps;
use crate::layer::{Flow, Window};
use std::ops::Range;

/// What one tap reads along one axis: of the positions `phase + place * step`, which are `places`, those at `read`.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub phase: usize,
    pub step: usize,
    pub places: usize,
    pub read: Range<usize>,
}

/// Taps that read the same phase, family by family.
pub(super) fn families(lines: &[Line]) -> Vec<Vec<usize>> {
    let mut families: Vec<Vec<usize>> = Vec::new();
    for (tap, line) in lines.iter().enumerate() {
        match families.iter_mut().find(|family| lines[family[0]].phase == line.phase) {
            Some(family) => family.push(tap),
            None => families.push(vec![tap]),
        }
    }
    families
}

impl Line {
    /// What tap `tap` reads along axis `axis`.
    pub fn new(window: &Window, axis: usize, tap: usize) -> Self {
        let geometry = &window.geometry;
        let size = geometry.input[axis];
        if window.flow == Flow::Transposed {
            let Range { start, end } = Taps::new(geometry, axis).inputs(tap);
            return Line { phase: 0, step: 1, places: size, read: start.min(end)..end };
        }
        let step = geometry.stride[axis];
        let offset = (tap * geometry.dilation[axis]) as isize - geometry.padding[axis] as isize;
        let phase = offset.rem_euclid(step as isize) as usize;
        let places = size.saturating_sub(phase).div_ceil(step);
        let first = offset.div_euclid(step as isize);
        let place = |at: isize| at.clamp(0, places as isize) as usize;
        Line { phase, step, places, read: place(first)..place(first + geometry.output[axis] as isize) }
    }

    /// All places of the phase.
    pub fn whole(&self) -> Line {
        Line { read: 0..self.places, ..*self }
    }

    /// Positions from the first that is read to the last, every `step`th of which is.
    pub fn extent(&self) -> Range<usize> {
        let Range { start, end } = self.read;
        if start == end { 0..0 } else { self.position(start)..self.position(end - 1) + 1 }
    }

    /// Positions that are read.
    pub fn positions(&self) -> impl Iterator<Item = usize> + Clone {
        self.extent().step_by(self.step)
    }

    /// Positions of the phase that are not read.
    pub fn unread(&self) -> impl Iterator<Item = usize> + Clone {
        (0..self.read.start).chain(self.read.end..self.places).map(|place| self.position(place))
    }

    fn position(&self, place: usize) -> usize {
        self.phase + place * self.step
    }
}
