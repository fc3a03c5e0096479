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
            blake3: "333329592a02d37006111d17f2c4e0c3c2a8f69a6d4e57d912280004d3c1cb46",
        },
    ],
);

/// A dataset in the program's own bytes: a pair of IDX files.
#[derive(Debug)]
pub struct Embedded {
    name: &'static str,
    images: Storage,
    labels: Storage,
    /// Its [hash](Origin::blake3), so that a run on a few samples touches only their bytes.
    blake3: &'static str,
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
        let hash = blake3::Hash::from_hex(self.blake3).expect("a hash as a test has compared it");
        idx::dataset(Origin::new(self.name.to_owned(), storages.clone()).with_hash(hash), storages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_files() {
        for set in &EMBEDDED {
            let origin = Origin::new(set.name.to_owned(), [set.images.clone(), set.labels.clone()]);
            assert_eq!(origin.blake3().unwrap().to_hex().as_str(), set.blake3, "{}", set.name);
            assert_eq!(set.open().unwrap().origin().blake3().unwrap(), origin.blake3().unwrap());
        }
    }
}
