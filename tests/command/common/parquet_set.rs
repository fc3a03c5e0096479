//! A set in a Parquet file, as tests write it.

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::{properties::WriterProperties, writer::SerializedFileWriter};
use std::path::Path;

/// Writes a set of three rows.
pub fn write(path: &Path) {
    let schema = "message schema { optional group image { optional binary bytes; } optional int64 label; }";
    let schema = parquet::schema::parser::parse_message_type(schema).unwrap();
    let mut picture = std::io::Cursor::new(Vec::new());
    let (color, format) = (image::ExtendedColorType::L8, image::ImageFormat::Png);
    image::write_buffer_with_format(&mut picture, &[1, 2, 3, 4], 2, 2, color, format).unwrap();
    let properties = WriterProperties::builder().build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema.into(), properties.into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let pictures = vec![ByteArray::from(picture.into_inner()); 3];
    column.typed::<ByteArrayType>().write_batch(&pictures, Some(&[2; 3]), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[5, 6, 7], Some(&[1; 3]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}
