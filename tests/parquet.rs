//! Damaged Parquet files are errors alone: at some damage their parser panics, of which nobody hears.
//!
//! This is a program of its own because the hook that hears of panics is the whole process's.

use approx_eval::data::{self, Dataset, Split};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::{properties::WriterProperties, writer::SerializedFileWriter};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Panics that were heard of.
static HEARD: AtomicUsize = AtomicUsize::new(0);

/// Writes a set of three rows.
fn write(path: &Path) {
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

#[test]
fn only_errors_are_heard_of_damage() {
    std::panic::set_hook(Box::new(|_| {
        HEARD.fetch_add(1, Ordering::SeqCst);
    }));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.parquet");
    write(&path);
    let whole = std::fs::read(&path).unwrap();
    let mut panics = 0;
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x80;
        // A new file: to overwrite one can wait for the disk.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, changed).unwrap();
        let read = |mut set: Dataset| set.read(0..set.len());
        if let Err(error) = data::open(&path, None, Split::Test).and_then(read) {
            panics += usize::from(error.to_string().contains("that its decoder does not expect"));
        }
    }
    assert!(panics > 0, "no damage here makes the parser panic: this test tests nothing");
    assert_eq!(HEARD.load(Ordering::SeqCst), 0, "of {panics}");
    // Others go where they went before.
    assert!(std::panic::catch_unwind(|| panic!("heard")).is_err());
    assert_eq!(HEARD.load(Ordering::SeqCst), 1);
}
