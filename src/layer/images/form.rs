//! What a layer's input images hold: numbers, or operands in the form that the layer multiplies.

use super::sized::sized;
use crate::kernel::convert::{Quantizer, quantize};
use crate::kernel::{Entry, ImageLayout, ImagesMut, map};
use crate::quant::ActivationParams;
use std::iter;
use std::sync::Arc;

/// The elements of a layer's input images.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// The numbers themselves.
    Reals,
    /// Operands of a byte.
    Bytes(OperandForm<u8>),
    /// Operands of a word.
    Words(OperandForm<i16>),
}

impl Form {
    /// Elements of a position of that many channels.
    pub fn elements(&self, channels: usize) -> usize {
        match self {
            Form::Reals => channels,
            Form::Bytes(form) => channels.next_multiple_of(form.group),
            Form::Words(form) => channels.next_multiple_of(form.group),
        }
    }

    /// Whether there is one operand for each number, in the order of the numbers: the largest is that of the largest.
    pub fn is_operands_in_order(&self) -> bool {
        match self {
            Form::Reals => false,
            Form::Bytes(form) => form.is_ordered() && form.terms() == 1,
            Form::Words(form) => form.is_ordered() && form.terms() == 1,
        }
    }

    /// Images of each image.
    pub fn terms(&self) -> usize {
        match self {
            Form::Reals => 1,
            Form::Bytes(form) => form.terms(),
            Form::Words(form) => form.terms(),
        }
    }
}

/// The operands that a quantized layer reads, of which there may be several for each number, one for each of the
/// products that a table is a sum of: those of each such term are images of their own, after all images of the
/// term before.
#[derive(Debug, Clone, PartialEq)]
pub struct OperandForm<T> {
    params: ActivationParams,
    mapping: Mapping<T>,
    /// Channels are padded to a multiple of these.
    group: usize,
}

/// What a quantized number becomes.
#[derive(Debug, Clone, PartialEq)]
enum Mapping<T> {
    /// The integer plus this, `terms` times.
    Integer { offset: i32, terms: usize },
    /// The entry of its byte in the table of each term.
    Tables(Vec<Arc<[T; 256]>>),
}

/// A type that operands have in memory.
pub trait Operand: Entry + Default + PartialEq + Send + Sync + 'static {
    /// Whether there are negative ones.
    const IS_SIGNED: bool;

    /// The operand that an integer is.
    fn of(integer: i32) -> Self;

    /// Overwrites `operands` with those that quantized bytes are, signed or not.
    fn of_bytes(bytes: &[u8], is_signed: bool, operands: &mut [Self]);

    /// Operands as the bytes that they are, if they are.
    fn bytes_mut(operands: &mut [Self]) -> Option<&mut [u8]>;
}

impl Operand for u8 {
    const IS_SIGNED: bool = false;

    fn of(integer: i32) -> Self {
        integer as u8
    }

    fn of_bytes(bytes: &[u8], _: bool, operands: &mut [u8]) {
        operands.copy_from_slice(bytes);
    }

    fn bytes_mut(operands: &mut [u8]) -> Option<&mut [u8]> {
        Some(operands)
    }
}

impl Operand for i16 {
    const IS_SIGNED: bool = true;

    fn of(integer: i32) -> Self {
        integer as i16
    }

    fn of_bytes(bytes: &[u8], is_signed: bool, operands: &mut [i16]) {
        if is_signed {
            operands.iter_mut().zip(bytes).for_each(|(to, &byte)| *to = i16::from(byte.cast_signed()));
        } else {
            operands.iter_mut().zip(bytes).for_each(|(to, &byte)| *to = i16::from(byte));
        }
    }

    fn bytes_mut(_: &mut [i16]) -> Option<&mut [u8]> {
        None
    }
}

impl<T: Operand> OperandForm<T> {
    /// The integers plus `offset`, in channels padded to a multiple of `group`. Bytes hold the sums, and words, whose
    /// offset is 0, the integers.
    pub fn integers(params: ActivationParams, offset: i32, terms: usize, group: usize) -> Self {
        OperandForm { params, mapping: Mapping::Integer { offset, terms }, group }
    }

    /// The entries of the bytes of integers in tables.
    pub fn mapped(params: ActivationParams, tables: Vec<Arc<[T; 256]>>, group: usize) -> Self {
        OperandForm { params, mapping: Mapping::Tables(tables), group }
    }

    /// Operands of each number.
    pub fn terms(&self) -> usize {
        match &self.mapping {
            Mapping::Integer { terms, .. } => *terms,
            Mapping::Tables(tables) => tables.len(),
        }
    }

    /// The operand of padding in a term.
    pub fn padding(&self, term: usize) -> T {
        let zero_point = self.params.zero_point();
        match &self.mapping {
            Mapping::Integer { offset, .. } => T::of(zero_point + offset),
            Mapping::Tables(tables) => tables[term][usize::from(zero_point as u8)],
        }
    }

    /// Whether operands have the order of the numbers, so that the largest operand is that of the largest number.
    pub fn is_ordered(&self) -> bool {
        match self.mapping {
            // A negative integer in an unsigned type is larger than others.
            Mapping::Integer { offset, .. } => T::IS_SIGNED || self.params.range().q_min() + offset >= 0,
            Mapping::Tables(_) => false,
        }
    }

    /// How numbers become bytes.
    fn quantizer(&self) -> Quantizer {
        match self.mapping {
            Mapping::Integer { offset, .. } => self.params.quantizer(offset),
            Mapping::Tables(_) => self.params.quantizer(0),
        }
    }

    /// Overwrites positions of each term with the operands of `numbers`, `channels` a position; returns whether one was
    /// NaN.
    pub fn write<'p>(
        &self,
        numbers: &[f32],
        channels: usize,
        mut terms: impl Iterator<Item = &'p mut [T]>,
        bytes: &mut Vec<u8>,
    ) -> bool {
        let Some(first) = terms.next() else { return false };
        if matches!(self.mapping, Mapping::Integer { .. })
            && first.len() == numbers.len()
            && let Some(bytes) = T::bytes_mut(first)
        {
            let has_nan = quantize(&self.quantizer(), numbers, bytes);
            terms.for_each(|term| term.copy_from_slice(first));
            return has_nan;
        }
        let bytes = sized(bytes, numbers.len());
        let has_nan = quantize(&self.quantizer(), numbers, bytes);
        for (term, operands) in iter::once(first).chain(terms).enumerate() {
            self.write_term(term, bytes, channels, operands);
        }
        has_nan
    }

    /// Overwrites positions of a term with the operands of quantized `bytes`, `channels` a position.
    fn write_term(&self, term: usize, bytes: &[u8], channels: usize, operands: &mut [T]) {
        let elements = channels.next_multiple_of(self.group);
        let write = |bytes: &[u8], operands: &mut [T]| match &self.mapping {
            Mapping::Integer { .. } => T::of_bytes(bytes, self.params.range().q_min() < 0, operands),
            Mapping::Tables(tables) => map(&tables[term], bytes, operands),
        };
        if elements == channels {
            return write(bytes, operands);
        }
        for (bytes, operands) in bytes.chunks_exact(channels).zip(operands.chunks_exact_mut(elements)) {
            write(bytes, &mut operands[..channels]);
        }
    }

    /// Overwrites the borders of the images of all terms.
    pub fn fill_borders(&self, layout: &ImageLayout, images: &mut [T]) {
        let all = images.len() / self.terms();
        for (term, images) in images.chunks_exact_mut(all.max(1)).enumerate() {
            layout.fill_border(images, self.padding(term));
        }
    }

    /// The images of each term among those of all.
    pub fn split<'a>(&self, layout: ImageLayout, images: &'a mut [T]) -> Vec<ImagesMut<'a, T>> {
        let all = images.len() / self.terms();
        images.chunks_exact_mut(all.max(1)).map(|values| ImagesMut { layout, values }).collect()
    }
}
