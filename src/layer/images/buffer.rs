//! Memory of channels-last images, which is kept from one use to the next.

use super::form::{Form, Operand, OperandForm};
use super::targets::{Part, Target};
use crate::kernel::{ImageLayout, Images, ImagesMut, SLACK};

/// The images of a value, in one form.
#[derive(Debug)]
pub(crate) enum ImageBuffer {
    /// Numbers.
    Reals(Vec<f32>),
    /// Operands of a byte.
    Bytes(Vec<u8>),
    /// Operands of a word.
    Words(Vec<i16>),
}

/// How the images of a buffer lie, and what they hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// What they hold.
    pub form: &'a Form,
    /// Of each of them.
    pub layout: ImageLayout,
    /// How many there are.
    pub count: usize,
}

impl Place<'_> {
    /// Elements of the images of all terms.
    pub fn len(&self) -> usize {
        self.form.terms() * self.count * self.layout.image()
    }
}

impl ImageBuffer {
    /// An empty buffer for images of a form.
    pub fn of(form: &Form) -> Self {
        match form {
            Form::Reals => ImageBuffer::Reals(Vec::new()),
            Form::Bytes(_) => ImageBuffer::Bytes(Vec::new()),
            Form::Words(_) => ImageBuffer::Words(Vec::new()),
        }
    }

    /// Makes room for images, and fills their borders.
    pub fn reset(&mut self, place: Place) {
        let Place { layout, .. } = place;
        match (self, place.form) {
            (ImageBuffer::Reals(values), Form::Reals) => layout.fill_border(room(values, &place), 0.0),
            (ImageBuffer::Bytes(values), Form::Bytes(form)) => form.fill_borders(&layout, room(values, &place)),
            (ImageBuffer::Words(values), Form::Words(form)) => form.fill_borders(&layout, room(values, &place)),
            _ => unreachable!("a buffer is made for its form"),
        }
    }

    /// The images, as a layer reads them.
    pub fn input(&self, place: Place) -> Input<'_> {
        let (layout, end) = (place.layout, place.len() + SLACK);
        match self {
            ImageBuffer::Reals(values) => Input::Reals(Images { layout, values: &values[..end] }),
            ImageBuffer::Bytes(values) => Input::Bytes(Images { layout, values: &values[..end] }),
            ImageBuffer::Words(values) => Input::Words(Images { layout, values: &values[..end] }),
        }
    }

    /// The numbers of a buffer of them.
    pub fn reals(&self, place: Place) -> Images<'_, f32> {
        let Input::Reals(images) = self.input(place) else { unreachable!("a buffer of numbers") };
        Images { values: &images.values[..place.len()], ..images }
    }

    /// The numbers of a buffer of them, to be written.
    pub fn reals_mut(&mut self, place: Place) -> ImagesMut<'_, f32> {
        let ImageBuffer::Reals(values) = self else { unreachable!("a buffer of numbers") };
        ImagesMut { layout: place.layout, values: &mut values[..place.len()] }
    }

    /// Overwrites images from `first` on with those of another buffer of the same form, borders included.
    pub fn copy(&mut self, to: Place, from: &ImageBuffer, of: Place, first: usize) {
        fn terms<T: Copy>(values: &mut [T], from: &[T], [to, of]: [Place; 2], first: usize) {
            let [all, some] = [to, of].map(|place| place.count * place.layout.image());
            for term in 0..to.form.terms() {
                let at = term * all + first * to.layout.image();
                values[at..at + some].copy_from_slice(&from[term * some..(term + 1) * some]);
            }
        }
        match (self, from) {
            (ImageBuffer::Reals(values), ImageBuffer::Reals(from)) => terms(values, from, [to, of], first),
            (ImageBuffer::Bytes(values), ImageBuffer::Bytes(from)) => terms(values, from, [to, of], first),
            (ImageBuffer::Words(values), ImageBuffer::Words(from)) => terms(values, from, [to, of], first),
            _ => unreachable!("buffers of the same form"),
        }
    }

    /// The images, as outputs are written to them.
    pub fn target<'a>(&'a mut self, place: Place<'a>) -> Target<'a> {
        let (layout, len) = (place.layout, place.len());
        match (self, place.form) {
            (ImageBuffer::Reals(values), Form::Reals) => {
                Target::Reals(ImagesMut { layout, values: &mut values[..len] }.into())
            }
            (ImageBuffer::Bytes(values), Form::Bytes(form)) => {
                Target::Bytes(form, parts(form, layout, &mut values[..len]))
            }
            (ImageBuffer::Words(values), Form::Words(form)) => {
                Target::Words(form, parts(form, layout, &mut values[..len]))
            }
            _ => unreachable!("a buffer is made for its form"),
        }
    }
}

fn room<'a, T: Copy + Default>(values: &'a mut Vec<T>, place: &Place) -> &'a mut [T] {
    let len = place.len();
    if values.len() < len + SLACK {
        values.resize(len + SLACK, T::default());
    }
    &mut values[..len]
}

fn parts<'a, T: Operand>(form: &OperandForm<T>, layout: ImageLayout, values: &'a mut [T]) -> Vec<Part<'a, T>> {
    form.split(layout, values).into_iter().map(Into::into).collect()
}

/// The input images of a layer, of all terms.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Numbers.
    Reals(Images<'a, f32>),
    /// Operands of a byte.
    Bytes(Images<'a, u8>),
    /// Operands of a word.
    Words(Images<'a, i16>),
}

impl<'a> Input<'a> {
    /// Operands of a byte, if it is those.
    pub fn bytes(self) -> Option<Images<'a, u8>> {
        if let Input::Bytes(images) = self { Some(images) } else { None }
    }

    /// Operands of a word, if it is those.
    pub fn words(self) -> Option<Images<'a, i16>> {
        if let Input::Words(images) = self { Some(images) } else { None }
    }
}
