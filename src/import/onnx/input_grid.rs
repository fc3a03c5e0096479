//! The grid of an input of integers: the scale and zero point of whatever makes real numbers of it first.

use super::lower::{self, IntegerUse};
use super::operation::Operation;
use super::tensor::{self, Constant, ExternalFiles};
use super::value::Value;
use crate::quant::Grid;
use rten_onnx::onnx::DataType;
use std::collections::{HashMap, HashSet};

/// The grid of the input called `input`, integers of type `ty`: that of its first reader that states one, in the order
/// of `nodes`; integers that stand for themselves where none does. `initial` are the file's constants.
///
/// What is wrong with a scale is left to the node that has it.
pub(super) fn of_input(
    nodes: &[&Operation],
    input: &str,
    ty: DataType,
    initial: &[(&str, Value)],
    external: &mut ExternalFiles,
) -> Option<Grid> {
    let range = lower::integer_range(ty)?;
    let mut constants: HashMap<&str, Value> = initial.iter().cloned().collect();
    let mut moved = HashSet::from([input]);
    for Operation { proto, .. } in nodes {
        let constant = proto.attribute.iter().find_map(|attribute| attribute.t.as_ref());
        if let (Some("Constant"), Some(tensor), Some(output)) =
            (proto.op_type.as_deref(), constant, proto.output.first())
        {
            let read = tensor::read(tensor, external).ok();
            constants.extend(read.map(|constant: Constant| (output.as_str(), lower::constant(constant, output))));
        }
        let Some(at) = proto.input.iter().position(|name| moved.contains(name.as_str())) else { continue };
        match lower::use_of_integers(proto) {
            IntegerUse::Scaled => {
                let after = |places: usize| constants.get(proto.input.get(at + places)?.as_str());
                if let Some(grid) = stated(after(1), after(2), range) {
                    return Some(grid);
                }
            }
            IntegerUse::Moved => moved.extend(proto.output.iter().map(String::as_str)),
            IntegerUse::Other => (),
        }
    }
    Grid::new(1.0, 0, range).ok()
}

/// The grid of a constant scale and zero point.
fn stated(scale: Option<&Value>, zero_point: Option<&Value>, range: [i32; 2]) -> Option<Grid> {
    let scale = scale?.floats(0).ok()?.flatten_all().ok()?.to_vec1::<f32>().ok()?;
    let zero_point = zero_point.map_or(Some(0), |value| {
        let zero_points = value.ints(0).ok()?.known()?;
        zero_points.first().and_then(|&zero_point| i32::try_from(zero_point).ok())
    })?;
    Grid::new(*scale.first()?, zero_point, range).ok()
}
