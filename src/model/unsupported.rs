//! Files of networks that other programs write and that are not models here: recognized, so that the error
//! can say what to do instead.

use crate::input;
use std::fmt;
use std::io::Read;
use std::path::Path;

/// A kind of such files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsupportedFormat {
    /// A state dict alone, which is no network without an architecture.
    Safetensors,
    /// What `torch.save` writes, a state dict or a whole module.
    PyTorch,
    /// A Keras model.
    Keras,
    /// TensorFlow's folder, or a frozen graph.
    TensorFlow,
    /// A TensorFlow Lite file, which is a model, but has no tensors for another one.
    TfLite,
}

/// Bytes that tell a kind: enough for the name of an archive's first member.
const HEAD: usize = 256;

/// The kinds by the extensions of their files.
const EXTENSIONS: &[(&str, UnsupportedFormat)] = &[
    ("safetensors", UnsupportedFormat::Safetensors),
    ("pth", UnsupportedFormat::PyTorch),
    ("pt", UnsupportedFormat::PyTorch),
    ("ckpt", UnsupportedFormat::PyTorch),
    ("h5", UnsupportedFormat::Keras),
    ("hdf5", UnsupportedFormat::Keras),
    ("keras", UnsupportedFormat::Keras),
    ("pb", UnsupportedFormat::TensorFlow),
    ("tflite", UnsupportedFormat::TfLite),
];

impl UnsupportedFormat {
    /// The kind of what lies at `path`, by its content or, where there is none, its extension.
    pub fn recognize(path: &Path) -> Option<Self> {
        if path.is_dir() {
            let is_saved_model = path.join("saved_model.pb").is_file() && !path.join("config.json").is_file();
            return is_saved_model.then_some(UnsupportedFormat::TensorFlow);
        }
        Self::by_content(path).or_else(|| {
            let extension = path.extension()?.to_str()?.to_ascii_lowercase();
            EXTENSIONS.iter().find(|(known, _)| *known == extension).map(|(_, kind)| *kind)
        })
    }

    /// The kind of a regular file that says so by its first bytes.
    fn by_content(path: &Path) -> Option<Self> {
        let mut head = Vec::new();
        input::open(path).ok()?.take(HEAD as u64).read_to_end(&mut head).ok()?;
        Self::of_bytes(&head)
    }

    /// The kind of a file that begins with these bytes.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let head = &bytes[..bytes.len().min(HEAD)];
        let names = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
        match head {
            [0x89, b'H', b'D', b'F', ..] => Some(UnsupportedFormat::Keras),
            [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some(UnsupportedFormat::TfLite),
            // A pickle of protocol 2 to 5, or an archive that has one.
            [0x80, 2..=5, ..] => Some(UnsupportedFormat::PyTorch),
            [b'P', b'K', 3, 4, ..] if names(b"data.pkl") => Some(UnsupportedFormat::PyTorch),
            [b'P', b'K', 3, 4, ..] if names(b"metadata.json") || names(b"config.json") => {
                Some(UnsupportedFormat::Keras)
            }
            [_, _, _, _, _, 0, 0, 0, b'{', ..] => Some(UnsupportedFormat::Safetensors),
            _ => None,
        }
    }
}

impl fmt::Display for UnsupportedFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            UnsupportedFormat::Safetensors => "a state dict without its network",
            UnsupportedFormat::PyTorch => "a PyTorch checkpoint",
            UnsupportedFormat::Keras => "a Keras model",
            UnsupportedFormat::TensorFlow => "a TensorFlow model",
            UnsupportedFormat::TfLite => "a TensorFlow Lite model",
        })
    }
}
