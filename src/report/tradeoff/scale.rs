//! Axes: a range of numbers, where they lie in a picture, and round ones among them.

/// A linear axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// The smallest and the largest number.
    pub range: [f64; 2],
    /// Where these are in the picture.
    pub pixels: [f64; 2],
}

/// Ticks that an axis has at most.
const MOST_TICKS: usize = 7;

impl Scale {
    /// An axis with room around all of `numbers`, from 0 on where they reach near it, within `limits`.
    pub fn around(numbers: impl Iterator<Item = f64> + Clone, limits: [f64; 2], pixels: [f64; 2]) -> Self {
        let low = numbers.clone().fold(f64::INFINITY, f64::min);
        let high = numbers.fold(f64::NEG_INFINITY, f64::max);
        let room = if high > low { (high - low) * 0.08 } else { (high.abs() * 0.1).max(0.01) };
        let from_zero = limits[0] == 0.0 && low >= 0.0 && low < 0.2 * high;
        let start = if from_zero { 0.0 } else { (low - room).max(limits[0]) };
        Scale { range: [start, (high + room).min(limits[1].max(high))], pixels }
    }

    /// Where a number is.
    pub fn at(&self, x: f64) -> f64 {
        let ([low, high], [start, end]) = (self.range, self.pixels);
        start + (x - low) / (high - low) * (end - start)
    }

    /// Round numbers of the range, a step of 1, 2 or 5 times a power of ten apart, and the decimals they need.
    pub fn ticks(&self) -> (Vec<f64>, usize) {
        let [low, high] = self.range;
        let rough = (high - low) / MOST_TICKS as f64;
        let power = 10f64.powi(libm::log10(rough).floor() as i32);
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| *step >= rough * (1.0 - 1e-9)).unwrap_or(steps[3]);
        let slack = 1e-9 * step;
        let first = ((low - slack) / step).ceil() as i64;
        let ticks = (first..).map(|i| i as f64 * step).take_while(|tick| *tick <= high + slack);
        let decimals = (-libm::log10(step * (1.0 + 1e-9)).floor()).max(0.0) as usize;
        (ticks.collect(), decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round() {
        let scale = |range| Scale { range, pixels: [0.0, 100.0] };
        let (ticks, decimals) = scale([0.0, 1.0]).ticks();
        let texts: Vec<String> = ticks.iter().map(|tick| format!("{tick:.decimals$}")).collect();
        assert_eq!(texts, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(scale([87.2, 92.9]).ticks(), ((88..=92).map(f64::from).collect(), 0));
        assert_eq!(scale([87.2, 92.9]).at(87.2), 0.0);
    }

    proptest! {
        #[test]
        fn there_are_a_few_ticks_in_the_range(low in -1e3f64..1e3, width in 1e-4f64..1e4) {
            let (ticks, decimals) = Scale { range: [low, low + width], pixels: [0.0, 1.0] }.ticks();
            prop_assert!((2..=MOST_TICKS + 1).contains(&ticks.len()), "{ticks:?}");
            let text = |tick: &f64| format!("{tick:.decimals$}");
            prop_assert!(ticks.iter().all(|tick| (text(tick).parse::<f64>().unwrap() - tick).abs() < 1e-6 * width));
        }
    }
}
