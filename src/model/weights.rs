//! State dicts in safetensors files, as the `f32` tensors that graphs take.

use super::UnsupportedFormat;
use crate::graph::strip_common_prefix;
use crate::input;
use candle_core::safetensors::BufferedSafetensors;
use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensorError;
use safetensors::tensor::Metadata;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why weights cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file is not there or not readable.
    #[error("{}: cannot read weights", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is not safetensors.
    #[error("{}: not a safetensors file", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What candle says.
        #[source]
        source: Box<candle_core::Error>,
    },
    /// The file does not even start as safetensors do, and was not read.
    #[error("{}: not a safetensors file, which starts with its header's length and '{{'", .path.display())]
    Head {
        /// The file.
        path: PathBuf,
    },
    /// A file of another program.
    #[error("{}: {kind}: expected a safetensors file", .path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: UnsupportedFormat,
    },
    /// A tensor of something else than floating-point numbers.
    #[error("{}: tensor '{name}' is of {dtype}, expected f32, f16, bf16 or f64", .path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// Its element type.
        dtype: &'static str,
    },
    /// A tensor cannot be converted.
    #[error("{}: tensor '{name}' cannot be read as f32", .path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// What candle says.
        #[source]
        source: Box<candle_core::Error>,
    },
}

/// The module of a weight's fake quantizer of PyTorch, in the module of the layer.
pub(super) const OF_WEIGHT: &str = "weight_fake_quant";

/// That of an output's, and that of the extremes within both.
pub(super) const OF_OUTPUT: &str = "activation_post_process";

/// Whether a tensor is of the state of a fake quantizer: a module of it is one, by the names that the eager mode has,
/// or those that FX numbers.
fn is_of_fake_quantizer(name: &str) -> bool {
    let is_numbered =
        |part: &str| part.strip_prefix(OF_OUTPUT).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    name.split('.').any(|part| part == OF_WEIGHT || is_numbered(part))
}

/// Named tensors, and what was done to them on the way in.
#[derive(Debug, Clone)]
pub struct Weights {
    /// In `f32`, by name.
    pub tensors: BTreeMap<String, Tensor>,
    /// The state of fake quantizers, which quantization-aware training leaves beside them.
    pub fake_quantizers: BTreeMap<String, Tensor>,
    /// Conversions, for the report.
    pub notes: Vec<String>,
    /// Hash of the file's bytes.
    pub blake3: String,
}

impl Weights {
    /// Reads a file.
    ///
    /// # Errors
    /// Names the file, and the tensor that cannot be read.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        Self::from_bytes(path, read(path)?)
    }

    /// Reads the bytes of a file called `path`.
    ///
    /// # Errors
    /// As [`read`](Weights::read).
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, WeightsError> {
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        let file = BufferedSafetensors::new(bytes)
            .map_err(|source| WeightsError::Format { path: path.to_owned(), source: source.into() })?;
        let (mut tensors, mut fake_quantizers) = (BTreeMap::new(), BTreeMap::new());
        let mut converted: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (name, _) in file.tensors() {
            // A counter of training steps, which evaluation has no use for.
            if name.ends_with("num_batches_tracked") {
                continue;
            }
            let load = || {
                let tensor = file.load(&name, &Device::Cpu)?;
                Ok((tensor.dtype(), tensor.to_dtype(DType::F32)?))
            };
            let (dtype, tensor) =
                load().map_err(|source| WeightsError::Tensor { path: path.to_owned(), name: name.clone(), source })?;
            if is_of_fake_quantizer(&name) {
                fake_quantizers.insert(name, tensor);
                continue;
            }
            if !dtype.is_float() {
                return Err(WeightsError::Type { path: path.to_owned(), name, dtype: dtype.as_str() });
            }
            if dtype != DType::F32 {
                *converted.entry(dtype.as_str()).or_default() += 1;
            }
            tensors.insert(name, tensor);
        }
        let notes: Vec<String> = converted
            .into_iter()
            .map(|(dtype, count)| {
                let how = if dtype == "f64" { "narrowed" } else { "widened" };
                let tensors = if count == 1 { "tensor" } else { "tensors" };
                format!("{count} {tensors} of {dtype} {how} to f32")
            })
            .collect();
        Ok(Weights { tensors, fake_quantizers, notes, blake3 })
    }

    /// The same without a prefix that all names share, which no architecture of the zoo has.
    #[must_use]
    pub fn without_prefix(mut self) -> Self {
        let prefix = strip_common_prefix(&mut self.tensors, |_| false);
        if let Some(prefix) = &prefix {
            let own = |name: String| name.strip_prefix(prefix).map(str::to_owned).unwrap_or(name);
            self.fake_quantizers = self.fake_quantizers.into_iter().map(|(name, tensor)| (own(name), tensor)).collect();
        }
        self.notes.extend(prefix.map(|prefix| format!("prefix '{prefix}' taken off every tensor's name")));
        self
    }
}

/// The bytes of a file that starts as safetensors do: eight bytes of a length, and that many of JSON
/// (<https://github.com/huggingface/safetensors#format>), which states how many bytes follow. Anything else,
/// however large, is not read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, WeightsError> {
    /// Bytes of the largest file that is read.
    const LARGEST: u64 = 64 << 30;
    /// The format's own limit of a header.
    const LONGEST_HEADER: u64 = 100_000_000;
    let failed = |source: io::Error| WeightsError::Read { path: path.to_owned(), source };
    let mut head = Vec::new();
    input::open(path).and_then(|file| file.take(9).read_to_end(&mut head)).map_err(failed)?;
    let header = head.first_chunk().map(|length| u64::from_le_bytes(*length));
    let (Some(header @ 2..=LONGEST_HEADER), Some(b'{')) = (header, head.get(8)) else {
        let path = path.to_owned();
        return Err(match UnsupportedFormat::recognize(&path).filter(|kind| *kind != UnsupportedFormat::Safetensors) {
            Some(kind) => WeightsError::Unsupported { path, kind },
            None => WeightsError::Head { path },
        });
    };
    let size = input::len(path).map_err(failed)?;
    let bytes = input::read_range(path, 8, header.min(size.saturating_sub(8)), LONGEST_HEADER).map_err(failed)?;
    let broken = |problem: SafeTensorError| WeightsError::Format {
        path: path.to_owned(),
        source: Box::new(candle_core::Error::from(problem)),
    };
    let metadata: Metadata = serde_json::from_slice(&bytes)
        .map_err(|problem| broken(SafeTensorError::InvalidHeaderDeserialization(problem)))?;
    if (8 + header).checked_add(metadata.data_len() as u64) != Some(size) {
        return Err(broken(SafeTensorError::MetadataIncompleteBuffer));
    }
    input::read(path, LARGEST).map_err(failed)
}
