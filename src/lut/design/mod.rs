//! Multipliers from the literature, computed rather than read.
//!
//! A [`Family`] is one paper's design with its parameters; a [`Design`] is one member of it. Its name
//! is the family's, then each parameter behind its letter, then `signed` where that is not the usual
//! variant: `truncated-8`, `broken-array-h0-v8`, `drum-4-signed`. A new family is a file here and a
//! line in [`FAMILIES`].

mod broken_array;
mod drum;
mod exact;
mod mitchell;
mod truncated;
mod udm;

use super::{Lut, Metadata};
use crate::kernel::Signedness;
use std::fmt;
use std::str::FromStr;

/// Every family, simplest first.
pub static FAMILIES: &[&Family] =
    &[&exact::EXACT, &truncated::TRUNCATED, &broken_array::BROKEN_ARRAY, &udm::UDM, &drum::DRUM, &mitchell::MITCHELL];

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
        combinations.into_iter().flat_map(move |values| {
            self.signedness.iter().map(move |&signedness| Design { family: self, values: values.clone(), signedness })
        })
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
        self.family.signedness.contains(&signedness).then_some(Design { signedness, ..self })
    }

    /// The parameters in words: `HBL 0, VBL 8`.
    fn parameters(&self) -> Option<String> {
        let words = self.family.parameters.iter().zip(&self.values).map(|(p, value)| format!("{} {value}", p.meaning));
        Some(words.collect::<Vec<_>>().join(", ")).filter(|words| !words.is_empty())
    }

    /// Its table, named and with provenance.
    pub fn lut(&self) -> Lut {
        let metadata = Metadata {
            design: Some(self.family.summary.to_owned()),
            paper: Some(self.family.paper.to_owned()),
            parameters: self.parameters(),
            source: Some(format!("approx-eval, computed from the definition of `{}`", self.family.name)),
            ..Metadata::default()
        };
        let product = |a, b| (self.family.product)(&self.values, self.signedness, a, b);
        Lut::from_fn(&self.to_string(), self.signedness, product).with_metadata(metadata)
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

/// A name that no design has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownDesign {
    /// A member of a family, but not with these parameters.
    #[error("`{name}` is not of the form {grammar}")]
    Parameters {
        /// The name asked for.
        name: String,
        /// The family's form of name.
        grammar: String,
    },
    /// No family's name.
    #[error("no design `{name}`; {}", .near.as_ref().map_or_else(
        || format!("there are {}", forms()),
        |near| format!("did you mean {}?", near.join(", "))
    ))]
    Name {
        /// The name asked for.
        name: String,
        /// Names like it, the nearest first.
        near: Option<Vec<String>>,
    },
}

/// The forms of all names, for messages.
fn forms() -> String {
    FAMILIES.iter().map(|family| family.grammar()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Design {
    type Err = UnknownDesign;

    fn from_str(name: &str) -> Result<Design, UnknownDesign> {
        let rest_of = |family: &&&'static Family| {
            name.strip_prefix(family.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let Some(&family) = FAMILIES.iter().filter(rest_of).max_by_key(|family| family.name.len()) else {
            return Err(UnknownDesign::Name { name: name.to_owned(), near: near(name) });
        };
        let found = family.designs().find(|design| design.to_string() == name);
        found.ok_or_else(|| UnknownDesign::Parameters { name: name.to_owned(), grammar: family.grammar() })
    }
}

/// Up to three names like `name`.
fn near(name: &str) -> Option<Vec<String>> {
    let designs = FAMILIES.iter().flat_map(|family| family.designs()).map(|design| design.to_string());
    let mut scored: Vec<(f64, String)> = designs.map(|known| (strsim::jaro_winkler(name, &known), known)).collect();
    scored.retain(|(score, _)| *score > 0.8);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    (!scored.is_empty()).then(|| scored.into_iter().take(3).map(|(_, known)| known).collect())
}

/// The table of the design called `name`; of its variant for operands of `signedness` when the name
/// leaves that open and there is one.
///
/// # Errors
/// When no design has that name; the error lists near ones.
pub fn resolve(name: &str, signedness: Option<Signedness>) -> Result<Lut, UnknownDesign> {
    let design: Design = name.parse()?;
    let is_open = design.signedness == design.family.signedness[0];
    let wanted = signedness.filter(|_| is_open).and_then(|signedness| design.clone().with_signedness(signedness));
    Ok(wanted.unwrap_or(design).lut())
}

/// The position of the highest set bit of a positive `operand`.
fn leading_one(operand: i32) -> u32 {
    operand.ilog2()
}

/// A signed product from an unsigned multiplier of magnitudes.
fn sign_magnitude(a: i32, b: i32, unsigned: impl Fn(i32, i32) -> i32) -> i32 {
    let magnitude = unsigned(a.abs(), b.abs());
    if (a < 0) == (b < 0) { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests;
