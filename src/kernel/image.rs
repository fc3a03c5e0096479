//! Channels-last images: what dot products read without a copy.
//!
//! The operands of a position lie side by side, and those of neighboring positions follow each other, so that
//! the taps of one kernel line are one run of memory. An image may have a border, which holds what padding
//! reads; and a few elements may be read past the last image, since kernels read whole registers.

use std::ops::Range;

/// Elements after the last image that may be read, and whose values do not matter.
pub const SLACK: usize = 64;

/// How the elements of an image lie in memory: `[line][position][element]`, borders included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageLayout {
    /// Height and width, without borders.
    pub size: [usize; 2],
    /// Elements of a position.
    pub elements: usize,
    /// Positions before and after the image, along height and width.
    pub border: [[usize; 2]; 2],
}

impl ImageLayout {
    /// Of images without a border.
    pub const fn plain(size: [usize; 2], elements: usize) -> Self {
        ImageLayout { size, elements, border: [[0; 2]; 2] }
    }

    /// Lines of an image, with those of the border.
    pub const fn lines(&self) -> usize {
        self.border[0][0] + self.size[0] + self.border[0][1]
    }

    /// Elements of a line, with those of the border.
    pub const fn line(&self) -> usize {
        (self.border[1][0] + self.size[1] + self.border[1][1]) * self.elements
    }

    /// Elements of an image.
    pub const fn image(&self) -> usize {
        self.lines() * self.line()
    }

    /// The first element of a position of the image, counted without borders.
    pub const fn at(&self, y: usize, x: usize) -> usize {
        (self.border[0][0] + y) * self.line() + (self.border[1][0] + x) * self.elements
    }

    /// Positions of an image, without borders.
    pub const fn positions(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Whether an image has a border.
    pub fn has_border(&self) -> bool {
        self.border != [[0; 2]; 2]
    }

    /// Overwrites the borders of `images` with `value`.
    pub fn fill_border<T: Copy>(&self, images: &mut [T], value: T) {
        if !self.has_border() {
            return;
        }
        let (line, [top, bottom]) = (self.line(), self.border[0]);
        let [left, right] = self.border[1].map(|positions| positions * self.elements);
        for image in images.chunks_exact_mut(self.image()) {
            image[..top * line].fill(value);
            let end = image.len() - bottom * line;
            image[end..].fill(value);
            for line in image[top * line..end].chunks_exact_mut(line) {
                line[..left].fill(value);
                let end = line.len() - right;
                line[end..].fill(value);
            }
        }
    }
}

/// Positions that lie side by side in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinePart {
    /// The first, among all that are asked for.
    pub first: usize,
    /// How many.
    pub count: usize,
    /// The image.
    pub image: usize,
    /// The line.
    pub y: usize,
    /// The first one's place in the line.
    pub x: usize,
}

/// The parts of lines that `positions` are, counted through images of height and width `size`.
pub fn line_parts(positions: Range<usize>, [height, width]: [usize; 2]) -> impl Iterator<Item = LinePart> {
    let mut at = positions.start;
    std::iter::from_fn(move || {
        let x = at.checked_rem(width).filter(|_| at < positions.end)?;
        let count = (width - x).min(positions.end - at);
        let part =
            LinePart { first: at - positions.start, count, image: at / (height * width), y: at / width % height, x };
        at += count;
        Some(part)
    })
}

/// Images of one layout, one after another.
#[derive(Debug, Clone, Copy)]
pub struct Images<'a, T> {
    /// How each of them lies in memory.
    pub layout: ImageLayout,
    /// All of them, and as many elements after the last as [`SLACK`] says where kernels read them.
    pub values: &'a [T],
}

/// Images that are written. Their borders are not.
#[derive(Debug)]
pub struct ImagesMut<'a, T> {
    /// How each of them lies in memory.
    pub layout: ImageLayout,
    /// All of them, and no more.
    pub values: &'a mut [T],
}

impl<'a, T> Images<'a, T> {
    /// Line `y` of image `image`, without its border: `[position][element]`.
    ///
    /// # Panics
    /// When there is no such line.
    pub fn line(&self, image: usize, y: usize) -> &'a [T] {
        &self.values[image * self.layout.image() + self.layout.at(y, 0)..][..self.layout.size[1] * self.layout.elements]
    }
}

impl<T> ImagesMut<'_, T> {
    /// How many images there are.
    pub fn count(&self) -> usize {
        self.values.len().checked_div(self.layout.image()).unwrap_or(0)
    }

    /// Line `y` of image `image`, without its border: `[position][element]`.
    ///
    /// # Panics
    /// When there is no such line.
    pub fn line_mut(&mut self, image: usize, y: usize) -> &mut [T] {
        let (start, length) = (self.layout.at(y, 0), self.layout.size[1] * self.layout.elements);
        &mut self.values[image * self.layout.image() + start..][..length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_by_line() {
        let part = |first, count, image, y, x| LinePart { first, count, image, y, x };
        // Two lines of three positions an image.
        let parts: Vec<LinePart> = line_parts(4..13, [2, 3]).collect();
        let expected = [part(0, 2, 0, 1, 1), part(2, 3, 1, 0, 0), part(5, 3, 1, 1, 0), part(8, 1, 2, 0, 0)];
        assert_eq!(parts, expected);
        assert_eq!(line_parts(4..4, [2, 3]).count(), 0);
        assert_eq!(line_parts(0..0, [0, 0]).count(), 0);
    }
}
