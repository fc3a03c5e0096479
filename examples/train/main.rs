//! Trains the shipped networks on Fashion-MNIST and writes their model directories.
//!
//! The data is Debian's package `dataset-fashion-mnist` (MIT), which `apt-get install
//! dataset-fashion-mnist` puts where `--data` looks by default. The shipped networks come from
//!
//! ```text
//! cargo run --release --example train -- lenet5
//! cargo run --release --example train -- resnet8
//! cargo run --release --example train -- ds_cnn
//! cargo run --release --example train -- vit_micro
//! ```
//!
//! Training is stochastic gradient descent with Nesterov momentum under one-cycle learning rates,
//! random horizontal flips, and weight decay on every parameter; the transformer's is AdamW, and quickest on one
//! thread (`RAYON_NUM_THREADS=1`), so small its tensors are. A checkpoint is written after each
//! epoch, and a run that finds one goes on from it. Other processors round differently, so that a
//! network made anew is not the same to the bit; its accuracy is, within chance.

mod cycle;
mod data;
mod layers;
mod net;
mod op;
mod optimizer;
mod save;
mod transformer;

use anyhow::Result;
use clap::Parser;
use cycle::Cycle;
use data::Images;
use net::{Arch, Net};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};
use std::time::Instant;

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
    /// A cycle of the learning rate, in turn: epochs, peak rate, weight decay; default: the network's own
    #[arg(long, value_name = "E,LR,WD")]
    cycle: Vec<Cycle>,
    #[arg(long, default_value_t = 128)]
    batch_size: usize,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where checkpoints are kept
    #[arg(long, default_value = "target/train")]
    checkpoints: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let cycles = if args.cycle.is_empty() { args.arch.cycles() } else { &args.cycle };
    let (train, test) = (Images::open(&args.data, "train")?, Images::open(&args.data, "t10k")?);

    let mut net = Net::new(args.arch, &mut ChaCha8Rng::seed_from_u64(args.seed))?;
    let mut optimizer = args.arch.optimizer();
    let steps = train.labels.len() / args.batch_size;
    std::fs::create_dir_all(&args.checkpoints)?;
    let checkpoint = args.checkpoints.join(format!("{}.safetensors", args.arch.name()));
    let first = if checkpoint.exists() {
        save::load_checkpoint(&checkpoint, &mut net.layers, &mut optimizer, steps)?
    } else {
        0
    };

    let epochs = cycles.iter().flat_map(|cycle| (0..cycle.epochs).map(move |epoch| (cycle, epoch)));
    for (epoch, (cycle, within)) in epochs.enumerate().skip(first) {
        let started = Instant::now();
        let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
        rng.set_stream(1 + epoch as u64);
        let mut order: Vec<usize> = (0..train.labels.len()).collect();
        order.shuffle(&mut rng);
        let mut total = 0.0;
        for (step, batch) in order.chunks_exact(args.batch_size).enumerate() {
            let logits = net.forward(train.batch(batch, Some(&mut rng))?, true)?;
            let loss = candle_nn::loss::cross_entropy(&logits, &train.targets(batch)?)?;
            let lr = cycle.rate(within * steps + step, steps);
            optimizer.step(&net.layers, &loss, lr, cycle.weight_decay)?;
            total += f64::from(loss.to_scalar::<f32>()?);
        }
        save::save_checkpoint(&checkpoint, &net.layers, &optimizer, epoch + 1)?;
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
    save::save_model(&folder, &args, &net.layers, &train, cycles, accuracy)?;
    println!("{}: {accuracy:.4}", folder.display());
    Ok(())
}
