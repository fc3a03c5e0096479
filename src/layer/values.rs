//! The numbers of tensors, as the loops of this room read them.

use candle_core::{CpuStorage, Device, Storage, Tensor};

/// Calls `body` with the values of an `f32` tensor, contiguous in memory.
pub(crate) fn with_values<R>(tensor: &Tensor, body: impl FnOnce(&[f32]) -> R) -> candle_core::Result<R> {
    let tensor = tensor.to_device(&Device::Cpu)?.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => Ok(body(&values[layout.start_offset()..][..tensor.elem_count()])),
        _ => candle_core::bail!("{:?} tensor, expected f32", tensor.dtype()),
    }
}
