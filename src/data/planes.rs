//! One byte image as planes, and what happens to it before normalization.

use super::resize;
use crate::data::Interpolation;

/// An image `[C, H, W]` of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planes {
    pub shape: [usize; 3],
    pub bytes: Vec<u8>,
}

impl Planes {
    /// Gray levels of a color image by Pillow's formula for mode `L`, which is ITU-R 601-2 in 16 fractional bits.
    pub fn to_gray(&self) -> Planes {
        let [_, h, w] = self.shape;
        let [r, g, b] = [0, 1, 2].map(|channel| &self.bytes[channel * h * w..][..h * w]);
        let luma = |((&r, &g), &b): ((&u8, &u8), &u8)| {
            ((19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b) + 0x8000) >> 16) as u8
        };
        Planes { shape: [1, h, w], bytes: r.iter().zip(g).zip(b).map(luma).collect() }
    }

    /// Three equal channels of a gray image.
    pub fn to_rgb(&self) -> Planes {
        let [_, h, w] = self.shape;
        Planes { shape: [3, h, w], bytes: self.bytes.repeat(3) }
    }

    /// The image at `height` by `width`.
    pub fn resize(&self, height: usize, width: usize, interpolation: Interpolation) -> Planes {
        let bytes = resize::resize(&self.bytes, self.shape, [height, width], interpolation);
        Planes { shape: [self.shape[0], height, width], bytes }
    }

    /// The square of side `side` around the center, with zeros where the image is smaller.
    pub fn center_crop(&self, side: usize) -> Planes {
        let [c, h, w] = self.shape;
        let (rows, columns) = (Overlap::new(h, side), Overlap::new(w, side));
        let mut bytes = vec![0; c * side * side];
        for (plane, out) in self.bytes.chunks_exact(h * w).zip(bytes.chunks_exact_mut(side * side)) {
            for row in 0..rows.len {
                let from = &plane[(rows.from + row) * w + columns.from..][..columns.len];
                out[(rows.to + row) * side + columns.to..][..columns.len].copy_from_slice(from);
            }
        }
        Planes { shape: [c, side, side], bytes }
    }
}

/// What a center crop keeps of one axis: `len` positions `from` the image `to` the crop.
struct Overlap {
    from: usize,
    to: usize,
    len: usize,
}

impl Overlap {
    /// torchvision's rounding: `(side - size) // 2` zeros come first, or `round((size - side) / 2)`
    /// positions are cut off first, halves going to the even neighbor as Python's `round` does.
    fn new(size: usize, side: usize) -> Overlap {
        if size <= side {
            return Overlap { from: 0, to: (side - size) / 2, len: size };
        }
        let (half, odd) = ((size - side) / 2, (size - side) % 2);
        Overlap { from: half + (half & odd), to: 0, len: side }
    }
}
