//! Plans that are kept from batch to batch.

use super::{MemoryPool, Plan};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The plans of a graph, as long as nothing about it changes.
#[derive(Debug, Default)]
pub struct Plans {
    known: Mutex<Vec<Known>>,
    pool: MemoryPool,
}

/// A plan, and what it is for: nodes, samples of a batch, and the nodes whose inputs are observed.
#[derive(Debug)]
struct Known {
    nodes: Range<usize>,
    batch: usize,
    observed: Vec<bool>,
    plan: Arc<Plan>,
}

/// Plans that are kept: of a first batch, which is observed, those after it, and a last one, for a run in two stretches.
const MOST: usize = 6;

impl Plans {
    /// The plan of a run of `nodes` on that many samples, which `plan` makes where it is not known.
    pub fn find(
        &self,
        nodes: Range<usize>,
        batch: usize,
        observed: Vec<bool>,
        plan: impl FnOnce(&[bool]) -> Plan,
    ) -> Arc<Plan> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |known: &&Known| known.nodes == nodes && known.batch == batch && known.observed == observed;
        if let Some(known) = lock().iter().find(is_it) {
            return Arc::clone(&known.plan);
        }
        // What values of other plans lay in may be of no use to this one.
        self.pool.clear();
        // Not under the lock: threads that wait for each other may run other batches.
        let plan = Arc::new(plan(&observed));
        let mut known = lock();
        if known.len() == MOST {
            known.remove(0);
        }
        known.push(Known { nodes, batch, observed, plan: Arc::clone(&plan) });
        plan
    }

    /// The memory of runs.
    pub fn pool(&self) -> &MemoryPool {
        &self.pool
    }

    /// Forgets all plans, and their memory.
    pub fn clear(&mut self) {
        self.pool = MemoryPool::default();
        self.known.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
