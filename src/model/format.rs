//! What a model can be named as: the registry of formats, and the one way through it.

use super::{Model, ModelError, ModelSpec, SHIPPED, UnsupportedFormat, directory, onnx, shipped, state_dict, tflite};
use std::path::Path;

/// A kind of file or folder that holds a model.
pub struct ModelFormat {
    /// Its name, with an article, as messages use it.
    pub name: &'static str,
    /// Whether a path holds a model of this format.
    pub matches: fn(&Path) -> bool,
    /// Opens it.
    open: fn(&Path, &ModelSpec) -> Result<Model, ModelError>,
}

/// Every format, in the order in which they are tried.
pub static FORMATS: &[ModelFormat] = &[
    ModelFormat { name: "a model directory", matches: Path::is_dir, open: directory::open },
    ModelFormat { name: "a .tflite file", matches: tflite::recognize, open: tflite::open },
    ModelFormat { name: "an .onnx file", matches: onnx::recognize, open: onnx::open },
];

impl ModelFormat {
    /// The format of the model at `path`, if it is of any.
    pub fn recognize(path: &Path) -> Option<&'static ModelFormat> {
        FORMATS.iter().find(|format| (format.matches)(path))
    }
}

impl ModelSpec {
    /// Opens the model.
    ///
    /// # Errors
    /// Names the file or setting, and what is wrong with it.
    pub fn open(&self) -> Result<Model, ModelError> {
        let model = self.build()?;
        match self.input {
            Some(stated) if stated != model.input => {
                Err(ModelError::Input { name: model.name, stated, found: model.input })
            }
            stated => Ok(Model { has_stated_input: stated.is_some(), ..model }),
        }
    }

    /// Opens the model for images of that shape (channels, height, width): sizes that its file leaves open
    /// are theirs, unless [`input`](ModelSpec::input) states them.
    ///
    /// # Errors
    /// As [`open`](ModelSpec::open).
    pub fn open_for(&self, images: [usize; 3]) -> Result<Model, ModelError> {
        if self.input.is_some() { self.open() } else { ModelSpec { input: Some(images), ..self.clone() }.build() }
    }

    fn build(&self) -> Result<Model, ModelError> {
        let model = self.open_any()?;
        if self.output.is_some() && self.contents.is_none() && model.source.output().is_none() {
            return Err(ModelError::OneOutput { name: model.name });
        }
        Ok(model)
    }

    fn open_any(&self) -> Result<Model, ModelError> {
        match (self.architecture.as_deref(), self.model.as_deref(), self.weights.as_deref()) {
            (Some(architecture), None, Some(weights)) => state_dict::open(architecture, weights, self.input),
            (Some(architecture), ..) => Err(ModelError::NoWeights { architecture: architecture.to_owned() }),
            (None, None, Some(weights)) => state_dict::detect_and_open(weights, self.input),
            (None, name, _) => self.open_named(name.or(SHIPPED.names().next()).unwrap_or_default()),
        }
    }

    fn open_named(&self, name: &str) -> Result<Model, ModelError> {
        let path = Path::new(name);
        if let Some(bytes) = &self.contents {
            return match UnsupportedFormat::of_bytes(bytes) {
                Some(UnsupportedFormat::TfLite) => tflite::open(path, self),
                Some(kind) => Err(ModelError::Unsupported { path: path.to_owned(), kind }),
                None => onnx::open(path, self),
            };
        }
        if let Some(kind) = UnsupportedFormat::recognize(path).filter(|kind| *kind != UnsupportedFormat::TfLite) {
            return Err(ModelError::Unsupported { path: path.to_owned(), kind });
        }
        match ModelFormat::recognize(path) {
            Some(format) => (format.open)(path, self),
            None => shipped::open(name, self),
        }
    }
}
