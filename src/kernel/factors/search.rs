//! The search for a table's factors in the lattices that its rows and columns span.
//!
//! In reduced bases `F` and `G` of the two lattices a table is `T = G core F^T`, with a square core of integers. A pair of factors,
//! `f = F (y core)` and `g = G (core x)` for a `y` and an `x`, is one term of the table, and what is left has one
//! rank less (Wedderburn 1934):
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
use super::lattice::{Lattice, gcd};
use super::scale::Scale;
use std::collections::BTreeSet;

/// Factors of either side that are tried in every step.
const FACTORS: usize = 400;
/// Choices that are followed from one step to the next.
const WIDTH: usize = 24;
/// Choices that one of them leads to.
const CHILDREN: usize = 8;

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

/// A part of a sum, and what is left of the table.
#[derive(Debug, Clone)]
struct State {
    core: Vec<Vec<i64>>,
    scale: Scale,
    pairs: Vec<Pair>,
    cost: u32,
    /// Whether factors of weights are shifted, which takes one more product.
    is_shifted: bool,
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

impl<'a> Problem<'a> {
    /// The cheapest sums that are found: with the best choice in every step alone, then with a beam of them.
    pub(super) fn sums(self) -> impl Iterator<Item = Vec<Pair>> + use<'a> {
        let directions = [directions(self.weights), directions(self.activations)];
        [1, WIDTH].into_iter().flat_map(move |width| self.sums_within(width, &directions))
    }

    fn sums_within(&self, width: usize, [ys, xs]: &[Vec<Vec<i64>>; 2]) -> Vec<Vec<Pair>> {
        let rank = self.core.len();
        let mut states = vec![State {
            core: self.core.to_vec(),
            scale: Scale::ONE,
            pairs: Vec::new(),
            cost: 0,
            is_shifted: false,
            size: 0.0,
        }];
        for step in 0..rank {
            let left = (rank - step - 1) as u32;
            let mut next: Vec<State> = states.iter().flat_map(|state| self.children(state, ys, xs, left)).collect();
            next.sort_by(|a, b| a.total().cmp(&b.total()).then(a.size.total_cmp(&b.size)));
            let mut seen = BTreeSet::new();
            next.retain(|state| seen.insert(state.core.clone()));
            next.truncate(width);
            states = next;
        }
        states.into_iter().map(|state| state.pairs).collect()
    }

    fn children(&self, state: &State, ys: &[Vec<i64>], xs: &[Vec<i64>], left: u32) -> Vec<State> {
        let transposed = transpose(&state.core);
        let of_activations =
            factors(self.activations, &transposed, ys, |min, max| (self.form.activation_parts(min, max), false));
        let of_weights = factors(self.weights, &state.core, xs, |min, max| {
            let parts = self.form.weight_parts(min, max);
            if parts == 2 && max - min <= 255 { (1, true) } else { (parts, false) }
        });
        let mut choices = Vec::new();
        for (i, f) in of_activations.iter().enumerate() {
            for (j, g) in of_weights.iter().enumerate() {
                let cost = state.cost + f.parts * g.parts;
                let is_shifted = state.is_shifted | g.is_shifted;
                if (cost + u32::from(is_shifted) + left) as usize <= self.most {
                    choices.push((cost + u32::from(is_shifted), f.span + g.span, i, j));
                }
            }
        }
        choices.sort_unstable();
        let mut children = Vec::new();
        for (_, span, i, j) in choices {
            let (f, g) = (&of_activations[i], &of_weights[j]);
            let Some((scale, rest_scale, core)) = step(&state.core, state.scale, f, g) else { continue };
            let mut pairs = state.pairs.clone();
            let pair = Pair { scale, activations: f.coefficients.clone(), weights: g.coefficients.clone() };
            pairs.push(pair);
            children.push(State {
                core,
                scale: rest_scale,
                pairs,
                cost: state.cost + f.parts * g.parts,
                is_shifted: state.is_shifted | g.is_shifted,
                size: state.size + (span as f64),
            });
            if children.len() == CHILDREN {
                break;
            }
        }
        children
    }
}

impl State {
    fn total(&self) -> u32 {
        self.cost + u32::from(self.is_shifted)
    }
}

/// The scale of the term of `f` and `g`, and what is left without it: another scale, and another core.
fn step(core: &[Vec<i64>], scale: Scale, f: &Factor, g: &Factor) -> Option<(Scale, Scale, Vec<Vec<i64>>)> {
    // y core x, for the factors' multiples y core and core x.
    let product = |coefficients: &[i64], direction: &[i64]| -> i128 {
        coefficients.iter().zip(direction).map(|(&a, &b)| i128::from(a) * i128::from(b)).sum()
    };
    let pivot = product(&f.coefficients, &g.direction) * i128::from(f.divisor);
    let factor = i128::from(f.divisor) * i128::from(g.divisor);
    let common = gcd128(pivot, factor);
    if pivot == 0 {
        return None;
    }
    let (pivot, factor) = (pivot / common, factor / common);
    let term_scale = scale.times(factor)?.over(pivot)?;
    let mut rest = Vec::with_capacity(core.len());
    let mut content = 0i128;
    for (row, &g) in core.iter().zip(&g.coefficients) {
        let mut values = Vec::with_capacity(row.len());
        for (&value, &f) in row.iter().zip(&f.coefficients) {
            let value =
                pivot.checked_mul(value.into())?.checked_sub(factor.checked_mul(i128::from(f) * i128::from(g))?)?;
            content = gcd128(content, value);
            values.push(value);
        }
        rest.push(values);
    }
    if content == 0 {
        return Some((term_scale, scale, Vec::new()));
    }
    let rest: Option<Vec<Vec<i64>>> = rest
        .into_iter()
        .map(|row| row.into_iter().map(|value| i64::try_from(value / content).ok()).collect())
        .collect();
    // The rest is divided by the pivot, of which the content has the even part.
    let rest_scale = scale.times(content)?.over(pivot)?;
    Some((term_scale, rest_scale, rest?))
}

fn gcd128(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The functions of `lattice` with coefficients `matrix direction`, the cheapest and smallest first.
fn factors(
    lattice: &Lattice,
    matrix: &[Vec<i64>],
    directions: &[Vec<i64>],
    parts: impl Fn(i64, i64) -> (u32, bool),
) -> Vec<Factor> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for direction in directions {
        let coefficients: Vec<i64> = matrix
            .iter()
            .map(|row| row.iter().zip(direction).fold(0i64, |sum, (&a, &b)| sum.wrapping_add(a.wrapping_mul(b))))
            .collect();
        let divisor = gcd(coefficients.iter().copied());
        if divisor == 0 {
            continue;
        }
        let coefficients: Vec<i64> = coefficients.iter().map(|value| value / divisor).collect();
        let is_negative = coefficients.iter().find(|&&value| value != 0).is_some_and(|&value| value < 0);
        let key: Vec<i64> =
            if is_negative { coefficients.iter().map(|value| -value).collect() } else { coefficients.clone() };
        if !seen.insert(key) {
            continue;
        }
        let values = lattice.combine(&coefficients);
        let (min, max) =
            values.iter().fold((i64::MAX, i64::MIN), |(min, max), &value| (min.min(value), max.max(value)));
        let (parts, is_shifted) = parts(min, max);
        found.push(Factor { coefficients, divisor, direction: direction.clone(), parts, is_shifted, span: max - min });
    }
    found.sort_by_key(|factor| (factor.parts, factor.span));
    found.truncate(FACTORS);
    found
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

fn transpose(matrix: &[Vec<i64>]) -> Vec<Vec<i64>> {
    (0..matrix.len()).map(|column| matrix.iter().map(|row| row[column]).collect()).collect()
}
