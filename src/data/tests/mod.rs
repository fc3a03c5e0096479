//! What all formats have in common: each reads back what an encoding made here says, in any ranges,
//! and survives whatever its files have become.

mod batches;
mod classes;
mod damage;
mod folder;
mod formats;
mod list;
mod names;
#[cfg(feature = "parquet")]
mod parquet;
mod pictures;
mod pillow;
mod preprocess;

use super::{DataError, DataFormat, Dataset, Pixels, decode};
use proptest::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A small set, as the tests know it.
#[derive(Debug, Clone)]
pub struct Set {
    pub shape: [usize; 3],
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
}

impl Set {
    /// Samples whose pixels and labels follow from their places.
    pub fn of(shape: [usize; 3], samples: usize) -> Set {
        let size = samples * shape.iter().product::<usize>();
        let pixels = (0..size).map(|i| (i * 37 + i / 251 * 11) as u8).collect();
        Set { shape, pixels, labels: (0..samples).map(|i| (i * 7 % 10) as u8).collect() }
    }

    pub fn image(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn samples(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.labels.iter().copied().zip(self.pixels.chunks_exact(self.image()))
    }
}

/// An encoding of sets in one format, made without the crate's readers.
#[derive(Debug, Clone, Copy)]
pub struct Encoding {
    pub format: &'static str,
    /// Shapes that it can hold.
    pub shapes: &'static [[usize; 3]],
    /// Writes the files of a set into a folder, and gives the path to open.
    pub write: fn(&Set, &Path) -> PathBuf,
    /// Whether a cut file can be a whole one of fewer samples.
    pub can_shrink: bool,
}

const GRAY: &[[usize; 3]] = &[[1, 3, 4], [1, 1, 1], [1, 28, 28]];
const ANY: &[[usize; 3]] = &[[1, 3, 4], [3, 2, 5], [1, 1, 1], [4, 7, 5]];
const SQUARE: &[[usize; 3]] = &[[1, 3, 3], [1, 1, 1], [1, 28, 28]];
const PICTURES: &[[usize; 3]] = &[[1, 3, 4], [3, 2, 5], [1, 1, 1]];
const CIFAR: &[[usize; 3]] = &[[3, 32, 32]];

pub const ENCODINGS: &[Encoding] = &[
    Encoding { format: "idx", shapes: GRAY, write: idx_folder, can_shrink: false },
    Encoding { format: "idx", shapes: ANY, write: idx_gz_pair, can_shrink: false },
    Encoding { format: "cifar10", shapes: CIFAR, write: cifar10_file, can_shrink: true },
    Encoding { format: "cifar100", shapes: CIFAR, write: cifar100_folder, can_shrink: true },
    Encoding { format: "safetensors", shapes: ANY, write: safetensors_bytes, can_shrink: false },
    Encoding { format: "safetensors", shapes: ANY, write: safetensors_wide, can_shrink: false },
    Encoding { format: "npz", shapes: ANY, write: npz_stored, can_shrink: false },
    Encoding { format: "npz", shapes: ANY, write: npz_deflated, can_shrink: false },
    Encoding { format: "npy", shapes: ANY, write: npy_pair, can_shrink: false },
    Encoding { format: "npy", shapes: ANY, write: npy_folder, can_shrink: false },
    Encoding { format: "csv", shapes: SQUARE, write: csv_with_names, can_shrink: true },
    Encoding { format: "csv", shapes: SQUARE, write: csv_gz, can_shrink: false },
    Encoding { format: "list", shapes: PICTURES, write: list::beside, can_shrink: true },
    Encoding { format: "list", shapes: PICTURES, write: list::in_a_folder, can_shrink: true },
    #[cfg(feature = "parquet")]
    Encoding { format: "parquet", shapes: PICTURES, write: parquet::plain, can_shrink: false },
    #[cfg(feature = "parquet")]
    Encoding { format: "parquet", shapes: PICTURES, write: parquet::snappy_shards, can_shrink: false },
    #[cfg(feature = "parquet")]
    Encoding { format: "parquet", shapes: PICTURES, write: parquet::zstd, can_shrink: false },
];

impl Encoding {
    pub fn data_format(&self) -> DataFormat {
        self.format.parse().expect("a format of this name")
    }
}

/// Any encoding with a set that suits it.
pub fn encoded_sets(largest: usize) -> impl Strategy<Value = (Encoding, Set)> {
    let shape = proptest::sample::select(ENCODINGS)
        .prop_flat_map(move |encoding| (Just(encoding), proptest::sample::select(encoding.shapes), 1..=largest));
    shape.prop_flat_map(|(encoding, shape, samples)| {
        let pixels = proptest::collection::vec(any::<u8>(), samples * shape.iter().product::<usize>());
        let labels = proptest::collection::vec(0..10u8, samples);
        (Just(encoding), (pixels, labels).prop_map(move |(pixels, labels)| Set { shape, pixels, labels }))
    })
}

/// Byte pixels of a range.
pub fn bytes(dataset: &mut Dataset, range: std::ops::Range<usize>) -> Vec<u8> {
    match dataset.read(range).and_then(decoded).expect("readable") {
        Pixels::Bytes(bytes) => bytes,
        other => panic!("{other:?} instead of bytes"),
    }
}

/// The same pixels, images decoded.
pub fn decoded(pixels: Pixels) -> Result<Pixels, DataError> {
    let Pixels::Encoded(images) = pixels else { return Ok(pixels) };
    let mut bytes = Vec::new();
    for image in &images {
        bytes.extend(decode::planes(image)?.bytes);
    }
    Ok(Pixels::Bytes(bytes))
}

/// The PNG file of an image of planes.
pub fn png([c, h, w]: [usize; 3], planes: &[u8]) -> Vec<u8> {
    let interleaved: Vec<u8> = (0..h * w).flat_map(|i| (0..c).map(move |c| planes[c * h * w + i])).collect();
    let color = if c == 1 { image::ExtendedColorType::L8 } else { image::ExtendedColorType::Rgb8 };
    let mut file = std::io::Cursor::new(Vec::new());
    image::write_buffer_with_format(&mut file, &interleaved, w as u32, h as u32, color, image::ImageFormat::Png)
        .expect("memory");
    file.into_inner()
}

/// Writes a new file, also where there is one: to overwrite that can wait for the disk.
pub fn write(path: PathBuf, content: &[u8]) -> PathBuf {
    let _ = std::fs::remove_file(&path);
    std::fs::write(&path, content).expect("a writable folder");
    path
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

/// An IDX file: type code, dimensions, big-endian content.
pub fn idx(code: u8, dims: &[usize], content: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, code, dims.len() as u8];
    file.extend(dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes()));
    file.extend(content);
    file
}

fn idx_folder(set: &Set, folder: &Path) -> PathBuf {
    let [_, h, w] = set.shape;
    write(folder.join("t10k-images-idx3-ubyte"), &idx(8, &[set.labels.len(), h, w], &set.pixels));
    write(folder.join("t10k-labels-idx1-ubyte"), &idx(8, &[set.labels.len()], &set.labels));
    folder.to_owned()
}

fn idx_gz_pair(set: &Set, folder: &Path) -> PathBuf {
    let [c, h, w] = set.shape;
    let labels: Vec<u8> = set.labels.iter().flat_map(|&label| i32::from(label).to_be_bytes()).collect();
    write(folder.join("my-labels-idx1.gz"), &gzip(&idx(0x0c, &[set.labels.len()], &labels)));
    write(folder.join("my-images-idx4.gz"), &gzip(&idx(8, &[set.labels.len(), c, h, w], &set.pixels)))
}

fn cifar10_file(set: &Set, folder: &Path) -> PathBuf {
    let records: Vec<u8> = set.samples().flat_map(|(label, image)| [&[label], image].concat()).collect();
    write(folder.join("some.bin"), &records)
}

fn cifar100_folder(set: &Set, folder: &Path) -> PathBuf {
    let records: Vec<u8> = set.samples().flat_map(|(label, image)| [&[label % 3, label], image].concat()).collect();
    write(folder.join("test.bin"), &records);
    folder.to_owned()
}

/// A safetensors file of tensors with their type, shape and bytes.
pub fn safetensors(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        header.insert((*name).to_owned(), serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": offsets}));
        data.extend(bytes);
    }
    let header = serde_json::Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

fn safetensors_bytes(set: &Set, folder: &Path) -> PathBuf {
    let ([c, h, w], n) = (set.shape, set.labels.len());
    let labels = set.labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    let tensors = [("labels", "I64", &[n][..], labels), ("images", "U8", &[n, c, h, w], set.pixels.clone())];
    write(folder.join("set.safetensors"), &safetensors(&tensors))
}

/// Bytes kept in wider integers, as numpy makes them when nobody says otherwise.
fn safetensors_wide(set: &Set, folder: &Path) -> PathBuf {
    let ([c, h, w], n) = (set.shape, set.labels.len());
    let pixels = set.pixels.iter().flat_map(|&pixel| i16::from(pixel).to_le_bytes()).collect();
    let tensors = [("images", "I16", &[n, c, h, w][..], pixels), ("labels", "U8", &[n, 1], set.labels.clone())];
    write(folder.join("wide.st"), &safetensors(&tensors))
}

/// A numpy array file: type string, dimensions, content.
pub fn npy(version: u8, descr: &str, dims: &[usize], content: &[u8]) -> Vec<u8> {
    let dims = dims.iter().map(|dim| format!("{dim}, ")).collect::<Vec<_>>().concat();
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", dims.trim_end());
    // The numbers start at a multiple of 64.
    let start = if version == 1 { 10 } else { 12 };
    let len = (start + text.len() + 1).next_multiple_of(64) - start;
    let text = format!("{text:width$}\n", width = len - 1);
    let len = (len as u32).to_le_bytes();
    [b"\x93NUMPY", &[version, 0][..], &len[..start - 8], text.as_bytes(), content].concat()
}

/// A zip archive, by hand.
pub fn zip(deflated: bool, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut stored = content.clone();
        if deflated {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(content).expect("memory");
            stored = encoder.finish().expect("memory");
        }
        let mut about = vec![20, 0, 0, 0, if deflated { 8 } else { 0 }, 0, 0, 0, 0x21, 0];
        about.extend(crc.sum().to_le_bytes());
        about.extend([stored.len(), content.len()].iter().flat_map(|&len| (len as u32).to_le_bytes()));
        about.extend([name.len() as u8, 0, 0, 0]);
        let offset = (archive.len() as u32).to_le_bytes();
        archive.extend([b"PK\x03\x04", &about[..], name.as_bytes(), &stored].concat());
        directory.extend([b"PK\x01\x02\x14\x00", &about[..], &[0; 10], &offset, name.as_bytes()].concat());
    }
    let (start, count) = (archive.len() as u32, members.len() as u8);
    archive.extend(&directory);
    archive.extend([b"PK\x05\x06\x00\x00\x00\x00", &[count, 0, count, 0][..]].concat());
    archive.extend([directory.len() as u32, start].iter().flat_map(|value| value.to_le_bytes()));
    archive.extend([0, 0]);
    archive
}

fn npz_stored(set: &Set, folder: &Path) -> PathBuf {
    let ([c, h, w], n) = (set.shape, set.labels.len());
    let labels: Vec<u8> = set.labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    let images = npy(1, "|u1", &[n, c, h, w], &set.pixels);
    let members = [("labels.npy", npy(1, "<i8", &[n], &labels)), ("images.npy", images)];
    write(folder.join("set.npz"), &zip(false, &members))
}

fn npz_deflated(set: &Set, folder: &Path) -> PathBuf {
    let ([c, h, w], n) = (set.shape, set.labels.len());
    let pixels: Vec<u8> = set.pixels.iter().flat_map(|&pixel| u32::from(pixel).to_be_bytes()).collect();
    let images = npy(2, ">u4", &[n, c, h, w], &pixels);
    let members = [("images.npy", images), ("labels.npy", npy(3, "|u1", &[n, 1], &set.labels))];
    write(folder.join("set.npz"), &zip(true, &members))
}

fn npy_pair(set: &Set, folder: &Path) -> PathBuf {
    let ([c, h, w], n) = (set.shape, set.labels.len());
    write(folder.join("y_test.npy"), &npy(1, "|u1", &[n], &set.labels));
    write(folder.join("x_test.npy"), &npy(1, "|u1", &[n, c, h, w], &set.pixels))
}

fn npy_folder(set: &Set, folder: &Path) -> PathBuf {
    npy_pair(set, folder);
    folder.to_owned()
}

fn rows(set: &Set) -> String {
    let row = |(label, image): (u8, &[u8])| {
        let pixels: String = image.iter().map(|pixel| format!(",{pixel}")).collect();
        format!("{label}{pixels}\n")
    };
    set.samples().map(row).collect()
}

fn csv_with_names(set: &Set, folder: &Path) -> PathBuf {
    let names: String = (0..set.image()).map(|pixel| format!(",pixel{pixel}")).collect();
    write(folder.join("set.csv"), format!("label{names}\n{}", rows(set)).as_bytes())
}

fn csv_gz(set: &Set, folder: &Path) -> PathBuf {
    write(folder.join("set.csv.gz"), &gzip(rows(set).replace('\n', "\r\n").as_bytes()))
}
