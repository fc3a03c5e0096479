//! The datasets that are embedded in the program, so that an installed binary runs anywhere. Behind the
//! cargo feature `embedded`, without which there are none.

use super::storage::{Origin, Storage};
use super::{DataError, Dataset, idx};
use crate::registry::{Named, Registry, UnknownName};

/// Every embedded dataset.
pub static EMBEDDED: Registry<Embedded> = Registry::new(
    "embedded dataset",
    &[
        #[cfg(feature = "embedded")]
        Embedded {
            name: "fashion-mnist",
            images: Storage::Embedded {
                name: "t10k-images-idx3-ubyte.gz",
                bytes: include_bytes!("../../models/fashion-mnist/t10k-images-idx3-ubyte.gz"),
            },
            labels: Storage::Embedded {
                name: "t10k-labels-idx1-ubyte.gz",
                bytes: include_bytes!("../../models/fashion-mnist/t10k-labels-idx1-ubyte.gz"),
            },
        },
    ],
);

/// A dataset in the program's own bytes: a pair of IDX files.
#[derive(Debug)]
pub struct Embedded {
    name: &'static str,
    images: Storage,
    labels: Storage,
}

impl Named for Embedded {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// The embedded dataset of this name.
///
/// # Errors
/// Lists the embedded datasets.
pub fn embedded(name: &str) -> Result<&'static Embedded, UnknownName> {
    EMBEDDED.find(name)
}

impl Embedded {
    /// Opens it; pixels are decompressed as they are read.
    ///
    /// # Errors
    /// None for the datasets as shipped: they go through the same reader, and checks, as files.
    pub fn open(&self) -> Result<Dataset, DataError> {
        let storages = [self.images.clone(), self.labels.clone()];
        idx::dataset(Origin::new(self.name.to_owned(), storages.clone()), storages)
    }
}
