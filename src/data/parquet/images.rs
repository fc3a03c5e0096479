//! The way to the encoded images of a set: row group after row group, page after page.

use super::columns::{self, Shard};
use super::failure::{failed, guarded};
use crate::data::{DataError, EncodedImage, Pixels, ReadPixels};
use ::parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use ::parquet::data_type::ByteArrayType;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;

/// The images of all files.
pub(super) struct Images {
    groups: Vec<Group>,
    /// Of each file, its column of images.
    files: Vec<(PathBuf, usize)>,
    /// The file that is open.
    file: Option<(usize, SerializedFileReader<File>)>,
    /// The row group that is being read.
    cursor: Option<Cursor>,
}

/// A row group of the set.
struct Group {
    file: usize,
    /// Its place in its file.
    index: usize,
    /// Its samples.
    samples: Range<usize>,
}

struct Cursor {
    group: usize,
    column: ColumnReaderImpl<ByteArrayType>,
    /// The sample that it stands at.
    next: usize,
}

impl Images {
    pub fn new(shards: Vec<Shard>) -> Images {
        let (mut groups, mut files, mut start) = (Vec::new(), Vec::new(), 0);
        for Shard { file, images, groups: rows, .. } in shards {
            for (index, rows) in rows.into_iter().enumerate() {
                groups.push(Group { file: files.len(), index, samples: start..start + rows });
                start += rows;
            }
            files.push((file, images));
        }
        Images { groups, files, file: None, cursor: None }
    }

    /// The row group of a sample.
    fn group_of(&self, sample: usize) -> usize {
        self.groups.partition_point(|group| group.samples.end <= sample)
    }

    /// A cursor at `sample`: the one that stands there already, else a new one.
    fn cursor(&mut self, sample: usize) -> Result<&mut Cursor, DataError> {
        let group = self.group_of(sample);
        let Group { file, index, samples } = &self.groups[group];
        let (path, column) = &self.files[*file];
        let mut cursor = match self.cursor.take() {
            Some(cursor) if cursor.group == group && cursor.next <= sample => cursor,
            _ => {
                let reader = match self.file.take() {
                    Some((open, reader)) if open == *file => reader,
                    _ => columns::read(path)?,
                };
                let (_, reader) = self.file.insert((*file, reader));
                let rows = reader.get_row_group(*index).map_err(|error| failed(path, error))?;
                let column = rows.get_column_reader(*column).map_err(|error| failed(path, error))?;
                Cursor { group, column: get_typed_column_reader(column), next: samples.start }
            }
        };
        let skipped = cursor.column.skip_records(sample - cursor.next).map_err(|error| failed(path, error))?;
        cursor.next += skipped;
        Ok(self.cursor.insert(cursor))
    }

    /// One image.
    fn image(&mut self, sample: usize) -> Result<EncodedImage, DataError> {
        let cursor = self.cursor(sample)?;
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let read = cursor.column.read_records(1, Some(&mut levels), None, &mut values);
        cursor.next += 1;
        let group = cursor.group;
        let path = &self.files[self.groups[group].file].0;
        read.map_err(|error| failed(path, error))?;
        let Some(value) = values.pop() else {
            let found = format!("no bytes in sample {sample}");
            return Err(DataError::content(path.display(), found, "the bytes of a PNG or JPEG file in each row"));
        };
        Ok(EncodedImage { file: format!("{}, sample {sample}", path.display()), bytes: value.data().to_vec() })
    }
}

impl ReadPixels for Images {
    fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError> {
        let images = samples.map(|sample| {
            let file = self.files[self.groups[self.group_of(sample)].file].0.clone();
            guarded(&file, || self.image(sample))
        });
        images.collect::<Result<_, _>>().map(Pixels::Encoded)
    }
}
