//! Faults made on purpose, by which tests show that `selfcheck` finds them.
//!
//! The program has none: only a build with the feature `sabotage`, which nothing but those tests makes, asks the
//! environment variable `APPROX_EVAL_SABOTAGE` for the name of one. In every other build [`is`] is a constant, and
//! what it guards is not compiled.

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// One product of each multiplier changes after its file was read.
    FlippedEntry,
    /// Halves are rounded away from zero where numbers become integers.
    WrongRounding,
    /// Tables are looked up as `[weight][activation]`.
    SwappedOperands,
    /// The portable kernel leaves out the products after the last whole four.
    KernelTail,
    /// Sums of parts that several threads compute are one too large.
    ThreadDependentSum,
    /// Inputs are quantized with a zero point that is one too large.
    WrongZeroPoint,
}

/// Whether a fault is made.
#[cfg(not(feature = "sabotage"))]
pub(crate) const fn is(_: Fault) -> bool {
    false
}

/// Whether a fault is made.
///
/// # Panics
/// When the environment names a fault that there is not.
#[cfg(feature = "sabotage")]
pub(crate) fn is(fault: Fault) -> bool {
    use std::sync::LazyLock;
    static MADE: LazyLock<Option<Fault>> = LazyLock::new(|| {
        let name = std::env::var("APPROX_EVAL_SABOTAGE").ok()?;
        Some(match name.as_str() {
            "flipped-entry" => Fault::FlippedEntry,
            "wrong-rounding" => Fault::WrongRounding,
            "swapped-operands" => Fault::SwappedOperands,
            "kernel-tail" => Fault::KernelTail,
            "thread-dependent-sum" => Fault::ThreadDependentSum,
            "wrong-zero-point" => Fault::WrongZeroPoint,
            _ => panic!("APPROX_EVAL_SABOTAGE: there is no fault '{name}'"),
        })
    });
    *MADE == Some(fault)
}
