//! The vision transformer, over tokens laid out as `[batch, tokens, width]`.
//!
//! What the other networks need operations of their own for, candle does itself here: its matrix products,
//! softmax and GELU have gradients.

use super::data::SIDE;
use super::layers::Layers;
use anyhow::Result;
use candle_core::{D, Tensor};
use rand_chacha::ChaCha8Rng;

/// As the crate's zoo has them.
const PATCH: usize = 7;
const LAYERS: usize = 3;
const HEADS: usize = 3;
const WIDTH: usize = 48;
const HIDDEN: usize = 96;
/// Patches of an image, along one axis.
const GRID: usize = SIDE / PATCH;

/// Deviation of drawn weights, as Dosovitskiy et al. (2020) draw those of positions.
const STD: f32 = 0.02;

/// Parameters of a network for `classes`, drawn from `rng`.
pub fn draw(layers: &mut Layers, classes: usize, rng: &mut ChaCha8Rng) -> Result<()> {
    layers.add("patch_embed.proj", &[WIDTH, 1, PATCH, PATCH], rng)?;
    layers.add_normal("cls_token", &[1, 1, WIDTH], STD, rng)?;
    layers.add_normal("pos_embed", &[1, GRID * GRID + 1, WIDTH], STD, rng)?;
    for i in 0..LAYERS {
        let part = |part: &str| format!("blocks.{i}.{part}");
        layers.add_norm(&part("norm1"), WIDTH)?;
        layers.add_linear(&part("attn.qkv"), [3 * WIDTH, WIDTH], rng)?;
        layers.add_linear(&part("attn.proj"), [WIDTH, WIDTH], rng)?;
        layers.add_norm(&part("norm2"), WIDTH)?;
        layers.add_linear(&part("mlp.fc1"), [HIDDEN, WIDTH], rng)?;
        layers.add_linear(&part("mlp.fc2"), [WIDTH, HIDDEN], rng)?;
    }
    layers.add_norm("norm", WIDTH)?;
    layers.add_linear("head", [classes, WIDTH], rng)
}

/// Logits `[batch, classes]` of images `[1, batch * 28 * 28]`.
pub fn forward(net: &Layers, images: &Tensor) -> Result<Tensor> {
    let batch = images.elem_count() / (SIDE * SIDE);
    // Each patch's pixels side by side, row by row.
    let patches = images.reshape(&[batch, GRID, PATCH, GRID, PATCH])?.transpose(2, 3)?.contiguous()?;
    let patches = patches.reshape((batch * GRID * GRID, PATCH * PATCH))?;
    let weight = net.tensor("patch_embed.proj.weight").flatten_from(1)?;
    let x = patches.matmul(&weight.t()?)?.broadcast_add(net.tensor("patch_embed.proj.bias"))?;
    let x = x.reshape((batch, GRID * GRID, WIDTH))?;
    let class = net.tensor("cls_token").broadcast_as((batch, 1, WIDTH))?;
    let mut x = Tensor::cat(&[&class, &x], 1)?.broadcast_add(net.tensor("pos_embed"))?;
    for i in 0..LAYERS {
        let part = |part: &str| format!("blocks.{i}.{part}");
        let y = layer_norm(net, &x, &part("norm1"))?;
        x = (x + attention(net, &y, &part("attn"))?)?;
        let y = layer_norm(net, &x, &part("norm2"))?;
        let y = rows(&y, |y| net.linear(&net.linear(y, &part("mlp.fc1"))?.gelu_erf()?, &part("mlp.fc2")))?;
        x = (x + y)?;
    }
    let x = layer_norm(net, &x, "norm")?.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
    net.linear(&x, "head")
}

/// Tokens of all samples as the rows of a matrix for `body`, and as they were after it.
fn rows(x: &Tensor, body: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let (batch, tokens, _) = x.dims3()?;
    let y = body(&x.contiguous()?.flatten_to(1)?)?;
    Ok(y.reshape((batch, tokens, ()))?)
}

fn attention(net: &Layers, x: &Tensor, name: &str) -> Result<Tensor> {
    let (batch, tokens, width) = x.dims3()?;
    let qkv = rows(x, |x| net.linear(x, &format!("{name}.qkv")))?.reshape(&[batch, tokens, 3, HEADS, width / HEADS])?;
    let part = |i: usize| qkv.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
    let (queries, keys, values) = (part(0)?, part(1)?, part(2)?);
    let scale = ((width / HEADS) as f64).sqrt().recip();
    let scores = (queries * scale)?.matmul(&keys.t()?.contiguous()?)?;
    let weights = candle_nn::ops::softmax(&scores, D::Minus1)?;
    let y = weights.matmul(&values)?.transpose(1, 2)?.contiguous()?.flatten_from(2)?;
    rows(&y, |y| net.linear(y, &format!("{name}.proj")))
}

fn layer_norm(net: &Layers, x: &Tensor, name: &str) -> Result<Tensor> {
    const EPS: f64 = 1e-6;
    let x = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = x.sqr()?.mean_keepdim(D::Minus1)?;
    let x = x.broadcast_div(&(variance + EPS)?.sqrt()?)?;
    let (gain, bias) = (net.tensor(&format!("{name}.weight")), net.tensor(&format!("{name}.bias")));
    Ok(x.broadcast_mul(gain)?.broadcast_add(bias)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx_eval::zoo::Architecture;
    use candle_core::Device;
    use rand::SeedableRng;

    /// Logits of drawn weights are those of the crate's own network.
    #[test]
    fn the_network_is_that_of_the_zoo() {
        let mut layers = Layers::default();
        draw(&mut layers, 10, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
        let architecture = Architecture::find("vit_micro").unwrap();
        let mut graph = architecture.build(architecture.input, architecture.num_classes, None).unwrap();
        let tensors = layers.params.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone()));
        graph.bind(tensors.collect()).unwrap();
        let images: Vec<f32> = (0..3 * SIDE * SIDE).map(|i| (i as f32 * 0.37).sin()).collect();
        let images = Tensor::from_vec(images, (3, 1, SIDE, SIDE), &Device::Cpu).unwrap();
        let theirs = graph.run(std::slice::from_ref(&images), 0).unwrap().remove(0);
        let ours = forward(&layers, &images).unwrap();
        let difference = (ours - &theirs).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(theirs.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() > 0.1);
        assert!(difference < 1e-4, "{difference}");
    }
}
