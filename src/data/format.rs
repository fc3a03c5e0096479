//! What a dataset format is: a name, a test for files of its own, and a function that opens them.
//!
//! Each format's file has a static of this type, which `registry.rs` lists.

use super::probe::Probe;
use super::{DataError, Dataset, Split};
use std::path::Path;

/// One format: how it is known, and how it is opened.
pub(super) struct Format {
    /// The name that options and reports use.
    pub name: &'static str,
    /// What it is, in a line for help texts.
    pub summary: &'static str,
    /// How well a file or folder matches this format; must not fail, and read no more than it needs.
    pub recognize: fn(&mut Probe) -> Evidence,
    /// Opens what the user says, or [`Format::recognize`] found, to be of this format.
    pub open: fn(&Path, Split) -> Result<Dataset, DataError>,
}

/// How sure a format is that something is its own. The surest one is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    None,
    /// Nothing speaks against it.
    Possible,
    /// The content fits throughout.
    Fits,
    /// A signature or standard names.
    Certain,
}
