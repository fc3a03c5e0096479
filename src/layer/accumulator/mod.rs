//! Accumulators of a limited width, as hardware has them: what of a layer's sum is kept after each addition.
//!
//! A layer that is told of an [`Accumulator`] computes each output in modes quant and approx by one addition after
//! another to a two's complement integer of so many bits, which begins as 0. With `x_q`, `w_q` the quantized operands
//! and `K` the products of the output, these are added in this order:
//!
//! 1. the `K` products `table(x_q, w_q)` in the order of the weight's elements: input channel of the group, then height,
//!    then width; padding is the quantized zero and is multiplied like other operands, and a transposed convolution has
//!    products of real inputs alone;
//! 2. `-z_w * sum x_q`, 3. `-z_x * sum w_q` and 4. `K * z_x * z_w`, each computed exactly and added at once;
//! 5. the bias, where the layer has one in steps of the sum; a real one is added to the scaled sum.
//!
//! After each addition the sum is wrapped around or saturated where it has left the range, which is an overflow. The
//! sums that an accumulator of any width would have after each addition (the prefixes) say how many bits never overflow
//! on the data; the worst case is that of any operands.
//!
//! All of it is apart from the arithmetic of other layers, which sums in any order.

mod arithmetic;
mod found;
mod matmul;
mod operands;
mod record;
mod run;
mod setting;
mod sums;
mod transposed;
mod worst;

pub use found::AccumulatorFindings;
pub(super) use matmul::AccumulatedProduct;
pub(super) use record::{LayerAccumulator, Ways};
pub(super) use run::run;
pub use setting::{ACC_OVERFLOWS, AccBits, AccBitsError, AccOverflow, Accumulator};
