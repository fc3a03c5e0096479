//! Layers over named parameters, as the networks are written in.
//!
//! Activations are laid out as `[channels, batch * height * width]`, so that a convolution is one
//! matrix product over all pixels of the batch and batch normalization reduces contiguous rows; those of
//! the transformer are rows of tokens.

use super::op::{BatchNorm, Depthwise, Im2col, Moments, Window};
use anyhow::Result;
use candle_core::{D, DType, Device, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Activations of a batch.
#[derive(Clone)]
pub struct Map {
    /// `[channels, batch * height * width]`.
    pub rows: Tensor,
    /// Images, their height and width.
    pub size: [usize; 3],
}

impl Map {
    /// Negatives to zero.
    pub fn relu(self) -> Result<Self> {
        Ok(Map { rows: self.rows.relu()?, ..self })
    }

    /// The largest of each 2 x 2 window.
    pub fn max_pool(self) -> Result<Self> {
        let [n, h, w] = self.size;
        let pooled = self.rows.reshape(((), n, h, w))?.max_pool2d(2)?;
        Ok(Map { rows: pooled.flatten_from(1)?, size: [n, h / 2, w / 2] })
    }

    /// Each image's channels and pixels as one row.
    pub fn flatten(&self) -> Result<Tensor> {
        let [n, h, w] = self.size;
        Ok(self.rows.reshape(((), n, h * w))?.transpose(0, 1)?.contiguous()?.flatten_from(1)?)
    }

    /// Each image's channel means as one row.
    pub fn mean(&self) -> Result<Tensor> {
        let [n, h, w] = self.size;
        Ok(self.rows.reshape(((), n, h * w))?.mean(D::Minus1)?.t()?.contiguous()?)
    }
}

/// Parameters by their state-dict names, and what belongs to the state without being trained.
#[derive(Default)]
pub struct Layers {
    /// What the optimizer changes.
    pub params: BTreeMap<String, Var>,
    /// Running statistics of batch normalization, and biases that it makes idle.
    pub buffers: BTreeMap<String, Tensor>,
}

impl Layers {
    /// A weight drawn as He et al. (2015) give it.
    fn weight(&mut self, name: &str, shape: &[usize], rng: &mut ChaCha8Rng) -> Result<()> {
        let fan_in: usize = shape[1..].iter().product();
        self.add_normal(&format!("{name}.weight"), shape, (2.0 / fan_in as f32).sqrt(), rng)
    }

    /// A parameter of normal numbers.
    pub fn add_normal(&mut self, name: &str, shape: &[usize], std: f32, rng: &mut ChaCha8Rng) -> Result<()> {
        let numbers: Vec<f32> = (0..shape.iter().product::<usize>())
            .map(|_| std * Distribution::<f32>::sample(&StandardNormal, rng))
            .collect();
        self.params.insert(name.to_owned(), Var::from_vec(numbers, shape, &Device::Cpu)?);
        Ok(())
    }

    /// A linear layer of a transformer: outputs as large as inputs, and a zero bias.
    pub fn add_linear(&mut self, name: &str, shape: [usize; 2], rng: &mut ChaCha8Rng) -> Result<()> {
        let std = (2.0 / (shape[0] + shape[1]) as f32).sqrt();
        self.add_normal(&format!("{name}.weight"), &shape, std, rng)?;
        self.params.insert(format!("{name}.bias"), Var::zeros(shape[0], DType::F32, &Device::Cpu)?);
        Ok(())
    }

    /// A normalization of `width` numbers.
    pub fn add_norm(&mut self, name: &str, width: usize) -> Result<()> {
        self.params.insert(format!("{name}.weight"), Var::ones(width, DType::F32, &Device::Cpu)?);
        self.params.insert(format!("{name}.bias"), Var::zeros(width, DType::F32, &Device::Cpu)?);
        Ok(())
    }

    /// A drawn weight, and a zero bias.
    pub fn add(&mut self, name: &str, shape: &[usize], rng: &mut ChaCha8Rng) -> Result<()> {
        self.weight(name, shape, rng)?;
        self.params.insert(format!("{name}.bias"), Var::zeros(shape[0], DType::F32, &Device::Cpu)?);
        Ok(())
    }

    /// A convolution before a batch normalization, which takes any bias out again: it stays zero.
    pub fn add_normalised(&mut self, conv: &str, bn: &str, shape: &[usize], rng: &mut ChaCha8Rng) -> Result<()> {
        self.weight(conv, shape, rng)?;
        let (zeros, ones) =
            (Tensor::zeros(shape[0], DType::F32, &Device::Cpu)?, Tensor::ones(shape[0], DType::F32, &Device::Cpu)?);
        self.buffers.insert(format!("{conv}.bias"), zeros.clone());
        self.params.insert(format!("{bn}.weight"), Var::from_tensor(&ones)?);
        self.params.insert(format!("{bn}.bias"), Var::from_tensor(&zeros)?);
        self.buffers.insert(format!("{bn}.running_mean"), zeros);
        self.buffers.insert(format!("{bn}.running_var"), ones);
        Ok(())
    }

    /// A part of a layer.
    fn get(&self, name: &str, part: &str) -> &Tensor {
        self.tensor(&format!("{name}.{part}"))
    }

    /// A parameter or buffer.
    pub fn tensor(&self, name: &str) -> &Tensor {
        self.params.get(name).map_or_else(|| &self.buffers[name], Var::as_tensor)
    }

    /// A linear layer over rows.
    pub fn linear(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        Ok(x.matmul(&self.get(name, "weight").t()?)?.broadcast_add(self.get(name, "bias"))?)
    }

    /// A convolution without its bias.
    pub fn conv(&self, x: &Map, name: &str, stride: usize, padding: [usize; 2]) -> Result<Map> {
        let weight = self.get(name, "weight");
        let (outputs, _, height, width) = weight.dims4()?;
        let window = Window { kernel: [height, width], stride, padding, input: x.size };
        let ([n, _, _], [oh, ow]) = (x.size, window.output());
        let plain = [height, width, stride] == [1; 3] && padding == [0; 2];
        let columns = if plain { x.rows.clone() } else { x.rows.apply_op1(Im2col(window))? };
        let rows = weight.reshape((outputs, ()))?.matmul(&columns)?;
        Ok(Map { rows, size: [n, oh, ow] })
    }

    /// A convolution with its bias.
    pub fn conv_bias(&self, x: &Map, name: &str, stride: usize, padding: [usize; 2]) -> Result<Map> {
        let y = self.conv(x, name, stride, padding)?;
        Ok(Map { rows: y.rows.broadcast_add(&self.get(name, "bias").unsqueeze(1)?)?, ..y })
    }

    /// A depthwise 3 x 3 convolution with padding one, without its bias.
    pub fn depthwise(&self, x: &Map, name: &str) -> Result<Map> {
        let window = Window { kernel: [3; 2], stride: 1, padding: [1; 2], input: x.size };
        let weight = self.get(name, "weight").flatten_from(1)?;
        Ok(Map { rows: x.rows.apply_op2(&weight, Depthwise(window))?, size: x.size })
    }

    /// A batch normalization and, if so, a ReLU: by the batch's own moments in training, which the
    /// running ones follow, else by the latter.
    pub fn batch_norm(&mut self, x: Map, name: &str, norm: Norm) -> Result<Map> {
        const MOMENTUM: f64 = 0.1;
        let Norm { eps, relu, training } = norm;
        let (gain, bias) = (self.get(name, "weight"), self.get(name, "bias"));
        if !training {
            let gain = (gain / (self.get(name, "running_var") + eps)?.sqrt()?)?;
            let bias = (bias - (self.get(name, "running_mean") * &gain)?)?;
            let rows = x.rows.broadcast_mul(&gain.unsqueeze(1)?)?.broadcast_add(&bias.unsqueeze(1)?)?;
            let y = Map { rows, ..x };
            return if relu { y.relu() } else { Ok(y) };
        }
        let op = BatchNorm { eps: eps as f32, relu, moments: Arc::default() };
        let rows = x.rows.apply_op3(gain, bias, op.clone())?;
        let Moments { mean, variance } = op.moments.get().expect("the forward pass measures").clone();
        // The running variance is the unbiased one, as PyTorch keeps it.
        let count = (rows.elem_count() / mean.len()) as f64;
        for (part, batch, scale) in [("mean", mean, 1.0), ("var", variance, count / (count - 1.0))] {
            let key = format!("{name}.running_{part}");
            let batch = (Tensor::new(batch, &Device::Cpu)? * (MOMENTUM * scale))?;
            let running = ((&self.buffers[&key] * (1.0 - MOMENTUM))? + batch)?;
            self.buffers.insert(key, running);
        }
        Ok(Map { rows, ..x })
    }
}

/// How a batch is normalized.
#[derive(Clone, Copy)]
pub struct Norm {
    /// Added to the variance.
    pub eps: f64,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// Whether moments are the batch's own.
    pub training: bool,
}
