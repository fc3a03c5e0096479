//! Binding tensors to a graph's parameters.

use super::Graph;
use super::network::Source;
use candle_core::{DType, Tensor};
use std::collections::BTreeMap;

/// A tensor of another shape than its parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MisShaped {
    /// The parameter's name.
    pub name: String,
    /// The tensor's dimensions.
    pub found: Vec<usize>,
    /// The parameter's dimensions.
    pub expected: Vec<usize>,
}

/// Tensors that do not match a network's parameters: everything that is wrong, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BindError {
    /// Parameters without a tensor.
    pub missing: Vec<String>,
    /// Tensors without a parameter.
    pub unused: Vec<String>,
    /// Tensors of another shape than their parameter.
    pub mis_shaped: Vec<MisShaped>,
    /// Tensors of another element type than `f32`.
    pub not_f32: Vec<String>,
    /// Tensors with NaN or infinite numbers.
    pub not_finite: Vec<String>,
}

impl std::error::Error for BindError {}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let mis_shaped = self.mis_shaped.iter();
        let mis_shaped: Vec<String> =
            mis_shaped.map(|m| format!("{} ({:?}, expected {:?})", m.name, m.found, m.expected)).collect();
        let parts = [
            ("missing", &self.missing),
            ("unused", &self.unused),
            ("of the wrong shape", &mis_shaped),
            ("of a type other than f32", &self.not_f32),
            ("with NaN or infinite numbers", &self.not_finite),
        ];
        let parts = parts.iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect();
        write!(f, "tensors {}", parts.join("; "))
    }
}

impl Graph {
    /// The tensors of bound parameters, by name.
    pub fn bound(&self) -> BTreeMap<String, Tensor> {
        let bound = self.values.iter().filter_map(|value| match &value.source {
            Source::Parameter { data: Some(tensor), .. } => Some((value.name.clone(), tensor.clone())),
            _ => None,
        });
        bound.collect()
    }

    /// Binds each parameter to the `f32` tensor of its name.
    ///
    /// # Errors
    /// Lists everything that is missing, unused, of another shape or type, or not finite; then nothing is
    /// bound.
    pub fn bind(&mut self, mut tensors: BTreeMap<String, Tensor>) -> Result<(), BindError> {
        let mut error = BindError::default();
        let mut bound = Vec::new();
        for (i, value) in self.values.iter().enumerate() {
            let Source::Parameter { .. } = value.source else { continue };
            let name = value.name.clone();
            let Some(tensor) = tensors.remove(&name) else {
                error.missing.push(name);
                continue;
            };
            let expected = value.ty.sizes(1);
            if tensor.dims() != expected {
                error.mis_shaped.push(MisShaped { name, found: tensor.dims().to_vec(), expected });
            } else if tensor.dtype() != DType::F32 {
                error.not_f32.push(name);
            } else if is_finite(&tensor) {
                bound.push((i, tensor));
            } else {
                error.not_finite.push(name);
            }
        }
        error.unused.extend(tensors.into_keys());
        if error != BindError::default() {
            return Err(error);
        }
        for (i, tensor) in bound {
            if let Source::Parameter { data, .. } = &mut self.values[i].source {
                *data = Some(tensor);
            }
        }
        Ok(())
    }
}

fn is_finite(tensor: &Tensor) -> bool {
    let values = tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
    values.is_ok_and(|values| values.iter().all(|x| x.is_finite()))
}
