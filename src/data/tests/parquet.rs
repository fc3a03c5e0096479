//! Parquet files, written by hand: Thrift's compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>) around pages
//! of plain values (<https://parquet.apache.org/docs/file-format/>).

use super::*;
use crate::cases::for_each_case;
use crate::data::{self, ClassMatch, Split};
use tempfile::tempdir;

/// A value of the compact protocol.
enum Thrift {
    I32(i64),
    I64(i64),
    Text(&'static str),
    Binary(Vec<u8>),
    List(Vec<Thrift>),
    Struct(Vec<(u8, Thrift)>),
}
use Thrift::{Binary, I32, I64, List, Struct, Text};

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

impl Thrift {
    fn code(&self) -> u8 {
        match self {
            I32(_) => 5,
            I64(_) => 6,
            Text(_) | Binary(_) => 8,
            List(_) => 9,
            Struct(_) => 12,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            I32(value) | I64(value) => varint(((value << 1) ^ (value >> 63)) as u64, out),
            Text(text) => Binary(text.as_bytes().to_vec()).encode(out),
            Binary(bytes) => {
                varint(bytes.len() as u64, out);
                out.extend(bytes);
            }
            List(items) => {
                assert!(items.len() < 15, "a short list");
                out.push((items.len() as u8) << 4 | items.first().map_or(12, Thrift::code));
                items.iter().for_each(|item| item.encode(out));
            }
            Struct(fields) => {
                let mut last = 0;
                for (id, value) in fields {
                    out.push((id - last) << 4 | value.code());
                    value.encode(out);
                    last = *id;
                }
                out.push(0);
            }
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

#[derive(Clone, Copy)]
enum Codec {
    Plain = 0,
    Snappy = 1,
    Zstd = 6,
}

impl Codec {
    /// Streams that only hold literals.
    fn compress(self, bytes: &[u8]) -> Vec<u8> {
        let len = bytes.len() as u32;
        let mut out = Vec::new();
        match self {
            Codec::Plain => {}
            Codec::Snappy => {
                varint(len.into(), &mut out);
                if len > 0 {
                    // A literal whose length less one is in the next four bytes.
                    out.push(63 << 2);
                    out.extend((len - 1).to_le_bytes());
                }
            }
            Codec::Zstd => {
                // A single segment that states its size in four bytes; one last, raw block.
                out.extend([0x28, 0xb5, 0x2f, 0xfd, 0xa0]);
                out.extend(len.to_le_bytes());
                out.extend(&(len << 3 | 1).to_le_bytes()[..3]);
            }
        }
        [&out, bytes].concat()
    }
}

/// One column of the file.
struct Column {
    path: &'static [&'static str],
    /// 2 is INT64, 6 BYTE_ARRAY.
    kind: i64,
    /// The definition level of every row, which all have.
    level: u8,
    /// Plain values, one a row, or none where rows are null.
    values: Vec<Vec<u8>>,
}

const ROWS_OF_A_GROUP: usize = 4;
const ROWS_OF_A_PAGE: usize = 3;

fn page(column: &Column, rows: std::ops::Range<usize>, codec: Codec) -> Vec<u8> {
    // Levels as one run of equal values, after their length.
    let mut levels = Vec::new();
    varint((rows.len() as u64) << 1, &mut levels);
    levels.push(column.level);
    let values = column.values.get(rows.clone()).unwrap_or_default().concat();
    let content = [&(levels.len() as u32).to_le_bytes(), &levels[..], &values].concat();
    let stored = codec.compress(&content);
    let about = vec![(1, I32(rows.len() as i64)), (2, I32(0)), (3, I32(3)), (4, I32(3))];
    let sizes = [content.len(), stored.len()].map(|len| I32(len as i64));
    let [content, size] = sizes;
    let header = Struct(vec![(1, I32(0)), (2, content), (3, size), (5, Struct(about))]);
    [header.bytes(), stored].concat()
}

/// A file as the hub writes it. Groups and pages are small, so that there are several.
fn file(images: Vec<Vec<u8>>, labels: &[i64], names: &str, codec: Codec) -> Vec<u8> {
    let rows = labels.len();
    let binary = |bytes: Vec<u8>| [&(bytes.len() as u32).to_le_bytes(), &bytes[..]].concat();
    let columns = [
        Column { path: &["image", "bytes"], kind: 6, level: 2, values: images.into_iter().map(binary).collect() },
        Column { path: &["image", "path"], kind: 6, level: 1, values: vec![] },
        Column {
            path: &["label"],
            kind: 2,
            level: 1,
            values: labels.iter().map(|label| label.to_le_bytes().to_vec()).collect(),
        },
    ];
    let mut out = b"PAR1".to_vec();
    let mut groups = Vec::new();
    for start in (0..rows).step_by(ROWS_OF_A_GROUP) {
        let end = rows.min(start + ROWS_OF_A_GROUP);
        let mut chunks = Vec::new();
        for column in &columns {
            let offset = out.len() as i64;
            for page_start in (start..end).step_by(ROWS_OF_A_PAGE) {
                out.extend(page(column, page_start..end.min(page_start + ROWS_OF_A_PAGE), codec));
            }
            let size = out.len() as i64 - offset;
            let about = Struct(vec![
                (1, I32(column.kind)),
                (2, List(vec![I32(0), I32(3)])),
                (3, List(column.path.iter().map(|part| Text(part)).collect())),
                (4, I32(codec as i64)),
                (5, I64((end - start) as i64)),
                (6, I64(size)),
                (7, I64(size)),
                (9, I64(offset)),
            ]);
            chunks.push(Struct(vec![(2, I64(offset)), (3, about)]));
        }
        groups.push(Struct(vec![(1, List(chunks)), (2, I64(0)), (3, I64((end - start) as i64))]));
    }
    let leaf = |kind: i64, name| Struct(vec![(1, I32(kind)), (3, I32(1)), (4, Text(name))]);
    let schema = vec![
        Struct(vec![(4, Text("schema")), (5, I32(2))]),
        Struct(vec![(3, I32(1)), (4, Text("image")), (5, I32(2))]),
        leaf(6, "bytes"),
        leaf(6, "path"),
        leaf(2, "label"),
    ];
    let hub = format!(r#"{{"info":{{"features":{{"label":{{"names":{names},"_type":"ClassLabel"}}}}}}}}"#);
    let about = List(vec![Struct(vec![(1, Text("huggingface")), (2, Binary(hub.into_bytes()))])]);
    let footer =
        Struct(vec![(1, I32(1)), (2, List(schema)), (3, I64(rows as i64)), (4, List(groups)), (5, about)]).bytes();
    out.extend(&footer);
    out.extend((footer.len() as u32).to_le_bytes());
    out.extend(b"PAR1");
    out
}

const NAMES: &str = r#"["a","b","c","d","e","f","g","h","i","j"]"#;

fn encode(set: &Set, samples: std::ops::Range<usize>, codec: Codec) -> Vec<u8> {
    let samples: Vec<_> = set.samples().skip(samples.start).take(samples.len()).collect();
    let images = samples.iter().map(|(_, image)| png(set.shape, image)).collect();
    let labels: Vec<i64> = samples.iter().map(|(label, _)| (*label).into()).collect();
    file(images, &labels, NAMES, codec)
}

pub fn plain(set: &Set, folder: &Path) -> PathBuf {
    write(folder.join("set.parquet"), &encode(set, 0..set.labels.len(), Codec::Plain))
}

pub fn zstd(set: &Set, folder: &Path) -> PathBuf {
    write(folder.join("set.parquet"), &encode(set, 0..set.labels.len(), Codec::Zstd))
}

/// A folder of a split's files, beside one of another split.
pub fn snappy_shards(set: &Set, folder: &Path) -> PathBuf {
    let half = set.labels.len().div_ceil(2);
    for (shard, samples) in [0..half, half..set.labels.len()].into_iter().enumerate().filter(|(_, s)| !s.is_empty()) {
        write(folder.join(format!("test-{shard:05}-of-00002.parquet")), &encode(set, samples, Codec::Snappy));
    }
    write(folder.join("train-00000-of-00001.parquet"), &encode(set, 0..1, Codec::Snappy));
    folder.to_owned()
}

#[test]
fn classes_have_the_hubs_names() {
    let folder = tempdir().unwrap();
    let set = Set::of([1, 2, 2], 6);
    let mut dataset = data::open(&plain(&set, folder.path()), None, Split::Test).unwrap();
    assert_eq!(dataset.class_names().unwrap()[..3], ["a", "b", "c"]);
    let reversed: Vec<String> = dataset.class_names().unwrap().iter().rev().cloned().collect();
    assert_eq!(dataset.match_classes(10, &reversed).unwrap(), ClassMatch::Names);
    assert_eq!(dataset.labels(), [9, 2, 5, 8, 1, 4]);
}

#[test]
fn splits_are_told_by_names() {
    let folder = tempdir().unwrap();
    let set = Set::of([1, 2, 2], 5);
    let path = snappy_shards(&set, folder.path());
    assert_eq!(data::open(&path, None, Split::Train).unwrap().len(), 1);
    write(path.join("validation.parquet"), &encode(&set, 0..2, Codec::Plain));
    let message = data::open(&path, None, Split::Test).unwrap_err().to_string();
    assert!(message.contains("files of test and validation"), "{message}");
    for shard in 0..2 {
        std::fs::remove_file(path.join(format!("test-{shard:05}-of-00002.parquet"))).unwrap();
    }
    assert_eq!(data::open(&path, None, Split::Test).unwrap().len(), 2);
    std::fs::remove_file(path.join("validation.parquet")).unwrap();
    let message = data::open(&path, None, Split::Test).unwrap_err().to_string();
    assert!(message.contains("has no files for this split; expected test*.parquet or"), "{message}");
    std::fs::rename(path.join("train-00000-of-00001.parquet"), path.join("0000.parquet")).unwrap();
    assert_eq!(data::open(&path, None, Split::Test).unwrap().len(), 1);
}

/// The file's parser is another crate's: whatever byte is another one, there is an error or a set.
#[test]
fn every_changed_byte_is_survived() {
    let set = Set::of([1, 3, 4], 5);
    let folder = tempdir().unwrap();
    for codec in [Codec::Plain, Codec::Snappy, Codec::Zstd] {
        let whole = encode(&set, 0..5, codec);
        for (place, change) in (0..whole.len()).flat_map(|place| [1, 0x80, 0xff].map(|change| (place, change))) {
            let mut changed = whole.clone();
            changed[place] ^= change;
            let path = write(folder.path().join("set.parquet"), &changed);
            let read = |mut set: Dataset| set.read(0..set.len()).and_then(decoded);
            if let Err(error) = data::open(&path, None, Split::Test).and_then(read) {
                assert!(!error.to_string().is_empty());
            }
        }
    }
}

#[test]
fn what_is_no_image_set_is_named() {
    let folder = tempdir().unwrap();
    let message = |labels: &[i64], images: Vec<Vec<u8>>, change: fn(Vec<u8>) -> Vec<u8>| {
        let path = write(folder.path().join("set.parquet"), &change(file(images, labels, NAMES, Codec::Plain)));
        let dataset = data::open(&path, None, Split::Test);
        dataset.and_then(|mut set| set.read(0..set.len())).and_then(decoded).unwrap_err().to_string()
    };
    let image = || png([1, 1, 1], &[0]);
    let same = |file| file;
    let renamed = |file: Vec<u8>| {
        let latin: String = file.into_iter().map(char::from).collect();
        latin.replace("label", "klass").chars().map(|c| c as u8).collect()
    };
    let cases = [
        (message(&[0, -1], vec![image(), image()], same), &["set.parquet", "sample 1 has label -1", "from 0"][..]),
        (message(&[0, 10], vec![image(), image()], same), &["sample 1 has label 10", "0 to 9"]),
        (message(&[0], vec![vec![1, 2, 3]], same), &["set.parquet, sample 0: cannot decode"]),
        (message(&[0, 1], vec![image()], same), &["set.parquet: found damage"]),
        (message(&[], vec![], same), &["no rows"]),
        (message(&[0], vec![image()], renamed), &["image.bytes (BYTE_ARRAY)", "klass (INT64)", "label, labels"]),
    ];
    for_each_case(cases, |(message, parts)| {
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    });
}
