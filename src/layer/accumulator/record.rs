//! A layer's accumulator with what was found of it so far.

use super::found::{AccumulatorFindings, Found, widen};
use super::setting::Accumulator;
use crate::kernel::ConvGeometry;
use crate::layer::InferenceMode;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The accumulator that a layer is told of. Threads add what they find side by side.
#[derive(Debug)]
pub struct LayerAccumulator {
    setting: Accumulator,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    found: Found,
    /// The sums that operands can reach.
    worst_case: [i64; 2],
    /// What these were found for.
    ways: Vec<Ways>,
}

/// All that the reachable sums of a layer depend on, besides what it was quantized to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ways {
    pub mode: InferenceMode,
    pub geometry: ConvGeometry,
    /// Whether a bias is added in the accumulator.
    pub is_followed: bool,
}

impl LayerAccumulator {
    /// One of which nothing is known.
    pub fn new(setting: Accumulator) -> Self {
        LayerAccumulator { setting, record: Mutex::default() }
    }

    /// What was asked for.
    pub fn setting(&self) -> Accumulator {
        self.setting
    }

    /// Adds what a part of a run found; `worst_case` finds the range of sums that operands can reach in these ways.
    pub fn record(&self, found: &Found, ways: Ways, worst_case: impl FnOnce() -> [i64; 2]) {
        let mut record = self.lock();
        record.found.merge(found);
        if record.ways.contains(&ways) {
            return;
        }
        // Not under the lock, which others wait for; what is found twice is the same.
        drop(record);
        let worst_case = worst_case();
        let mut record = self.lock();
        widen(&mut record.worst_case, worst_case);
        record.ways.push(ways);
    }

    /// What was found; `None` where no output was computed.
    pub fn findings(&self) -> Option<AccumulatorFindings> {
        let record = self.lock();
        (record.found.outputs > 0).then(|| record.found.with_worst_case(record.worst_case))
    }

    /// What was found holds no longer.
    pub fn reset(&mut self) {
        self.record = Mutex::default();
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
