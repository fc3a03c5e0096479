//! Sums that were found, for the layers that follow.
//!
//! A network's layers share their table, and most use nearly all weights: what was found for all of them
//! serves every layer but those whose weights have a lower rank, or a rank that is low at all.

use super::bases::Bases;
use super::form::Form;
use super::lower::{Lowered, Occurring, Operand};
use crate::kernel::EffectiveTable;
use std::sync::{Arc, Mutex, PoisonError};

/// Tables that are remembered, at a quarter of a mebibyte each.
const TABLES: usize = 16;

/// Sums of one form of products.
pub(super) struct Cache<A, W> {
    form: Form,
    /// The latest last.
    found: Mutex<Vec<Arc<Found<A, W>>>>,
}

/// What was found for a table.
struct Found<A, W> {
    table: EffectiveTable,
    activations: Vec<u8>,
    weights: Vec<u8>,
    most: usize,
    /// Absent where the rank is above the most products.
    bases: Option<Bases>,
    sum: Option<Arc<Lowered<A, W>>>,
}

impl<A: Operand, W: Operand> Cache<A, W> {
    pub(super) const fn new(form: Form) -> Self {
        Cache { form, found: Mutex::new(Vec::new()) }
    }

    /// The fewest products, `most` of them at most, that sum to the terms of `occurring`.
    pub(super) fn find(&self, occurring: Occurring, most: usize) -> Option<Arc<Lowered<A, W>>> {
        let all = usual_weights(occurring);
        let found = self.of_table(Occurring { weights: &all, ..occurring }, most);
        if all == occurring.weights {
            return found.sum.clone();
        }
        if let Some(bases) = &found.bases {
            let positions: Vec<usize> =
                (0..all.len()).filter(|&i| occurring.weights.binary_search(&all[i]).is_ok()).collect();
            if bases.rank_at(&positions) == bases.rank() {
                return found.sum.clone();
            }
        }
        let (_, own) = search(occurring, self.form, most);
        let terms = |sum: &Arc<Lowered<A, W>>| sum.terms.len();
        [own.map(Arc::new), found.sum.clone()].into_iter().flatten().min_by_key(terms)
    }

    fn of_table(&self, occurring: Occurring, most: usize) -> Arc<Found<A, W>> {
        // Whoever waits for the lock wants what is being searched.
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |found: &Arc<Found<A, W>>| {
            (found.most, &found.activations[..], &found.weights[..]) == (most, occurring.activations, occurring.weights)
                && found.table == *occurring.table
        };
        let found = if let Some(at) = all.iter().position(is_it) {
            all.remove(at)
        } else {
            let (bases, sum) = search(occurring, self.form, most);
            Arc::new(Found {
                table: occurring.table.clone(),
                activations: occurring.activations.to_vec(),
                weights: occurring.weights.to_vec(),
                most,
                bases,
                sum: sum.map(Arc::new),
            })
        };
        if all.len() == TABLES {
            all.remove(0);
        }
        all.push(Arc::clone(&found));
        found
    }
}

/// All weight bytes that symmetric quantization gives, if no others are used: the lowest value is none of them.
fn usual_weights(occurring: Occurring) -> Vec<u8> {
    let lowest = occurring.table.weight().lowest();
    let is_usual = !occurring.weights.contains(&lowest);
    (0..=255).filter(|&w| w != lowest || !is_usual).collect()
}

/// The fewest products that are found without looking elsewhere.
fn search<A: Operand, W: Operand>(
    occurring: Occurring,
    form: Form,
    most: usize,
) -> (Option<Bases>, Option<Lowered<A, W>>) {
    let bases = Bases::new(occurring, most);
    let products = bases.as_ref().and_then(|bases| bases.products(form, most));
    (bases, products.and_then(|products| Lowered::new(occurring, products, form)))
}
