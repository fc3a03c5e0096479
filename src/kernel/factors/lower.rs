//! Factors as operands of integer products.
//!
//! Factors of activations are shifted to where operands are, and wide ones split into several operands. What a
//! shift adds to a sum depends on the weights alone, and goes to their offsets. Scales become factors between
//! the terms, as in Horner's scheme; those that fit the operands are multiplied into them.

use super::form::Form;
use super::narrow::{Product, folded};
use super::scale::Scale;
use crate::kernel::EffectiveTable;

/// Products of bytes or words that sum to a table's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered<A, W> {
    /// In the order in which they are summed. After the products of a term, all sums so far are multiplied by
    /// its factor, modulo 2^32. There are none where no term depends on the activation.
    pub terms: Vec<Term<A, W>>,
    /// What each weight byte adds to the sum of an output, whatever the activations, modulo 2^32; 0 for bytes
    /// that are not among the weights.
    pub offsets: Box<[i32; 256]>,
}

/// A product of an operand for the activation and one for the weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term<A, W> {
    /// By activation byte; 0 for bytes that do not occur.
    pub activations: Box<[A; 256]>,
    /// By weight byte; 0 for bytes that are not among the weights.
    pub weights: Box<[W; 256]>,
    /// What sums are multiplied by after this term, modulo 2^32.
    pub factor: i32,
}

/// An operand of integer products.
pub trait Operand: Copy + Default + PartialEq {
    /// The operand of a value within its range.
    #[doc(hidden)]
    fn of(value: i64) -> Self;

    /// The operand of an integer, if it is in range.
    #[doc(hidden)]
    fn try_of(integer: i32) -> Option<Self>;

    /// The value of the operand.
    #[doc(hidden)]
    fn value(self) -> i32;
}

macro_rules! operand {
    ($($type:ty),*) => {$(
        impl Operand for $type {
            fn of(value: i64) -> Self {
                Self::try_from(value).expect("operands are made in range")
            }

            fn try_of(integer: i32) -> Option<Self> {
                Self::try_from(integer).ok()
            }

            fn value(self) -> i32 {
                i32::from(self)
            }
        }
    )*};
}

operand!(u8, i8, i16);

/// The operands that can occur, and what they sum to.
#[derive(Clone, Copy)]
pub(super) struct Occurring<'a> {
    pub(super) table: &'a EffectiveTable,
    /// Bytes, in ascending order.
    pub(super) activations: &'a [u8],
    /// Bytes, in ascending order.
    pub(super) weights: &'a [u8],
}

impl<A: Operand, W: Operand> Lowered<A, W> {
    /// Lowers `products` of operands, which sum to the terms of `occurring` but for an offset of each weight;
    /// `None` where they do not.
    pub(super) fn new(occurring: Occurring, products: Vec<Product>, form: Form) -> Option<Self> {
        let products = folded(products, form);
        let next_scales = products.iter().skip(1).map(|product| product.scale).chain([Scale::ONE]);
        let terms = products.iter().zip(next_scales).map(|(product, next)| {
            let shift = form.shift(&product.activations);
            let mut term = Term {
                activations: Box::new([A::default(); 256]),
                weights: Box::new([W::default(); 256]),
                factor: product.scale.ratio(next).expect("scales with more twos are first"),
            };
            for (&a, &f) in occurring.activations.iter().zip(&product.activations) {
                term.activations[usize::from(a)] = A::of(f + shift);
            }
            for (&w, &g) in occurring.weights.iter().zip(&product.weights) {
                term.weights[usize::from(w)] = W::of(g);
            }
            term
        });
        let mut lowered = Lowered { terms: terms.collect(), offsets: Box::new([0; 256]) };
        lowered.finish(occurring).then_some(lowered)
    }

    /// Finds the offsets, and whether all terms are then right.
    fn finish(&mut self, occurring: Occurring) -> bool {
        let Some(&first) = occurring.activations.first() else { return true };
        for &w in occurring.weights {
            let sums = self.sums(w);
            let offset = occurring.table.term(first, w).wrapping_sub(sums[usize::from(first)]);
            self.offsets[usize::from(w)] = offset;
            let row = occurring.table.row(w);
            let is_right = |&a: &u8| row[usize::from(a)] == sums[usize::from(a)].wrapping_add(offset);
            if !occurring.activations.iter().all(is_right) {
                return false;
            }
        }
        true
    }

    /// The sums of the products of weight byte `w`, by activation byte.
    fn sums(&self, w: u8) -> [i32; 256] {
        let mut sums = [0i32; 256];
        for term in &self.terms {
            let weight = term.weights[usize::from(w)].value();
            for (sum, activation) in sums.iter_mut().zip(term.activations.iter()) {
                *sum = sum.wrapping_add(activation.value().wrapping_mul(weight)).wrapping_mul(term.factor);
            }
        }
        sums
    }
}
