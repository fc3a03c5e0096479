//! A node during lowering: its attributes by type, its inputs as values.

use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Ints, Value};
use rten_onnx::onnx::{AttributeProto, NodeProto};

/// A node and the values that it reads; `None` for optional inputs that are left out.
pub(in crate::import::onnx) struct Node<'a> {
    pub proto: &'a NodeProto,
    pub inputs: Vec<Option<Value>>,
    /// The version of the operator set.
    pub opset: i64,
    /// Its name, else that of its first output.
    pub name: &'a str,
}

impl Node<'_> {
    pub fn operator(&self) -> &str {
        self.proto.op_type.as_deref().unwrap_or_default()
    }

    /// Input `index`, which must be there.
    pub fn input(&self, index: usize) -> Result<&Value, NodeProblem> {
        self.optional(index).ok_or(NodeProblem::Missing(index))
    }

    /// Input `index`, if it is there.
    pub fn optional(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index)?.as_ref()
    }

    /// All inputs, which must be there.
    pub fn all_inputs(&self) -> Result<Vec<Value>, NodeProblem> {
        (0..self.inputs.len()).map(|i| self.input(i).cloned()).collect()
    }

    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.proto.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name))
    }

    /// The attribute `name`, by `read`, which returns `None` if its type is not `expected`.
    fn read<'n, T>(
        &'n self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&'n AttributeProto) -> Option<T>,
    ) -> Result<Option<T>, NodeProblem> {
        let Some(attribute) = self.attribute(name) else { return Ok(None) };
        let wrong =
            || NodeProblem::Attribute { name, found: "of another type".to_owned(), expected: expected.to_owned() };
        read(attribute).map(Some).ok_or_else(wrong)
    }

    pub fn int(&self, name: &'static str) -> Result<Option<i64>, NodeProblem> {
        self.read(name, "an integer", |attribute| attribute.i)
    }

    pub fn int_or(&self, name: &'static str, default: i64) -> Result<i64, NodeProblem> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    pub fn flag(&self, name: &'static str) -> Result<bool, NodeProblem> {
        Ok(self.int_or(name, 0)? != 0)
    }

    pub fn float(&self, name: &'static str) -> Result<Option<f32>, NodeProblem> {
        self.read(name, "a number", |attribute| attribute.f)
    }

    pub fn float_or(&self, name: &'static str, default: f32) -> Result<f32, NodeProblem> {
        Ok(self.float(name)?.unwrap_or(default))
    }

    pub fn ints(&self, name: &'static str) -> Result<Option<&[i64]>, NodeProblem> {
        self.read(name, "integers", |attribute| Some(attribute.ints.as_slice()))
    }

    pub fn floats(&self, name: &'static str) -> Result<Option<&[f32]>, NodeProblem> {
        self.read(name, "numbers", |attribute| Some(attribute.floats.as_slice()))
    }

    pub fn text_or<'n>(&'n self, name: &'static str, default: &'static str) -> Result<&'n str, NodeProblem> {
        Ok(self.read(name, "a text", |attribute| attribute.s.as_deref())?.unwrap_or(default))
    }

    pub fn tensor(&self, name: &'static str) -> Result<Option<&rten_onnx::onnx::TensorProto>, NodeProblem> {
        self.read(name, "a tensor", |attribute| attribute.t.as_ref())
    }

    /// `N` sizes of an attribute, each at least `least`.
    pub fn sizes(&self, name: &'static str, count: usize, least: i64) -> Result<Option<Vec<usize>>, NodeProblem> {
        let Some(found) = self.ints(name)? else { return Ok(None) };
        // Far beyond any network, and small enough that no sum overflows.
        let sizes: Option<Vec<usize>> =
            found.iter().map(|&size| (least..1 << 31).contains(&size).then_some(size as usize)).collect();
        let wrong = || NodeProblem::Attribute {
            name,
            found: format!("{found:?}"),
            expected: format!("{count} numbers of at least {least}"),
        };
        sizes.filter(|sizes| sizes.len() == count).map(Some).ok_or_else(wrong)
    }

    /// Integers that old operator sets have as attribute `name`, new ones as input `index`.
    pub fn ints_by_either(&self, name: &'static str, index: usize) -> Result<Option<Vec<i64>>, NodeProblem> {
        if let Some(found) = self.ints(name)? {
            return Ok(Some(found.to_vec()));
        }
        self.optional(index).map(|value| known(value.ints(index)?)).transpose()
    }

    /// The one integer of input `index`, if it is there.
    pub fn int_bound(&self, index: usize) -> Result<Option<i64>, NodeProblem> {
        let Some(value) = self.optional(index) else { return Ok(None) };
        match known(value.ints(index)?)?.as_slice() {
            [bound] => Ok(Some(*bound)),
            several => {
                Err(NodeProblem::Shape { found: format!("[{}]", several.len()), expected: "one number".to_owned() })
            }
        }
    }

    /// A number that old operator sets have as attribute `name`, new ones as input `index`.
    pub fn float_by_either(&self, name: &'static str, index: usize) -> Result<Option<f32>, NodeProblem> {
        match self.float(name)? {
            None if self.optional(index).is_some() => self.number(index).map(Some),
            found => Ok(found),
        }
    }

    /// The one real number of input `index`, which must be there.
    pub fn number(&self, index: usize) -> Result<f32, NodeProblem> {
        match self.input(index)?.floats(index)?.flatten_all()?.to_vec1::<f32>()?.as_slice() {
            [number] => Ok(*number),
            numbers => {
                let found = format!("{} numbers", numbers.len());
                Err(NodeProblem::Shape { found, expected: "one number".to_owned() })
            }
        }
    }
}

/// The numbers of integers that must not depend on the batch size.
pub(super) fn known(ints: &Ints) -> Result<Vec<i64>, NodeProblem> {
    ints.known().ok_or_else(|| NodeProblem::Batch("an integer input".to_owned()))
}

/// An axis of `rank`, which may be counted from the end.
pub(super) fn axis(name: &'static str, found: i64, rank: usize) -> Result<usize, NodeProblem> {
    let axis = if found < 0 { found.checked_add(rank as i64) } else { Some(found) };
    let axis = axis.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank);
    axis.ok_or_else(|| NodeProblem::Attribute {
        name,
        found: found.to_string(),
        expected: match rank {
            0 => "none: the input is a single number".to_owned(),
            rank => format!("an axis from -{rank} to {}", rank - 1),
        },
    })
}

/// Axes of `rank`, in increasing order, each once.
pub(super) fn axes(name: &'static str, found: &[i64], rank: usize) -> Result<Vec<usize>, NodeProblem> {
    let mut axes = found.iter().map(|&found| axis(name, found, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}
