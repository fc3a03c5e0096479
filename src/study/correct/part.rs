//! The parts of a correction.

use crate::registry::{Named, Registry, by_name};

/// A part of a correction, which each layer has or has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Each stored weight is the integer whose products come closest to the exact ones.
    Map,
    /// The mean error of each output channel is taken off its bias.
    Bias,
    /// A constant times the sum of activations is added to the sum of each output channel.
    Affine,
    /// Scale and bias of each output channel that had a batch normalization are those of its outputs' mean and variance
    /// under the multiplier.
    Bn,
}

/// Every part, in the order in which they are applied.
pub static PARTS: Registry<Part> = Registry::new("part", &[Part::Map, Part::Bias, Part::Affine, Part::Bn]);

by_name!(Part, PARTS);

impl Named for Part {
    fn name(&self) -> &'static str {
        match self {
            Part::Map => "map",
            Part::Bias => "bias",
            Part::Affine => "affine",
            Part::Bn => "bn",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Part::Map => "Each weight becomes the integer whose products come closest to the exact ones",
            Part::Bias => "The mean error of each output channel is taken off its bias",
            Part::Affine => "A constant times the sum of activations is added to each output channel's sum",
            Part::Bn => "Scale and bias of normalized output channels restore their mean and variance",
        }
    }
}

/// Some of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts(u8);

impl Parts {
    /// All of them.
    pub fn all() -> Self {
        PARTS.iter().copied().collect()
    }

    /// Whether a part is among them.
    pub fn has(self, part: Part) -> bool {
        self.0 & 1 << part as u8 != 0
    }

    /// The others.
    #[must_use]
    pub fn without(self, part: Part) -> Self {
        Parts(self.0 & !(1 << part as u8))
    }

    /// Those that both have.
    #[must_use]
    pub fn and(self, other: Parts) -> Self {
        Parts(self.0 & other.0)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The parts, in order.
    pub fn iter(self) -> impl Iterator<Item = Part> {
        PARTS.iter().copied().filter(move |part| self.has(*part))
    }

    /// Their names, in order.
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(|part| part.name()).collect()
    }
}

impl FromIterator<Part> for Parts {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        Parts(parts.into_iter().fold(0, |all, part| all | 1 << part as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_a_set() {
        let parts: Parts = [Part::Affine, Part::Map, Part::Map].into_iter().collect();
        assert_eq!(parts.names(), ["map", "affine"]);
        assert_eq!(parts.without(Part::Map).names(), ["affine"]);
        assert!(parts.has(Part::Affine) && !parts.has(Part::Bn));
        assert!(parts.and(Part::Bias.into_iter_once()).is_empty() && Parts::all().names().len() == 4);
    }

    impl Part {
        fn into_iter_once(self) -> Parts {
            [self].into_iter().collect()
        }
    }
}
