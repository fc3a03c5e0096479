//! The search for a table's factors in the lattices that its rows and columns span.
//!
//! In reduced bases `F` and `G` of the two lattices a table is `T = G core F^T`, with a square core of integers. A
//! pair of factors, `f = F (y core)` and `g = G (core x)` for a `y` and an `x`, is one term of the table, and what
//! is left has one rank less (Wedderburn 1934):
//!
//! ```text
//! core' = core - (core x) (y core) / (y core x)
//! ```
//!
//! Sums are those modulo 2^32, so that the divisor's odd part, which has an inverse there, may be anything. For the
//! rows of `G` and `F` as `y` and `x`, these are the steps of Gaussian elimination, and factors are what is left of
//! a row and of a column; the unit vectors add the functions of the reduced bases. The cheapest sums that a beam
//! of choices finds are kept.

use super::form::Form;
use super::lattice::{Lattice, extremes, gcd};
use super::scale::Scale;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Factors of either side that are tried in every step.
const FACTORS: usize = 48;
/// Choices that are followed from one step to the next.
const WIDTH: usize = 8;
/// Choices that one of them leads to.
const CHILDREN: usize = 8;
/// Choices that are tried for them, which bounds the time that is spent on tables without a short sum.
const ATTEMPTS: usize = 256;

/// Values of factors above this are never operands.
const LARGEST: f64 = (1u64 << 40) as f64;

/// A term of a sum: `scale f(a) g(w)`.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) scale: Scale,
    /// In the basis of activations' functions.
    pub(super) activations: Vec<i64>,
    /// In the basis of weights' functions.
    pub(super) weights: Vec<i64>,
}

/// A table in reduced bases.
pub(super) struct Problem<'a> {
    pub(super) activations: &'a Lattice,
    pub(super) weights: &'a Lattice,
    /// `[weights][activations]`.
    pub(super) core: &'a [Vec<i64>],
    pub(super) form: Form,
    /// The most operands that pay.
    pub(super) most: usize,
}

/// A lattice of functions that are searched for factors.
struct Side<'a> {
    lattice: &'a Lattice,
    /// The largest values of the basis.
    largest: Vec<f64>,
    /// What the core is multiplied by for factors of the other side.
    directions: Vec<Vec<i64>>,
}

/// A part of a sum, and what is left of the table.
#[derive(Debug, Clone)]
struct State {
    core: Vec<Vec<i64>>,
    scale: Scale,
    unit: f64,
    pairs: Vec<Pair>,
    order: Order,
}

/// What a part of a sum costs: the less, the sooner it is followed.
#[derive(Debug, Clone, Copy, Default)]
struct Order {
    products: usize,
    /// Whether factors of weights are shifted, which takes one more product.
    is_shifted: bool,
    /// Terms whose scales are no integers but for the modulus: few sums of small factors have any.
    fractions: usize,
    /// How far the factors' values are apart, summed up.
    span: i64,
    size: f64,
}

/// A function that may be a factor.
struct Factor {
    /// In the basis, without a common divisor.
    coefficients: Vec<i64>,
    divisor: i64,
    /// What the core is multiplied by to give the coefficients.
    direction: Vec<i64>,
    parts: u32,
    is_shifted: bool,
    span: i64,
}

/// Two factors, and `pivot / factor` of the core's unit that their product is to be divided by.
struct Choice<'a> {
    f: &'a Factor,
    g: &'a Factor,
    pivot: i64,
    factor: i64,
    order: Order,
}

impl<'a> Problem<'a> {
    /// The cheapest sums that are found: with the best choice in every step alone, then with a beam of them.
    pub(super) fn sums(self) -> impl Iterator<Item = Vec<Pair>> + use<'a> {
        let sides = [self.weights, self.activations].map(Side::new);
        [1, WIDTH].into_iter().flat_map(move |width| self.sums_within(width, &sides))
    }

    fn sums_within(&self, width: usize, sides: &[Side; 2]) -> Vec<Vec<Pair>> {
        let first = State {
            core: self.core.to_vec(),
            scale: Scale::ONE,
            unit: 1.0,
            pairs: Vec::new(),
            order: Order::default(),
        };
        let mut states = vec![first];
        for step in 1..=self.core.len() {
            let most = self.most.saturating_sub(self.core.len() - step);
            let mut next: Vec<State> = states.iter().flat_map(|state| self.children(state, sides, most)).collect();
            next.sort_by(|a, b| a.order.cmp(&b.order));
            let mut seen = BTreeSet::new();
            next.retain(|state| seen.insert(state.core.clone()));
            next.truncate(width);
            states = next;
        }
        states.into_iter().map(|state| state.pairs).collect()
    }

    /// What the cheapest choices for the next pair lead to, with `most` products at most.
    fn children(&self, state: &State, [weights, activations]: &[Side; 2], most: usize) -> Vec<State> {
        let of_activations = activations.factors(&transposed(&state.core), &weights.directions, |min, max| {
            (self.form.activation_parts(min, max), false)
        });
        let of_weights = weights.factors(&state.core, &activations.directions, |min, max| {
            let parts = self.form.weight_parts(min, max);
            if parts > 1 && self.form.activation_parts(min, max) == 1 { (1, true) } else { (parts, false) }
        });
        let mut choices = Vec::new();
        for f in &of_activations {
            for g in &of_weights {
                choices.extend(Choice::new(state, f, g).filter(|choice| choice.order.total() <= most));
            }
        }
        choices.sort_by(|a, b| a.order.cmp(&b.order));
        choices.iter().take(ATTEMPTS).filter_map(|choice| state.without(choice)).take(CHILDREN).collect()
    }
}

impl Order {
    fn total(self) -> usize {
        self.products + usize::from(self.is_shifted)
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let key = |order: &Self| (order.total(), order.fractions);
        key(self).cmp(&key(other)).then(self.size.total_cmp(&other.size)).then(self.span.cmp(&other.span))
    }
}

impl<'a> Choice<'a> {
    /// `None` where the scale of the term would be no integer modulo 2^32.
    fn new(state: &State, f: &'a Factor, g: &'a Factor) -> Option<Self> {
        // y core x, for the factors' multiples y core and core x.
        let products = f.coefficients.iter().zip(&g.direction).map(|(&f, &x)| i128::from(f) * i128::from(x));
        let (pivot, factor) = (i64::try_from(products.sum::<i128>()).ok()?, g.divisor);
        if pivot == 0 || pivot.trailing_zeros() > state.scale.twos() + factor.trailing_zeros() {
            return None;
        }
        let order = Order {
            products: state.order.products + (f.parts * g.parts) as usize,
            is_shifted: state.order.is_shifted | g.is_shifted,
            fractions: state.order.fractions + usize::from(factor % pivot != 0),
            span: state.order.span + f.span + g.span,
            size: 0.0,
        };
        Some(Choice { f, g, pivot, factor, order })
    }
}

impl State {
    /// What is left without the term of a choice; `None` where that has too large numbers.
    fn without(&self, choice: &Choice) -> Option<State> {
        let common = gcd([choice.pivot, choice.factor]);
        let [pivot, factor] = [choice.pivot, choice.factor].map(|value| i128::from(value / common));
        let mut content = 0i128;
        let mut rest = Vec::with_capacity(self.core.len());
        for (row, &g) in self.core.iter().zip(&choice.g.coefficients) {
            for (&value, &f) in row.iter().zip(&choice.f.coefficients) {
                let term = factor.checked_mul(i128::from(f) * i128::from(g))?;
                let value = pivot.checked_mul(value.into())?.checked_sub(term)?;
                content = gcd128(content, value);
                rest.push(value);
            }
        }
        let pair = Pair {
            scale: self.scale.times(factor)?.over(pivot)?,
            activations: choice.f.coefficients.clone(),
            weights: choice.g.coefficients.clone(),
        };
        let pairs = self.pairs.iter().cloned().chain([pair]).collect();
        // The rest is divided by the pivot, of which the content has the even part.
        let (scale, content) = match content {
            0 => (self.scale, 1),
            _ => (self.scale.times(content)?.over(pivot)?, content),
        };
        let size = rest.iter().map(|value| value.unsigned_abs() as f64).sum::<f64>() / pivot.unsigned_abs() as f64;
        let order = Order { size: self.unit * size, ..choice.order };
        let unit = self.unit * content as f64 / pivot.unsigned_abs() as f64;
        let rest: Result<Vec<i64>, _> = rest.into_iter().map(|value| i64::try_from(value / content)).collect();
        let core = rest.ok()?.chunks(self.core.len()).map(<[i64]>::to_vec).collect();
        Some(State { core, scale, unit, pairs, order })
    }
}

fn gcd128(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        // Divisions of 64 bits are the faster.
        (a, b) = match (u64::try_from(a), u64::try_from(b)) {
            (Ok(a), Ok(b)) => (u128::from(b), u128::from(a % b)),
            _ => (b, a % b),
        };
    }
    a.cast_signed()
}

impl<'a> Side<'a> {
    fn new(lattice: &'a Lattice) -> Self {
        let largest = |basis: &Vec<i64>| basis.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0) as f64;
        Side { lattice, largest: lattice.basis().iter().map(largest).collect(), directions: directions(lattice) }
    }

    /// The functions with coefficients `matrix direction`, the cheapest and smallest first.
    fn factors(
        &self,
        matrix: &[Vec<i64>],
        directions: &[Vec<i64>],
        parts: impl Fn(i64, i64) -> (u32, bool),
    ) -> Vec<Factor> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for direction in directions {
            let Some(coefficients) = products(matrix, direction) else { continue };
            let Some(first) = coefficients.iter().find(|&&value| value != 0) else { continue };
            // Of either sign, one.
            let divisor = gcd(coefficients.iter().copied()) * first.signum();
            let coefficients: Vec<i64> = coefficients.iter().map(|value| value / divisor).collect();
            let bounds = coefficients.iter().zip(&self.largest).map(|(&c, largest)| (c as f64).abs() * largest);
            if bounds.sum::<f64>() > LARGEST || !seen.insert(coefficients.clone()) {
                continue;
            }
            let values = self.lattice.combine(&coefficients);
            let (min, max) = extremes(&values);
            let (parts, is_shifted) = parts(min, max);
            let direction = direction.clone();
            found.push(Factor { coefficients, divisor, direction, parts, is_shifted, span: max - min });
        }
        found.sort_by_key(|factor| (factor.parts, factor.span));
        found.truncate(FACTORS);
        found
    }
}

/// The products of the rows of `matrix` and `vector`, if they fit.
fn products(matrix: &[Vec<i64>], vector: &[i64]) -> Option<Vec<i64>> {
    let product = |row: &Vec<i64>| {
        let mut terms = row.iter().zip(vector).map(|(&a, &b)| a.checked_mul(b));
        terms.try_fold(0i64, |sum, term| sum.checked_add(term?))
    };
    matrix.iter().map(product).collect()
}

/// What the functions of a lattice are at each operand, in its basis, and the unit vectors; of opposite ones, one.
fn directions(lattice: &Lattice) -> Vec<Vec<i64>> {
    let n = lattice.dimensions();
    let unit = |i: usize| (0..n).map(|j| i64::from(i == j)).collect();
    let mut found: BTreeSet<Vec<i64>> = (0..n).map(unit).collect();
    for at in 0..lattice.basis().first().map_or(0, Vec::len) {
        let values: Vec<i64> = lattice.basis().iter().map(|basis| basis[at]).collect();
        let divisor = gcd(values.iter().copied());
        let Some(&first) = values.iter().find(|&&value| value != 0) else { continue };
        found.insert(values.iter().map(|value| value / divisor * first.signum()).collect());
    }
    found.into_iter().collect()
}

fn transposed(matrix: &[Vec<i64>]) -> Vec<Vec<i64>> {
    (0..matrix.len()).map(|column| matrix.iter().map(|row| row[column]).collect()).collect()
}
