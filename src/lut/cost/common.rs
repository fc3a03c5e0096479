//! What several multipliers cost in one unit, so that sums over them can be compared.

use super::{Cost, CostSource, Costs, Figures, Ratios};
use crate::kernel::Signedness;
use crate::lut::Lut;
use crate::registry::{Named, Registry, by_name};

/// The cost of a multiplication that sums are of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CostKind {
    /// Energy of multiplications.
    #[default]
    Energy,
    /// Power of the multipliers.
    Power,
}

/// Every kind; the first is the default.
pub static COST_KINDS: Registry<CostKind> = Registry::new("cost", &[CostKind::Energy, CostKind::Power]);

impl Named for CostKind {
    fn name(&self) -> &'static str {
        match self {
            CostKind::Energy => "energy",
            CostKind::Power => "power",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            CostKind::Energy => "Energy of the multiplications",
            CostKind::Power => "Power of the multipliers, weighted by multiplications",
        }
    }
}

by_name!(CostKind, COST_KINDS);

impl CostKind {
    fn figure(self, figures: &Figures) -> Option<f64> {
        match self {
            CostKind::Energy => figures.energy_pj,
            CostKind::Power => figures.power_mw,
        }
    }

    fn ratio(self, ratios: &Ratios) -> Option<f64> {
        match self {
            CostKind::Energy => ratios.energy,
            CostKind::Power => ratios.power,
        }
    }

    fn is_known(self, cost: &Cost) -> bool {
        self.figure(&cost.figures).or(self.ratio(&cost.relative)).is_some()
    }
}

/// Costs of several multipliers, all of one basis.
#[derive(Debug, Clone, PartialEq)]
pub struct CommonCosts {
    /// The cost of a multiplication by each multiplier, in any unit.
    pub multipliers: Vec<f64>,
    /// That of an exact one.
    pub exact: f64,
    /// The kind of source.
    pub source: CostSource,
    /// What the figures are comparable with.
    pub basis: String,
}

/// Multipliers whose costs cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the multipliers' {kind} cannot be compared, since it is not known of all by one basis: {}; state it of all, and of \
     'exact', in one file of costs", .known.join(", ")
)]
pub struct NoCommonCosts {
    /// What was asked for.
    pub kind: CostKind,
    /// Each multiplier with the bases by which it is known.
    pub known: Vec<String>,
}

impl NoCommonCosts {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        &["costs"]
    }
}

impl Costs {
    /// What multiplications by `luts`, and exact ones of operands of `signedness`, cost by the first basis that is known
    /// of all: one of a file of costs before others.
    ///
    /// # Errors
    /// When there is none; lists what is known of each.
    pub fn common(&self, kind: CostKind, luts: &[&Lut], signedness: Signedness) -> Result<CommonCosts, NoCommonCosts> {
        let known = |costs: Vec<Cost>| -> Vec<Cost> { costs.into_iter().filter(|cost| kind.is_known(cost)).collect() };
        let candidates: Vec<Vec<Cost>> = luts.iter().map(|lut| known(self.candidates(lut))).collect();
        let exact = known(self.exact_candidates(signedness));
        let of_basis = |basis: &str| -> Option<Vec<&Cost>> {
            let all = candidates.iter().chain([&exact]);
            all.map(|costs| costs.iter().find(|cost| cost.basis == basis)).collect()
        };
        let mut shared: Vec<Vec<&Cost>> = exact.iter().filter_map(|cost| of_basis(&cost.basis)).collect();
        shared.sort_by_key(|costs| costs.last().is_none_or(|exact| exact.source != CostSource::Csv));
        for costs in shared {
            // Ratios of multipliers of other widths are to exact ones of theirs.
            let by_figures = costs.iter().map(|cost| kind.figure(&cost.figures)).collect::<Option<Vec<f64>>>();
            let ratios = || costs.iter().map(|cost| kind.ratio(&cost.relative)).collect::<Option<Vec<f64>>>();
            let values = by_figures.or_else(ratios).filter(|values| values.last().is_some_and(|&exact| exact > 0.0));
            if let (Some(mut multipliers), Some(last)) = (values, costs.last()) {
                let exact = multipliers.pop().expect("the exact one is the last");
                return Ok(CommonCosts { multipliers, exact, source: last.source, basis: last.basis.clone() });
            }
        }
        let bases = |costs: &[Cost]| match costs {
            [] => "unknown".to_owned(),
            costs => costs.iter().map(|cost| cost.basis.as_str()).collect::<Vec<_>>().join("; "),
        };
        let named = luts.iter().map(|lut| lut.name()).zip(&candidates).chain([("exact", &exact)]);
        Err(NoCommonCosts { kind, known: named.map(|(name, costs)| format!("{name} ({})", bases(costs))).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lut::design;

    fn lut(name: &str) -> Lut {
        design::resolve(name, None).unwrap()
    }

    fn common(costs: &Costs, kind: CostKind, luts: &[Lut]) -> Result<CommonCosts, NoCommonCosts> {
        costs.common(kind, &luts.iter().collect::<Vec<_>>(), Signedness::Unsigned)
    }

    fn stated(text: &str) -> Costs {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("costs.csv");
        std::fs::write(&path, text).unwrap();
        Costs::read(&path).unwrap()
    }

    /// Designs have unit gates in common; published circuits have figures, 0.391 mW and 1.43 ns of the exact one.
    #[test]
    fn the_basis_is_one_that_all_have() {
        let none = Costs::default();
        let gates = common(&none, CostKind::Energy, &[lut("truncated-4"), lut("drum-4")]).unwrap();
        assert_eq!((gates.source, gates.exact, gates.multipliers.len()), (CostSource::UnitGates, 1.0, 2));
        assert_eq!(gates.multipliers[0], none.get(&lut("truncated-4")).unwrap().relative.energy.unwrap());
        let published = common(&none, CostKind::Power, &[lut("exact")]).unwrap();
        assert_eq!(
            (published.source, published.exact, published.multipliers),
            (CostSource::Catalogue, 0.391, vec![0.391])
        );
        // The exact design is known by both.
        let both = common(&none, CostKind::Power, &[lut("exact"), lut("drum-4")]).unwrap();
        assert_eq!((both.source, both.multipliers[0]), (CostSource::UnitGates, 1.0));
    }

    #[test]
    fn a_file_of_costs_goes_first() {
        let costs = stated("multiplier,energy,source\nexact,0.5,lab\ndrum-4,0.2,lab\nroba,0.1,other\n");
        let found = common(&costs, CostKind::Energy, &[lut("drum-4")]).unwrap();
        assert_eq!((found.basis.as_str(), found.exact, found.multipliers), ("lab", 0.5, vec![0.2]));
        // Without power, and of another source, what all have is less.
        assert_eq!(common(&costs, CostKind::Power, &[lut("drum-4")]).unwrap().source, CostSource::UnitGates);
        let mixed = common(&costs, CostKind::Energy, &[lut("drum-4"), lut("roba")]).unwrap();
        assert_eq!(mixed.source, CostSource::UnitGates);
    }

    #[test]
    fn multipliers_of_different_bases_are_listed() {
        let unknown = Lut::from_fn("mine", Signedness::Unsigned, |a, b| a * b + 1);
        let message = common(&Costs::default(), CostKind::Energy, &[lut("drum-4"), unknown]).unwrap_err().to_string();
        for part in ["energy cannot be compared", "drum-4 (unit gates", "mine (unknown)", "exact (EvoApproxLib"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
