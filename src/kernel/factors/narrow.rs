//! Products whose factors are operands.
//!
//! Factors that are too wide become several operands: high and low ones, or a clamped factor and what is cut off, which
//! products may share; or weights' factors are moved to where operands are, all at the expense of one
//! factor of activations. Whichever gives the fewest products is taken.

use super::form::Form;
use super::lattice::{extremes, gcd};
use super::scale::Scale;
use std::cmp::Reverse;
use std::ops::RangeInclusive;

/// `scale f(a) g(w)`, for all occurring operands. Constants may be added to `f`.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) scale: Scale,
    pub(super) activations: Vec<i64>,
    pub(super) weights: Vec<i64>,
}

/// The same sum as products whose factors are operands, after shifts of those of activations.
pub(super) fn narrow(products: Vec<Product>, form: Form) -> Vec<Product> {
    let products: Vec<Product> = products.into_iter().flat_map(|product| split_activations(product, form)).collect();
    let split = products.iter().flat_map(|product| split_weights(product, form)).collect();
    let cut = merged(products.iter().flat_map(|product| cut_weights(product, form)).collect(), form);
    let shifted = shift_weights(&products, form);
    [split, cut, shifted].into_iter().min_by_key(Vec::len).expect("there are three")
}

/// High and low operands of activations' factors of many bits.
fn split_activations(product: Product, form: Form) -> Vec<Product> {
    let (min, max) = extremes(&product.activations);
    let parts = form.activation_parts(min, max);
    if parts == 1 {
        return vec![product];
    }
    let part = |i: u32| {
        let shift = i * form.bits();
        let mask = (1 << form.bits()) - 1;
        Product {
            scale: product.scale.shifted(shift),
            activations: product.activations.iter().map(|&value| (value - min) >> shift & mask).collect(),
            weights: product.weights.clone(),
        }
    };
    (0..parts).map(part).collect()
}

/// High and low operands of weights' factors of many bits.
fn split_weights(product: &Product, form: Form) -> Vec<Product> {
    let (mut product, mut parts) = (product.clone(), Vec::new());
    loop {
        let (min, max) = extremes(&product.weights);
        if form.is_weight(min, max) {
            if !(form.weights().contains(&min) && form.weights().contains(&max)) {
                product = product.negated();
            }
            parts.push(product);
            return parts;
        }
        let low = product.weights.iter().map(|&value| form.low(value)).collect();
        parts.push(Product { weights: low, ..product.clone() });
        product.weights.iter_mut().for_each(|value| *value = form.high(*value));
        product.scale = product.scale.shifted(form.bits());
    }
}

/// Weights' factors within the range of operands, and what is cut off.
fn cut_weights(product: &Product, form: Form) -> Vec<Product> {
    let (min, max) = extremes(&product.weights);
    let (low, high) = form.weights().into_inner();
    if form.is_weight(min, max) || min < low - high || max > 2 * high {
        return split_weights(product, form);
    }
    // Either sign fits.
    let within = |value: i64| value.clamp(-high, high);
    let rest = product.weights.iter().map(|&value| value - within(value)).collect();
    let weights = product.weights.iter().map(|&value| within(value)).collect();
    vec![Product { weights, ..product.clone() }, Product { weights: rest, ..product.clone() }]
}

/// Products of equal factors of weights as one, where their factors of activations sum to an operand.
fn merged(products: Vec<Product>, form: Form) -> Vec<Product> {
    let mut merged: Vec<Product> = Vec::new();
    'products: for product in products {
        for other in &mut merged {
            if let Some(sum) = other.plus(&product, form) {
                *other = sum;
                continue 'products;
            }
        }
        merged.push(product);
    }
    merged
}

/// Weights' factors moved to where operands are, and one factor of activations for what all of them moved by.
fn shift_weights(products: &[Product], form: Form) -> Vec<Product> {
    let mut shifted = Vec::new();
    let mut moved: Option<Vec<i32>> = None;
    for product in products {
        let (min, max) = extremes(&product.weights);
        let (low, high) = form.weights().into_inner();
        if form.is_weight(min, max) || max - min > high - low {
            shifted.extend(split_weights(product, form));
            continue;
        }
        let by = evenest(max - high..=min - low);
        let sums = moved.get_or_insert_with(|| vec![0; product.activations.len()]);
        for (sum, &f) in sums.iter_mut().zip(&product.activations) {
            let part = product.scale.value().wrapping_mul((by as i32).wrapping_mul(f as i32));
            *sum = sum.wrapping_add(part);
        }
        let weights = product.weights.iter().map(|g| g - by).collect();
        shifted.push(Product { weights, ..product.clone() });
    }
    if let Some(sums) = moved {
        let values: Vec<i64> = sums.iter().map(|sum| sum.wrapping_sub(sums[0]).into()).collect();
        let divisor = gcd(values.iter().copied());
        if let Some(scale) = Scale::new(divisor.into()) {
            let activations = values.iter().map(|value| value / divisor).collect();
            let product = Product { scale, activations, weights: vec![1; products[0].weights.len()] };
            shifted.extend(split_activations(product, form));
        }
    }
    shifted
}

/// The number of a range that is divisible by two the most often.
fn evenest(range: RangeInclusive<i64>) -> i64 {
    range.max_by_key(|value| value.trailing_zeros()).expect("a span that fits leaves a choice")
}

/// The products in the order in which they are summed, with as few scales as operands have room for.
pub(super) fn folded(mut products: Vec<Product>, form: Form) -> Vec<Product> {
    for product in &mut products {
        product.fold(Scale::ONE, form);
    }
    // Of equally even scales, that of no factor is last.
    let order = |product: &Product| (Reverse(product.scale.twos()), product.scale == Scale::ONE, product.scale.value());
    products.sort_by_key(order);
    let scales: Vec<Scale> = products.iter().map(|product| product.scale).collect();
    for product in &mut products {
        // The largest scales that a product may have instead come first.
        for &scale in scales.iter().rev() {
            if scale == product.scale || product.fold(scale, form) {
                break;
            }
        }
    }
    products.sort_by_key(order);
    products
}

impl Product {
    fn negated(mut self) -> Self {
        self.scale = self.scale.negated();
        self.weights.iter_mut().for_each(|g| *g = -*g);
        self
    }

    /// The sum of two products, if that is one.
    fn plus(&self, other: &Product, form: Form) -> Option<Product> {
        let (even, odd) = if self.scale.twos() <= other.scale.twos() { (self, other) } else { (other, self) };
        if even.weights != odd.weights {
            return None;
        }
        let ratio = i64::from(odd.scale.ratio(even.scale)?);
        let sum = |(&a, &b): (&i64, &i64)| a.checked_add(ratio.checked_mul(b)?);
        let activations: Option<Vec<i64>> = even.activations.iter().zip(&odd.activations).map(sum).collect();
        let sum = Product { activations: activations?, ..even.clone() };
        let (min, max) = extremes(&sum.activations);
        (form.activation_parts(min, max) == 1).then_some(sum)
    }

    /// Multiplies the factors such that the scale becomes `scale`, where that leaves operands of `form`.
    fn fold(&mut self, scale: Scale, form: Form) -> bool {
        let Some(ratio) = self.scale.ratio(scale) else { return false };
        let ratio = i64::from(ratio);
        let ((f_min, f_max), (g_min, g_max)) = (extremes(&self.activations), extremes(&self.weights));
        let fits = |by: i64| {
            let (rest, weights) = (ratio / by, form.weights());
            weights.contains(&(g_min * rest))
                && weights.contains(&(g_max * rest))
                && form.activation_parts(f_min * by, f_max * by) == 1
        };
        let limit = 1 << form.bits();
        let divisors = (1..limit).take_while(|by| *by <= ratio.abs()).filter(|by| ratio % by == 0);
        let Some(by) = divisors.flat_map(|by| [by, -by]).find(|&by| fits(by)) else { return false };
        self.activations.iter_mut().for_each(|f| *f *= by);
        self.weights.iter_mut().for_each(|g| *g *= ratio / by);
        self.scale = scale;
        true
    }
}
