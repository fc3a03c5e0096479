//! The multiplier: its complete product table, where it came from, and how it is put to use.
//!
//! A [`Lut`] is what hardware people hand over: a table of products over two operands. [`open`] gets
//! one from a file in any [`format`](mod@format), whose reading is stated or detected ([`detect`]), or from a
//! [`design`]'s name; [`from_c`] gets one from a model in C, and a [`LutFile`] takes it to any format
//! again. The [`catalogue`] knows the field's standard ones by their content. [`ErrorMetrics`] say how far it is from the exact product, an [`Audit`] what is wrong with it,
//! [`Costs`] what it costs, a [`plot()`] what its errors look like, and [`LutInfo`] is all that a report
//! shows of it.
//!
//! A [`Coding`] says how quantized integers become its operands and its products signed terms; the
//! two together give the [`EffectiveTable`](crate::kernel::EffectiveTable) that kernels read.

mod audit;
mod bits;
mod c_source;
pub mod catalogue;
mod coding;
mod cost;
pub mod design;
pub mod detect;
mod fields;
pub mod format;
mod from_c;
mod generate;
mod info;
mod lut_format;
mod metadata;
mod metrics;
mod open;
mod operand;
mod operand_errors;
#[cfg(feature = "plot")]
mod plot;
mod provenance;
mod quadrant;
mod reading;
mod select;
mod shipped;
mod sidecar;
mod stated_metrics;
mod table;
mod write;

pub use audit::{Audit, Finding, MetricCheck, ProductError, WorstOperand};
pub use bits::{Bits, BitsError};
pub use coding::{CODINGS, Coding, CodingError};
pub use cost::{
    COST_KINDS, CommonCosts, Cost, CostKind, CostSource, Costs, CostsError, ExactMultiplier, Figures, NoCommonCosts,
    Ratios,
};
pub use fields::{FieldError, Fields};
pub use from_c::{CModel, FromCError, FromCOptions, from_c};
pub use generate::{GenerateError, generate};
pub use info::{LutInfo, ReadingInfo};
pub use lut_format::{LutFormat, LutFormatError};
pub use metadata::Metadata;
pub use metrics::ErrorMetrics;
pub use open::{OpenError, OpenOptions, name_of, open, read_stream};
pub use operand::Operand;
pub use operand_errors::{EntryUse, OperandErrors};
#[cfg(feature = "plot")]
pub use plot::{PlotError, plot};
pub use provenance::{LutWarning, Provenance, ReadingSource};
pub use quadrant::{Quadrant, Relation};
pub use reading::{INDEX_ORDERS, IndexOrder, PartialReading, Reading};
pub use select::{BracesError, LISTS, SelectError, select};
pub use shipped::{SHIPPED, write_shipped};
pub use sidecar::SidecarError;
pub use stated_metrics::{StatedMetric, StatedMetricError, StatedMetrics};
pub use table::Lut;
pub use write::{LutFile, WriteError};

#[cfg(test)]
mod tests;
