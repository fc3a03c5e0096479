//! Tables of designs as files have them.

use super::catalogue::{self, CircuitError, LIBRARY};
use super::design::{Design, UnknownDesign};
use super::{Lut, Metadata};

/// A name under which there is no table to generate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// It is no design's.
    #[error(transparent)]
    Design(#[from] UnknownDesign),
    /// It is that of a circuit that no design computes.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
}

/// The table of the design called `name`, or of the circuit of the catalogue of that name that a design computes. Where the
/// table is a circuit's, its metadata have the figures that the library publishes, for programs that read the file.
///
/// # Errors
/// When no design has that name, or is that circuit.
pub fn generate(name: &str) -> Result<Lut, GenerateError> {
    let lut = match name.parse::<Design>() {
        Ok(design) => design.lut(),
        Err(unknown) => catalogue::make(name).ok_or(unknown)??,
    };
    Ok(with_published_figures(lut))
}

/// The same table with power, area and delay as published, if it is a circuit's.
fn with_published_figures(lut: Lut) -> Lut {
    let found = catalogue::recognize(&lut);
    let Some(circuit) = found.first() else { return lut };
    let own = lut.metadata().clone();
    let whose = format!("power, area and delay of {LIBRARY}'s {}, release {}, in 45 nm", circuit.name, circuit.release);
    let metadata = Metadata {
        power: Some(circuit.power_mw),
        area: Some(circuit.area_um2),
        delay: Some(circuit.delay_ns),
        source: Some(own.source.iter().map(String::as_str).chain([whose.as_str()]).collect::<Vec<_>>().join("; ")),
        ..own
    };
    lut.with_metadata(metadata)
}
