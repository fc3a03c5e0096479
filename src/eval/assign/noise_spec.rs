//! Noise that models a multiplier, as users ask for it: `LUT`, `predicted:LUT`, or `predicted` of the layer's own LUT.

use super::LutSpec;
use crate::lut::LutFormat;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the noise that models a multiplier is found on calibration data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseMethod {
    /// Layers multiply by it, and their errors are measured.
    #[default]
    Measured,
    /// From its table and the operands of exact layers.
    Predicted,
}

/// Every method, by its name.
const METHODS: [(&str, NoiseMethod); 2] = [("measured", NoiseMethod::Measured), ("predicted", NoiseMethod::Predicted)];

/// The multiplier that noise mode models, under keys of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "NoiseLutKeys")]
pub struct NoiseLutSpec {
    /// How the noise is found.
    pub method: NoiseMethod,
    /// The multiplier; `None` is the layer's own ([`LayerOptions::lut`](super::LayerOptions::lut)).
    pub lut: Option<LutSpec>,
}

#[derive(Serialize)]
struct NoiseLutKeys {
    #[serde(rename = "noise_from_lut")]
    lut: String,
    #[serde(rename = "noise_lut_format", skip_serializing_if = "Option::is_none")]
    format: Option<LutFormat>,
    #[serde(rename = "noise_swap_operands", skip_serializing_if = "std::ops::Not::not")]
    swap_operands: bool,
}

impl From<NoiseLutSpec> for NoiseLutKeys {
    fn from(noise: NoiseLutSpec) -> Self {
        let (lut, LutSpec { format, swap_operands, .. }) = (noise.to_string(), noise.lut.unwrap_or_default());
        NoiseLutKeys { lut, format, swap_operands }
    }
}

impl NoiseLutSpec {
    /// The noise of `lut`, measured.
    pub fn measured(lut: LutSpec) -> Self {
        NoiseLutSpec { method: NoiseMethod::Measured, lut: Some(lut) }
    }

    /// The noise of `lut`, predicted.
    pub fn predicted(lut: LutSpec) -> Self {
        NoiseLutSpec { method: NoiseMethod::Predicted, lut: Some(lut) }
    }

    /// The method that a text begins with, its colon included, and what follows.
    pub fn split_method(text: &str) -> (&str, &str) {
        let rest = split(text).1.unwrap_or_default();
        text.split_at(text.len() - rest.len())
    }

    /// Reads `LUT`, `METHOD:LUT` or `METHOD`; a file of a LUT that is named is read as `reading` states.
    pub fn read(text: &str, reading: LutSpec) -> Self {
        let (method, lut) = split(text);
        NoiseLutSpec { method, lut: lut.map(|lut| LutSpec { lut: lut.to_owned(), ..reading }) }
    }
}

impl fmt::Display for NoiseLutSpec {
    /// The text that [`read`](NoiseLutSpec::read) reads, the method where it is not plain.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let method = METHODS.iter().find(|(_, method)| *method == self.method).map_or("", |(name, _)| *name);
        match &self.lut {
            None => f.write_str(method),
            Some(LutSpec { lut, .. }) if split(lut) == (self.method, Some(lut)) => f.write_str(lut),
            Some(LutSpec { lut, .. }) => write!(f, "{method}:{lut}"),
        }
    }
}

/// The method, measuring unless it is said, and the LUT that is named.
fn split(text: &str) -> (NoiseMethod, Option<&str>) {
    let named = METHODS.iter().find_map(|&(name, method)| match text.strip_prefix(name)? {
        "" => Some((method, None)),
        rest => rest.strip_prefix(':').filter(|lut| !lut.is_empty()).map(|lut| (method, Some(lut))),
    });
    named.unwrap_or((NoiseMethod::Measured, Some(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn texts_are_read_and_written() {
        let (measured, predicted) = (NoiseMethod::Measured, NoiseMethod::Predicted);
        let cases = [
            ("drum-4", measured, Some("drum-4"), "drum-4"),
            ("measured:drum-4", measured, Some("drum-4"), "drum-4"),
            ("predicted:drum-4", predicted, Some("drum-4"), "predicted:drum-4"),
            ("predicted", predicted, None, "predicted"),
            ("measured", measured, None, "measured"),
            ("./predicted", measured, Some("./predicted"), "./predicted"),
            ("measured:predicted", measured, Some("predicted"), "measured:predicted"),
            ("predicted:measured:x", predicted, Some("measured:x"), "predicted:measured:x"),
            ("predicted-2.bin", measured, Some("predicted-2.bin"), "predicted-2.bin"),
            ("a:b.bin", measured, Some("a:b.bin"), "a:b.bin"),
        ];
        for_each_case(cases, |(text, method, lut, written)| {
            let reading = LutSpec { swap_operands: true, ..LutSpec::default() };
            let spec = NoiseLutSpec::read(text, reading.clone());
            let lut = lut.map(|lut| LutSpec { lut: lut.to_owned(), ..reading.clone() });
            assert_eq!(spec, NoiseLutSpec { method, lut: lut.clone() });
            let rest = lut.as_ref().map_or("", |lut| &lut.lut);
            assert_eq!(NoiseLutSpec::split_method(text), (&text[..text.len() - rest.len()], rest));
            assert_eq!(spec.to_string(), written);
            assert_eq!(NoiseLutSpec::read(written, reading), spec);
        });
    }
}
