//! Sets larger than memory are streamed: evaluating one takes no more memory than a few batches.
//!
//! This is a program of its own because the peak that the system reports is the whole process's.
#![cfg(target_os = "linux")]

use approx_eval::data::{self, Batches, Preprocess, Split};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

const SIDE: usize = 28;
const SAMPLES: usize = 80_000;
/// Bytes of pixels in every set, 60 MiB.
const PIXELS: usize = SAMPLES * SIDE * SIDE;
/// What all of them together may take, with the program itself.
const CAP: usize = 32 << 20;

/// The most memory that this process has had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
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

fn idx_plain(folder: &Path) -> PathBuf {
    write(File::create(folder.join("labels")).unwrap(), &idx(&[SAMPLES]), SAMPLES, &[]);
    let mut images = File::create(folder.join("images")).unwrap();
    images.write_all(&idx(&[SAMPLES, SIDE, SIDE])).unwrap();
    // A hole in the file.
    let len = images.seek(SeekFrom::Current(PIXELS as i64)).unwrap();
    images.set_len(len).unwrap();
    folder.join("images")
}

fn idx_gzip(folder: &Path) -> PathBuf {
    let images = File::create(folder.join("images.gz")).unwrap();
    let encoder = flate2::write::GzEncoder::new(images, flate2::Compression::fast());
    write(encoder, &idx(&[SAMPLES, SIDE, SIDE]), PIXELS, &[]);
    folder.join("images.gz")
}

fn safetensors(folder: &Path) -> PathBuf {
    let header = serde_json::json!({
        "images": {"dtype": "U8", "shape": [SAMPLES, 1, SIDE, SIDE], "data_offsets": [0, PIXELS]},
        "labels": {"dtype": "U8", "shape": [SAMPLES], "data_offsets": [PIXELS, PIXELS + SAMPLES]},
    });
    let header = header.to_string();
    let head = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    write(File::create(folder.join("set.safetensors")).unwrap(), &head, PIXELS + SAMPLES, &[]);
    folder.join("set.safetensors")
}

fn csv(folder: &Path) -> PathBuf {
    let row = format!("0{}\n", ",0".repeat(SIDE * SIDE));
    let mut file = BufWriter::new(File::create(folder.join("set.csv")).unwrap());
    for _ in 0..SAMPLES {
        file.write_all(row.as_bytes()).unwrap();
    }
    file.flush().unwrap();
    folder.join("set.csv")
}

#[test]
fn sets_are_streamed() {
    let folder = tempfile::tempdir().unwrap();
    for make in [idx_plain, idx_gzip, safetensors, csv] {
        let path = make(folder.path());
        let dataset = data::open(&path, None, Split::Test).unwrap();
        assert_eq!(dataset.len(), SAMPLES);
        let batches = Batches::start(dataset, Preprocess::default(), NonZeroUsize::new(256).unwrap(), None).unwrap();
        let samples: usize = batches.map(|batch| batch.unwrap().labels.len()).sum();
        assert_eq!(samples, SAMPLES);
        assert!(peak() < CAP, "{}: {} of {CAP} bytes", path.display(), peak());
    }
}
