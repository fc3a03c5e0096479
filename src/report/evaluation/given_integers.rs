//! Integers that a network's file has, or given parameters, beside those that its multipliers see.

use crate::lut::Coding;

/// Integers of an operand that the network's file or given parameters have.
pub(super) struct GivenIntegers {
    /// How far they were shifted; 0 where they are the multiplier's operands as they are.
    pub by: i32,
    /// Its integers after that.
    pub range: [i32; 2],
    /// Its lowest and highest zero point after that.
    pub zero_points: [i32; 2],
}

impl GivenIntegers {
    /// Whether they were shifted, but not to where their zero point is 0.
    pub fn is_off(&self) -> bool {
        self.by != 0 && self.zero_points != [0; 2]
    }

    /// Whether `coding` takes the integers as they were, or moves them to where their zero point is 0. The table is one
    /// of 8 bits.
    pub fn suits(&self, coding: Coding) -> bool {
        let [low, high] = self.range.map(|end| end - self.by);
        let zero_points = self.zero_points.map(|zero_point| zero_point - self.by);
        let takes = match coding {
            Coding::Signed => -128..=127,
            Coding::SignMagnitude => -255..=255,
            Coding::Affine => 0..=255,
        };
        let shift = coding.shift(&(low..=high), &zero_points, &takes);
        let is_centered = zero_points.iter().all(|zero_point| zero_point + shift == 0);
        is_centered || (shift == 0 && coding.has_zero_points())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::lut::CODINGS;

    /// By hand: integers as a file has them, and the codings that take them as they are or around 0.
    #[test]
    fn codings_that_suit_integers() {
        use Coding::{Affine, SignMagnitude, Signed};
        let cases: [([i32; 2], [i32; 2], &[Coding]); 8] = [
            ([0, 255], [0, 0], &[SignMagnitude, Affine]),
            ([0, 255], [100, 100], &[Affine]),
            ([0, 255], [128, 128], &[Signed, SignMagnitude, Affine]),
            ([0, 255], [100, 128], &[Affine]),
            ([-128, 127], [0, 0], &[Signed, SignMagnitude]),
            ([-128, 127], [-128, -128], &[Signed, SignMagnitude, Affine]),
            ([-128, 127], [5, 5], &[Signed]),
            ([0, 15], [8, 8], &[Signed, SignMagnitude, Affine]),
        ];
        for_each_case(cases, |(range, zero_points, expected)| {
            // Whatever they were shifted by.
            for by in [0, 128, -128] {
                let moved = |ends: [i32; 2]| ends.map(|end| end + by);
                let given = GivenIntegers { by, range: moved(range), zero_points: moved(zero_points) };
                let found: Vec<Coding> = CODINGS.iter().copied().filter(|coding| given.suits(*coding)).collect();
                assert_eq!(found, expected, "{range:?} {zero_points:?}, {by}");
            }
        });
    }

    #[test]
    fn only_shifts_that_miss_zero_are_off() {
        let cases = [(0, 3, false), (128, 0, false), (128, 128, true), (-128, -28, true)];
        for_each_case(cases, |(by, zero_point, is_off)| {
            let given = GivenIntegers { by, range: [-128, 127], zero_points: [zero_point; 2] };
            assert_eq!(given.is_off(), is_off, "{by} {zero_point}");
        });
    }
}
