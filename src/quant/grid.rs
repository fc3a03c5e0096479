//! The integers of any value of a network, of more bits than a multiplier's operands may have.

use super::params::{ActivationParams, IntRange, ParamsError, check_scale};

/// The real numbers that a value's integers represent: `x = (q - zero_point) * scale` for `q` in `q_min ..= q_max`.
///
/// The operands of a layer have 8 bits at most, which [`operands`](Grid::operands) checks; values between other
/// operators may have up to 32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    scale: f32,
    zero_point: i32,
    q_min: i32,
    q_max: i32,
}

impl Grid {
    /// Checks the parts.
    ///
    /// # Errors
    /// When the scale is not finite and positive, the range is empty or the zero point lies outside it.
    pub fn new(scale: f32, zero_point: i32, [q_min, q_max]: [i32; 2]) -> Result<Self, ParamsError> {
        check_scale(scale)?;
        if !(q_min..=q_max).contains(&zero_point) {
            return Err(ParamsError::ZeroPoint { zero_point, q_min, q_max });
        }
        Ok(Grid { scale, zero_point, q_min, q_max })
    }

    /// The real number that one integer step represents.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The integer that represents 0.
    pub fn zero_point(&self) -> i32 {
        self.zero_point
    }

    /// The smallest integer.
    pub fn q_min(&self) -> i32 {
        self.q_min
    }

    /// The largest integer.
    pub fn q_max(&self) -> i32 {
        self.q_max
    }

    /// Whether the other's integers represent the same numbers, whatever the ranges.
    pub fn has_steps_of(&self, other: &Grid) -> bool {
        self.scale == other.scale && self.zero_point == other.zero_point
    }

    /// The same with another range.
    ///
    /// # Errors
    /// When the range is empty or does not hold the zero point.
    pub fn with_range(self, range: [i32; 2]) -> Result<Self, ParamsError> {
        Grid::new(self.scale, self.zero_point, range)
    }

    /// `clamp(round_half_even(x / scale) + zero_point, q_min, q_max)`, where `x / scale` is one `f32` division; the
    /// zero point where `x` is NaN.
    pub fn quantize(&self, x: f32) -> i32 {
        let steps = f64::from((x / self.scale).round_ties_even()) + f64::from(self.zero_point);
        if steps.is_nan() {
            return self.zero_point;
        }
        steps.clamp(f64::from(self.q_min), f64::from(self.q_max)) as i32
    }

    /// The number that an integer represents, rounded once to `f32` for integers of up to 24 bits.
    pub fn number(&self, q: i32) -> f32 {
        (q.wrapping_sub(self.zero_point)) as f32 * self.scale
    }

    /// The same integers as operands of a layer.
    ///
    /// # Errors
    /// When the range is not one of 8 bits.
    pub fn operands(&self) -> Result<ActivationParams, ParamsError> {
        ActivationParams::new(self.scale, self.zero_point, IntRange::new(self.q_min, self.q_max)?)
    }
}

impl From<ActivationParams> for Grid {
    fn from(params: ActivationParams) -> Self {
        let (scale, zero_point, range) = (params.scale(), params.zero_point(), params.range());
        Grid { scale, zero_point, q_min: range.q_min(), q_max: range.q_max() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_grid_is_refused() {
        let cases =
            [(0.0, 0, [-1, 1]), (f32::NAN, 0, [-1, 1]), (-1.0, 0, [-1, 1]), (1.0, 2, [-1, 1]), (1.0, 0, [1, 0])];
        for_each_case(cases, |(scale, zero_point, range)| assert!(Grid::new(scale, zero_point, range).is_err()));
    }

    #[test]
    fn operands_have_eight_bits() {
        let grid = |range| Grid::new(0.5, 3, range).unwrap().operands();
        assert_eq!(grid([0, 255]).unwrap().range(), IntRange::new(0, 255).unwrap());
        assert_eq!(grid([0, 256]), Err(ParamsError::Range { q_min: 0, q_max: 256 }));
        assert_eq!(grid([-1, 200]), Err(ParamsError::Range { q_min: -1, q_max: 200 }));
    }

    proptest! {
        /// Every integer is found again from its number, in 16 bits as in 8.
        #[test]
        fn numbers_are_those_of_integers(
            scale in 1e-9f32..1e3,
            zero_point in i32::from(i16::MIN)..=i32::from(i16::MAX),
            q in i32::from(i16::MIN)..=i32::from(i16::MAX),
        ) {
            let grid = Grid::new(scale, zero_point, [i16::MIN.into(), i16::MAX.into()]).unwrap();
            prop_assert_eq!(grid.quantize(grid.number(q)), q);
        }

        /// In 8 bits it rounds as operands do.
        #[test]
        fn grids_of_operands_round_as_they_do(scale in 1e-9f32..1e3, zero_point in -128i32..=127, x in -1e5f32..1e5) {
            let grid = Grid::new(scale, zero_point, [-128, 127]).unwrap();
            let byte = grid.operands().unwrap().quantize(x);
            prop_assert_eq!(grid.quantize(x), i32::from(byte.cast_signed()));
        }
    }
}
