//! What a run writes: checkpoints, and the model directory.

use super::Args;
use super::cycle::Cycle;
use super::data::{Images, LABELS, MEAN, PIXELS, SIDE, STD};
use super::layers::Layers;
use super::optimizer::Optimizer;
use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use std::collections::HashMap;
use std::path::Path;

/// Training images that a model directory keeps for calibration.
const CALIBRATION: usize = 512;

fn state(layers: &Layers) -> HashMap<String, Tensor> {
    let params = layers.params.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone()));
    params.chain(layers.buffers.iter().map(|(name, tensor)| (name.clone(), tensor.clone()))).collect()
}

/// Writes everything that a run needs to go on after `epoch` epochs.
pub fn save_checkpoint(path: &Path, layers: &Layers, optimizer: &Optimizer, epoch: usize) -> Result<()> {
    let mut tensors = state(layers);
    tensors.extend(optimizer.state());
    tensors.insert("epoch".to_owned(), Tensor::new(&[epoch as u32], &Device::Cpu)?);
    let partial = path.with_extension("partial");
    candle_core::safetensors::save(&tensors, &partial)?;
    Ok(std::fs::rename(partial, path)?)
}

/// Takes up a checkpoint; the number of epochs, each of `steps`, that it has behind it.
pub fn load_checkpoint(path: &Path, layers: &mut Layers, optimizer: &mut Optimizer, steps: usize) -> Result<usize> {
    let mut tensors = candle_core::safetensors::load(path, &Device::Cpu)?;
    let epoch = tensors.remove("epoch").context("no epoch in the checkpoint")?.to_vec1::<u32>()?[0];
    for (name, tensor) in tensors {
        if optimizer.restore(&name, &tensor, epoch * u32::try_from(steps)?) {
            continue;
        }
        if let Some(param) = layers.params.get(&name) {
            param.set(&tensor)?;
        } else {
            layers.buffers.insert(name, tensor);
        }
    }
    Ok(epoch as usize)
}

/// Writes a model directory: weights, calibration set, configuration with provenance.
pub fn save_model(
    folder: &Path,
    args: &Args,
    layers: &Layers,
    train: &Images,
    cycles: &[Cycle],
    accuracy: f64,
) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    candle_core::safetensors::save(&state(layers), folder.join("model.safetensors"))?;

    let images = Tensor::from_slice(&train.pixels[..CALIBRATION * PIXELS], (CALIBRATION, 1, SIDE, SIDE), &Device::Cpu)?;
    let labels: Vec<i64> = train.labels[..CALIBRATION].iter().map(|&l| i64::from(l)).collect();
    let calibration =
        HashMap::from([("images".to_owned(), images), ("labels".to_owned(), Tensor::new(labels, &Device::Cpu)?)]);
    candle_core::safetensors::save(&calibration, folder.join("calibration.safetensors"))?;

    let config = serde_json::json!({
        "architecture": args.arch.name(),
        "num_classes": LABELS.len(),
        "input": { "shape": [1, SIDE, SIDE], "mean": [MEAN], "std": [STD] },
        "labels": LABELS,
        "dataset": "fashion-mnist",
        "provenance": {
            "made_by": format!("cargo run --release --example train -- {}", args.arch.name()),
            "data": "Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017), MIT, from the Debian package dataset-fashion-mnist; calibration: its first 512 training images",
            "cycles": cycles,
            "batch_size": args.batch_size,
            "seed": args.seed,
            "top1": accuracy,
        },
    });
    std::fs::write(folder.join("config.json"), serde_json::to_string_pretty(&config)? + "\n")?;
    Ok(())
}
