//! Trains the shipped networks on Fashion-MNIST and writes their model directories.
//!
//! The data is Debian's package `dataset-fashion-mnist` (MIT), which `apt-get install
//! dataset-fashion-mnist` puts where `--data` looks by default. Both shipped networks come from
//!
//! ```text
//! cargo run --release --example train -- lenet5
//! cargo run --release --example train -- resnet8
//! ```
//!
//! Training is stochastic gradient descent with Nesterov momentum under a one-cycle learning rate
//! (Smith and Topin, 2018, <https://arxiv.org/abs/1708.07120>), random horizontal flips, and
//! weight decay on every parameter. A checkpoint is written after each epoch, and a run that finds
//! one goes on from it.
//!
//! Activations are laid out as `[channels, batch, height, width]`, so that a convolution is one
//! matrix product over all pixels of the batch and batch normalisation reduces contiguous rows;
//! candle's own convolution gradients are several times slower on a CPU.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use candle_core::{CpuStorage, CustomOp1, D, DType, Device, Layout, Shape, Tensor, Var, bail as candle_bail};
use clap::{Parser, ValueEnum};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Height and width of an image.
const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;
const CLASSES: usize = 10;
/// Mean and standard deviation of the training set's pixels, of `x / 255`.
const MEAN: f64 = 0.2860;
const STD: f64 = 0.3530;
/// Training images that a model directory keeps for calibration.
const CALIBRATION: usize = 512;
const LABELS: [&str; CLASSES] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

#[derive(Parser)]
#[command(about = "Train a shipped network on Fashion-MNIST")]
struct Args {
    /// The network to train
    arch: Arch,
    /// Folder of the four IDX files
    #[arg(long, default_value = "/usr/share/datasets/fashion-mnist")]
    data: PathBuf,
    /// The model directory to write; default: models/ARCH
    #[arg(long)]
    out: Option<PathBuf>,
    /// Passes over the training set; default: 30 for lenet5, 15 for resnet8
    #[arg(long)]
    epochs: Option<usize>,
    #[arg(long, default_value_t = 128)]
    batch_size: usize,
    /// Peak learning rate; default: 0.1 for lenet5, 0.4 for resnet8
    #[arg(long)]
    lr: Option<f64>,
    #[arg(long, default_value_t = 5e-4)]
    weight_decay: f64,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where checkpoints are kept
    #[arg(long, default_value = "target/train")]
    checkpoints: PathBuf,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Arch {
    Lenet5,
    Resnet8,
}

impl Arch {
    fn name(self) -> &'static str {
        match self {
            Arch::Lenet5 => "lenet5",
            Arch::Resnet8 => "resnet8",
        }
    }
}

/// Patches of a `[c, n, h, w]` tensor as the columns of a `[c * k * k, n * oh * ow]` matrix.
#[derive(Clone, Copy)]
struct Im2col {
    kernel: usize,
    stride: usize,
    padding: usize,
    input: [usize; 4],
}

impl Im2col {
    fn output(&self) -> [usize; 2] {
        let size = |i: usize| (i + 2 * self.padding - self.kernel) / self.stride + 1;
        [size(self.input[2]), size(self.input[3])]
    }

    /// Calls `visit(column position, input position)` for every tap inside the input, for one
    /// row of the matrix within one channel.
    fn taps(&self, ky: usize, kx: usize, mut visit: impl FnMut(usize, usize)) {
        let [_, n, h, w] = self.input;
        let [oh, ow] = self.output();
        for b in 0..n {
            for oy in 0..oh {
                let y = (oy * self.stride + ky).wrapping_sub(self.padding);
                if y >= h {
                    continue;
                }
                for ox in 0..ow {
                    let x = (ox * self.stride + kx).wrapping_sub(self.padding);
                    if x < w {
                        visit((b * oh + oy) * ow + ox, (b * h + y) * w + x);
                    }
                }
            }
        }
    }
}

fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else { candle_bail!("input is not contiguous") };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

impl CustomOp1 for Im2col {
    fn name(&self) -> &'static str {
        "im2col"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let input = contiguous(storage, layout)?;
        let [c, n, h, w] = self.input;
        let [oh, ow] = self.output();
        let (taps, columns) = (self.kernel * self.kernel, n * oh * ow);
        let mut matrix = vec![0f32; c * taps * columns];
        matrix.par_chunks_mut(columns).enumerate().for_each(|(row, out)| {
            let plane = &input[row / taps * n * h * w..][..n * h * w];
            let tap = row % taps;
            self.taps(tap / self.kernel, tap % self.kernel, |column, pixel| out[column] = plane[pixel]);
        });
        Ok((CpuStorage::F32(matrix), Shape::from((c * taps, columns))))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> candle_core::Result<Option<Tensor>> {
        Ok(Some(grad.contiguous()?.apply_op1_no_bwd(&Col2im(*self))?))
    }
}

/// The gradient of [`Im2col`]: columns summed back into the pixels that they came from.
struct Col2im(Im2col);

impl CustomOp1 for Col2im {
    fn name(&self) -> &'static str {
        "col2im"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let matrix = contiguous(storage, layout)?;
        let [c, n, h, w] = self.0.input;
        let kernel = self.0.kernel;
        let columns = matrix.len() / (c * kernel * kernel);
        let mut image = vec![0f32; c * n * h * w];
        image.par_chunks_mut(n * h * w).enumerate().for_each(|(channel, out)| {
            for tap in 0..kernel * kernel {
                let row = &matrix[(channel * kernel * kernel + tap) * columns..][..columns];
                self.0.taps(tap / kernel, tap % kernel, |column, pixel| out[pixel] += row[column]);
            }
        });
        Ok((CpuStorage::F32(image), Shape::from((c, n, h, w))))
    }
}

/// Parameters by their state-dict names, and the running statistics of batch normalisation.
struct Net {
    arch: Arch,
    params: BTreeMap<String, Var>,
    stats: BTreeMap<String, Tensor>,
}

impl Net {
    fn new(arch: Arch, rng: &mut ChaCha8Rng) -> Result<Self> {
        let mut net = Net { arch, params: BTreeMap::new(), stats: BTreeMap::new() };
        match arch {
            Arch::Lenet5 => {
                net.weight("conv1", &[6, 1, 5, 5], rng)?;
                net.weight("conv2", &[16, 6, 5, 5], rng)?;
                net.weight("fc1", &[120, 400], rng)?;
                net.weight("fc2", &[84, 120], rng)?;
                net.weight("fc3", &[CLASSES, 84], rng)?;
            }
            Arch::Resnet8 => {
                net.conv_bn("conv1", "bn1", &[16, 1, 3, 3], rng)?;
                for (block, c_in, c_out) in [("layer1.0", 16, 16), ("layer2.0", 16, 32), ("layer3.0", 32, 64)] {
                    net.conv_bn(&format!("{block}.conv1"), &format!("{block}.bn1"), &[c_out, c_in, 3, 3], rng)?;
                    net.conv_bn(&format!("{block}.conv2"), &format!("{block}.bn2"), &[c_out, c_out, 3, 3], rng)?;
                    if c_in != c_out {
                        net.weight(&format!("{block}.downsample.0"), &[c_out, c_in, 1, 1], rng)?;
                    }
                }
                net.weight("fc", &[CLASSES, 64], rng)?;
            }
        }
        Ok(net)
    }

    /// A weight drawn as He et al. (2015) give it, and a zero bias.
    fn weight(&mut self, name: &str, shape: &[usize], rng: &mut ChaCha8Rng) -> Result<()> {
        let fan_in: usize = shape[1..].iter().product();
        let std = (2.0 / fan_in as f32).sqrt();
        let values: Vec<f32> = (0..shape.iter().product::<usize>())
            .map(|_| std * Distribution::<f32>::sample(&StandardNormal, rng))
            .collect();
        self.param(&format!("{name}.weight"), Tensor::from_vec(values, shape, &Device::Cpu)?)?;
        self.param(&format!("{name}.bias"), Tensor::zeros(shape[0], DType::F32, &Device::Cpu)?)
    }

    fn conv_bn(&mut self, conv: &str, bn: &str, shape: &[usize], rng: &mut ChaCha8Rng) -> Result<()> {
        self.weight(conv, shape, rng)?;
        self.param(&format!("{bn}.weight"), Tensor::ones(shape[0], DType::F32, &Device::Cpu)?)?;
        self.param(&format!("{bn}.bias"), Tensor::zeros(shape[0], DType::F32, &Device::Cpu)?)?;
        self.stats.insert(format!("{bn}.running_mean"), Tensor::zeros(shape[0], DType::F32, &Device::Cpu)?);
        self.stats.insert(format!("{bn}.running_var"), Tensor::ones(shape[0], DType::F32, &Device::Cpu)?);
        Ok(())
    }

    fn param(&mut self, name: &str, value: Tensor) -> Result<()> {
        self.params.insert(name.to_owned(), Var::from_tensor(&value)?);
        Ok(())
    }

    /// Logits `[batch, classes]` of images `[1, batch, 28, 28]`.
    fn forward(&mut self, x: &Tensor, training: bool) -> Result<Tensor> {
        match self.arch {
            Arch::Lenet5 => {
                let x = self.conv(x, "conv1", 1, 2)?.relu()?.max_pool2d(2)?;
                let x = self.conv(&x, "conv2", 1, 0)?.relu()?.max_pool2d(2)?;
                let x = x.transpose(0, 1)?.contiguous()?.flatten_from(1)?;
                let x = self.linear(&x, "fc1")?.relu()?;
                let x = self.linear(&x, "fc2")?.relu()?;
                self.linear(&x, "fc3")
            }
            Arch::Resnet8 => {
                let x = self.conv(x, "conv1", 1, 1)?;
                let mut x = self.batch_norm(&x, "bn1", training)?.relu()?;
                for (block, stride) in [("layer1.0", 1), ("layer2.0", 2), ("layer3.0", 2)] {
                    let y = self.conv(&x, &format!("{block}.conv1"), stride, 1)?;
                    let y = self.batch_norm(&y, &format!("{block}.bn1"), training)?.relu()?;
                    let y = self.conv(&y, &format!("{block}.conv2"), 1, 1)?;
                    let y = self.batch_norm(&y, &format!("{block}.bn2"), training)?;
                    let shortcut =
                        if stride == 1 { x } else { self.conv(&x, &format!("{block}.downsample.0"), stride, 0)? };
                    x = (y + shortcut)?.relu()?;
                }
                let x = x.flatten_from(2)?.mean(D::Minus1)?.t()?;
                self.linear(&x.contiguous()?, "fc")
            }
        }
    }

    fn linear(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let weight = &self.params[&format!("{name}.weight")];
        Ok(x.matmul(&weight.t()?)?.broadcast_add(&self.params[&format!("{name}.bias")])?)
    }

    fn conv(&self, x: &Tensor, name: &str, stride: usize, padding: usize) -> Result<Tensor> {
        let weight = &self.params[&format!("{name}.weight")];
        let (c_out, _, kernel, _) = weight.dims4()?;
        let (c, n, h, w) = x.dims4()?;
        let op = Im2col { kernel, stride, padding, input: [c, n, h, w] };
        let [oh, ow] = op.output();
        let columns = x.contiguous()?.apply_op1(op)?;
        let y = weight.flatten_from(1)?.matmul(&columns)?;
        let bias = self.params[&format!("{name}.bias")].unsqueeze(1)?;
        Ok(y.broadcast_add(&bias)?.reshape((c_out, n, oh, ow))?)
    }

    fn batch_norm(&mut self, x: &Tensor, name: &str, training: bool) -> Result<Tensor> {
        const MOMENTUM: f64 = 0.1;
        let rows = x.flatten_from(1)?;
        let (mean, var) = (format!("{name}.running_mean"), format!("{name}.running_var"));
        let (centred, variance) = if training {
            let batch_mean = rows.mean_keepdim(1)?;
            let centred = rows.broadcast_sub(&batch_mean)?;
            let variance = centred.sqr()?.mean_keepdim(1)?;
            let count = rows.dim(1)? as f64;
            for (key, value) in [(mean, batch_mean.detach()), (var, (variance.detach() * (count / (count - 1.0)))?)] {
                let old = &self.stats[&key];
                let new = ((old * (1.0 - MOMENTUM))? + (value.squeeze(1)? * MOMENTUM)?)?;
                self.stats.insert(key, new);
            }
            (centred, variance)
        } else {
            (rows.broadcast_sub(&self.stats[&mean].unsqueeze(1)?)?, self.stats[&var].unsqueeze(1)?)
        };
        let gain = self.params[&format!("{name}.weight")].unsqueeze(1)?;
        let gain = gain.div(&(variance + 1e-5)?.sqrt()?)?;
        let bias = self.params[&format!("{name}.bias")].unsqueeze(1)?;
        Ok(centred.broadcast_mul(&gain)?.broadcast_add(&bias)?.reshape(x.shape())?)
    }

    fn accuracy(&mut self, set: &Images) -> Result<f64> {
        let mut correct = 0;
        let order: Vec<usize> = (0..set.labels.len()).collect();
        for batch in order.chunks(500) {
            let logits = self.forward(&set.batch(batch, None)?, false)?;
            let predicted = logits.argmax(1)?.to_vec1::<u32>()?;
            correct += batch.iter().zip(predicted).filter(|&(&i, p)| u32::from(set.labels[i]) == p).count();
        }
        Ok(correct as f64 / set.labels.len() as f64)
    }
}

/// Momentum buffers by parameter name.
struct Sgd(BTreeMap<String, Tensor>);

impl Sgd {
    const MOMENTUM: f64 = 0.9;

    fn step(&mut self, net: &Net, loss: &Tensor, lr: f64, weight_decay: f64) -> Result<()> {
        let grads = loss.backward()?;
        for (name, param) in &net.params {
            let grad = grads.get(param).with_context(|| format!("{name} has no gradient"))?;
            let grad = (grad + (param.as_tensor() * weight_decay)?)?.detach();
            let velocity = match self.0.get(name) {
                Some(velocity) => ((velocity * Self::MOMENTUM)? + &grad)?,
                None => grad.clone(),
            };
            let step = (grad + (&velocity * Self::MOMENTUM)?)?;
            param.set(&(param.as_tensor() - (step * lr)?)?.detach())?;
            self.0.insert(name.clone(), velocity);
        }
        Ok(())
    }
}

/// The one-cycle rate: a cosine from `peak / 25` to `peak` over the first 30 % of the steps, then
/// a cosine to nearly nothing.
fn one_cycle(peak: f64, step: usize, steps: usize) -> f64 {
    let cosine = |from: f64, to: f64, t: f64| to + (from - to) * (1.0 + (std::f64::consts::PI * t).cos()) / 2.0;
    let (t, rise) = (step as f64 / steps as f64, 0.3);
    if t < rise {
        cosine(peak / 25.0, peak, t / rise)
    } else {
        cosine(peak, peak / 250_000.0, (t - rise) / (1.0 - rise))
    }
}

struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    fn open(folder: &Path, prefix: &str) -> Result<Self> {
        let read = |name: String, header: usize| -> Result<Vec<u8>> {
            let path = folder.join(name);
            let file = File::open(&path).with_context(|| {
                format!("{}: apt-get install dataset-fashion-mnist, or name its folder by --data", path.display())
            })?;
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(file).read_to_end(&mut bytes)?;
            Ok(bytes.split_off(header))
        };
        let images = Images {
            pixels: read(format!("{prefix}-images-idx3-ubyte.gz"), 16)?,
            labels: read(format!("{prefix}-labels-idx1-ubyte.gz"), 8)?,
        };
        if images.pixels.len() != images.labels.len() * PIXELS {
            bail!("{}: {prefix} images and labels differ in number", folder.display());
        }
        Ok(images)
    }

    /// Images as `[1, n, 28, 28]`, each flipped with probability one half where `rng` is given.
    fn batch(&self, indices: &[usize], mut rng: Option<&mut ChaCha8Rng>) -> Result<Tensor> {
        let mut values = Vec::with_capacity(indices.len() * PIXELS);
        for &i in indices {
            let flip = rng.as_mut().is_some_and(RngExt::random);
            for row in self.pixels[i * PIXELS..][..PIXELS].chunks(SIDE) {
                let normalised = row.iter().map(|&p| (f32::from(p) / 255.0 - MEAN as f32) / STD as f32);
                if flip { values.extend(normalised.rev()) } else { values.extend(normalised) }
            }
        }
        Ok(Tensor::from_vec(values, (1, indices.len(), SIDE, SIDE), &Device::Cpu)?)
    }

    fn targets(&self, indices: &[usize]) -> Result<Tensor> {
        let labels: Vec<u32> = indices.iter().map(|&i| u32::from(self.labels[i])).collect();
        Ok(Tensor::new(labels, &Device::Cpu)?)
    }
}

/// Everything that a run needs to go on after an epoch.
fn save_checkpoint(path: &Path, net: &Net, sgd: &Sgd, epoch: usize) -> Result<()> {
    let mut tensors: std::collections::HashMap<String, Tensor> = std::collections::HashMap::new();
    tensors.extend(net.params.iter().map(|(k, v)| (k.clone(), v.as_tensor().clone())));
    tensors.extend(net.stats.iter().map(|(k, v)| (k.clone(), v.clone())));
    tensors.extend(sgd.0.iter().map(|(k, v)| (format!("momentum:{k}"), v.clone())));
    tensors.insert("epoch".to_owned(), Tensor::new(&[epoch as u32], &Device::Cpu)?);
    let partial = path.with_extension("partial");
    candle_core::safetensors::save(&tensors, &partial)?;
    Ok(std::fs::rename(partial, path)?)
}

fn load_checkpoint(path: &Path, net: &mut Net, sgd: &mut Sgd) -> Result<usize> {
    let mut tensors = candle_core::safetensors::load(path, &Device::Cpu)?;
    let epoch = tensors.remove("epoch").context("no epoch in the checkpoint")?.to_vec1::<u32>()?[0];
    for (name, tensor) in tensors {
        if let Some(name) = name.strip_prefix("momentum:") {
            sgd.0.insert(name.to_owned(), tensor);
        } else if let Some(param) = net.params.get(&name) {
            param.set(&tensor)?;
        } else {
            net.stats.insert(name, tensor);
        }
    }
    Ok(epoch as usize)
}

fn save_model(folder: &Path, args: &Args, net: &Net, train: &Images, epochs: usize, accuracy: f64) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut tensors: std::collections::HashMap<String, Tensor> = std::collections::HashMap::new();
    tensors.extend(net.params.iter().map(|(k, v)| (k.clone(), v.as_tensor().clone())));
    tensors.extend(net.stats.iter().map(|(k, v)| (k.clone(), v.clone())));
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors"))?;

    let images = Tensor::from_slice(&train.pixels[..CALIBRATION * PIXELS], (CALIBRATION, 1, SIDE, SIDE), &Device::Cpu)?;
    let labels: Vec<i64> = train.labels[..CALIBRATION].iter().map(|&l| i64::from(l)).collect();
    let calibration = std::collections::HashMap::from([
        ("images".to_owned(), images),
        ("labels".to_owned(), Tensor::new(labels, &Device::Cpu)?),
    ]);
    candle_core::safetensors::save(&calibration, folder.join("calibration.safetensors"))?;

    let config = serde_json::json!({
        "architecture": args.arch.name(),
        "num_classes": CLASSES,
        "input": { "shape": [1, SIDE, SIDE], "mean": [MEAN], "std": [STD] },
        "labels": LABELS,
        "dataset": "fashion-mnist",
        "provenance": {
            "made_by": format!("cargo run --release --example train -- {}", args.arch.name()),
            "data": "Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017), MIT, from the Debian package dataset-fashion-mnist; calibration: its first 512 training images",
            "epochs": epochs,
            "batch_size": args.batch_size,
            "seed": args.seed,
            "top1": accuracy,
        },
    });
    std::fs::write(folder.join("config.json"), serde_json::to_string_pretty(&config)? + "\n")?;
    Ok(())
}

fn main() -> Result<()> {
    let args = Args::parse();
    let (default_epochs, default_lr) = match args.arch {
        Arch::Lenet5 => (30, 0.1),
        Arch::Resnet8 => (15, 0.4),
    };
    let (epochs, peak) = (args.epochs.unwrap_or(default_epochs), args.lr.unwrap_or(default_lr));
    let (train, test) = (Images::open(&args.data, "train")?, Images::open(&args.data, "t10k")?);

    let mut net = Net::new(args.arch, &mut ChaCha8Rng::seed_from_u64(args.seed))?;
    let mut sgd = Sgd(BTreeMap::new());
    std::fs::create_dir_all(&args.checkpoints)?;
    let checkpoint = args.checkpoints.join(format!("{}.safetensors", args.arch.name()));
    let first = if checkpoint.exists() { load_checkpoint(&checkpoint, &mut net, &mut sgd)? } else { 0 };

    let steps = train.labels.len() / args.batch_size;
    for epoch in first..epochs {
        let started = std::time::Instant::now();
        let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
        rng.set_stream(1 + epoch as u64);
        let mut order: Vec<usize> = (0..train.labels.len()).collect();
        order.shuffle(&mut rng);
        let mut total = 0.0;
        for (step, batch) in order.chunks_exact(args.batch_size).enumerate() {
            let logits = net.forward(&train.batch(batch, Some(&mut rng))?, true)?;
            let loss = candle_nn::loss::cross_entropy(&logits, &train.targets(batch)?)?;
            let lr = one_cycle(peak, epoch * steps + step, epochs * steps);
            sgd.step(&net, &loss, lr, args.weight_decay)?;
            total += f64::from(loss.to_scalar::<f32>()?);
        }
        save_checkpoint(&checkpoint, &net, &sgd, epoch + 1)?;
        println!(
            "epoch {:2}: loss {:.4}, test accuracy {:.4}, {:.0} s",
            epoch + 1,
            total / steps as f64,
            net.accuracy(&test)?,
            started.elapsed().as_secs_f64()
        );
    }
    let accuracy = net.accuracy(&test)?;
    let folder = args.out.clone().unwrap_or_else(|| Path::new("models").join(args.arch.name()));
    save_model(&folder, &args, &net, &train, epochs, accuracy)?;
    println!("{}: {accuracy:.4}", folder.display());
    Ok(())
}
