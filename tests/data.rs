//! Sets larger than memory are streamed: evaluating one takes no more memory than a few batches.
//!
//! This is a program of its own because the peak that the system reports is the whole process's.
#![cfg(target_os = "linux")]

use approx_eval::data::{self, Batches, Preprocess, Split};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::path::Path;

const SIDE: usize = 28;
const SAMPLES: usize = 80_000;
/// Bytes of pixels in every set, 60 MiB.
const PIXELS: usize = SAMPLES * SIDE * SIDE;
/// Pictures of 200 x 200 that compress badly, 69 MiB of PNG files.
const PICTURES: usize = 600;
/// What all of them together may take, with the program itself.
const CAP: usize = 32 << 20;

/// The most memory that this process has had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// A set, and how it is read.
struct Streamed {
    path: &'static str,
    samples: usize,
    batch_size: usize,
    preprocess: Preprocess,
}

impl Streamed {
    /// A set of `SAMPLES` small images.
    fn small(path: &'static str) -> Streamed {
        Streamed { path, samples: SAMPLES, batch_size: 256, preprocess: Preprocess::default() }
    }

    /// A set of pictures.
    fn pictures(path: &'static str) -> Streamed {
        let preprocess = Preprocess { resize: Some(SIDE), ..Preprocess::default() };
        Streamed { path, samples: PICTURES, batch_size: 16, preprocess }
    }
}

/// Writes `zeros` zero bytes between two others.
fn write(mut to: impl Write, head: &[u8], zeros: usize, tail: &[u8]) {
    to.write_all(head).unwrap();
    let block = vec![0; 1 << 16];
    for start in (0..zeros).step_by(block.len()) {
        to.write_all(&block[..block.len().min(zeros - start)]).unwrap();
    }
    to.write_all(tail).unwrap();
    to.flush().unwrap();
}

fn idx(dims: &[usize]) -> Vec<u8> {
    let dims_bytes = dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes());
    [0, 0, 8, dims.len() as u8].into_iter().chain(dims_bytes).collect()
}

fn idx_plain(folder: &Path) -> Streamed {
    write(File::create(folder.join("labels")).unwrap(), &idx(&[SAMPLES]), SAMPLES, &[]);
    let mut images = File::create(folder.join("images")).unwrap();
    images.write_all(&idx(&[SAMPLES, SIDE, SIDE])).unwrap();
    // A hole in the file.
    let len = images.seek(SeekFrom::Current(PIXELS as i64)).unwrap();
    images.set_len(len).unwrap();
    Streamed::small("images")
}

fn idx_gzip(folder: &Path) -> Streamed {
    let images = File::create(folder.join("images.gz")).unwrap();
    let encoder = flate2::write::GzEncoder::new(images, flate2::Compression::fast());
    write(encoder, &idx(&[SAMPLES, SIDE, SIDE]), PIXELS, &[]);
    Streamed::small("images.gz")
}

fn safetensors(folder: &Path) -> Streamed {
    let header = serde_json::json!({
        "images": {"dtype": "U8", "shape": [SAMPLES, 1, SIDE, SIDE], "data_offsets": [0, PIXELS]},
        "labels": {"dtype": "U8", "shape": [SAMPLES], "data_offsets": [PIXELS, PIXELS + SAMPLES]},
    });
    let header = header.to_string();
    let head = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    write(File::create(folder.join("set.safetensors")).unwrap(), &head, PIXELS + SAMPLES, &[]);
    Streamed::small("set.safetensors")
}

fn csv(folder: &Path) -> Streamed {
    let row = format!("0{}\n", ",0".repeat(SIDE * SIDE));
    let mut file = BufWriter::new(File::create(folder.join("set.csv")).unwrap());
    for _ in 0..SAMPLES {
        file.write_all(row.as_bytes()).unwrap();
    }
    file.flush().unwrap();
    Streamed::small("set.csv")
}

/// The members of an archive: their names, and the heads of their arrays of zeros with how many.
fn members() -> [(&'static str, Vec<u8>, usize); 2] {
    let head = |shape: String| {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat()
    };
    let images = head(format!("({SAMPLES}, {SIDE}, {SIDE})"));
    [("labels.npy", head(format!("({SAMPLES},)")), SAMPLES), ("images.npy", images, PIXELS)]
}

fn npz_stored(folder: &Path) -> Streamed {
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut archive = zip::ZipWriter::new(File::create(folder.join("stored.npz")).unwrap());
    for (name, head, zeros) in members() {
        archive.start_file(name, options).unwrap();
        write(&mut archive, &head, zeros, &[]);
    }
    archive.finish().unwrap();
    Streamed::small("stored.npz")
}

fn npz_deflated(folder: &Path) -> Streamed {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, head, zeros) in members() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        write(&mut encoder, &head, zeros, &[]);
        let mut crc = flate2::CrcWriter::new(std::io::sink());
        write(&mut crc, &head, zeros, &[]);
        let (stored, len) = (encoder.finish().unwrap(), (head.len() + zeros) as u32);
        let sizes = [crc.crc().sum(), stored.len() as u32, len].map(u32::to_le_bytes).concat();
        let about = [&[20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0][..], &sizes, &[name.len() as u8, 0, 0, 0]].concat();
        let offset = (archive.len() as u32).to_le_bytes();
        archive.extend([b"PK\x03\x04", &about[..], name.as_bytes(), &stored].concat());
        directory.extend([b"PK\x01\x02\x14\x00", &about[..], &[0; 10], &offset, name.as_bytes()].concat());
    }
    let places = [directory.len() as u32, archive.len() as u32].map(u32::to_le_bytes).concat();
    let end = [b"PK\x05\x06\x00\x00\x00\x00\x02\x00\x02\x00", &places[..], &[0, 0]].concat();
    std::fs::write(folder.join("deflated.npz"), [archive, directory, end].concat()).unwrap();
    Streamed::small("deflated.npz")
}

fn cifar(folder: &Path) -> Streamed {
    const RECORDS: usize = 20_000;
    // A hole, of images of class 0.
    File::create(folder.join("test_batch.bin")).unwrap().set_len(RECORDS as u64 * 3073).unwrap();
    Streamed { samples: RECORDS, ..Streamed::small("test_batch.bin") }
}

fn cifar100(folder: &Path) -> Streamed {
    const RECORDS: usize = 20_000;
    File::create(folder.join("test.bin")).unwrap().set_len(RECORDS as u64 * 3074).unwrap();
    Streamed { samples: RECORDS, ..Streamed::small("test.bin") }
}

/// The file of a picture of noise.
fn picture(format: image::ImageFormat) -> Vec<u8> {
    let noise: Vec<u8> = (0..200 * 200 * 3u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut file = std::io::Cursor::new(Vec::new());
    let color = image::ExtendedColorType::Rgb8;
    image::write_buffer_with_format(&mut file, &noise, 200, 200, color, format).unwrap();
    file.into_inner()
}

fn class_folders(folder: &Path) -> Streamed {
    let file = |i: usize| folder.join(format!("classes/{}/{i}.png", i % 2));
    for class in ["classes/0", "classes/1"] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
    }
    std::fs::write(file(0), picture(image::ImageFormat::Png)).unwrap();
    (1..PICTURES).for_each(|i| std::fs::hard_link(file(0), file(i)).unwrap());
    Streamed::pictures("classes")
}

fn list(folder: &Path) -> Streamed {
    let picture = picture(image::ImageFormat::Jpeg);
    let samples = 3 * CAP / picture.len();
    std::fs::write(folder.join("picture.jpg"), picture).unwrap();
    std::fs::write(folder.join("val.txt"), "picture.jpg 3\n".repeat(samples)).unwrap();
    Streamed { samples, ..Streamed::pictures("val.txt") }
}

/// Written by the crate that reads it: encoding by hand is a test of the format's own.
#[cfg(feature = "parquet")]
fn parquet(folder: &Path) -> Streamed {
    const GROUP: usize = 30;
    use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
    use parquet::file::{properties::WriterProperties, writer::SerializedFileWriter};
    let schema = "message schema { optional group image { optional binary bytes; } optional int64 label; }";
    let schema = parquet::schema::parser::parse_message_type(schema).unwrap();
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
    let file = File::create(folder.join("set.parquet")).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema.into(), properties.into()).unwrap();
    let picture = ByteArray::from(picture(image::ImageFormat::Png));
    for _ in 0..PICTURES / GROUP {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let pictures = vec![picture.clone(); GROUP];
        column.typed::<ByteArrayType>().write_batch(&pictures, Some(&[2; GROUP]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[5; GROUP], Some(&[1; GROUP]), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
    Streamed::pictures("set.parquet")
}

#[test]
fn sets_are_streamed() {
    let folder = tempfile::tempdir().unwrap();
    let formats = [
        idx_plain,
        idx_gzip,
        safetensors,
        csv,
        npz_stored,
        npz_deflated,
        cifar,
        cifar100,
        class_folders,
        list,
        #[cfg(feature = "parquet")]
        parquet,
    ];
    for make in formats {
        let Streamed { path, samples, batch_size, preprocess } = make(folder.path());
        let dataset = data::open(&folder.path().join(path), None, Split::Test).unwrap();
        assert_eq!(dataset.len(), samples, "{path}");
        let batches = Batches::start(dataset, preprocess, NonZeroUsize::new(batch_size).unwrap(), None).unwrap();
        let read: usize = batches.map(|batch| batch.unwrap().labels.len()).sum();
        assert_eq!(read, samples, "{path}");
        assert!(peak() < CAP, "{path}: {} of {CAP} bytes", peak());
    }
}
