//! Values in the forms in which they are kept.

use crate::graph::{Dim, ValueId, ValueType};
use crate::kernel::ImageLayout;
use crate::layer::Form;

/// The order of a tensor's axes, as images see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `[batch, channels, size..]`, as convolutions take it.
    ChannelsFirst,
    /// `[batch, .., channels]` of more than two axes, as linear layers take it.
    ChannelsLast,
}

/// A value as images: how many of them a sample has, and their size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageType {
    /// Images of a sample.
    pub per_sample: usize,
    /// Height and width.
    pub size: [usize; 2],
    /// Numbers of a position.
    pub channels: usize,
}

impl ImageType {
    /// A value of type `ty` in an order of axes, if it can be seen so.
    pub fn of(ty: &ValueType, order: Order) -> Option<ImageType> {
        let (&Dim::Batch(per_sample), rest) = ty.shape.split_first()? else { return None };
        let known = rest.iter().all(|dim| matches!(dim, Dim::Fixed(size) if *size > 0));
        if !known || !ty.element.is_real() {
            return None;
        }
        let sizes: Vec<usize> = rest.iter().map(|dim| dim.size(1)).collect();
        let (size, channels) = match (order, sizes.as_slice()) {
            (Order::ChannelsFirst, &[channels]) => ([1, 1], channels),
            (Order::ChannelsFirst, &[channels, length]) => ([1, length], channels),
            (Order::ChannelsFirst, &[channels, height, width]) => ([height, width], channels),
            (Order::ChannelsLast, [positions @ .., channels]) if !positions.is_empty() => {
                ([positions.iter().product(), 1], *channels)
            }
            _ => return None,
        };
        Some(ImageType { per_sample, size, channels })
    }
}

/// A value as it is kept.
#[derive(Debug)]
pub struct Kept {
    /// The value.
    pub value: ValueId,
    /// In which form.
    pub kind: KeptKind,
    /// Its place among those of its kind, once it has one.
    pub slot: usize,
    /// The node that reads it, which has no operand for NaN.
    pub reader: usize,
    /// The first step that writes it and the last that reads it.
    pub steps: [usize; 2],
}

/// A form of a value.
#[derive(Debug)]
pub enum KeptKind {
    /// A tensor.
    Tensor,
    /// Images.
    Images(KeptImages),
}

/// Images of a value.
#[derive(Debug, Clone)]
pub struct KeptImages {
    /// What they hold.
    pub form: Form,
    /// How the tensor's axes are ordered.
    pub order: Order,
    /// The value.
    pub ty: ImageType,
    /// How each image lies.
    pub layout: ImageLayout,
}

impl Kept {
    /// The images, where it is some.
    pub fn as_images(&self) -> Option<&KeptImages> {
        if let KeptKind::Images(images) = &self.kind { Some(images) } else { None }
    }

    /// The images.
    ///
    /// # Panics
    /// When it is a tensor.
    pub fn images(&self) -> &KeptImages {
        match &self.kind {
            KeptKind::Images(images) => images,
            KeptKind::Tensor => unreachable!("a step on images has images"),
        }
    }
}
