//! The tables of a TensorFlow Lite file, as its schema numbers their fields.
//!
//! The schema is `tensorflow/compiler/mlir/lite/schema/schema.fbs` of TensorFlow. Only what the importer uses is
//! read; signatures and metadata are not. Everything points into the file.

use super::flatbuffer::{BufferError, Table, Vector};
use std::borrow::Cow;
use std::fmt;

/// The identifier of such files, after the distance to their first table.
const IDENTIFIER: &[u8; 4] = b"TFL3";

/// The most tables of one kind; no network of today has a tenth of them.
const MAX_ENTRIES: usize = 1 << 16;

/// The most axes of a tensor; TensorFlow Lite's own kernels take up to 8.
pub(super) const MAX_AXES: usize = 8;

/// A file.
#[derive(Debug)]
pub(super) struct Model<'a> {
    /// Version of the schema.
    pub version: u32,
    pub codes: Vec<OperatorCode<'a>>,
    pub buffers: Vec<Buffer<'a>>,
    /// The networks, of which the first is the one that runs; the others are bodies of branches and loops.
    pub subgraphs: usize,
    pub main: SubGraph<'a>,
}

impl<'a> Model<'a> {
    /// Whether a file says that it is one.
    pub fn has_identifier(file: &[u8]) -> bool {
        file.get(4..8) == Some(IDENTIFIER)
    }

    /// The tables of a file.
    pub fn parse(file: &'a [u8]) -> Result<Self, BufferError> {
        let root = Table::root(file, "Model")?;
        let subgraphs = root.tables(2, "SubGraph")?;
        let count = subgraphs.len();
        let main = match subgraphs.into_iter().next() {
            Some(table) => SubGraph::read(table?)?,
            None => SubGraph::default(),
        };
        Ok(Model {
            version: root.number(0, 0)?,
            codes: all(root, 1, "OperatorCode", OperatorCode::read)?,
            buffers: all(root, 4, "Buffer", |table| Buffer::read(table, file))?,
            subgraphs: count,
            main,
        })
    }
}

/// All tables of a field.
fn all<'a, T>(
    table: Table<'a>,
    field: usize,
    name: &'static str,
    read: impl Fn(Table<'a>) -> Result<T, BufferError>,
) -> Result<Vec<T>, BufferError> {
    let tables = table.tables(field, name)?;
    if tables.len() > MAX_ENTRIES {
        return Err(BufferError { table: name, at: 0, problem: "more than 65536 entries" });
    }
    tables.map(|table| read(table?)).collect()
}

/// An operator that the file uses.
#[derive(Debug)]
pub(super) struct OperatorCode<'a> {
    /// Its number among the built-in ones.
    pub builtin: i32,
    /// Its name, where it is not built in.
    pub custom: Cow<'a, str>,
}

impl<'a> OperatorCode<'a> {
    fn read(table: Table<'a>) -> Result<Self, BufferError> {
        // Numbers up to 127 are in a byte, where old files have them alone; the larger one counts.
        let old: i8 = table.number(0, 0)?;
        let builtin = table.number(3, 0)?.max(i32::from(old));
        Ok(OperatorCode { builtin, custom: table.text(1)? })
    }
}

/// The data of tensors, empty for those that are computed.
#[derive(Debug)]
pub(super) struct Buffer<'a> {
    /// The data; `None` where they would lie outside the file.
    pub data: Option<&'a [u8]>,
}

impl<'a> Buffer<'a> {
    fn read(table: Table<'a>, file: &'a [u8]) -> Result<Self, BufferError> {
        let own = table.vector::<u8>(0)?.bytes();
        // Files beyond the size of a flat buffer have data after it, where an offset of 1 stands for none yet.
        let (offset, size) = (table.number::<u64>(1, 0)?, table.number::<u64>(2, 0)?);
        if offset <= 1 {
            return Ok(Buffer { data: Some(own) });
        }
        let range = || {
            let start = usize::try_from(offset).ok()?;
            file.get(start..start.checked_add(usize::try_from(size).ok()?)?)
        };
        Ok(Buffer { data: range() })
    }
}

/// A network.
#[derive(Debug, Default)]
pub(super) struct SubGraph<'a> {
    pub tensors: Vec<Tensor<'a>>,
    /// Numbers of tensors.
    pub inputs: Vec<i32>,
    /// Numbers of tensors.
    pub outputs: Vec<i32>,
    /// In an order in which they can run.
    pub operators: Vec<Operator<'a>>,
}

impl<'a> SubGraph<'a> {
    fn read(table: Table<'a>) -> Result<Self, BufferError> {
        let few = |numbers: Vector<i32>| -> Result<Vec<i32>, BufferError> {
            if numbers.len() > MAX_ENTRIES {
                return Err(BufferError { table: "SubGraph", at: 0, problem: "more than 65536 inputs or outputs" });
            }
            Ok(numbers.iter().collect())
        };
        let operators = all(table, 3, "Operator", Operator::read)?;
        let ends = operators.iter().map(|operator| operator.inputs.len() + operator.outputs.len()).sum::<usize>();
        if ends > 8 * MAX_ENTRIES {
            return Err(BufferError { table: "Operator", at: 0, problem: "more than 524288 inputs and outputs" });
        }
        Ok(SubGraph {
            tensors: all(table, 0, "Tensor", Tensor::read)?,
            inputs: few(table.vector(1)?)?,
            outputs: few(table.vector(2)?)?,
            operators,
        })
    }

    /// The tensor that `number` is of; -1 is that of an input that is left out.
    pub fn tensor(&self, number: i32) -> Option<&Tensor<'a>> {
        self.tensors.get(usize::try_from(number).ok()?)
    }
}

/// What the elements of a tensor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TensorType(pub i8);

impl TensorType {
    pub const FLOAT32: TensorType = TensorType(0);
    pub const FLOAT16: TensorType = TensorType(1);
    pub const INT32: TensorType = TensorType(2);
    pub const UINT8: TensorType = TensorType(3);
    pub const INT64: TensorType = TensorType(4);
    pub const INT16: TensorType = TensorType(7);
    pub const INT8: TensorType = TensorType(9);
    pub const INT4: TensorType = TensorType(17);
    pub const BFLOAT16: TensorType = TensorType(18);

    /// Whether its elements are real numbers.
    pub fn is_real(self) -> bool {
        matches!(self, TensorType::FLOAT32 | TensorType::FLOAT16 | TensorType::BFLOAT16)
    }

    /// Whether its elements may be integers of a computed tensor, on a grid.
    pub fn is_grid(self) -> bool {
        matches!(self, TensorType::INT8 | TensorType::UINT8 | TensorType::INT16)
    }

    /// Whether its elements are integers that represent real numbers, or these themselves; `None` for sizes and axes.
    pub fn is_quantized(self) -> Option<bool> {
        if self.is_real() {
            return Some(false);
        }
        (self.is_grid() || self == TensorType::INT4).then_some(true)
    }

    /// In the order of their numbers.
    const NAMES: &str = "\
        FLOAT32 FLOAT16 INT32 UINT8 INT64 STRING BOOL INT16 COMPLEX64 INT8 FLOAT64 COMPLEX128 UINT64 RESOURCE \
        VARIANT UINT32 UINT16 INT4 BFLOAT16 INT2 UINT4 FLOAT8_E4M3FN FLOAT8_E5M2";
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut names = TensorType::NAMES.split_ascii_whitespace();
        match usize::try_from(self.0).ok().and_then(|number| names.nth(number)) {
            Some(name) => f.write_str(name),
            None => write!(f, "of element type {}", self.0),
        }
    }
}

/// A tensor, constant or computed.
#[derive(Debug)]
pub(super) struct Tensor<'a> {
    pub name: Cow<'a, str>,
    pub ty: TensorType,
    /// Sizes, with 1 for those that are open.
    pub shape: Vector<'a, i32>,
    /// Sizes, with -1 for those that are open; empty where none is.
    pub signature: Vector<'a, i32>,
    /// The number of its buffer; 0 is always empty.
    pub buffer: u32,
    pub quantization: Quantization<'a>,
    /// Whether it has a value from run to run.
    pub is_variable: bool,
    /// Whether its data leave out zeros.
    pub is_sparse: bool,
    /// Whether its data lie in another file.
    pub is_external: bool,
}

impl<'a> Tensor<'a> {
    fn read(table: Table<'a>) -> Result<Self, BufferError> {
        let quantization = table.table(4, "QuantizationParameters")?.map(Quantization::read).transpose()?;
        Ok(Tensor {
            name: table.text(3)?,
            ty: TensorType(table.number(1, 0)?),
            shape: table.vector(0)?,
            signature: table.vector(7)?,
            buffer: table.number(2, 0)?,
            quantization: quantization.unwrap_or_default(),
            is_variable: table.flag(5)?,
            is_sparse: table.table(6, "SparsityParameters")?.is_some(),
            is_external: table.number::<u32>(10, 0)? != 0,
        })
    }

    /// Element type and sizes, for messages.
    pub fn describe(&self) -> String {
        let open = |axis: usize| self.signature.get(axis).is_some_and(|size| size < 0);
        let sizes = self.shape.iter().enumerate().take(MAX_AXES);
        let sizes = sizes.map(|(axis, size)| if open(axis) { "?".to_owned() } else { size.to_string() });
        let dots = if self.shape.len() > MAX_AXES { ", .." } else { "" };
        format!("{}[{}{dots}]", self.ty, sizes.collect::<Vec<_>>().join(", "))
    }
}

/// The scales of a tensor's integers: `(q - zero_point) * scale`.
#[derive(Debug, Default)]
pub(super) struct Quantization<'a> {
    /// One, or one for each element along `axis`; none for real numbers.
    pub scales: Vector<'a, f32>,
    /// As many, or none for zeros.
    pub zero_points: Vector<'a, i64>,
    /// The axis of several scales.
    pub axis: i32,
    /// Whether scales are given in another way.
    pub has_details: bool,
}

impl<'a> Quantization<'a> {
    fn read(table: Table<'a>) -> Result<Self, BufferError> {
        Ok(Quantization {
            scales: table.vector(2)?,
            zero_points: table.vector(3)?,
            axis: table.number(6, 0)?,
            has_details: table.number::<u8>(4, 0)? != 0,
        })
    }
}

/// An operator with its inputs and outputs.
#[derive(Debug)]
pub(super) struct Operator<'a> {
    /// Which of the file's operator codes it is of.
    pub code: u32,
    /// Numbers of tensors, -1 for optional ones that are left out.
    pub inputs: Vector<'a, i32>,
    /// Numbers of tensors.
    pub outputs: Vector<'a, i32>,
    /// Its attributes, if it has any.
    pub options: Option<Table<'a>>,
    /// The kind of these.
    pub options_kind: u8,
}

impl<'a> Operator<'a> {
    fn read(table: Table<'a>) -> Result<Self, BufferError> {
        Ok(Operator {
            code: table.number(0, 0)?,
            inputs: table.vector(1)?,
            outputs: table.vector(2)?,
            options: table.table(4, "BuiltinOptions")?,
            options_kind: table.number(3, 0)?,
        })
    }
}
