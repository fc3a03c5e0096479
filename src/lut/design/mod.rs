//! Multipliers from the literature, computed instead of read from files.
//!
//! A [`Family`] is one paper's design with its parameters; a [`Design`] is one member of it. Its name
//! is the family's, then each parameter behind its letter, then `signed` where that is not the usual
//! variant: `truncated-8`, `broken-array-h0-v8`, `drum-4-signed`. A new family is a file here and a
//! line in [`FAMILIES`].

mod booth;
mod broken_array;
mod compressor;
mod drum;
mod error_recovery;
mod etm;
mod exact;
mod gates;
mod lower_or;
mod mitchell;
mod operand_truncation;
mod ou;
mod perforated;
mod roba;
mod sdlc;
mod segment;
mod tosam;
mod truncated;
mod udm;

use super::{Bits, ErrorMetrics, Lut, Metadata};
use crate::kernel::Signedness;
use crate::registry::{Named, Registry, UnknownName, similar};
use std::fmt;
use std::str::FromStr;

/// Every family, simplest first.
pub static FAMILIES: Registry<&Family> = Registry::new(
    "multiplier family",
    &[
        &exact::EXACT,
        &truncated::TRUNCATED,
        &truncated::CORRECTED,
        &broken_array::BROKEN_ARRAY,
        &perforated::PERFORATED,
        &operand_truncation::OPERAND_TRUNCATION,
        &broken_array::BROKEN_ROWS,
        &sdlc::SDLC,
        &error_recovery::OR,
        &error_recovery::ADD,
        &udm::UDM,
        &lower_or::RECURSIVE,
        &etm::ETM,
        &compressor::MOMENI,
        &compressor::YANG,
        &compressor::VENKATACHALAM,
        &compressor::AKBARI,
        &drum::DRUM,
        &segment::DSM,
        &segment::SSM,
        &segment::ESSM,
        &roba::ROBA,
        &tosam::TOSAM,
        &ou::OU,
        &mitchell::MITCHELL,
        &mitchell::MBM,
        &lower_or::ALM_SOA,
        &lower_or::ALM_LOA,
        &lower_or::ALM_MAA,
        &booth::R4ABM1,
        &booth::R4ABM2,
    ],
);

impl Named for Family {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }
}

/// The operands of most families.
const UNSIGNED: &[Signedness] = &[Signedness::Unsigned];

/// The operands of families that multiply magnitudes, with or without signs.
const BOTH: &[Signedness] = &[Signedness::Unsigned, Signedness::Signed];

/// One paper's multiplier design.
#[derive(Debug)]
pub struct Family {
    /// The first part of its members' names.
    pub name: &'static str,
    /// What it is, in words.
    pub summary: &'static str,
    /// The paper that defines it.
    pub paper: &'static str,
    /// Its parameters, in the order of a name.
    pub parameters: &'static [Parameter],
    /// Which combinations of values within the parameters' ranges are members for given operands.
    pub admits: fn(values: &[u32], signedness: Signedness) -> bool,
    /// The unit gates of its circuit.
    pub gates: fn(values: &[u32], signedness: Signedness) -> u32,
    /// The kinds of operand that it is defined for, the usual one first.
    pub signedness: &'static [Signedness],
    /// The product of two operands of 8 bits under the parameters' values.
    pub product: fn(values: &[u32], signedness: Signedness, a: i32, b: i32) -> i32,
}

/// A parameter of a family.
#[derive(Debug)]
pub struct Parameter {
    /// What stands before its value in a name.
    pub prefix: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// Its least value.
    pub least: u32,
    /// Its greatest value.
    pub greatest: u32,
}

/// One member of a family.
#[derive(Debug, Clone)]
pub struct Design {
    family: &'static Family,
    values: Vec<u32>,
    signedness: Signedness,
}

impl Family {
    /// The form of its members' names, with the ranges of parameters: `drum-<2..8>`.
    pub fn grammar(&self) -> String {
        let parameters = self.parameters.iter().map(|p| format!("-{}<{}..{}>", p.prefix, p.least, p.greatest));
        let suffix = if self.signedness.len() > 1 { "[-signed]" } else { "" };
        format!("{}{}{suffix}", self.name, parameters.collect::<String>())
    }

    /// Every member.
    pub fn designs(&'static self) -> impl Iterator<Item = Design> {
        let combinations = self.parameters.iter().fold(vec![Vec::new()], |combinations, parameter| {
            let extended = |values: Vec<u32>| {
                (parameter.least..=parameter.greatest).map(move |value| [values.as_slice(), &[value]].concat())
            };
            combinations.into_iter().flat_map(extended).collect()
        });
        let variants = combinations.into_iter().flat_map(move |values| {
            self.signedness.iter().map(move |&signedness| Design { family: self, values: values.clone(), signedness })
        });
        variants.filter(|design| (self.admits)(&design.values, design.signedness))
    }
}

impl Design {
    /// The family.
    pub fn family(&self) -> &'static Family {
        self.family
    }

    /// The parameters' values, in the family's order.
    pub fn values(&self) -> &[u32] {
        &self.values
    }

    /// Signed or unsigned operands.
    pub fn signedness(&self) -> Signedness {
        self.signedness
    }

    /// The same design for operands of `signedness`, if it is defined for them.
    #[must_use]
    pub fn with_signedness(self, signedness: Signedness) -> Option<Design> {
        let is_member = self.family.signedness.contains(&signedness) && (self.family.admits)(&self.values, signedness);
        is_member.then_some(Design { signedness, ..self })
    }

    /// The unit gates of its circuit.
    pub fn gates(&self) -> u32 {
        (self.family.gates)(&self.values, self.signedness)
    }

    /// The parameters in words: `HBL 0, VBL 8`.
    fn parameters(&self) -> Option<String> {
        let words = self.family.parameters.iter().zip(&self.values).map(|(p, value)| format!("{} {value}", p.meaning));
        Some(words.collect::<Vec<_>>().join(", ")).filter(|words| !words.is_empty())
    }

    /// How many products of `lut` are not this design's; `None` when their operands are not alike.
    pub(super) fn differences(&self, lut: &Lut) -> Option<usize> {
        let is_swapped = lut.provenance().swapped;
        let differs = |&(a, b, product): &(i32, i32, i32)| {
            let (a, b) = if is_swapped { (b, a) } else { (a, b) };
            product != self.product(a, b)
        };
        let is_alike = (lut.signedness(), lut.bits()) == (self.signedness, [Bits::EIGHT; 2]);
        is_alike.then(|| lut.products().filter(differs).count())
    }

    /// The product of operand values `a` and `b`, of 8 bits.
    pub fn product(&self, a: i32, b: i32) -> i32 {
        (self.family.product)(&self.values, self.signedness, a, b)
    }

    /// Its table, named and with provenance.
    pub fn lut(&self) -> Lut {
        let lut = Lut::from_fn(&self.to_string(), self.signedness, |a, b| self.product(a, b));
        let metadata = Metadata {
            design: Some(self.family.summary.to_owned()),
            paper: Some(self.family.paper.to_owned()),
            parameters: self.parameters(),
            source: Some(format!("approx-eval, computed from the definition of `{}`", self.family.name)),
            stated_metrics: ErrorMetrics::compute(&lut).to_stated(),
            ..Metadata::default()
        };
        lut.with_metadata(metadata)
    }
}

impl fmt::Display for Design {
    /// The name.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.family.name)?;
        for (parameter, value) in self.family.parameters.iter().zip(&self.values) {
            write!(f, "-{}{value}", parameter.prefix)?;
        }
        if self.signedness != self.family.signedness[0] {
            f.write_str(if self.signedness == Signedness::Signed { "-signed" } else { "-unsigned" })?;
        }
        Ok(())
    }
}

/// A name that is not a design's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownDesign {
    /// A family's name with parameters that it does not have.
    #[error("unknown multiplier '{name}': names of this family have the form {grammar}")]
    Parameters {
        /// The name asked for.
        name: String,
        /// The form of the family's names ([`Family::grammar`]).
        grammar: String,
    },
    /// Not a family's name.
    #[error(transparent)]
    Name(#[from] UnknownName),
}

impl FromStr for Design {
    type Err = UnknownDesign;

    fn from_str(name: &str) -> Result<Design, UnknownDesign> {
        let rest_of = |family: &&&'static Family| {
            name.strip_prefix(family.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let Some(&family) = FAMILIES.iter().filter(rest_of).max_by_key(|family| family.name.len()) else {
            return Err(unknown(name).into());
        };
        let found = family.designs().find(|design| design.to_string() == name);
        found.ok_or_else(|| UnknownDesign::Parameters { name: name.to_owned(), grammar: family.grammar() })
    }
}

/// The error for a `name` of no family, with similar designs and the families' forms of names.
fn unknown(name: &str) -> UnknownName {
    let designs: Vec<String> =
        FAMILIES.iter().flat_map(|family| family.designs()).map(|design| design.to_string()).collect();
    UnknownName {
        what: "multiplier",
        found: name.to_owned(),
        similar: similar(name, designs.iter().map(String::as_str)).into_iter().map(str::to_owned).collect(),
        names: FAMILIES.iter().map(|family| family.grammar()).collect(),
    }
}

/// The table of the design called `name`; of its variant for operands of `signedness` when the name
/// leaves that open and there is one.
///
/// # Errors
/// When no design has that name; the error has the most similar ones.
pub fn resolve(name: &str, signedness: Option<Signedness>) -> Result<Lut, UnknownDesign> {
    let design: Design = name.parse()?;
    let is_open = design.signedness == design.family.signedness[0];
    let wanted = signedness.filter(|_| is_open).and_then(|signedness| design.clone().with_signedness(signedness));
    Ok(wanted.unwrap_or(design).lut())
}

/// The unit gates of the exact array multiplier of 8 bits.
pub(super) fn exact_gates() -> u32 {
    gates::array(8, 8)
}

/// The position of the highest set bit of a positive `operand`.
fn leading_one(operand: i32) -> u32 {
    operand.ilog2()
}

/// A non-zero `operand` as `2^k (1 + y)`: `k` and `y` in units of 2^-7, which 8 bits need.
fn mantissa(operand: i32) -> (u32, i32) {
    let k = leading_one(operand);
    (k, (operand << (7 - k)) - 128)
}

/// A signed product from an unsigned multiplier of magnitudes, or the unsigned product itself.
fn by_magnitude(signedness: Signedness, a: i32, b: i32, unsigned: impl Fn(i32, i32) -> i32) -> i32 {
    match signedness {
        Signedness::Unsigned => unsigned(a, b),
        Signedness::Signed => sign_magnitude(a, b, unsigned),
    }
}

/// A signed product from an unsigned multiplier of magnitudes.
fn sign_magnitude(a: i32, b: i32, unsigned: impl Fn(i32, i32) -> i32) -> i32 {
    let magnitude = unsigned(a.abs(), b.abs());
    if (a < 0) == (b < 0) { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests;
