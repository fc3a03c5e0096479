//! The sets that are part of the program, so that an installed binary runs anywhere.

use super::storage::{Origin, Storage};
use super::{DataError, Dataset, idx};
use crate::registry::UnknownName;

static EMBEDDED: &[Embedded] = &[Embedded {
    name: "fashion-mnist",
    images: Storage::Embedded {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: include_bytes!("../../models/fashion-mnist/t10k-images-idx3-ubyte.gz"),
    },
    labels: Storage::Embedded {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: include_bytes!("../../models/fashion-mnist/t10k-labels-idx1-ubyte.gz"),
    },
}];

/// A set in the program's own bytes: a pair of IDX files.
#[derive(Debug)]
pub struct Embedded {
    name: &'static str,
    images: Storage,
    labels: Storage,
}

/// The embedded set of this name.
pub fn embedded(name: &str) -> Option<&'static Embedded> {
    EMBEDDED.iter().find(|set| set.name == name)
}

/// The error of there being no embedded set of this name.
pub(super) fn unknown(name: &str) -> UnknownName {
    UnknownName::new("embedded dataset", name, EMBEDDED.iter().map(|set| set.name))
}

impl Embedded {
    /// All embedded sets.
    pub fn all() -> &'static [Embedded] {
        EMBEDDED
    }

    /// The set's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Opens it; pixels are decompressed as they are read.
    ///
    /// # Errors
    /// None for the sets as shipped: they go through the same reader, and checks, as files.
    pub fn open(&self) -> Result<Dataset, DataError> {
        let storages = [self.images.clone(), self.labels.clone()];
        idx::dataset(Origin::new(self.name.to_owned(), storages.clone()), storages)
    }
}
