//! Flat buffers: tables, vectors and texts that a file places anywhere in itself, every place checked.
//!
//! A table starts with the distance back to its list of fields, which has the place of each in the table, by
//! number, or 0 where it has its default (<https://flatbuffers.dev/internals/>). Vectors, texts and further tables lie
//! at a distance that the field says. Any distance may be wrong in a damaged file: all that is read here lies in the
//! file, and nothing is copied, so that a part that several fields lead to takes no more memory than once.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Range;

/// Where a file is not a flat buffer, or not the one that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}, in a table {table}")]
pub struct BufferError {
    /// The table that is being read.
    pub table: &'static str,
    /// The offset of the faulty part.
    pub at: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A number as files store it, of a few bytes with the lowest first.
pub(super) trait Number: Sized {
    /// Its bytes.
    const SIZE: usize;

    /// The number that starts `bytes`.
    fn first(bytes: &[u8]) -> Option<Self>;
}

macro_rules! numbers {
    ($($type:ty),*) => {
        $(impl Number for $type {
            const SIZE: usize = size_of::<$type>();

            fn first(bytes: &[u8]) -> Option<Self> {
                bytes.first_chunk().map(|bytes| <$type>::from_le_bytes(*bytes))
            }
        })*
    };
}
numbers!(i8, u8, u16, i32, u32, i64, u64, f32);

/// The number at a place of a file.
fn number<T: Number>(file: &[u8], at: usize) -> Option<T> {
    T::first(file.get(at..)?)
}

/// A table: fields by number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    file: &'a [u8],
    /// What it is, for messages.
    name: &'static str,
    at: usize,
    /// The places of its fields, two bytes each, from its start.
    fields: &'a [u8],
}

impl<'a> Table<'a> {
    /// The table of kind `name` that a file is.
    ///
    /// # Errors
    /// When it does not lie in the file.
    pub fn root(file: &'a [u8], name: &'static str) -> Result<Self, BufferError> {
        Self::new(file, target(file, 0, name)?, name)
    }

    fn new(file: &'a [u8], at: usize, name: &'static str) -> Result<Self, BufferError> {
        let fields = || {
            let back = i64::from(number::<i32>(file, at)?);
            let list = usize::try_from(i64::try_from(at).ok()?.checked_sub(back)?).ok()?;
            let size = usize::from(number::<u16>(file, list)?);
            // The list starts with its own size and that of the table.
            file.get(list.checked_add(4)?..list.checked_add(size)?)
        };
        match fields() {
            Some(fields) => Ok(Table { file, name, at, fields }),
            None => Err(BufferError { table: name, at, problem: "a list of fields that lies outside the file" }),
        }
    }

    /// The error of what lies at `at`.
    fn error(&self, at: usize, problem: &'static str) -> BufferError {
        BufferError { table: self.name, at, problem }
    }

    /// The place of a field, if the table has it.
    fn place(&self, field: usize) -> Option<usize> {
        let place = usize::from(number::<u16>(self.fields, 2 * field)?);
        (place > 0).then(|| self.at.saturating_add(place))
    }

    /// A number, or `default` where the table does not have the field.
    ///
    /// # Errors
    /// When it lies outside the file.
    pub fn number<T: Number>(&self, field: usize, default: T) -> Result<T, BufferError> {
        let Some(at) = self.place(field) else { return Ok(default) };
        number(self.file, at).ok_or_else(|| self.error(at, "a number that lies outside the file"))
    }

    /// A yes or no; no where the table does not have the field.
    ///
    /// # Errors
    /// As for [`number`](Table::number).
    pub fn flag(&self, field: usize) -> Result<bool, BufferError> {
        Ok(self.number::<u8>(field, 0)? != 0)
    }

    /// Several numbers; none where the table does not have the field.
    ///
    /// # Errors
    /// When they lie outside the file.
    pub fn vector<T: Number>(&self, field: usize) -> Result<Vector<'a, T>, BufferError> {
        let range = self.elements(field, T::SIZE)?;
        Ok(Vector { bytes: self.file.get(range).unwrap_or_default(), elements: PhantomData })
    }

    /// A text, whose damaged characters are replaced; an empty one where the table does not have the field. Only
    /// the start of very long ones is read.
    ///
    /// # Errors
    /// When it lies outside the file.
    pub fn text(&self, field: usize) -> Result<Cow<'a, str>, BufferError> {
        /// Bytes of the longest.
        const LONGEST: usize = 4096;
        let bytes = self.vector::<u8>(field)?.bytes;
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]))
    }

    /// The table of kind `name` that a field leads to, if the table has it.
    ///
    /// # Errors
    /// When it lies outside the file.
    pub fn table(&self, field: usize, name: &'static str) -> Result<Option<Table<'a>>, BufferError> {
        let table = |at| Table::new(self.file, target(self.file, at, name)?, name);
        self.place(field).map(table).transpose()
    }

    /// Several tables of kind `name`; none where the table does not have the field.
    ///
    /// # Errors
    /// When the list of them lies outside the file; each of them has an error of its own.
    pub fn tables(
        &self,
        field: usize,
        name: &'static str,
    ) -> Result<impl ExactSizeIterator<Item = Result<Table<'a>, BufferError>> + use<'a>, BufferError> {
        let (file, range) = (self.file, self.elements(field, 4)?);
        // Distances count from where they stand.
        let table = move |i: usize| Table::new(file, target(file, range.start + 4 * i, name)?, name);
        Ok((0..range.len() / 4).map(table))
    }

    /// Where the elements of a field lie, of `size` bytes each; nowhere if the table does not have it.
    fn elements(&self, field: usize, size: usize) -> Result<Range<usize>, BufferError> {
        let Some(at) = self.place(field) else { return Ok(0..0) };
        let list = target(self.file, at, self.name)?;
        let elements = || {
            let (start, count) = (list.checked_add(4)?, number::<u32>(self.file, list)? as usize);
            let end = start.checked_add(count.checked_mul(size)?)?;
            (end <= self.file.len()).then_some(start..end)
        };
        elements().ok_or_else(|| self.error(list, "a vector that reaches beyond the end"))
    }
}

/// The place that lies as far after `at` as the number there says.
fn target(file: &[u8], at: usize, table: &'static str) -> Result<usize, BufferError> {
    let distance = number::<u32>(file, at).map(|distance| distance as usize);
    let place = distance.and_then(|distance| at.checked_add(distance)).filter(|&place| place < file.len());
    place.ok_or(BufferError { table, at, problem: "a distance that leads outside the file" })
}

/// Numbers in a file.
#[derive(Debug)]
pub(super) struct Vector<'a, T> {
    bytes: &'a [u8],
    elements: PhantomData<T>,
}

impl<T> Clone for Vector<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Vector<'_, T> {}

impl<T> Default for Vector<'_, T> {
    fn default() -> Self {
        Vector { bytes: &[], elements: PhantomData }
    }
}

impl<'a, T: Number> Vector<'a, T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / T::SIZE
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        self.bytes.chunks_exact(T::SIZE).filter_map(T::first)
    }

    /// The one at `index`.
    pub fn get(&self, index: usize) -> Option<T> {
        number(self.bytes, index.checked_mul(T::SIZE)?)
    }
}

impl<'a> Vector<'a, u8> {
    /// The bytes themselves.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}
