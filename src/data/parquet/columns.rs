//! A Parquet file as a set sees it: which columns count, and the labels.

use super::failure::failed;
use crate::data::DataError;
use crate::input;
use ::parquet::basic::Type;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::DataType;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, FileMetaData, RowGroupMetaData};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::path::{Path, PathBuf};

const IMAGES: [&str; 4] = ["image.bytes", "img.bytes", "image", "img"];
const LABELS: [&str; 3] = ["label", "labels", "fine_label"];

/// A file whose columns have been found.
pub(super) struct Shard {
    pub file: PathBuf,
    /// The column of encoded images.
    pub images: usize,
    /// Rows of each row group.
    pub groups: Vec<usize>,
    pub class_names: Option<Vec<String>>,
}

impl Shard {
    /// Reads what is said of a file, and all of its labels.
    pub fn open(path: &Path) -> Result<(Shard, Vec<u32>), DataError> {
        let reader = read(path)?;
        let metadata = reader.metadata().file_metadata();
        let images = column(path, metadata, &IMAGES, &[Type::BYTE_ARRAY], "encoded images (a struct of `bytes`)")?;
        let labels = column(path, metadata, &LABELS, &[Type::INT32, Type::INT64], "labels (integers)")?;
        let label_name = metadata.schema_descr().column(labels).path().string();
        let mut shard = Shard {
            file: path.to_owned(),
            images,
            groups: Vec::new(),
            class_names: class_names(metadata, &label_name),
        };
        let mut found = Vec::new();
        for group in 0..reader.num_row_groups() {
            let before = found.len();
            read_labels(path, &reader, group, labels, &mut found)?;
            shard.groups.push(found.len() - before);
        }
        Ok((shard, found))
    }
}

/// Opens a file. What the file says of the places of its column chunks lies within it.
pub(super) fn read(path: &Path) -> Result<SerializedFileReader<File>, DataError> {
    let io = |source| DataError::io(path.display(), source);
    let file = input::open(path).map_err(io)?;
    let len = file.metadata().map_err(io)?.len();
    let reader = SerializedFileReader::new(file).map_err(|error| failed(path, error))?;
    let groups = reader.metadata().row_groups().iter();
    match groups.flat_map(RowGroupMetaData::columns).find(|column| !lies_within(column, len)) {
        None => Ok(reader),
        Some(column) => {
            let found = format!("a column '{}' beyond the end", column.column_path().string());
            Err(DataError::content(path.display(), found, "an intact Parquet file"))
        }
    }
}

fn lies_within(column: &ColumnChunkMetaData, len: u64) -> bool {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset()).min(column.data_page_offset());
    let (start, size) = (u64::try_from(start), u64::try_from(column.compressed_size()));
    start.is_ok_and(|start| size.is_ok_and(|size| start.checked_add(size).is_some_and(|end| end <= len)))
}

/// The first column of one of these names; it must be of one of `types`, with one value a row.
fn column(
    path: &Path,
    metadata: &FileMetaData,
    names: &[&str],
    types: &[Type],
    what: &str,
) -> Result<usize, DataError> {
    let columns = metadata.schema_descr().columns();
    let named = |name: &&str| columns.iter().position(|column| column.path().string() == **name);
    let found = names.iter().find_map(named);
    let fits = |&index: &usize| columns[index].max_rep_level() == 0 && types.contains(&columns[index].physical_type());
    found.filter(fits).ok_or_else(|| {
        let known: Vec<_> =
            columns.iter().map(|column| format!("{} ({})", column.path().string(), column.physical_type())).collect();
        let expected = format!("a column {} of {what}", names.join(", "));
        DataError::content(path.display(), format!("columns {}", known.join(", ")), expected)
    })
}

/// The names that the hub's metadata gives to labels.
fn class_names(metadata: &FileMetaData, label: &str) -> Option<Vec<String>> {
    let entry = metadata.key_value_metadata()?.iter().find(|entry| entry.key == "huggingface")?;
    let about: serde_json::Value = serde_json::from_str(entry.value.as_deref()?).ok()?;
    let names = about.pointer(&format!("/info/features/{label}/names"))?.as_array()?;
    names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Adds the labels of a row group.
fn read_labels(
    path: &Path,
    reader: &SerializedFileReader<File>,
    group: usize,
    column: usize,
    labels: &mut Vec<u32>,
) -> Result<(), DataError> {
    let failed = |error| failed(path, error);
    let group = reader.get_row_group(group).map_err(failed)?;
    let mut values = group.get_column_reader(column).map_err(failed)?;
    let (rows, before) = (group.metadata().num_rows(), labels.len());
    loop {
        let Block { values, rows } = match &mut values {
            ColumnReader::Int32ColumnReader(reader) => Block::read(reader),
            ColumnReader::Int64ColumnReader(reader) => Block::read(reader),
            _ => Err(ParquetError::General("the column's type has changed".to_owned())),
        }
        .map_err(failed)?;
        let first = labels.len();
        if values.len() < rows {
            let found = format!("{} labels in rows {first} to {}", values.len(), first + rows);
            return Err(DataError::content(path.display(), found, "a label in each row"));
        }
        for value in values {
            let label = u32::try_from(value).map_err(|_| DataError::Label {
                file: path.display().to_string(),
                sample: labels.len(),
                label: value.into(),
                classes: 1 << 32,
            });
            labels.push(label?);
        }
        if rows == 0 {
            break;
        }
    }
    let found = labels.len() - before;
    if i64::try_from(found) != Ok(rows) {
        let expected = format!("{rows} as the file says");
        return Err(DataError::content(path.display(), format!("{found} labels in a row group"), expected));
    }
    Ok(())
}

/// Consecutive rows of a column of integers.
struct Block {
    /// The values of those rows that have one.
    values: Vec<i64>,
    rows: usize,
}

impl Block {
    /// The next rows, none where the column has ended.
    fn read<T: DataType<T: Into<i64>>>(column: &mut ColumnReaderImpl<T>) -> Result<Block, ParquetError> {
        /// What a file says of its pages is not trusted with more memory.
        const ROWS: usize = 1 << 14;
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (rows, ..) = column.read_records(ROWS, Some(&mut levels), None, &mut values)?;
        Ok(Block { values: values.into_iter().map(Into::into).collect(), rows })
    }
}
