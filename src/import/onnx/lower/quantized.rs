//! Networks that are quantized already: integers and the real numbers that they represent.
//!
//! A `QuantizeLinear` of activations becomes a node that rounds, whose output is quantized in the graph; a constant
//! becomes the real numbers that its integers represent. [`Scales`](crate::import::scales::Scales) has the
//! scales of constants for the layers that read them, so that they multiply the file's own integers. All operators
//! of quantized integers, of whatever domain, are lowered to what is here and to those of real numbers.

use super::node::{axis, known};
use super::{Lowering, Node};
use crate::graph::op::{FakeQuantize, Reinterpret, Unary};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::packed::{INT2, UINT2};
use crate::import::onnx::value::{Int, Ints, Value};
use crate::import::scales::ConstantScales;
use crate::quant::Grid;
use candle_core::{Device, Tensor};
use rten_onnx::onnx::DataType;

/// The integers of a type of 2 to 32 bits.
pub(in crate::import::onnx) fn range(ty: DataType) -> Option<[i32; 2]> {
    Some(match ty {
        INT2 => [-2, 1],
        UINT2 => [0, 3],
        DataType::INT4 => [-8, 7],
        DataType::UINT4 => [0, 15],
        DataType::INT8 => [i8::MIN.into(), i8::MAX.into()],
        DataType::UINT8 => [0, u8::MAX.into()],
        DataType::INT16 => [i16::MIN.into(), i16::MAX.into()],
        DataType::UINT16 => [0, u16::MAX.into()],
        DataType::INT32 => [i32::MIN, i32::MAX],
        _ => return None,
    })
}

/// Fails for types of integers that nothing here represents.
fn supported(ty: DataType) -> Result<[i32; 2], NodeProblem> {
    let unsupported = || NodeProblem::Unsupported(format!("quantization to {ty} (quantize to 2, 4, 8 or 16 bits)"));
    range(ty).ok_or_else(unsupported)
}

/// The zero points that input `index` has, and their type.
fn zero_points(node: &Node, index: usize) -> Result<Option<(Vec<i32>, Option<DataType>)>, NodeProblem> {
    let Some(value) = node.optional(index) else { return Ok(None) };
    let found = value.ints(index)?;
    let zero_points = known(found)?.into_iter().map(|z| i32::try_from(z).unwrap_or(i32::MAX)).collect();
    Ok(Some((zero_points, Some(found.ty))))
}

/// What turns integers into real numbers and back: scales and zero points, one for all or one for each element along
/// an axis.
#[derive(Debug, Clone)]
pub(super) struct Quantization {
    pub scales: Vec<f32>,
    /// As many as there are scales.
    pub zero_points: Vec<i32>,
    /// The type of the integers, if the zero points state it.
    pub ty: Option<DataType>,
    /// The axis, which may be counted from the end.
    pub axis: i64,
}

impl Quantization {
    /// The scales that are input `index` of a node, and the zero points that follow, along the node's axis.
    pub fn read(node: &Node, index: usize) -> Result<Self, NodeProblem> {
        if node.int_or("block_size", 0)? != 0 {
            let what = "blocked quantization (quantize per tensor or per output channel)";
            return Err(NodeProblem::Unsupported(what.to_owned()));
        }
        Quantization::along(node, index, node.int_or("axis", 1)?)
    }

    /// The same, along a known axis.
    pub fn along(node: &Node, index: usize, axis: i64) -> Result<Self, NodeProblem> {
        let scales = node.input(index)?.floats(index)?.flatten_all()?.to_vec1::<f32>()?;
        let (zero_points, ty) = zero_points(node, index + 1)?.unwrap_or((vec![0], None));
        Quantization { scales, zero_points, ty, axis }.checked()
    }

    /// Fails unless there are as many zero points as scales, one for all or one for each.
    pub fn checked(mut self) -> Result<Self, NodeProblem> {
        if self.zero_points.len() == 1 {
            self.zero_points = vec![self.zero_points[0]; self.scales.len()];
        }
        if self.scales.is_empty() || self.scales.len() != self.zero_points.len() {
            let (scales, zero_points) = (self.scales.len(), self.zero_points.len());
            let found =
                format!("quantization by {scales} scales and {zero_points} zero points (expected the same number)");
            return Err(NodeProblem::Unsupported(found));
        }
        Ok(self)
    }

    /// The only scale and its zero point, for integers of `range`.
    pub fn grid(&self, range: [i32; 2]) -> Result<Grid, NodeProblem> {
        let (&[scale], &[zero_point]) = (self.scales.as_slice(), self.zero_points.as_slice()) else {
            let what = "activations with several scales (quantize them per tensor)";
            return Err(NodeProblem::Unsupported(what.to_owned()));
        };
        Ok(Grid::new(scale, zero_point, range)?)
    }

    /// The axis that the scales of a tensor belong to; the last for a single scale.
    fn axis_of(&self, dims: &[usize]) -> Result<usize, NodeProblem> {
        if self.scales.len() == 1 {
            return Ok(dims.len().saturating_sub(1));
        }
        let axis = axis("axis", self.axis, dims.len())?;
        if dims[axis] != self.scales.len() {
            let expected = format!("{} elements along axis {axis}, one for each scale", self.scales.len());
            return Err(NodeProblem::Shape { found: format!("{dims:?}"), expected });
        }
        Ok(axis)
    }

    /// Real numbers rounded to integers of type `ty`.
    pub fn quantize(
        &self,
        lowering: &mut Lowering,
        name: &str,
        value: &Value,
        ty: DataType,
    ) -> Result<Value, NodeProblem> {
        let range = supported(ty)?;
        let Value::Floats { tensor, .. } = value else {
            let grid = self.grid(range)?;
            return Ok(Value::Quantized(Box::new(rounded(lowering, name, value, grid)?), grid));
        };
        let axis = self.axis_of(tensor.dims())?;
        let inner: usize = tensor.dims().iter().skip(axis + 1).product();
        let values = tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().enumerate().map(|(i, x)| {
            let channel = i / inner.max(1) % self.scales.len();
            let q = f64::from((x / self.scales[channel]).round_ties_even()) + f64::from(self.zero_points[channel]);
            Int::from(q.clamp(f64::from(range[0]), f64::from(range[1])) as i64)
        });
        Ok(Value::Ints(Ints::new(tensor.dims().to_vec(), values.collect()).with_type(ty)))
    }

    /// The same for integers without scales, which are as good as ones of scale 1: input `index` has the zero points.
    pub fn of_ones(node: &Node, index: usize, axis: i64) -> Result<Self, NodeProblem> {
        let (zero_points, ty) = zero_points(node, index)?.unwrap_or((vec![0], None));
        Quantization { scales: vec![1.0; zero_points.len()], zero_points, ty, axis }.checked()
    }

    /// The real numbers that the integers of input `index` represent; constants are called `name`.
    pub fn dequantize(
        &self,
        lowering: &mut Lowering,
        name: &str,
        index: usize,
        value: &Value,
    ) -> Result<Value, NodeProblem> {
        match value {
            Value::Ints(ints) => self.constant(lowering, name, ints),
            Value::Quantized(numbers, grid) => self.reinterpret(lowering, name, numbers, grid),
            _ => Err(NodeProblem::Kind { index, found: "real numbers", expected: "quantized integers" }),
        }
    }

    fn constant(&self, lowering: &mut Lowering, name: &str, ints: &Ints) -> Result<Value, NodeProblem> {
        let is_signed = supported(ints.ty)?[0] < 0;
        let values = known(ints)?.into_iter().map(|q| i32::try_from(q).unwrap_or(0)).collect::<Vec<_>>();
        let axis = self.axis_of(&ints.dims)?;
        constant(
            lowering,
            name,
            &ints.dims,
            ConstantScales::new(self.scales.clone(), self.zero_points.clone(), values, axis, is_signed),
        )
    }

    /// Computed integers on `grid`, of which `numbers` are what they represent there.
    fn reinterpret(
        &self,
        lowering: &mut Lowering,
        name: &str,
        numbers: &Value,
        grid: &Grid,
    ) -> Result<Value, NodeProblem> {
        let zero_point = self.zero_points[0];
        // A Clip may have cut off the zero point.
        let range = [grid.q_min().min(zero_point), grid.q_max().max(zero_point)];
        on_grid(lowering, name, numbers, grid, self.grid(range)?)
    }
}

/// The integers on grid `from`, of which `numbers` are what they represent there, taken for ones on grid `to`.
pub(super) fn on_grid(
    lowering: &mut Lowering,
    name: &str,
    numbers: &Value,
    from: &Grid,
    to: Grid,
) -> Result<Value, NodeProblem> {
    if from.has_steps_of(&to) {
        return Ok(numbers.clone());
    }
    lowering.emit(name, Reinterpret { from: *from, to }, std::slice::from_ref(numbers))
}

/// Constant integers as the real numbers that they represent, a tensor called `name` that layers know the scales of.
pub(super) fn constant(
    lowering: &mut Lowering,
    name: &str,
    dims: &[usize],
    scales: ConstantScales,
) -> Result<Value, NodeProblem> {
    let inner: usize = dims.iter().skip(scales.axis + 1).product();
    let tensor = Tensor::from_vec(scales.numbers(inner), dims, &Device::Cpu)?;
    lowering.scales.add(&tensor, scales);
    // The name that the weight had before it was quantized.
    let name = ["_quantized", "_q"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name).to_owned();
    Ok(Value::Floats { tensor, name, initial: true })
}

/// Activations rounded to the numbers of `grid`, which changes nothing where they are on it.
pub(super) fn rounded(lowering: &mut Lowering, name: &str, value: &Value, grid: Grid) -> Result<Value, NodeProblem> {
    if let Value::Computed(id) = value
        && let Some(found) = lowering.graph.ty(*id).element.quantization()
        && found.has_steps_of(&grid)
        && grid.q_min() <= found.q_min()
        && found.q_max() <= grid.q_max()
    {
        return Ok(value.clone());
    }
    lowering.emit(name, FakeQuantize(grid), std::slice::from_ref(value))
}

/// `QuantizeLinear`.
pub(super) fn quantize(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let by = Quantization::read(node, 1)?;
    let ty = match (by.ty, node.int_or("output_dtype", 0)?) {
        (Some(ty), _) => ty,
        (None, 0) => DataType::UINT8,
        (None, stated) => DataType(stated as i32),
    };
    Ok(vec![by.quantize(lowering, node.name, node.input(0)?, ty)?])
}

/// `DequantizeLinear`.
pub(super) fn dequantize(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let by = Quantization::read(node, 1)?;
    let name = match node.input(0)? {
        Value::Ints(_) => node.proto.input.first().map_or(node.name, String::as_str),
        _ => node.name,
    };
    Ok(vec![by.dequantize(lowering, name, 0, node.input(0)?)?])
}

/// `Clip` of quantized integers.
pub(super) fn clip(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let Value::Quantized(value, grid) = node.input(0)? else { return Err(NodeProblem::Quantized(1)) };
    let bound = |index: usize, default: i32| -> Result<i32, NodeProblem> {
        let inside = |bound: i64| bound.clamp(grid.q_min().into(), grid.q_max().into()) as i32;
        Ok(node.int_bound(index)?.map_or(default, inside))
    };
    let (low, high) = (bound(1, grid.q_min())?, bound(2, grid.q_max())?);
    // If the bounds cross, the upper one wins.
    let low = low.min(high);
    let op = Unary::Clip { min: grid.number(low), max: grid.number(high) };
    let clipped = lowering.emit(node.name, op, std::slice::from_ref(value))?;
    // The range becomes that of the bounds, unless these exclude the zero point, which padding needs.
    let grid = grid.with_range([low, high]).unwrap_or(*grid);
    lowering.set_grid(&clipped, grid);
    Ok(vec![Value::Quantized(Box::new(clipped), grid)])
}

/// Integers on a grid converted to type `to`: real numbers, or integers that have the same values.
pub(super) fn cast(
    lowering: &mut Lowering,
    node: &Node,
    numbers: &Value,
    grid: &Grid,
    to: DataType,
) -> Result<Value, NodeProblem> {
    if is_float(to) {
        let range = [grid.q_min().min(0), grid.q_max().max(0)];
        return on_grid(lowering, node.name, numbers, grid, Grid::new(1.0, 0, range)?);
    }
    let keeps = |[low, high]: [i32; 2]| low <= grid.q_min() && grid.q_max() <= high;
    if to == DataType::INT64 || range(to).is_some_and(keeps) {
        return Ok(Value::Quantized(Box::new(numbers.clone()), *grid));
    }
    let what =
        format!("casting integers from {} to {} to {to}, which does not hold them all,", grid.q_min(), grid.q_max());
    Err(NodeProblem::Unsupported(what))
}

/// Whether a type is one of real numbers, all of which are `f32` here.
pub(super) fn is_float(ty: DataType) -> bool {
    matches!(ty, DataType::FLOAT | DataType::DOUBLE | DataType::FLOAT16 | DataType::BFLOAT16)
}

/// A grid, for messages.
pub(super) fn described(grid: &Grid) -> String {
    format!("scale {} and zero point {}", grid.scale(), grid.zero_point())
}
