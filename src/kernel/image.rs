//! Channels-last images: what dot products read without a copy.
//!
//! The operands of a position lie side by side, and those of neighboring positions follow each other, so that
//! the taps of one kernel line are one run of memory. An image may have a border, which holds what padding
//! reads; and a few elements may be read past the last image, since kernels read whole registers.

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
    pub const fn len(&self) -> usize {
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
        for image in images.chunks_exact_mut(self.len()) {
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
