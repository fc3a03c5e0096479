//! The last of what grows that is still good: among numbers, by the logarithm, and among things in a row.

/// A range of numbers in which a bound is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// The least number, which is above 0.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// The ratio of the least number found bad to the largest found good at which the search ends.
    pub ratio: f64,
}

/// Where good ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Not even the least number is good.
    Below,
    /// The largest number found good; one that is larger by the ratio is bad.
    At(f64),
    /// The largest number of all is good.
    Beyond,
}

impl Search {
    /// The bound below which `is_good` holds, as far as it holds for all smaller numbers where it does for one.
    ///
    /// # Errors
    /// As `is_good`.
    pub fn run<E>(self, mut is_good: impl FnMut(f64) -> Result<bool, E>) -> Result<Bound, E> {
        let Search { low, high, ratio } = self;
        if is_good(high)? {
            return Ok(Bound::Beyond);
        }
        if !is_good(low)? {
            return Ok(Bound::Below);
        }
        let (mut good, mut bad) = (low, high);
        while bad / good > ratio {
            let middle = (good * bad).sqrt();
            if is_good(middle)? {
                good = middle;
            } else {
                bad = middle;
            }
        }
        Ok(Bound::At(good))
    }

    /// The most numbers that are looked at.
    pub fn most_steps(self) -> usize {
        let halvings = libm::log2(libm::log(self.high / self.low) / libm::log(self.ratio));
        2 + halvings.ceil().max(0.0) as usize
    }
}

/// The last of `0..len` that is good, as far as what comes before a good one is good; `None` where the first is not, or
/// `is_good` has no answer before one is known to be.
///
/// # Errors
/// As `is_good`.
pub fn last_good<E>(len: usize, mut is_good: impl FnMut(usize) -> Result<Option<bool>, E>) -> Result<Option<usize>, E> {
    let (mut good, mut bad) = (None, len);
    while good.map_or(0, |good| good + 1) < bad {
        let start = good.map_or(0, |good| good + 1);
        let middle = start + (bad - start) / 2;
        match is_good(middle)? {
            Some(true) => good = Some(middle),
            Some(false) => bad = middle,
            None => break,
        }
    }
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    proptest! {
        #[test]
        fn bounds_are_found_to_the_ratio(bound in 0.0005f64..50.0, ratio in 1.01f64..2.0) {
            let search = Search { low: 0.001, high: 10.0, ratio };
            let mut steps = 0;
            let found = search.run(|x| {
                steps += 1;
                Ok::<_, Infallible>(x <= bound)
            });
            match found.unwrap() {
                Bound::Below => prop_assert!(bound < 0.001),
                Bound::Beyond => prop_assert!(bound >= 10.0),
                Bound::At(x) => prop_assert!(x <= bound && bound < x * ratio * (1.0 + 1e-12)),
            }
            prop_assert!(steps <= search.most_steps(), "{steps}");
        }

        #[test]
        fn the_last_good_one_is_found(len in 0usize..40, good in 0usize..40) {
            let mut steps = 0;
            let found = last_good(len, |i| {
                steps += 1;
                Ok::<_, Infallible>(Some(i < good))
            });
            prop_assert_eq!(found.unwrap(), good.min(len).checked_sub(1));
            prop_assert!(steps <= 6);
        }
    }
}
