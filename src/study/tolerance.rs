//! How much noise a layer stands: the largest relative standard deviation within a bound on the drop.

use super::bisection::{Bound, Search};
use crate::report::Degradation;

/// What noise is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToleranceSettings {
    /// The largest drop of the metric, a fraction.
    pub max_drop: f64,
    /// The least relative deviation that is tried.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// How much larger than the result one that breaks the bound may be, as a ratio.
    pub ratio: f64,
}

impl Default for ToleranceSettings {
    fn default() -> Self {
        ToleranceSettings { max_drop: 0.01, low: 1.0 / 1024.0, high: 8.0, ratio: 1.1 }
    }
}

impl ToleranceSettings {
    fn search(self) -> Search {
        Search { low: self.low, high: self.high, ratio: self.ratio }
    }

    /// The most evaluations of a layer.
    pub fn most_steps(self) -> usize {
        self.search().most_steps()
    }
}

/// The noise that a layer stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Tolerance {
    /// Where it ends.
    pub bound: Bound,
    /// What the largest noise within the bound does, or the least noise where that is beyond it.
    pub found: Degradation,
}

impl Tolerance {
    /// The noise that a layer stands which `measure` says of a deviation what it does.
    ///
    /// # Errors
    /// As `measure`.
    pub fn find<E>(
        settings: ToleranceSettings,
        mut measure: impl FnMut(f64) -> Result<Degradation, E>,
    ) -> Result<Self, E> {
        let (mut good, mut first_bad) = (None, None);
        let bound = settings.search().run(|stdev| {
            let found = measure(stdev)?;
            let is_within = found.drop <= settings.max_drop;
            if is_within {
                good = Some(found);
            } else {
                first_bad = Some(found);
            }
            Ok(is_within)
        })?;
        // Nothing good is the least deviation being the last bad one.
        let found = good.or(first_bad).expect("at least one deviation was tried");
        Ok(Tolerance { bound, found })
    }

    /// The deviation: where it is not within what was tried, the end that it is beyond.
    pub fn stdev(&self, settings: ToleranceSettings) -> f64 {
        match self.bound {
            Bound::Below => settings.low,
            Bound::At(stdev) => stdev,
            Bound::Beyond => settings.high,
        }
    }
}
