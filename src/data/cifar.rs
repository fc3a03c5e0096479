//! CIFAR-10 and CIFAR-100 in their binary version.
//!
//! Records without a header (<https://www.cs.toronto.edu/~kriz/cifar.html>): one label byte, for
//! CIFAR-100 a coarse and then a fine label, of which the fine one counts, and 3,072 bytes
//! `[3, 32, 32]`.

use super::format::{Evidence, Format};
use super::probe::Probe;
use super::source::Source;
use super::storage::{Origin, Storage};
use super::{DataError, Dataset, PixelKind, Pixels, ReadPixels, Split};
use std::ops::Range;
use std::path::Path;

pub(super) static CIFAR10: Format = Format {
    name: "cifar10",
    summary: "CIFAR-10 in its binary version: a file, or a folder of them",
    recognize: |probe| TEN.recognize(probe),
    open: |path, split| TEN.open(path, split),
};

pub(super) static CIFAR100: Format = Format {
    name: "cifar100",
    summary: "CIFAR-100 in its binary version; the fine labels",
    recognize: |probe| HUNDRED.recognize(probe),
    open: |path, split| HUNDRED.open(path, split),
};

const IMAGE_SHAPE: [usize; 3] = [3, 32, 32];
const PIXELS: u64 = 3072;

/// Records that are looked at together when only their labels matter.
const LABEL_BLOCK: u64 = 64;

static TEN: Variant = Variant {
    classes: &[10],
    test: &["test_batch.bin"],
    train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
};

static HUNDRED: Variant = Variant { classes: &[20, 100], test: &["test.bin"], train: &["train.bin"] };

/// One of the two sets.
struct Variant {
    /// Classes of each label byte; the last one is the label.
    classes: &'static [u8],
    /// The files of a standard folder, all of which must be there.
    test: &'static [&'static str],
    train: &'static [&'static str],
}

impl Variant {
    fn record(&self) -> u64 {
        self.classes.len() as u64 + PIXELS
    }

    fn recognize(&self, probe: &mut Probe) -> Evidence {
        match probe {
            Probe::Folder { .. } if probe.has_any(self.test) || probe.has_any(self.train) => Evidence::Certain,
            Probe::Folder { .. } => Evidence::None,
            Probe::File { source, .. } => match source.known_len() {
                Some(len) if len > 0 && len.is_multiple_of(self.record()) => match self.labels(source, len) {
                    Ok(_) => Evidence::Fits,
                    Err(_) => Evidence::Possible,
                },
                _ => Evidence::None,
            },
        }
    }

    fn open(&'static self, path: &Path, split: Split) -> Result<Dataset, DataError> {
        let files = if path.is_dir() {
            let names = if split == Split::Test { self.test } else { self.train };
            if let Some(missing) = names.iter().find(|name| !path.join(name).is_file()) {
                return Err(DataError::Missing {
                    folder: path.to_owned(),
                    missing: (*missing).to_owned(),
                    expected: names.join(", "),
                });
            }
            names.iter().map(|name| path.join(name)).collect()
        } else {
            vec![path.to_owned()]
        };
        let storages: Vec<_> = files.into_iter().map(Storage::File).collect();
        let (mut parts, mut labels) = (Vec::new(), Vec::new());
        for storage in &storages {
            let mut source = Source::new(storage.clone())?;
            let len = source.measure()?;
            if len == 0 || !len.is_multiple_of(self.record()) {
                let expected = format!("a multiple of {} ({} label, 3072 pixels)", self.record(), self.classes.len());
                return Err(DataError::content(&source, format!("{len} bytes"), expected));
            }
            labels.extend(self.labels(&mut source, len)?);
            parts.push(Part { source, end: labels.len() });
        }
        let records = Records { variant: self, parts };
        Ok(Dataset::new(Origin::at(path, storages), IMAGE_SHAPE, PixelKind::Bytes, labels, records))
    }

    /// The labels of all records, each label byte being below its number of classes.
    fn labels(&self, source: &mut Source, len: u64) -> Result<Vec<u32>, DataError> {
        let mut labels = Vec::new();
        for offset in (0..len).step_by((LABEL_BLOCK * self.record()) as usize) {
            let block = source.read(offset, (LABEL_BLOCK * self.record()).min(len - offset))?;
            for record in block.chunks_exact(self.record() as usize) {
                let mut bytes = record.iter().zip(self.classes);
                if let Some((&label, &classes)) = bytes.find(|(label, classes)| label >= classes) {
                    let (file, sample) = (source.to_string(), labels.len());
                    return Err(DataError::Label { file, sample, label: label.into(), classes: classes.into() });
                }
                labels.push(record[self.classes.len() - 1].into());
            }
        }
        Ok(labels)
    }
}

/// The files of a set one after the other.
struct Records {
    variant: &'static Variant,
    parts: Vec<Part>,
}

struct Part {
    source: Source,
    /// Samples in this and all earlier parts.
    end: usize,
}

impl ReadPixels for Records {
    fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError> {
        let (labels, record) = (self.variant.classes.len(), self.variant.record());
        let mut pixels = Vec::with_capacity(samples.len() * PIXELS as usize);
        let mut start = 0;
        for Part { source, end } in &mut self.parts {
            let here = samples.start.max(start)..samples.end.min(*end);
            if !here.is_empty() {
                let bytes = source.read((here.start - start) as u64 * record, here.len() as u64 * record)?;
                for record in bytes.chunks_exact(record as usize) {
                    pixels.extend_from_slice(&record[labels..]);
                }
            }
            start = *end;
        }
        Ok(Pixels::Bytes(pixels))
    }
}
