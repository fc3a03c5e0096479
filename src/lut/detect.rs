//! Detection of how a file's entries are read.
//!
//! Every possible reading is compared with the exact product of that same reading. Its score is the
//! mean absolute error over the mean absolute exact product: 0 for an exact multiplier, 1 for a table
//! of zeros, about 1.4 for noise. The ratio rather than the bare error is compared because the exact
//! products of signed operands are a quarter of unsigned ones: by bare error, noise would be a signed
//! multiplier. Among readings of equal signedness and size both give the same order.
//!
//! A signed table without a single minus sign has lost its signs in a conversion. It is still read as
//! signed: its magnitudes are compared, and opening it warns.

mod constraints;
mod error;

pub use constraints::Constraints;
pub use error::{Choice, DetectError};

use super::format::{Contents, Entries, raw};
use super::provenance::LutWarning;
use super::{Bits, IndexOrder, PartialReading, Reading};
use crate::integer::{INTEGER_TYPES, IntegerType};
use crate::kernel::Signedness;

/// Above this score a table is not taken for a multiplier unless its reading is stated. Halfway
/// between a grossly truncated multiplier, at 0.5, and a table of zeros.
const NOISE: f64 = 0.75;

/// The closest reading is taken when its score is at most this fraction of the next one's.
const CLEAR: f64 = 2.0 / 3.0;

/// Entries this many times the exact products have another width or size: such a reading is excluded
/// where there is a plausible one.
const IMPLAUSIBLE: f64 = 10.0;

/// A stated reading whose mean absolute error is over this many times the best one's gets a warning.
const FAR: f64 = 4.0;

/// A table that has been read.
pub(super) struct Interpreted {
    pub reading: Reading,
    /// In numeric order of both operands.
    pub products: Box<[i32]>,
    pub warning: Option<LutWarning>,
}

/// Reads `contents` as `constraints` state, and detects what they leave open.
pub(super) fn interpret(contents: &Contents, constraints: &Constraints) -> Result<Interpreted, DetectError> {
    let stated = &constraints.stated();
    let mut candidates = candidates(contents, stated);
    candidates.sort_by(|a, b| a.choice.score.total_cmp(&b.choice.score));
    let choices = |candidates: &[Candidate]| candidates.iter().map(|candidate| candidate.choice.clone()).collect();
    let Some(best) = candidates.first().map(|candidate| candidate.choice.clone()) else {
        return Err(nothing(contents));
    };
    let (mut admitted, others): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| stated.matches(&candidate.choice.reading));
    admitted.dedup_by(|later, earlier| later.is_same_table(earlier));
    // Unless one reading is left, those of a wrong width or size are excluded where there is a plausible one.
    let is_plausible = |candidate: &Candidate| candidate.choice.score <= IMPLAUSIBLE;
    if admitted.len() > 1 && admitted.iter().chain(&others).any(is_plausible) {
        admitted.retain(is_plausible);
    }
    let unsettled = match admitted.as_slice() {
        [] => return Err(DetectError::Stated { constraints: constraints.clone(), choices: choices(&others) }),
        [_] if stated.signedness.is_some() || stated.index.is_some() => None,
        [first, ..] if first.choice.score > NOISE => Some(DetectError::Noise { choices: choices(&admitted) }),
        [first, second, ..] if first.choice.score > CLEAR * second.choice.score => {
            Some(DetectError::Ambiguous { choices: choices(&admitted) })
        }
        _ => None,
    };
    if let Some(error) = unsettled {
        let score = admitted[0].choice.score;
        let is_better = |other: f64| other <= NOISE && (score > NOISE || other <= CLEAR * score);
        return Err(match others.first().filter(|other| is_better(other.choice.score)) {
            Some(better) => DetectError::Contradicted {
                constraints: constraints.clone(),
                better: better.choice.clone(),
                choices: choices(&admitted),
            },
            None => error,
        });
    }
    let Candidate { choice: Choice { reading, mae, .. }, products } = admitted.swap_remove(0);
    let [first, second] = reading.bits;
    if first != second && contents.shape.is_none() && stated.bits.is_none() {
        return Err(DetectError::Oblong { first, second });
    }
    let warning = (mae > FAR * best.mae).then_some(LutWarning::FarFromBest {
        reading,
        mae,
        best: best.reading,
        best_mae: best.mae,
    });
    Ok(Interpreted { reading, products, warning })
}

struct Candidate {
    choice: Choice,
    products: Box<[i32]>,
}

impl Candidate {
    fn is_same_table(&self, other: &Candidate) -> bool {
        let (a, b) = (self.choice.reading, other.choice.reading);
        (a.signedness, a.bits) == (b.signedness, b.bits) && self.products == other.products
    }
}

/// Every reading that fits the entries, whether as stated or not.
fn candidates(contents: &Contents, stated: &PartialReading) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for Typed { entry, values, operands } in typed(contents, stated) {
        for bits in sizes(values.len(), contents.shape) {
            for (signedness, index) in [
                (Signedness::Unsigned, IndexOrder::Numeric),
                (Signedness::Signed, IndexOrder::Numeric),
                (Signedness::Signed, IndexOrder::TwosComplement),
            ] {
                if operands.is_none_or(|operands| operands == signedness) {
                    candidates.extend(candidate(Reading { entry, signedness, index, bits }, &values));
                }
            }
        }
    }
    candidates
}

/// The entries as values of a type.
struct Typed {
    entry: Option<IntegerType>,
    values: Vec<i128>,
    /// The operands that entries of this type can be of, unless of either kind.
    operands: Option<Signedness>,
}

impl Typed {
    /// A signed multiplier has negative products, which unsigned entries cannot hold.
    fn new(entry: Option<IntegerType>, values: Vec<i128>) -> Typed {
        let holds_signs = entry.is_none_or(IntegerType::is_signed);
        Typed { entry, values, operands: (!holds_signs).then_some(Signedness::Unsigned) }
    }
}

/// The entries under each type that they can have.
fn typed(contents: &Contents, stated: &PartialReading) -> Vec<Typed> {
    match &contents.entries {
        Entries::Bytes(bytes) => {
            let is_table = |entry: &IntegerType| !sizes(bytes.len() / entry.size(), contents.shape).is_empty();
            let types = INTEGER_TYPES.iter().copied().filter(is_table);
            types.map(|entry| Typed::new(Some(entry), raw::decode(bytes, entry))).collect()
        }
        Entries::Words { values, bits } => {
            let entry = |is_signed| IntegerType::from_size(*bits as usize / 8, is_signed).filter(|_| bits % 8 == 0);
            let sign = |value: i128| value >> (bits - 1) & 1;
            let plain: Vec<i128> = values.iter().map(|&value| value.into()).collect();
            let wrapped = plain.iter().map(|&value| value - (sign(value) << bits)).collect();
            vec![
                Typed { entry: entry(false), values: plain, operands: Some(Signedness::Unsigned) },
                Typed { entry: entry(true), values: wrapped, operands: None },
            ]
        }
        Entries::Numbers { values, entry } => {
            let mut typed = vec![Typed::new(*entry, values.clone())];
            let wrapped =
                |entry: IntegerType| values.iter().map(|&value| entry.wrapped(value)).collect::<Option<Vec<_>>>();
            if let Some(stated) = stated.entry.filter(|stated| Some(*stated) != *entry) {
                typed.extend(wrapped(stated).map(|values| Typed::new(Some(stated), values)));
            }
            // Numbers without a sign may be the bit patterns of signed products, of the narrowest type that
            // they fill; those of an unsigned type may be signed ones without their signs.
            let (low, high) = values.iter().fold((0, 0), |(low, high), &value| (value.min(low), value.max(high)));
            let narrowest =
                INTEGER_TYPES.iter().copied().find(|entry| entry.is_signed() && entry.wrapped(high).is_some());
            let is_pattern =
                |pattern: &IntegerType| !pattern.holds(high) || entry.is_some_and(|entry| !entry.is_signed());
            if let Some(pattern) = narrowest.filter(|pattern| low == 0 && is_pattern(pattern) && stated.entry.is_none())
            {
                typed.extend(wrapped(pattern).map(|values| Typed {
                    entry: Some(pattern),
                    values,
                    operands: Some(Signedness::Signed),
                }));
            }
            typed
        }
    }
}

/// The sizes of table that have `entries` entries.
fn sizes(entries: usize, shape: Option<[Bits; 2]>) -> Vec<[Bits; 2]> {
    match shape {
        Some(shape) => vec![shape],
        None => Bits::all()
            .flat_map(|first| Bits::all().map(move |second| [first, second]))
            .filter(|[first, second]| first.values() * second.values() == entries)
            .collect(),
    }
}

/// The table under `reading`, unless an entry is too large for a product. The least `i32` is too, so
/// that every product has a negative.
fn candidate(reading: Reading, values: &[i128]) -> Option<Candidate> {
    let Reading { signedness, index, bits, .. } = reading;
    let products = in_numeric_order(index, bits, values)?;
    let [first, second] = bits.map(|bits| bits.range(signedness));
    let second = *second.start()..second.end() + 1;
    let (mut error, mut magnitude_error, mut exact_sum) = (0u64, 0u64, 0u64);
    for (a, row) in first.zip(products.chunks_exact(bits[1].values())) {
        for (b, &product) in second.clone().zip(row) {
            let exact = a * b;
            error += u64::from(product.abs_diff(exact));
            magnitude_error += u64::from(product.abs_diff(exact.abs()));
            exact_sum += u64::from(exact.unsigned_abs());
        }
    }
    let is_signless = signedness == Signedness::Signed && products.iter().all(|&product| product >= 0);
    let compared = if is_signless { magnitude_error } else { error };
    #[expect(clippy::cast_precision_loss, reason = "sums of 2^16 numbers below 2^32 are below 2^53")]
    let (mae, score) = (error as f64 / values.len() as f64, compared as f64 / exact_sum as f64);
    Some(Candidate { choice: Choice { reading, mae, score }, products: products.into() })
}

/// The entries of a file in `index` order in numeric order of both operands, if all can be products.
fn in_numeric_order(index: IndexOrder, bits: [Bits; 2], values: &[i128]) -> Option<Vec<i32>> {
    let columns = bits[1].values();
    let mut products = Vec::with_capacity(values.len());
    for row in 0..bits[0].values() {
        // The numeric order's position of a row in two's complement order is also the inverse.
        let row = &values[index.numeric(row, bits[0]) * columns..][..columns];
        if !row.iter().all(|value| (-i128::from(i32::MAX)..=i128::from(i32::MAX)).contains(value)) {
            return None;
        }
        products.extend((0..columns).map(|column| row[index.numeric(column, bits[1])] as i32));
    }
    Some(products)
}

/// The error for entries that no reading fits.
fn nothing(contents: &Contents) -> DetectError {
    let (entries, fits) = match &contents.entries {
        Entries::Bytes(bytes) => (bytes.len(), true),
        Entries::Words { values, .. } => (values.len(), !sizes(values.len(), contents.shape).is_empty()),
        Entries::Numbers { values, .. } => (values.len(), !sizes(values.len(), contents.shape).is_empty()),
    };
    let reason = if fits {
        "some are outside the range of products, -2147483647 to 2147483647"
    } else {
        "expected 256 x 256, or a smaller power of two per operand"
    };
    DetectError::None { entries, reason }
}

#[cfg(test)]
mod tests;
