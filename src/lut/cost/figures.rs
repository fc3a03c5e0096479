//! What a circuit's cost consists of, and how two circuits' costs are held against each other.

use serde::{Deserialize, Serialize};

/// Figures of one circuit, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Power in milliwatts.
    pub power_mw: Option<f64>,
    /// Energy of one multiplication in picojoules.
    pub energy_pj: Option<f64>,
    /// Area in square micrometers.
    pub area_um2: Option<f64>,
    /// Delay in nanoseconds.
    pub delay_ns: Option<f64>,
}

/// Figures of one circuit over those of another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratios {
    /// Of powers.
    #[serde(rename = "relative_power")]
    pub power: Option<f64>,
    /// Of energies.
    #[serde(rename = "relative_energy")]
    pub energy: Option<f64>,
    /// Of areas.
    #[serde(rename = "relative_area")]
    pub area: Option<f64>,
    /// Of delays.
    #[serde(rename = "relative_delay")]
    pub delay: Option<f64>,
}

impl Figures {
    /// The figures, energy being power times delay where it is not known by itself: milliwatts times nanoseconds
    /// are picojoules.
    #[must_use]
    pub fn with_energy(self) -> Figures {
        let product = self.power_mw.zip(self.delay_ns).map(|(power, delay)| power * delay);
        Figures { energy_pj: self.energy_pj.or(product), ..self }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Figures::default()
    }

    /// Whether all of these figures, as far as they are known, are those of `other`.
    pub fn repeat(&self, other: &Figures) -> bool {
        let is_same = |figure: fn(&Figures) -> Option<f64>| figure(self).is_none_or(|own| figure(other) == Some(own));
        is_same(|figures| figures.power_mw)
            && is_same(|figures| figures.energy_pj)
            && is_same(|figures| figures.area_um2)
            && is_same(|figures| figures.delay_ns)
    }

    /// These figures over those of `exact`.
    pub fn over(&self, exact: &Figures) -> Ratios {
        let ratio = |figure: fn(&Figures) -> Option<f64>| {
            let exact = figure(exact).filter(|&exact| exact > 0.0)?;
            figure(self).map(|figure| figure / exact)
        };
        Ratios {
            power: ratio(|figures| figures.power_mw),
            energy: ratio(|figures| figures.energy_pj),
            area: ratio(|figures| figures.area_um2),
            delay: ratio(|figures| figures.delay_ns),
        }
    }
}

impl Ratios {
    /// These, with `weaker` filling in what is missing.
    #[must_use]
    pub fn or(self, weaker: Ratios) -> Ratios {
        Ratios {
            power: self.power.or(weaker.power),
            energy: self.energy.or(weaker.energy),
            area: self.area.or(weaker.area),
            delay: self.delay.or(weaker.delay),
        }
    }
}
