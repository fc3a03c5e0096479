//! Conversion between grayscale and RGB images.

use crate::registry::{Named, Registry, by_name};

/// The channels that byte images are converted to before resizing and normalization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One channel: RGB becomes `(19595 R + 38470 G + 7471 B + 0x8000) >> 16`, as in Pillow.
    Gray,
    /// Three channels: a gray level is repeated.
    Rgb,
}

/// Every conversion.
pub static CHANNELS: Registry<Channels> = Registry::new("channels", &[Channels::Gray, Channels::Rgb]);

impl Named for Channels {
    fn name(&self) -> &'static str {
        match self {
            Channels::Gray => "gray",
            Channels::Rgb => "rgb",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Channels::Gray => "One channel, by the ITU-R 601 weights of Pillow's mode L",
            Channels::Rgb => "Three channels; gray levels are repeated",
        }
    }
}

by_name!(Channels, CHANNELS);

impl Channels {
    /// The number of channels.
    pub fn count(self) -> usize {
        match self {
            Channels::Gray => 1,
            Channels::Rgb => 3,
        }
    }
}
