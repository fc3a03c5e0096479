//! The sums that operands can reach, whatever they are.
//!
//! Products of an output are independent of each other: each has an activation of its own. So the least and the largest
//! sum after some products are the sums of the least and the largest terms, and `sum x_q` belongs to the same
//! activations: the extremes after its term are those of `table(x, w) - z_w * x`. What follows is the same to all.

use super::found::widen;
use super::sums::Addition;
use crate::kernel::EffectiveTable;
use crate::quant::{ActivationParams, LayerParams};
use std::collections::HashMap;

/// The extremes of something over all activations, by weight byte; `None` until it is asked for.
type Extremes = [Option<[i64; 2]>; 256];

/// Finds the range of sums after any addition, for activations within the input's range.
pub(super) struct WorstCase<'a> {
    input: &'a ActivationParams,
    table: &'a EffectiveTable,
    /// Of `table(x, w) + factor * x`, by factor.
    extremes: HashMap<i64, Box<Extremes>>,
    pub range: [i64; 2],
}

impl<'a> WorstCase<'a> {
    /// Of nothing yet.
    pub fn new(params: &'a LayerParams, table: &'a EffectiveTable) -> Self {
        WorstCase { input: &params.input, table, extremes: HashMap::new(), range: [0; 2] }
    }

    /// Adds an output that is the sum of the products by `weights`, and of what comes after them.
    pub fn add(&mut self, weights: &[u8], after: &[Addition]) {
        let mut reached = [0; 2];
        for &weight in weights {
            reached = plus(reached, self.extremes(0, weight));
            widen(&mut self.range, reached);
        }
        for addition in after {
            reached = match *addition {
                Addition::Constant(term) => plus(reached, [term; 2]),
                Addition::Activations(0) => reached,
                // The first addition after the products.
                Addition::Activations(factor) => {
                    weights.iter().fold([0; 2], |sum, &weight| plus(sum, self.extremes(factor, weight)))
                }
            };
            widen(&mut self.range, reached);
        }
    }

    /// The least and the largest `table(x, weight) + factor * x`.
    fn extremes(&mut self, factor: i64, weight: u8) -> [i64; 2] {
        let (range, table) = (self.input.range(), self.table);
        let of_factor = self.extremes.entry(factor).or_insert_with(|| Box::new([None; 256]));
        *of_factor[usize::from(weight)].get_or_insert_with(|| {
            let terms = table.row(weight);
            let term = |x: i32| i64::from(terms[usize::from(x as u8)]) + factor * i64::from(x);
            let first = term(range.q_min());
            (range.q_min()..=range.q_max()).map(term).fold([first; 2], |[low, high], t| [low.min(t), high.max(t)])
        })
    }
}

fn plus(a: [i64; 2], b: [i64; 2]) -> [i64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}
