//! How long kernels take for products and for look-ups, by which the cheaper way to sum is chosen.

/// The times of one core for a product in a large matrix product, in picoseconds: the medians of
/// `cargo bench --bench gemm` on a Zen 5 core of 4.2 GHz. Only their ratios matter, which vary less from processor to
/// processor than they do.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// A product of [`Kernel::integers`](super::Kernel::integers).
    pub product: f64,
    /// A product that is looked up.
    pub look_up: LookUpRate,
    /// The same where activations are below 128.
    pub low_look_up: LookUpRate,
    /// An integer product beside look-ups.
    pub slope: f64,
}

/// The time for a look-up.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LookUpRate {
    /// Whatever the planes.
    pub start: f64,
    /// In each plane.
    pub plane: f64,
}

impl Rates {
    /// The time for a product that is looked up in `planes`, and multiplied beside that if it has slopes.
    pub(super) fn look_ups(self, planes: usize, has_slopes: bool, is_low: bool) -> f64 {
        let rate = if is_low { self.low_look_up } else { self.look_up };
        let look_ups = if planes > 0 { rate.start + rate.plane * planes as f64 } else { 0.0 };
        look_ups + if has_slopes { self.slope } else { 0.0 }
    }

    /// The products of mapped operands that take no longer.
    pub(super) fn products(self, time: f64) -> usize {
        (time / self.product) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn times_add_up() {
        let look_up = LookUpRate { start: 3.0, plane: 6.0 };
        let rates = Rates { product: 2.0, look_up, low_look_up: LookUpRate { start: 5.0, plane: 2.0 }, slope: 1.0 };
        // (Planes, slopes, low activations, time, products)
        let cases = [
            (0, false, false, 0.0, 0),
            (0, true, false, 1.0, 0),
            (1, true, false, 10.0, 5),
            (2, false, false, 15.0, 7),
            (2, false, true, 9.0, 4),
        ];
        for_each_case(cases, |(planes, has_slopes, is_low, time, products)| {
            assert_eq!(rates.look_ups(planes, has_slopes, is_low), time);
            assert_eq!(rates.products(time), products);
        });
    }
}
