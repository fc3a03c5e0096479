//! Resampling filters: part of how a network was trained, as its mean is.

use crate::registry::{Named, Registry, by_name};

/// The resampling filter for resizing images, always with antialiasing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Interpolation {
    /// A triangle, one pixel to each side: torchvision's default.
    #[default]
    Bilinear,
    /// Cubic convolution with a = -0.5, two pixels to each side: the one that most of timm's networks were trained with.
    Bicubic,
}

/// Every interpolation.
pub static INTERPOLATIONS: Registry<Interpolation> =
    Registry::new("interpolation", &[Interpolation::Bilinear, Interpolation::Bicubic]);

impl Named for Interpolation {
    fn name(&self) -> &'static str {
        match self {
            Interpolation::Bilinear => "bilinear",
            Interpolation::Bicubic => "bicubic",
        }
    }
}

by_name!(Interpolation, INTERPOLATIONS);
