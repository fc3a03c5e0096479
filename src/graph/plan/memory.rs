//! Memory that runs share, one after another.

use super::slots::{KINDS, kind};
use super::value::{Kept, KeptImages};
use crate::layer::{ImageBuffer, Place};
use candle_core::Tensor;
use std::sync::{Mutex, PoisonError};

/// What the values of some samples are kept in.
#[derive(Debug, Default)]
pub struct Memory {
    tensors: Vec<Option<Tensor>>,
    images: [Vec<ImageBuffer>; KINDS],
}

impl Memory {
    /// The tensor of a value, if it is there.
    pub fn tensor(&self, kept: &Kept) -> Option<&Tensor> {
        self.tensors.get(kept.slot)?.as_ref()
    }

    /// Keeps a tensor, or drops it.
    pub fn set_tensor(&mut self, kept: &Kept, tensor: Option<Tensor>) {
        if self.tensors.len() <= kept.slot {
            self.tensors.resize(kept.slot + 1, None);
        }
        self.tensors[kept.slot] = tensor;
    }

    /// The images of a value.
    pub fn images(&self, kept: &Kept) -> &ImageBuffer {
        &self.images[kind(&kept.kind)][kept.slot]
    }

    /// Takes the memory for the images of a value, with room for those of so many samples and their borders in place.
    pub fn take(&mut self, kept: &Kept, samples: usize) -> ImageBuffer {
        let images = kept.images();
        let buffers = &mut self.images[kind(&kept.kind)];
        while buffers.len() <= kept.slot {
            buffers.push(ImageBuffer::of(&images.form));
        }
        let mut buffer = std::mem::replace(&mut buffers[kept.slot], ImageBuffer::of(&images.form));
        buffer.reset(images.place(samples));
        buffer
    }

    /// Puts back what was taken.
    pub fn put(&mut self, kept: &Kept, buffer: ImageBuffer) {
        self.images[kind(&kept.kind)][kept.slot] = buffer;
    }

    /// Drops all tensors.
    fn clear(&mut self) {
        self.tensors.fill(None);
    }
}

impl KeptImages {
    /// Those of so many samples.
    pub fn place(&self, samples: usize) -> Place<'_> {
        Place { form: &self.form, layout: self.layout, count: samples * self.ty.per_sample }
    }
}

/// Memory that is not in use, by the level that it was for: what one needs is not kept for another.
#[derive(Debug, Default)]
pub struct MemoryPool(Mutex<Vec<Vec<Memory>>>);

impl MemoryPool {
    /// Gives back all memory that is not in use.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Calls `body` with memory of its own for a level.
    pub fn with<R>(&self, level: usize, body: impl FnOnce(&mut Memory) -> R) -> R {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = lock().get_mut(level).and_then(Vec::pop).unwrap_or_default();
        let result = body(&mut memory);
        memory.clear();
        let mut levels = lock();
        if levels.len() <= level {
            levels.resize_with(level + 1, Vec::new);
        }
        levels[level].push(memory);
        result
    }
}
