//! Attributes of operators: one table a kind, in the order of the schema's numbers.

use super::flatbuffer::{BufferError, Table};
use super::schema::Operator;
use crate::kernel::Clip;

/// Why attributes cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// Attributes of another operator.
    #[error("attributes of kind {found}, expected kind {expected} ({name})")]
    Kind {
        /// Their kind, as the schema numbers it.
        found: u8,
        /// That of the operator.
        expected: u8,
        /// Its name.
        name: &'static str,
    },
    /// None, where the operator needs some.
    #[error("the operator has no {0}")]
    Missing(&'static str),
    /// A value that the schema does not have, or that is not supported.
    #[error("{name} is {found}, expected {expected}")]
    Value {
        /// The attribute.
        name: &'static str,
        /// Its value.
        found: String,
        /// What would be accepted.
        expected: &'static str,
    },
    /// Attributes that are damaged.
    #[error(transparent)]
    Buffer(#[from] BufferError),
}

/// How a window is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// So that there are as many windows as steps fit into the input.
    Same,
    /// Not at all.
    Valid,
}

/// A function that an operator applies to what it computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Activation {
    #[default]
    None,
    Relu,
    /// Clipping to [-1, 1].
    ReluN1To1,
    /// Clipping to [0, 6].
    Relu6,
}

impl Activation {
    /// The range that it clips to.
    pub fn clip(self) -> Clip {
        match self {
            Activation::None => Clip::default(),
            Activation::Relu => Clip::RELU,
            Activation::ReluN1To1 => Clip { low: -1.0, high: 1.0 },
            Activation::Relu6 => Clip { low: 0.0, high: 6.0 },
        }
    }
}

/// A kind of attributes.
pub(super) trait Options: Sized {
    /// Its name and number in the schema's union `BuiltinOptions`.
    const KIND: (&'static str, u8);

    fn read(table: Table) -> Result<Self, OptionsError>;
}

impl Operator<'_> {
    /// The attributes of the operator, which needs some.
    ///
    /// # Errors
    /// When there are none, or others.
    pub fn options<T: Options>(&self) -> Result<T, OptionsError> {
        self.optional()?.ok_or(OptionsError::Missing(T::KIND.0))
    }

    /// The attributes of the operator, if it has any.
    ///
    /// # Errors
    /// When there are others.
    pub fn optional<T: Options>(&self) -> Result<Option<T>, OptionsError> {
        let (Some(table), (name, expected)) = (self.options, T::KIND) else { return Ok(None) };
        if self.options_kind != expected {
            return Err(OptionsError::Kind { found: self.options_kind, expected, name });
        }
        T::read(table).map(Some)
    }
}

fn padding(table: Table, field: usize) -> Result<Padding, OptionsError> {
    match table.number::<i8>(field, 0)? {
        0 => Ok(Padding::Same),
        1 => Ok(Padding::Valid),
        found => Err(OptionsError::Value { name: "padding", found: found.to_string(), expected: "SAME or VALID" }),
    }
}

fn activation(table: Table, field: usize) -> Result<Activation, OptionsError> {
    let found = match table.number::<i8>(field, 0)? {
        0 => return Ok(Activation::None),
        1 => return Ok(Activation::Relu),
        2 => return Ok(Activation::ReluN1To1),
        3 => return Ok(Activation::Relu6),
        4 => "TANH".to_owned(),
        5 => "SIGN_BIT".to_owned(),
        found => found.to_string(),
    };
    let expected = "NONE, RELU, RELU_N1_TO_1 or RELU6";
    Err(OptionsError::Value { name: "fused_activation_function", found, expected })
}

/// Steps, dilations and window sizes, of height and width.
fn sizes(name: &'static str, table: Table, fields: [usize; 2], default: i32) -> Result<[usize; 2], OptionsError> {
    /// Far beyond any network, and small enough that no product of three overflows.
    const LARGEST: i32 = 1 << 16;
    let size = |field: usize| match table.number(field, default)? {
        size @ 1..=LARGEST => Ok(size as usize),
        found => Err(OptionsError::Value { name, found: found.to_string(), expected: "a number of 1 to 65536" }),
    };
    Ok([size(fields[0])?, size(fields[1])?])
}

/// Those of convolutions, transposed ones included.
#[derive(Debug)]
pub(super) struct Convolution {
    pub padding: Padding,
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub activation: Activation,
}

/// `Conv2DOptions`.
pub(super) struct Conv2d(pub Convolution);

impl Options for Conv2d {
    const KIND: (&'static str, u8) = ("Conv2DOptions", 1);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(Conv2d(Convolution {
            padding: padding(table, 0)?,
            stride: sizes("stride", table, [2, 1], 0)?,
            dilation: sizes("dilation", table, [5, 4], 1)?,
            activation: activation(table, 3)?,
        }))
    }
}

/// `DepthwiseConv2DOptions`, whose multiplier of channels follows from the weights.
pub(super) struct DepthwiseConv2d(pub Convolution);

impl Options for DepthwiseConv2d {
    const KIND: (&'static str, u8) = ("DepthwiseConv2DOptions", 2);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(DepthwiseConv2d(Convolution {
            padding: padding(table, 0)?,
            stride: sizes("stride", table, [2, 1], 0)?,
            dilation: sizes("dilation", table, [6, 5], 1)?,
            activation: activation(table, 4)?,
        }))
    }
}

/// `TransposeConvOptions`.
pub(super) struct TransposeConv(pub Convolution);

impl Options for TransposeConv {
    const KIND: (&'static str, u8) = ("TransposeConvOptions", 49);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(TransposeConv(Convolution {
            padding: padding(table, 0)?,
            stride: sizes("stride", table, [2, 1], 0)?,
            dilation: [1; 2],
            activation: activation(table, 3)?,
        }))
    }
}

/// `Pool2DOptions`.
pub(super) struct Pool2d {
    pub padding: Padding,
    pub stride: [usize; 2],
    pub kernel: [usize; 2],
    pub activation: Activation,
}

impl Options for Pool2d {
    const KIND: (&'static str, u8) = ("Pool2DOptions", 5);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(Pool2d {
            padding: padding(table, 0)?,
            stride: sizes("stride", table, [2, 1], 0)?,
            kernel: sizes("filter", table, [4, 3], 0)?,
            activation: activation(table, 5)?,
        })
    }
}

/// `FullyConnectedOptions`.
pub(super) struct FullyConnected {
    pub activation: Activation,
    /// Whether the output has the axes of the input.
    pub keeps_axes: bool,
}

impl Options for FullyConnected {
    const KIND: (&'static str, u8) = ("FullyConnectedOptions", 8);

    fn read(table: Table) -> Result<Self, OptionsError> {
        let format: i8 = table.number(1, 0)?;
        if format != 0 {
            let found = if format == 1 { "SHUFFLED4x16INT8".to_owned() } else { format.to_string() };
            return Err(OptionsError::Value { name: "weights_format", found, expected: "DEFAULT" });
        }
        Ok(FullyConnected { activation: activation(table, 0)?, keeps_axes: table.flag(2)? })
    }
}

/// `AddOptions`, `MulOptions` and `SubOptions`, alike but for their number.
macro_rules! binary_options {
    ($($type:ident $name:literal $number:literal),*) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub(super) struct $type(pub Activation);

            impl Options for $type {
                const KIND: (&'static str, u8) = ($name, $number);

                fn read(table: Table) -> Result<Self, OptionsError> {
                    Ok($type(activation(table, 0)?))
                }
            }
        )*
    };
}
binary_options!(Add "AddOptions" 11, Mul "MulOptions" 21, Sub "SubOptions" 28);

/// `ReducerOptions`.
#[derive(Default)]
pub(super) struct Reducer {
    /// Whether reduced axes are kept, with size 1.
    pub keeps_axes: bool,
}

impl Options for Reducer {
    const KIND: (&'static str, u8) = ("ReducerOptions", 27);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(Reducer { keeps_axes: table.flag(0)? })
    }
}

/// `ReshapeOptions`.
pub(super) struct Reshape {
    pub shape: Vec<i64>,
}

impl Options for Reshape {
    const KIND: (&'static str, u8) = ("ReshapeOptions", 17);

    fn read(table: Table) -> Result<Self, OptionsError> {
        let shape = table.vector::<i32>(0)?;
        Ok(Reshape { shape: shape.iter().map(i64::from).take(super::schema::MAX_AXES + 1).collect() })
    }
}

/// `SoftmaxOptions`.
pub(super) struct Softmax {
    /// What the inputs are multiplied by.
    pub beta: f32,
}

impl Options for Softmax {
    const KIND: (&'static str, u8) = ("SoftmaxOptions", 9);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(Softmax { beta: table.number(0, 0.0)? })
    }
}

/// `ConcatenationOptions`.
pub(super) struct Concatenation {
    pub axis: i32,
    pub activation: Activation,
}

impl Options for Concatenation {
    const KIND: (&'static str, u8) = ("ConcatenationOptions", 10);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(Concatenation { axis: table.number(0, 0)?, activation: activation(table, 1)? })
    }
}

/// `ResizeNearestNeighborOptions`.
#[derive(Default)]
pub(super) struct ResizeNearestNeighbor {
    pub aligns_corners: bool,
    pub has_half_pixel_centers: bool,
}

impl Options for ResizeNearestNeighbor {
    const KIND: (&'static str, u8) = ("ResizeNearestNeighborOptions", 74);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(ResizeNearestNeighbor { aligns_corners: table.flag(0)?, has_half_pixel_centers: table.flag(1)? })
    }
}

/// `LeakyReluOptions`.
pub(super) struct LeakyRelu {
    pub slope: f32,
}

impl Options for LeakyRelu {
    const KIND: (&'static str, u8) = ("LeakyReluOptions", 75);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(LeakyRelu { slope: table.number(0, 0.0)? })
    }
}

/// `SqueezeOptions`.
#[derive(Default)]
pub(super) struct Squeeze {
    /// The axes; all of size 1 where there are none.
    pub axes: Vec<i64>,
}

impl Options for Squeeze {
    const KIND: (&'static str, u8) = ("SqueezeOptions", 30);

    fn read(table: Table) -> Result<Self, OptionsError> {
        let axes = table.vector::<i32>(0)?;
        Ok(Squeeze { axes: axes.iter().map(i64::from).take(super::schema::MAX_AXES + 1).collect() })
    }
}

/// `PackOptions`.
pub(super) struct Pack {
    pub axis: i32,
}

impl Options for Pack {
    const KIND: (&'static str, u8) = ("PackOptions", 59);

    fn read(table: Table) -> Result<Self, OptionsError> {
        Ok(Pack { axis: table.number(1, 0)? })
    }
}

/// `StridedSliceOptions`: a bit for each axis.
pub(super) struct StridedSlice {
    /// The axes whose start is their own.
    pub begin: i32,
    /// The axes whose end is their own.
    pub end: i32,
    /// The axes of which one element is taken, without the axis.
    pub shrink_axis: i32,
}

impl Options for StridedSlice {
    const KIND: (&'static str, u8) = ("StridedSliceOptions", 32);

    fn read(table: Table) -> Result<Self, OptionsError> {
        let (ellipsis, new_axis): (i32, i32) = (table.number(2, 0)?, table.number(3, 0)?);
        for (name, mask) in [("ellipsis_mask", ellipsis), ("new_axis_mask", new_axis)] {
            if mask != 0 {
                return Err(OptionsError::Value { name, found: mask.to_string(), expected: "0" });
            }
        }
        Ok(StridedSlice { begin: table.number(0, 0)?, end: table.number(1, 0)?, shrink_axis: table.number(4, 0)? })
    }
}
