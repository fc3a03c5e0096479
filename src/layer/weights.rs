//! The numbers of a layer's weight, which are kept once.
//!
//! They come as a tensor. Once they are laid out for the kernel of baseline mode, that holds them: every number lies in
//! one place there, from which the tensor is read back bit for bit where something asks for it.

use super::images::ImageLayer;
use super::values::with_values;
use candle_core::{Device, Result, Tensor};
use std::sync::{Arc, PoisonError, RwLock};

/// A weight, its first axis the output.
#[derive(Debug)]
pub struct Weights {
    dims: Vec<usize>,
    held: RwLock<Held>,
}

/// What holds the numbers.
#[derive(Debug, Clone)]
enum Held {
    Tensor(Tensor),
    /// The layer laid out for baseline mode.
    LaidOut(Arc<ImageLayer>),
}

impl Weights {
    /// Those of a tensor of `f32` in the memory of the processor.
    pub(super) fn new(tensor: Tensor) -> Self {
        Weights { dims: tensor.dims().to_vec(), held: RwLock::new(Held::Tensor(tensor)) }
    }

    /// The dimensions.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The weight as a tensor.
    pub fn tensor(&self) -> Tensor {
        // Not under the lock, which threads that wait for each other may take.
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        match held {
            Held::Tensor(tensor) => tensor,
            Held::LaidOut(layer) => {
                let values = layer.weight().expect("a tensor is let go of only where it can be read back");
                let tensor = Tensor::from_vec(values, self.dims.as_slice(), &Device::Cpu);
                tensor.expect("as many numbers as were laid out")
            }
        }
    }

    /// Calls `body` with the numbers, row-major.
    ///
    /// # Errors
    /// When the tensor is not of `f32`.
    pub(super) fn with_values<R>(&self, body: impl FnOnce(&[f32]) -> R) -> Result<R> {
        with_values(&self.tensor(), body)
    }

    /// Lets go of the tensor where `layer`, laid out for baseline mode, holds the numbers, too.
    pub(super) fn leave_to(&self, layer: &Arc<ImageLayer>) {
        if layer.holds_weight() {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            if matches!(*held, Held::Tensor(_)) {
                *held = Held::LaidOut(Arc::clone(layer));
            }
        }
    }

    /// Reads the tensor back, for what asks for it many times.
    pub(super) fn take_back(&mut self) {
        self.held = RwLock::new(Held::Tensor(self.tensor()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{ApproxConv2d, ApproxLayer, ConvAttributes, WeightedCore};
    use crate::quant::Observer;
    use candle_core::Module;

    fn holds_tensor(layer: &ApproxConv2d) -> bool {
        matches!(*layer.state().weights.held.read().unwrap(), Held::Tensor(_))
    }

    /// There is a tensor until baseline mode has the numbers, and again from the beginning of an observation on.
    #[test]
    fn numbers_are_kept_once() {
        let weight = Tensor::ones((3, 2, 1, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
        let mut layer = ApproxConv2d::new("conv", ConvAttributes::default(), &weight, None).unwrap();
        assert!(holds_tensor(&layer));
        let input = Tensor::ones((1, 2, 2, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        let _ = layer.forward(&input).unwrap();
        assert!(!holds_tensor(&layer));
        layer.begin_calibration(Observer::MinMax.start(8).into());
        assert!(holds_tensor(&layer));
        let _ = layer.forward(&input).unwrap();
        assert!(holds_tensor(&layer), "an observed pass reads the tensor");
        layer.finish_observing().unwrap();
        let _ = layer.forward(&input).unwrap();
        assert!(!holds_tensor(&layer));
    }
}
