//! The networks that the crate carries, embedded so that an installed binary runs anywhere.

/// A model directory in the binary.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    /// Its name, and that of its directory.
    pub name: &'static str,
    /// `config.json`.
    pub config: &'static [u8],
    /// `model.safetensors`.
    pub weights: &'static [u8],
    /// `calibration.safetensors`.
    pub calibration: &'static [u8],
}

/// The files of one directory under `models/`.
macro_rules! shipped {
    ($name:literal) => {
        Shipped {
            name: $name,
            config: include_bytes!(concat!("../../models/", $name, "/config.json")),
            weights: include_bytes!(concat!("../../models/", $name, "/model.safetensors")),
            calibration: include_bytes!(concat!("../../models/", $name, "/calibration.safetensors")),
        }
    };
}

/// Every shipped network; the first is the default.
pub static SHIPPED: &[Shipped] = &[shipped!("lenet5"), shipped!("resnet8"), shipped!("ds_cnn")];
