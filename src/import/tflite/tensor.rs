//! Constant tensors: the numbers that a file's bytes are, and the scales of integers.

use super::error::NodeProblem;
use super::schema::{Buffer, MAX_AXES, Tensor, TensorType};
use crate::import::scales::ConstantScales;
use crate::quant::Grid;
use candle_core::{Device, Tensor as Numbers};
use half::{bf16, f16};

/// A constant of real numbers, or of the numbers that integers represent.
#[derive(Debug, Clone)]
pub(super) struct Constant {
    pub tensor: Numbers,
    /// The integers that it was in the file.
    pub scales: Option<ConstantScales>,
}

/// A constant tensor.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// Real numbers.
    Numbers(Constant),
    /// Integers of 32 or 64 bits: sizes, axes, biases.
    Integers { dims: Vec<usize>, values: Vec<i64> },
}

/// The sizes of a tensor.
pub(super) fn dims(tensor: &Tensor) -> Result<Vec<usize>, NodeProblem> {
    let sizes: Option<Vec<usize>> = tensor.shape.iter().take(MAX_AXES).map(|size| usize::try_from(size).ok()).collect();
    sizes.filter(|_| tensor.shape.len() <= MAX_AXES).ok_or_else(|| NodeProblem::Shape {
        found: format!("'{}' {}", tensor.name, tensor.describe()),
        expected: format!("at most {MAX_AXES} sizes of at least 0"),
    })
}

/// The elements of a tensor of these sizes; a number that no memory has where there are more.
pub(super) fn count(dims: &[usize]) -> usize {
    dims.iter().fold(1usize, |count, &size| count.saturating_mul(size))
}

/// The range of an element type of few bits, if it is one.
fn range(ty: TensorType) -> Option<[i32; 2]> {
    match ty {
        TensorType::INT16 => Some([i16::MIN.into(), i16::MAX.into()]),
        TensorType::INT8 => Some([-128, 127]),
        TensorType::UINT8 => Some([0, 255]),
        TensorType::INT4 => Some([-8, 7]),
        _ => None,
    }
}

/// The scales of a tensor of integers.
#[derive(Debug)]
struct Scales {
    /// One, or one for each element along an axis.
    scales: Vec<f32>,
    zero_points: Vec<i32>,
    /// The axis of several.
    axis: usize,
}

fn scales(tensor: &Tensor, dims: &[usize]) -> Result<Scales, NodeProblem> {
    let quantization = &tensor.quantization;
    if quantization.has_details {
        return Err(NodeProblem::Unsupported(format!("blockwise or custom quantization (of '{}')", tensor.name)));
    }
    let axis = usize::try_from(quantization.axis).unwrap_or(usize::MAX);
    let (count, zero_points) = (quantization.scales.len(), quantization.zero_points.len());
    let along_axis = dims.get(axis).copied();
    if !(count == 1 || (count > 1 && along_axis == Some(count))) || !(zero_points == 0 || zero_points == count) {
        let along = along_axis.map(|size| format!(", or {size} along axis {axis}")).unwrap_or_default();
        let (tensor, expected) = (tensor.name.to_string(), format!("1 of each{along}"));
        return Err(NodeProblem::Scales { tensor, scales: count, zero_points, expected });
    }
    let zero_point = |index: usize| quantization.zero_points.get(index).unwrap_or(0);
    Ok(Scales {
        scales: quantization.scales.iter().collect(),
        // Those that no byte holds are refused with the others.
        zero_points: (0..count).map(|i| zero_point(i).clamp(i32::MIN.into(), i32::MAX.into()) as i32).collect(),
        axis: if count == 1 { 0 } else { axis },
    })
}

/// The integers of a computed tensor; `None` for real numbers.
pub(super) fn grid(tensor: &Tensor) -> Result<Option<Grid>, NodeProblem> {
    if tensor.ty == TensorType::FLOAT32 {
        return Ok(None);
    }
    let Some(range) = range(tensor.ty) else {
        let (tensor, found) = (tensor.name.to_string(), tensor.ty.to_string());
        return Err(NodeProblem::Type { tensor, found, expected: "FLOAT32, or INT8, UINT8 or INT16 with a scale" });
    };
    let Scales { scales, zero_points, .. } = scales(tensor, &dims(tensor)?)?;
    let (&[scale], &[zero_point]) = (scales.as_slice(), zero_points.as_slice()) else {
        let (tensor, scales) = (tensor.name.to_string(), scales.len());
        return Err(NodeProblem::Scales { tensor, scales, zero_points: scales, expected: "1 of each".to_owned() });
    };
    Ok(Some(Grid::new(scale, zero_point, range)?))
}

/// The constant of a tensor whose data lie in `buffer`; `None` if it has none, and so is computed.
///
/// # Errors
/// When the data do not fit the sizes, or are of a type that is not read.
pub(super) fn read(tensor: &Tensor, buffer: Option<&Buffer>) -> Result<Option<Data>, NodeProblem> {
    let faulty = |problem| NodeProblem::Data { tensor: tensor.name.to_string(), problem };
    if tensor.is_external {
        return Err(faulty("lie in another file, which is not supported"));
    }
    let bytes = match buffer {
        None => return Err(faulty("lie in a buffer that the file does not have")),
        Some(Buffer { data: None }) => return Err(faulty("lie outside the file")),
        Some(Buffer { data: Some(bytes) }) => *bytes,
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    if tensor.is_sparse {
        return Err(faulty("leave out zeros (a sparse tensor), which is not supported"));
    }
    let dims = dims(tensor)?;
    let count = count(&dims);
    let expected = match tensor.ty {
        TensorType::INT4 => count.div_ceil(2),
        TensorType::INT8 | TensorType::UINT8 => count,
        TensorType::FLOAT16 | TensorType::BFLOAT16 => count.saturating_mul(2),
        TensorType::FLOAT32 | TensorType::INT32 => count.saturating_mul(4),
        TensorType::INT64 => count.saturating_mul(8),
        other => {
            let (tensor, found) = (tensor.name.to_string(), other.to_string());
            let expected = "a constant of FLOAT32, FLOAT16, BFLOAT16, INT64, INT32, INT8, UINT8 or INT4";
            return Err(NodeProblem::Type { tensor, found, expected });
        }
    };
    if bytes.len() != expected {
        return Err(NodeProblem::Length { tensor: tensor.name.to_string(), found: bytes.len(), expected });
    }
    let halves = || bytes.as_chunks().0.iter();
    let words = || bytes.as_chunks().0.iter();
    let numbers: Vec<f32> = match tensor.ty {
        TensorType::INT32 => {
            let values = words().map(|word| i64::from(i32::from_le_bytes(*word))).collect();
            return Ok(Some(Data::Integers { dims, values }));
        }
        TensorType::INT64 => {
            let values = bytes.as_chunks().0.iter().map(|word| i64::from_le_bytes(*word)).collect();
            return Ok(Some(Data::Integers { dims, values }));
        }
        TensorType::FLOAT32 => words().map(|word| f32::from_le_bytes(*word)).collect(),
        TensorType::FLOAT16 => halves().map(|half| f16::from_le_bytes(*half).to_f32()).collect(),
        TensorType::BFLOAT16 => halves().map(|half| bf16::from_le_bytes(*half).to_f32()).collect(),
        _ => return dequantized(tensor, dims, bytes).map(|constant| Some(Data::Numbers(constant))),
    };
    let tensor = Numbers::from_vec(numbers, dims, &Device::Cpu)?;
    Ok(Some(Data::Numbers(Constant { tensor, scales: None })))
}

/// The numbers that integers of few bits represent.
fn dequantized(tensor: &Tensor, dims: Vec<usize>, bytes: &[u8]) -> Result<Constant, NodeProblem> {
    let Scales { scales, zero_points, axis } = scales(tensor, &dims)?;
    let inner: usize = dims.iter().skip(axis + 1).product();
    let is_signed = tensor.ty != TensorType::UINT8;
    let integer = |byte: u8| if is_signed { i32::from(byte.cast_signed()) } else { i32::from(byte) };
    let integers: Vec<i32> = if tensor.ty == TensorType::INT4 {
        // Two to a byte, the lower bits first.
        let nibbles = bytes.iter().flat_map(|byte| [byte << 4, *byte].map(|high| i32::from(high.cast_signed() >> 4)));
        nibbles.take(count(&dims)).collect()
    } else {
        bytes.iter().copied().map(integer).collect()
    };
    let scales = ConstantScales::new(scales, zero_points, integers, axis, is_signed);
    let numbers = scales.numbers(inner);
    Ok(Constant { tensor: Numbers::from_vec(numbers, dims, &Device::Cpu)?, scales: Some(scales) })
}

impl Constant {
    /// The same with its axis `order[i]` as axis `i`.
    pub fn permuted(&self, order: &[usize]) -> Result<Self, NodeProblem> {
        let tensor = self.tensor.permute(order)?.force_contiguous()?;
        let scales = self.scales.clone().map(|mut scales| {
            scales.axis = order.iter().position(|&axis| axis == scales.axis).unwrap_or(0);
            scales
        });
        Ok(Constant { tensor, scales })
    }
}
