//! Quantization parameters as JSON, so that one run's calibration serves another.

use super::grid::Grid;
use super::params::{ActivationParams, IntRange, LayerParams, ParamsError, WeightParams};
use crate::input;
use crate::lut::Coding;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of the largest file that is read: parameters of a million output channels.
const LARGEST: u64 = 64 << 20;

/// The only schema so far.
const SCHEMA: u32 = 1;

/// Why a file of quantization parameters cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsFileError {
    /// The file is not there or not readable.
    #[error("{}: cannot read quantization parameters", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is too large to be one.
    #[error("{}: larger than {} MiB, expected a JSON file of quantization parameters", .path.display(), LARGEST >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The text is not JSON of this schema.
    #[error("{}: not a file of quantization parameters", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// Another schema.
    #[error("{}: schema {found}, expected {SCHEMA}", .path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u32,
    },
    /// A layer's parameters contradict each other.
    #[error("{}: layer '{layer}': {side}", .path.display())]
    Layer {
        /// The file.
        path: PathBuf,
        /// The layer's name.
        layer: String,
        /// `input` or `weight`.
        side: &'static str,
        /// Why.
        #[source]
        source: ParamsError,
    },
    /// The integers of a value between layers contradict each other.
    #[error("{}: value '{value}'", .path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The value's name.
        value: String,
        /// Why.
        #[source]
        source: ParamsError,
    },
    /// Weight scales along another axis than the outputs.
    #[error("{}: layer '{layer}': weight axis {found}, expected 0 (output channels)", .path.display())]
    Axis {
        /// The file.
        path: PathBuf,
        /// The layer's name.
        layer: String,
        /// What the file says.
        found: usize,
    },
}

/// Quantization parameters of a network's layers by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParamsFile {
    /// By layer name.
    pub layers: BTreeMap<String, LayerParams>,
    /// Of values between layers, by name, of a network that runs on integers alone.
    pub values: BTreeMap<String, Grid>,
    /// The codings that they were found for, of layers whose coding is known.
    pub codings: BTreeMap<String, Coding>,
    /// Hash of the file that they were read from.
    pub blake3: String,
}

#[derive(Serialize, Deserialize)]
struct Json {
    schema: u32,
    layers: BTreeMap<String, LayerJson>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, InputJson>,
}

#[derive(Serialize, Deserialize)]
struct LayerJson {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coding: Option<Coding>,
    input: InputJson,
    weight: WeightJson,
    /// In steps of the input's scale times the weight's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bias: Option<Vec<i32>>,
}

#[derive(Serialize, Deserialize)]
struct InputJson {
    scale: Rounded,
    zero_point: i32,
    q_min: i32,
    q_max: i32,
}

#[derive(Serialize, Deserialize)]
struct WeightJson {
    scale: OneOrMany<Rounded>,
    zero_point: OneOrMany<i32>,
    q_min: i32,
    q_max: i32,
    /// That of the output channels, where each may have a scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    axis: Option<usize>,
}

/// An `f32`, read as any number and rounded: one too large becomes infinite, which no scale is.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(from = "f64", into = "f32")]
struct Rounded(f32);

impl From<f64> for Rounded {
    fn from(number: f64) -> Self {
        Rounded(number as f32)
    }
}

impl From<Rounded> for f32 {
    fn from(Rounded(number): Rounded) -> Self {
        number
    }
}

/// A list, or a single number as a list of one.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            OneOrMany::Many(values) => values,
            OneOrMany::One(value) => vec![value],
        }
    }
}

impl ParamsFile {
    /// Reads `path`; scales are rounded to `f32`.
    ///
    /// # Errors
    /// Names the file and the layer.
    pub fn read(path: &Path) -> Result<Self, ParamsFileError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::FileTooLarge => ParamsFileError::TooLarge { path: path.to_owned() },
            _ => ParamsFileError::Read { path: path.to_owned(), source },
        };
        Self::parse(path, &input::read(path, LARGEST).map_err(failed)?)
    }

    /// Reads the bytes of such a file, which messages call `path`; scales are rounded to `f32`.
    ///
    /// # Errors
    /// Names the layer.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, ParamsFileError> {
        let json: Json =
            serde_json::from_slice(text).map_err(|source| ParamsFileError::Parse { path: path.to_owned(), source })?;
        if json.schema != SCHEMA {
            return Err(ParamsFileError::Schema { path: path.to_owned(), found: json.schema });
        }
        let codings = json.layers.iter().filter_map(|(name, layer)| Some((name.clone(), layer.coding?))).collect();
        let layer = |(name, layer): (String, LayerJson)| {
            let fail = |side| {
                let (path, layer) = (path.to_owned(), name.clone());
                move |source| ParamsFileError::Layer { path, layer, side, source }
            };
            let LayerJson { input, weight, bias, .. } = layer;
            let input = IntRange::new(input.q_min, input.q_max)
                .and_then(|range| ActivationParams::new(input.scale.into(), input.zero_point, range))
                .map_err(fail("input"))?;
            if let Some(found @ 1..) = weight.axis {
                return Err(ParamsFileError::Axis { path: path.to_owned(), layer: name, found });
            }
            let weight = IntRange::new(weight.q_min, weight.q_max)
                .and_then(|range| {
                    let scales = weight.scale.into_vec().into_iter().map(f32::from).collect();
                    WeightParams::new(scales, weight.zero_point.into_vec(), range)
                })
                .map_err(fail("weight"))?;
            Ok((name, LayerParams { input, weight, bias: bias.map(Arc::from) }))
        };
        let layers = json.layers.into_iter().map(layer).collect::<Result<_, _>>()?;
        let value = |(name, json): (String, InputJson)| match Grid::new(
            json.scale.into(),
            json.zero_point,
            [json.q_min, json.q_max],
        ) {
            Ok(grid) => Ok((name, grid)),
            Err(source) => Err(ParamsFileError::Value { path: path.to_owned(), value: name, source }),
        };
        let values = json.values.into_iter().map(value).collect::<Result<_, _>>()?;
        Ok(ParamsFile { layers, values, codings, blake3: blake3::hash(text).to_hex().to_string() })
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let layer = |(name, params): (&String, &LayerParams)| LayerJson {
            coding: self.codings.get(name).copied(),
            input: InputJson {
                scale: Rounded(params.input.scale()),
                zero_point: params.input.zero_point(),
                q_min: params.input.range().q_min(),
                q_max: params.input.range().q_max(),
            },
            weight: WeightJson {
                scale: OneOrMany::Many(params.weight.scales().iter().copied().map(Rounded).collect()),
                zero_point: OneOrMany::Many(params.weight.zero_points().to_vec()),
                q_min: params.weight.range().q_min(),
                q_max: params.weight.range().q_max(),
                axis: (!params.weight.is_per_tensor()).then_some(0),
            },
            bias: params.bias.as_deref().map(<[i32]>::to_vec),
        };
        let layers = self.layers.iter().map(|entry| (entry.0.clone(), layer(entry))).collect();
        let value = |(name, grid): (&String, &Grid)| {
            let (scale, zero_point) = (Rounded(grid.scale()), grid.zero_point());
            (name.clone(), InputJson { scale, zero_point, q_min: grid.q_min(), q_max: grid.q_max() })
        };
        let values = self.values.iter().map(value).collect();
        serde_json::to_string_pretty(&Json { schema: SCHEMA, layers, values }).expect("numbers and names are JSON")
            + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<ParamsFile, ParamsFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q.json");
        std::fs::write(&path, text).unwrap();
        ParamsFile::read(&path)
    }

    const WEIGHT: &str = r#"{"scale":0.5,"zero_point":0,"q_min":-127,"q_max":127}"#;

    #[test]
    fn one_scale_is_per_tensor_and_scales_round_to_f32() {
        let text = format!(
            r#"{{"schema":1,"layers":{{"fc":{{"input":{{"scale":0.1,"zero_point":3,"q_min":0,"q_max":255}},"weight":{WEIGHT}}}}}}}"#
        );
        let params = &read(&text).unwrap().layers["fc"];
        assert_eq!((params.input.scale(), params.input.zero_point()), (0.1f32, 3));
        assert!(params.weight.is_per_tensor());
    }

    #[test]
    fn bad_files_name_what_is_wrong() {
        let layer = |input: &str, weight: &str| {
            format!(r#"{{"schema":1,"layers":{{"conv1":{{"input":{input},"weight":{weight}}}}}}}"#)
        };
        let input = r#"{"scale":1,"zero_point":0,"q_min":0,"q_max":255}"#;
        let cases = [
            ("{}".to_owned(), "not a file"),
            (r#"{"schema":2,"layers":{}}"#.to_owned(), "schema 2"),
            (layer(r#"{"scale":0,"zero_point":0,"q_min":0,"q_max":255}"#, WEIGHT), "layer 'conv1': input"),
            (layer(r#"{"scale":1,"zero_point":300,"q_min":0,"q_max":255}"#, WEIGHT), "layer 'conv1': input"),
            (layer(input, r#"{"scale":[1,2],"zero_point":[0],"q_min":-127,"q_max":127}"#), "layer 'conv1': weight"),
            (layer(input, r#"{"scale":[1],"zero_point":[0],"q_min":-300,"q_max":127}"#), "layer 'conv1': weight"),
            (layer(input, r#"{"scale":[1],"zero_point":[0],"q_min":-127,"q_max":127,"axis":1}"#), "axis 1"),
        ];
        for_each_case(cases, |(text, expected)| {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("q.json"), "{error}");
        });
    }

    #[test]
    fn files_of_any_size_are_refused_in_bounded_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q.json");
        // A hole in the file.
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = ParamsFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("q.json: larger than 64 MiB"), "{error}");
    }

    /// Any scale, down to the smallest number.
    fn positive() -> impl Strategy<Value = f32> {
        use prop::num::f32::{NORMAL, POSITIVE, SUBNORMAL};
        POSITIVE | NORMAL | SUBNORMAL
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(scale in positive(), zero_point in 0i32..=255, scales in prop::collection::vec(positive(), 1..9)) {
            let zero_points = vec![0; scales.len()];
            let input = ActivationParams::new(scale, zero_point, IntRange::new(0, 255).unwrap()).unwrap();
            let weight = WeightParams::new(scales, zero_points, IntRange::new(-127, 127).unwrap()).unwrap();
            let params = LayerParams { bias: Some(Arc::from([7, i32::MIN])), ..LayerParams::new(input, weight) };
            let layers = BTreeMap::from([("layer1.0.conv1".to_owned(), params)]);
            let values = BTreeMap::from([("add".to_owned(), Grid::new(scale, -3, [-32768, 32767]).unwrap())]);
            for codings in [BTreeMap::new(), BTreeMap::from([("layer1.0.conv1".to_owned(), Coding::Affine)])] {
                let (layers, values) = (layers.clone(), values.clone());
                let file = ParamsFile { layers, codings, values, blake3: String::new() };
                let read = read(&file.to_json()).unwrap();
                prop_assert_eq!((&read.layers, &read.codings), (&file.layers, &file.codings));
                prop_assert_eq!(&read.values, &file.values);
            }
        }

        #[test]
        fn random_text_is_an_error(text in ".{0,200}") {
            prop_assert!(read(&text).is_err());
        }
    }
}
