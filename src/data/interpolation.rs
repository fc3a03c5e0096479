//! How images are resized: a part of what a network was trained on, as its mean is.

use serde::{Deserialize, Serialize};

/// How pixels are weighed when images are resized, always with antialiasing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Interpolation {
    /// A triangle, one pixel to each side: torchvision's default.
    #[default]
    Bilinear,
    /// Cubic convolution with a = -0.5, two pixels to each side: what most of timm's networks take.
    Bicubic,
}

/// No interpolation has this name.
#[derive(Debug, thiserror::Error)]
#[error("unknown interpolation `{name}`, expected bilinear or bicubic")]
pub struct UnknownInterpolation {
    /// The name given.
    pub name: String,
}

impl Interpolation {
    /// Both, in the order that help texts list them.
    pub const ALL: [Interpolation; 2] = [Interpolation::Bilinear, Interpolation::Bicubic];

    /// The name that options and configurations use.
    pub fn name(self) -> &'static str {
        match self {
            Interpolation::Bilinear => "bilinear",
            Interpolation::Bicubic => "bicubic",
        }
    }
}

impl std::fmt::Display for Interpolation {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Interpolation {
    type Err = UnknownInterpolation;

    fn from_str(name: &str) -> Result<Interpolation, UnknownInterpolation> {
        let unknown = || UnknownInterpolation { name: name.to_owned() };
        Self::ALL.into_iter().find(|interpolation| interpolation.name() == name).ok_or_else(unknown)
    }
}

impl TryFrom<String> for Interpolation {
    type Error = UnknownInterpolation;

    fn try_from(name: String) -> Result<Interpolation, UnknownInterpolation> {
        name.parse()
    }
}

impl From<Interpolation> for &'static str {
    fn from(interpolation: Interpolation) -> &'static str {
        interpolation.name()
    }
}
