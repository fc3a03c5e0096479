//! Golden vectors: the integers of every layer over the first samples, in a folder for an RTL testbench and for `NumPy`.
//!
//! docs/golden-vectors.md says what each file holds.

mod array;
mod index;
mod names;

pub use array::{DUMP_FORMATS, DumpFormat};
pub use index::DUMP_SCHEMA;

use super::ToolReport;
use crate::eval::{Arithmetic, Findings, LayerConfig, LayerFindings, Session};
use crate::kernel::{EffectiveTable, FixedPoint, Requantize};
use crate::layer::{AccBits, ApproxLayer, Flow, InferenceMode, LayerVectors, VectorBias, VectorOutputs, Window};
use crate::output::{FolderError, OutputFolder};
use crate::quant::{Grid, IntRange};
use crate::registry::Named;
use array::Array;
use index::{
    AccumulatorIndex, BiasIndex, Geometry, Index, LayerIndex, LeftOut, LutIndex, OneOrEach, OperandIndex, OutputIndex,
    RequantizationIndex, Stored,
};
use names::FolderNames;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Bits of sums that need no more.
const SUM_BITS: u32 = 32;

/// The name of the index.
const INDEX: &str = "index.json";

/// Why a dump cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The folder cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No layer computes with integers.
    #[error("no layer with weights is in mode quant or approx: there are no integers to dump")]
    NoIntegers,
    /// A file cannot be encoded.
    #[error("{name}: cannot write the array")]
    Encode {
        /// The file.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A folder of golden vectors, opened before the work starts.
#[derive(Debug)]
pub struct Dump {
    folder: OutputFolder,
    formats: Vec<DumpFormat>,
}

impl Dump {
    /// Begins the folder at `path`, for arrays in each of `formats`.
    ///
    /// # Errors
    /// When it cannot be written, or no layer of the session will compute with integers.
    pub fn create(path: &Path, formats: &[DumpFormat], session: &Session) -> Result<Self, DumpError> {
        let mut layers = session.model().graph.layers().zip(session.assignment().layers());
        let has_integers = |(layer, config): (&dyn ApproxLayer, &LayerConfig)| {
            layer.as_weighted().is_some() && left_out(layer, config.mode()).is_none()
        };
        if !layers.any(has_integers) {
            return Err(DumpError::NoIntegers);
        }
        let formats: Vec<DumpFormat> = DUMP_FORMATS.iter().copied().filter(|format| formats.contains(format)).collect();
        Ok(Dump { folder: OutputFolder::create(path)?, formats })
    }

    /// Writes all files of the layers' [vectors](LayerFindings::vectors), and returns the folder, to be committed.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn fill(self, session: &Session, findings: &Findings) -> Result<OutputFolder, DumpError> {
        let graph = &session.model().graph;
        let found: Vec<_> = graph.layers().zip(findings.assignment.layers()).zip(&findings.layers).collect();
        let vectors = || found.iter().filter_map(|(_, found)| found.vectors.as_ref());
        let luts = self.write_luts(vectors())?;
        let mut names = FolderNames::beside(&[INDEX]);
        luts.iter().flat_map(|(_, stored)| stored.files.values()).for_each(|file| drop(names.folder(file)));
        let count = usize::try_from(session.experiment().vector_samples).unwrap_or(usize::MAX);
        let samples = findings.outcome.predictions.samples().iter().copied().take(count).collect();
        let (mut layers, mut omitted) = (Vec::new(), Vec::new());
        for &((layer, config), found) in &found {
            let (name, kind) = (layer.name().to_owned(), layer.kind());
            if let Some(vectors) = &found.vectors {
                let folder = names.folder(&name);
                layers.push(self.write_layer(layer, config, found, vectors, &luts, &folder)?);
            } else {
                let why = left_out(layer, config.mode()).unwrap_or("samples are not along the input's first axis");
                omitted.push(LeftOut { name, kind, why });
            }
        }
        let index = Index {
            schema: DUMP_SCHEMA,
            tool: ToolReport::default(),
            model: session.model().name.clone(),
            samples,
            layers,
            left_out: omitted,
        };
        let encode = |source: serde_json::Error| DumpError::Encode { name: INDEX.to_owned(), source: source.into() };
        let mut text = serde_json::to_vec_pretty(&index).map_err(encode)?;
        text.push(b'\n');
        self.folder.write(INDEX, &text)?;
        Ok(self.folder)
    }

    /// Writes each table once.
    fn write_luts<'a>(
        &self,
        layers: impl Iterator<Item = &'a LayerVectors>,
    ) -> Result<Vec<(Arc<EffectiveTable>, Stored)>, DumpError> {
        let mut luts: Vec<(Arc<EffectiveTable>, Stored)> = Vec::new();
        for table in layers.filter_map(|vectors| vectors.table.as_ref()) {
            if luts.iter().any(|(known, _)| known == table) {
                continue;
            }
            let stem = if luts.is_empty() { "lut".to_owned() } else { format!("lut-{}", luts.len() + 1) };
            let bytes = || 0..=u8::MAX;
            let terms: Vec<i64> = bytes().flat_map(|x| bytes().map(move |w| table.term(x, w).into())).collect();
            let array = Array::signed(vec![256, 256], terms, 1);
            luts.push((Arc::clone(table), self.write(&array, &stem)?));
        }
        Ok(luts)
    }

    fn write_layer(
        &self,
        layer: &dyn ApproxLayer,
        config: &LayerConfig,
        found: &LayerFindings,
        vectors: &LayerVectors,
        luts: &[(Arc<EffectiveTable>, Stored)],
        folder: &str,
    ) -> Result<LayerIndex, DumpError> {
        let LayerVectors { params, window, .. } = vectors;
        let write = |array: &Array, name: &str| self.write(array, &format!("{folder}/{name}"));
        let operand = |shape: &[usize], values: &[i32], range: IntRange| {
            let ends = [range.q_min(), range.q_max()].map(i64::from);
            Array::in_range(shape.to_vec(), wide(values), ends)
        };
        let lut = match (&config.arithmetic, &vectors.table) {
            (Arithmetic::Approx(lut), Some(table)) => {
                let stored = luts.iter().find(|(known, _)| known == table).map(|(_, stored)| stored.clone());
                stored.map(|stored| LutIndex { name: lut.name().to_owned(), stored })
            }
            _ => None,
        };
        let (input, weight) = (&params.input, &params.weight);
        let input = OperandIndex {
            stored: write(&operand(&vectors.input_shape, &vectors.input, input.range()), "input")?,
            scale: OneOrEach::One(input.scale()),
            zero_point: OneOrEach::One(input.zero_point()),
            q_min: input.range().q_min(),
            q_max: input.range().q_max(),
        };
        let channels = || vec![window.outputs];
        let (scale, zero_point) = match (weight.scales(), weight.zero_points()) {
            (&[scale], &[zero_point]) => (OneOrEach::One(scale), OneOrEach::One(zero_point)),
            (scales, zero_points) => {
                let ends = [weight.range().q_min(), weight.range().q_max()].map(i64::from);
                let zero_points = Array::in_range(channels(), wide(zero_points), ends);
                (
                    OneOrEach::Each(write(&Array::numbers(channels(), scales.to_vec()), "weight_scale")?),
                    OneOrEach::Each(write(&zero_points, "weight_zero_point")?),
                )
            }
        };
        let weight = OperandIndex {
            stored: write(&operand(&vectors.weight_shape, &vectors.weight, weight.range()), "weight")?,
            scale,
            zero_point,
            q_min: weight.range().q_min(),
            q_max: weight.range().q_max(),
        };
        let bias = match &vectors.bias {
            VectorBias::None => None,
            VectorBias::Integers(bias) => Some((Array::signed(channels(), bias.clone(), SUM_BITS), true)),
            VectorBias::Numbers(bias) => Some((Array::numbers(channels(), bias.clone()), false)),
        };
        let bias = match bias {
            Some((array, in_sums)) => Some(BiasIndex { stored: write(&array, "bias")?, in_sums }),
            None => None,
        };
        let factors = vectors.activation_factors.as_ref();
        let factors = factors.map(|factors| write(&Array::signed(channels(), wide(factors), 8), "activation_factor"));
        let bits = vectors.accumulator.and_then(|accumulator| accumulator.bits.get());
        let sums = Array::signed(window.output_shape.clone(), vectors.sums.clone(), bits.unwrap_or(SUM_BITS));
        Ok(LayerIndex {
            name: layer.name().to_owned(),
            kind: layer.kind(),
            mode: config.mode(),
            coding: found.coding,
            lut,
            geometry: geometry(window),
            input,
            weight,
            activation_factor: factors.transpose()?,
            bias,
            accumulator: vectors
                .accumulator
                .filter(|accumulator| accumulator.bits != AccBits::AUTO)
                .map(|accumulator| AccumulatorIndex { bits: accumulator.bits, overflow: accumulator.overflow }),
            sums: write(&sums, "sums")?,
            output: self.write_output(&vectors.outputs, window, folder)?,
        })
    }

    fn write_output(&self, outputs: &VectorOutputs, window: &Window, folder: &str) -> Result<OutputIndex, DumpError> {
        let write = |array: &Array, name: &str| self.write(array, &format!("{folder}/{name}"));
        let (shape, channels) = (window.output_shape.clone(), vec![window.outputs]);
        match outputs {
            VectorOutputs::Numbers { values, clip } => {
                let end = |x: f32| x.is_finite().then_some(x);
                let stored = write(&Array::numbers(shape, values.clone()), "output")?;
                Ok(OutputIndex { stored, requantization: None, clip: Some([end(clip.low), end(clip.high)]) })
            }
            VectorOutputs::Integers { values, grid, rule, multipliers } => {
                let part = |part: fn(FixedPoint) -> i32| multipliers.iter().map(|&m| part(m).into()).collect();
                let mantissa = Array::signed(channels.clone(), part(FixedPoint::mantissa), SUM_BITS);
                let exponent = Array::in_range(channels, part(FixedPoint::exponent), [-128, 127]);
                let stored = write(&Array::in_range(shape, wide(values), ends(grid)), "output")?;
                let &Requantize { rounding, zero_point, low, high, scale } = rule;
                let requantization = RequantizationIndex {
                    rounding: rounding.name(),
                    scale,
                    zero_point,
                    low,
                    high,
                    mantissa: write(&mantissa, "mantissa")?,
                    exponent: write(&exponent, "exponent")?,
                };
                Ok(OutputIndex { stored, requantization: Some(requantization), clip: None })
            }
        }
    }

    /// Writes an array in every format, and says where it is.
    fn write(&self, array: &Array, stem: &str) -> Result<Stored, DumpError> {
        let stored = Stored::new(array, stem, &self.formats);
        for format in &self.formats {
            let name = &stored.files[format.name()];
            let bytes = format.encode(array).map_err(|source| DumpError::Encode { name: name.clone(), source })?;
            self.folder.write(name, &bytes)?;
        }
        Ok(stored)
    }
}

/// Why there are no vectors of a layer in this mode, if so.
fn left_out(layer: &dyn ApproxLayer, mode: InferenceMode) -> Option<&'static str> {
    match mode {
        _ if layer.as_weighted().is_none() => Some("both factors are activations"),
        InferenceMode::Baseline => Some("mode base"),
        InferenceMode::Noise => Some("mode noise"),
        InferenceMode::Quantized | InferenceMode::Approximate => None,
    }
}

fn wide(values: &[i32]) -> Vec<i64> {
    values.iter().map(|&x| x.into()).collect()
}

fn ends(grid: &Grid) -> [i64; 2] {
    [grid.q_min(), grid.q_max()].map(i64::from)
}

fn geometry(window: &Window) -> Geometry {
    let Window { images, groups, outputs, geometry, flow, .. } = window;
    Geometry {
        transposed: *flow == Flow::Transposed,
        images: *images,
        groups: *groups,
        channels: window.channels(),
        outputs: *outputs,
        input: geometry.input,
        kernel: geometry.kernel,
        output: geometry.output,
        stride: geometry.stride,
        padding: geometry.padding,
        dilation: geometry.dilation,
    }
}
