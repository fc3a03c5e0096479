//! Fashion-MNIST as Debian's package `dataset-fashion-mnist` installs it.

use anyhow::{Context, Result, bail};
use candle_core::{Device, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Height and width of an image.
pub const SIDE: usize = 28;
/// Numbers of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Mean of the training set's pixels, of `x / 255`.
pub const MEAN: f64 = 0.2860;
/// Standard deviation of the same.
pub const STD: f64 = 0.3530;
/// The classes, in the order of their labels.
pub const LABELS: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// One part of the set.
pub struct Images {
    /// Rows of pixels of one image after the other.
    pub pixels: Vec<u8>,
    /// The class of each image.
    pub labels: Vec<u8>,
}

impl Images {
    /// Reads the two files of `folder` that begin with `prefix`.
    pub fn open(folder: &Path, prefix: &str) -> Result<Self> {
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

    /// Images as `[1, n * 28 * 28]`, each flipped with probability one half where `rng` is given.
    pub fn batch(&self, indices: &[usize], mut rng: Option<&mut ChaCha8Rng>) -> Result<Tensor> {
        let mut values = Vec::with_capacity(indices.len() * PIXELS);
        for &i in indices {
            let flip = rng.as_mut().is_some_and(RngExt::random);
            for row in self.pixels[i * PIXELS..][..PIXELS].chunks(SIDE) {
                let normalized = row.iter().map(|&p| (f32::from(p) / 255.0 - MEAN as f32) / STD as f32);
                if flip { values.extend(normalized.rev()) } else { values.extend(normalized) }
            }
        }
        Ok(Tensor::from_vec(values, (1, indices.len() * PIXELS), &Device::Cpu)?)
    }

    /// Their labels.
    pub fn targets(&self, indices: &[usize]) -> Result<Tensor> {
        let labels: Vec<u32> = indices.iter().map(|&i| u32::from(self.labels[i])).collect();
        Ok(Tensor::new(labels, &Device::Cpu)?)
    }
}
