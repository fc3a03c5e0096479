//! Binding tensors to a graph's parameters.

use super::network::Source;
use super::{Graph, ValueId};
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
    /// Tensors with NaN, or infinite numbers where these are no mask.
    pub not_finite: Vec<String>,
}

impl std::error::Error for BindError {}

/// What names of a batch normalization's running statistics end with.
const STATISTICS: &str = "running_mean";

impl BindError {
    /// Whether tensors have batch normalizations that the network lacks, which were folded into the layers
    /// before when it was exported.
    pub fn has_unused_statistics(&self) -> bool {
        self.unused.iter().any(|name| name.ends_with(STATISTICS))
    }

    /// Whether the network has batch normalizations that the tensors lack, where these have biases instead.
    pub fn lacks_statistics(&self) -> bool {
        let bias = self.unused.iter().any(|name| name.ends_with("bias"));
        bias && self.missing.iter().any(|name| name.ends_with(STATISTICS))
    }
}

/// Takes a prefix that all names share off them, such as the `module.` of PyTorch's `DataParallel` or the
/// `_orig_mod.` of `torch.compile`: parts that end in dots, until `fits` or there is none. Returns it.
///
/// ```
/// use approx_eval::graph::strip_common_prefix;
/// use std::collections::BTreeMap;
///
/// let mut tensors = BTreeMap::from([("module.net.conv.weight".to_owned(), 1), ("module.net.fc.bias".to_owned(), 2)]);
/// assert_eq!(strip_common_prefix(&mut tensors, |_| false).as_deref(), Some("module.net."));
/// assert_eq!(tensors.into_keys().collect::<Vec<_>>(), ["conv.weight", "fc.bias"]);
/// ```
pub fn strip_common_prefix<T>(
    tensors: &mut BTreeMap<String, T>,
    fits: impl Fn(&BTreeMap<String, T>) -> bool,
) -> Option<String> {
    let mut stripped = String::new();
    while !fits(tensors)
        && let Some(prefix) = common_prefix(tensors.keys().map(String::as_str)).map(str::to_owned)
    {
        let all = std::mem::take(tensors).into_iter();
        *tensors = all.map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor)).collect();
        stripped += &prefix;
    }
    (!stripped.is_empty()).then_some(stripped)
}

/// The first part of all names, with its dot, where they share it and each still names a module's tensor
/// without it.
fn common_prefix<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = names.next()?;
    let prefix = &first[..=first.find('.')?];
    let has_more = |name: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.contains('.'));
    (has_more(first) && names.all(has_more)).then_some(prefix)
}

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

    /// The tensor of a parameter that is bound.
    pub fn parameter_value(&self, id: ValueId) -> Option<&Tensor> {
        match &self.values[id.0].source {
            Source::Parameter { data, .. } => data.as_ref(),
            Source::Input | Source::Node => None,
        }
    }

    /// Whether a parameter may have infinite numbers: where operators alone read it that take some, as in masks.
    fn may_be_infinite(&self, id: ValueId) -> bool {
        let mut readers = self.nodes.iter().filter(|node| node.inputs.contains(&id)).peekable();
        readers.peek().is_some() && readers.all(|node| node.op.takes_infinite_constants())
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
            } else if is_finite(&tensor) || self.may_be_infinite(ValueId(i)) && !has_nan(&tensor) {
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
    numbers(tensor).is_some_and(|values| values.iter().all(|x| x.is_finite()))
}

fn has_nan(tensor: &Tensor) -> bool {
    numbers(tensor).is_none_or(|values| values.iter().any(|x| x.is_nan()))
}

fn numbers(tensor: &Tensor) -> Option<Vec<f32>> {
    tensor.flatten_all().and_then(|flat| flat.to_vec1()).ok()
}
