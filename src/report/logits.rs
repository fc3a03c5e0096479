//! The network's raw outputs, as safetensors.

use crate::eval::BatchOutputs;
use crate::output::{OutputError, OutputFile};
use std::io::{self, Write};
use std::path::Path;

/// A safetensors file of `logits`, `f32` `[samples, outputs]`, written as samples are evaluated.
pub struct Logits {
    file: OutputFile,
}

impl Logits {
    /// Opens the file for that many samples and outputs.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path, samples: usize, outputs: usize) -> Result<Self, OutputError> {
        let mut file = OutputFile::create(path)?;
        let bytes = samples * outputs * size_of::<f32>();
        let logits = serde_json::json!({ "dtype": "F32", "shape": [samples, outputs], "data_offsets": [0, bytes] });
        let mut header = serde_json::json!({ "logits": logits }).to_string();
        // The format wants data aligned to 8 bytes; spaces may follow the header.
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        let mut write = || {
            file.write_all(&(header.len() as u64).to_le_bytes())?;
            file.write_all(header.as_bytes())
        };
        write().map_err(|source| OutputError { path: path.to_owned(), source })?;
        Ok(Logits { file })
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// When writing fails.
    pub fn add(&mut self, batch: &BatchOutputs) -> io::Result<()> {
        batch.logits.iter().try_for_each(|logit| self.file.write_all(&logit.to_le_bytes()))
    }

    /// The file with all of them, to be committed.
    pub fn into_file(self) -> OutputFile {
        self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Predictions;

    /// Read back by the safetensors crate.
    #[test]
    fn the_file_is_safetensors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logits.safetensors");
        let mut file = Logits::create(&path, 3, 2).unwrap();
        for (first, logits) in [(0, &[1.0, 2.0, 3.0, 4.0][..]), (2, &[5.0, 6.0])] {
            let predictions = &Predictions::from_classes(&[], &[]);
            file.add(&BatchOutputs { first, outputs: 2, logits, predictions }).unwrap();
        }
        file.into_file().commit().unwrap();
        let tensors = candle_core::safetensors::load(&path, &candle_core::Device::Cpu).unwrap();
        assert_eq!(tensors["logits"].to_vec2::<f32>().unwrap(), [[1., 2.], [3., 4.], [5., 6.]]);
    }
}
