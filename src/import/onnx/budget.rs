//! The memory that a network's constants may take.
//!
//! A few bytes of a file can ask for any number of elements. What lowering computes ahead of the images is
//! counted here, each constant once however many names it has, and refused before it is allocated where it
//! would be too much.

use super::error::NodeProblem;
use super::value::Value;
use crate::import::Bytes;
use candle_core::Tensor;
use std::collections::HashSet;

/// What the constants of any file may take.
const LEAST: u64 = 1 << 30;

/// What they may take for each byte of a large file: its tensors in other types and axis orders.
const PER_BYTE: u64 = 16;

/// The memory of computed constants: how much there is, and how much is in use.
#[derive(Debug)]
pub(super) struct Budget {
    limit: Bytes,
    used: Bytes,
    /// The addresses of the constants that were counted.
    counted: HashSet<usize>,
}

impl Budget {
    /// The budget of a file of this many bytes.
    pub fn of_file(bytes: u64) -> Self {
        let limit = Bytes(bytes.saturating_mul(PER_BYTE).max(LEAST));
        Budget { limit, used: Bytes(0), counted: HashSet::new() }
    }

    /// Fails if there is no room for a constant of that many elements of type `T`.
    pub fn check<T>(&self, elements: usize) -> Result<(), NodeProblem> {
        let asked = Bytes::of::<T>(elements);
        if self.used.0.saturating_add(asked.0) <= self.limit.0 {
            return Ok(());
        }
        Err(NodeProblem::Memory { asked, used: self.used, limit: self.limit })
    }

    /// Counts elements of type `T` that a node keeps.
    pub fn spend<T>(&mut self, elements: usize) -> Result<(), NodeProblem> {
        self.check::<T>(elements)?;
        self.used.0 += Bytes::of::<T>(elements).0;
        Ok(())
    }

    /// Counts a constant that is kept; values that are no constants take nothing.
    pub fn count(&mut self, value: &Value) -> Result<(), NodeProblem> {
        match value {
            Value::Floats { tensor, .. } => self.count_tensor(tensor),
            Value::Ints(ints) => self.add(ints.values.as_ptr() as usize, size_of_val(ints.values.as_slice())),
            Value::Pending(linear) => self.count_tensor(&linear.weight),
            Value::Quantized(value, _) => self.count(value),
            Value::Computed(_) | Value::Merged { .. } => Ok(()),
        }
    }

    /// Counts the tensor of a parameter.
    pub fn count_tensor(&mut self, tensor: &Tensor) -> Result<(), NodeProblem> {
        let (storage, _) = tensor.storage_and_layout();
        self.add(&raw const *storage as usize, tensor.elem_count() * size_of::<f32>())
    }

    /// Remembers a tensor of the file itself, which takes nothing.
    pub fn exempt(&mut self, value: &Value) {
        let used = self.used;
        // Too much of it is no failure.
        let _ = self.count(value);
        self.used = used;
    }

    fn add(&mut self, address: usize, bytes: usize) -> Result<(), NodeProblem> {
        if !self.counted.insert(address) {
            return Ok(());
        }
        self.spend::<u8>(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::onnx::value::{Int, Ints};
    use candle_core::{DType, Device};

    fn floats(tensor: Tensor) -> Value {
        Value::Floats { tensor, name: String::new(), initial: false }
    }

    #[test]
    fn a_constant_counts_once() {
        let mut budget = Budget::of_file(100);
        let tensor = Tensor::zeros((4, 8), DType::F32, &Device::Cpu).unwrap();
        let ints = Value::Ints(Ints::vector(vec![Int::from(1); 8]));
        for value in [floats(tensor.clone()), floats(tensor.reshape((8, 4)).unwrap()), ints.clone(), ints] {
            budget.count(&value).unwrap();
        }
        assert_eq!(budget.used, Bytes(4 * 32 + 16 * 8));
        budget.exempt(&floats(tensor.copy().unwrap()));
        assert_eq!(budget.used, Bytes(4 * 32 + 16 * 8));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_all_numbers() {
        let mut budget = Budget::of_file(1 << 27);
        budget.count(&floats(Tensor::zeros(1 << 20, DType::F32, &Device::Cpu).unwrap())).unwrap();
        assert!(budget.check::<u8>((1 << 31) - (1 << 22)).is_ok());
        let error = budget.check::<f32>(1 << 29).unwrap_err().to_string();
        for needle in ["constant of 2.0 GiB", "4.0 MiB", "2.0 GiB"] {
            assert!(error.contains(needle), "{error:?} lacks {needle:?}");
        }
        assert!(budget.check::<f32>(usize::MAX).is_err());
    }
}
