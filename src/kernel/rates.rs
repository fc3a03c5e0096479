//! How long kernels take for products and for look-ups, by which the cheaper way to sum is chosen.

/// Times of one core for a product in a large matrix product, in picoseconds. Only their ratios matter, which vary little
/// from processor to processor; `cargo bench --bench gemm` measures them.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// A product of integers, by [`Kernel::integers`](super::Kernel::integers).
    pub product: f64,
    /// A look-up in one plane.
    pub plane: f64,
    /// The same where activations are below 128.
    pub low_plane: f64,
    /// An integer product beside look-ups.
    pub slope: f64,
}

impl Rates {
    /// The time for a product that is looked up in `planes`, and multiplied beside that if it has slopes.
    pub(super) fn look_ups(self, planes: usize, has_slopes: bool, is_low: bool) -> f64 {
        let plane = if is_low { self.low_plane } else { self.plane };
        let slope = if has_slopes { self.slope } else { 0.0 };
        plane * planes as f64 + slope
    }

    /// The products that take as long.
    pub(super) fn products(self, time: f64) -> usize {
        (time / self.product) as usize
    }
}
