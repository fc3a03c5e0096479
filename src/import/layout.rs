//! The axis order of a network's input.

use crate::registry::{Named, Registry, by_name};

/// Which axis of a network's input has the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// The second.
    Nchw,
    /// The last.
    Nhwc,
    /// The last if that alone can be a number of channels (1 or 3), else the second.
    #[default]
    Auto,
}

/// Every axis order.
pub static LAYOUTS: Registry<Layout> = Registry::new("layout", &[Layout::Nchw, Layout::Nhwc, Layout::Auto]);

impl Named for Layout {
    fn name(&self) -> &'static str {
        match self {
            Layout::Nchw => "nchw",
            Layout::Nhwc => "nhwc",
            Layout::Auto => "auto",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Layout::Nchw => "Channels before height and width, as in PyTorch",
            Layout::Nhwc => "Channels last, as in TensorFlow",
            Layout::Auto => "nhwc if only the last axis can be channels (1 or 3), else nchw",
        }
    }
}

by_name!(Layout, LAYOUTS);
