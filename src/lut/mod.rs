//! The multiplier: its complete product table, where it came from, and how it is put to use.
//!
//! A [`Lut`] is what hardware people hand over: a table of products over two operands. A
//! [`Coding`] says how quantized integers become its operands and its products signed terms; the
//! two together give the [`EffectiveTable`](crate::kernel::EffectiveTable) that kernels read.

mod coding;
mod table;

pub use coding::{Coding, CodingError};
pub use table::Lut;
