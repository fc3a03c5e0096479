//! Layers of two spatial axes with their data, of one kind or another.

use super::{numbers, params, range};
use crate::lut::Coding;
use crate::quant::{IntRange, LayerParams};
use candle_core::{Device, Tensor};

/// A layer of attributes `A` with its data.
#[derive(Debug, Clone)]
pub struct Case<A> {
    pub batch: usize,
    pub channels: usize,
    pub outputs: usize,
    pub size: [usize; 2],
    pub kernel: [usize; 2],
    pub attributes: A,
    pub coding: Coding,
    /// Zero points: of the input, and of the weights by output channel.
    pub zero_points: (i32, Vec<i32>),
    pub values: u64,
}

impl<A> Case<A> {
    pub fn input(&self) -> Vec<f32> {
        numbers(self.values, self.batch * self.channels * self.size[0] * self.size[1])
    }

    pub fn input_tensor(&self) -> Tensor {
        let shape = (self.batch, self.channels, self.size[0], self.size[1]);
        Tensor::from_vec(self.input(), shape, &Device::Cpu).unwrap()
    }

    pub fn bias(&self) -> Vec<f32> {
        numbers(self.values ^ 0x1234, self.outputs)
    }

    pub fn range(&self) -> IntRange {
        range(self.coding)
    }

    pub fn params(&self) -> LayerParams {
        params(self.coding, self.zero_points.0, &self.zero_points.1)
    }
}
