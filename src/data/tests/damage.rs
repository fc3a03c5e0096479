//! Reading what is not as it should be.

use super::*;
use crate::cases::for_each_case;
use crate::data::{self, DataError, Split};
use std::fs;
use tempfile::tempdir;

/// Opens as `format` and reads everything.
fn drain(path: &Path, format: DataFormat) -> Result<(Vec<u32>, Pixels), DataError> {
    let mut dataset = data::open(path, Some(format), Split::Test)?;
    let pixels = decoded(dataset.read(0..dataset.len())?)?;
    Ok((dataset.labels().to_vec(), pixels))
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_format_survives_truncation_at_every_byte() {
    for encoding in ENCODINGS {
        // Two samples, of the first shape.
        let set = Set::of(encoding.shapes[0], 2);
        let folder = tempdir().unwrap();
        let path = (encoding.write)(&set, folder.path());
        let whole = drain(&path, encoding.data_format()).unwrap();
        for file in files(folder.path()) {
            let content = fs::read(&file).unwrap();
            // Small files at every byte, others at some.
            for len in (0..content.len()).step_by(if content.len() > 10_000 { 500 } else { 1 }) {
                write(file.clone(), &content[..len]);
                match drain(&path, encoding.data_format()) {
                    Err(error) => assert!(!error.to_string().is_empty()),
                    Ok((labels, Pixels::Bytes(pixels))) if encoding.can_shrink => {
                        let (last, others) = pixels.split_last().expect("no set is empty");
                        let expected = &set.pixels[..pixels.len()];
                        assert_eq!(pixels.len(), labels.len() * set.image());
                        assert_eq!(others, &expected[..others.len()], "{encoding:?} {len}");
                        // Nothing tells a last number that was cut from a whole one.
                        let (last, whole) = (last.to_string(), expected[others.len()].to_string());
                        let is_cut = encoding.format == "csv" && whole.starts_with(&last);
                        assert!(is_cut || last == whole, "{encoding:?} {len}: {last} for {whole}");
                    }
                    Ok(found) => assert_eq!(found, whole, "{encoding:?}: {} cut to {len}", file.display()),
                }
            }
            write(file, &content);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_format_survives_random_files(
        content in proptest::collection::vec(any::<u8>(), 0..3000),
        which in proptest::sample::select(ENCODINGS),
        compressed: bool,
    ) {
        let folder = tempdir().unwrap();
        let path = (which.write)(&Set::of(which.shapes[0], 2), folder.path());
        for file in files(folder.path()) {
            write(file, &if compressed { gzip(&content) } else { content.clone() });
        }
        prop_assert!(drain(&path, which.data_format()).is_err());
        let _ = data::open(&path, None, Split::Train);
    }

    #[test]
    fn every_format_survives_changed_bytes(
        (encoding, set) in encoded_sets(3),
        places in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        near_the_start: bool,
        file in any::<proptest::sample::Index>(),
    ) {
        let folder = tempdir().unwrap();
        let path = (encoding.write)(&set, folder.path());
        let file = file.get(&files(folder.path())).clone();
        let mut content = fs::read(&file).unwrap();
        let reach = if near_the_start { content.len().min(64) } else { content.len() };
        for (place, byte) in places {
            content[place.index(reach)] = byte;
        }
        write(file, &content);
        // Changed pixels are still pixels; anything else must be an error, and nothing a panic.
        if let Ok((labels, Pixels::Bytes(pixels))) = drain(&path, encoding.data_format()) {
            prop_assert!(pixels.len().is_multiple_of(labels.len()));
        }
    }
}

/// Files, of which the first is opened, and parts of the message that this gives.
type Case<'a> = (&'a [(&'a str, Vec<u8>)], &'a [&'a str]);

/// Writes files, opens the first, and gives the message.
fn message(files: &[(&str, Vec<u8>)]) -> String {
    let folder = tempdir().unwrap();
    for (name, content) in files {
        write(folder.path().join(name), content);
    }
    let opened = data::open(&folder.path().join(files[0].0), None, Split::Test);
    let read = opened.and_then(|mut set| set.read(0..set.len()));
    read.expect_err("damaged").to_string()
}

#[test]
fn messages_name_the_file_what_was_found_and_what_was_expected() {
    let labels = |n: usize| ("labels", idx(8, &[n], &vec![1; n]));
    let images = |content: Vec<u8>| ("images", content);
    let tensors = |images: (&str, &[usize], usize), labels: (&str, &[usize], Vec<u8>)| {
        let images = ("images", images.0, images.1, vec![7; images.2]);
        safetensors(&[images, ("labels", labels.0, labels.1, labels.2)])
    };
    let cases: &[Case] = &[
        (&[images(idx(8, &[2, 1, 3], &[0; 5])), labels(2)], &["images", "holds 21 bytes", "expected 22", "truncated"]),
        (&[images(idx(8, &[2, 1, 3], &[0; 7])), labels(2)], &["holds 23 bytes", "expected 22", "longer"]),
        (&[images(gzip(&idx(8, &[2, 1, 3], &[0; 7]))), labels(2)], &["holds 23 bytes", "expected 22", "longer"]),
        (&[images(idx(8, &[2, 1, 3], &[0; 6])), labels(3)], &["holds 2 images", "labels holds 3 labels"]),
        (&[images(idx(8, &[0, 1, 3], &[])), labels(0)], &["u8 [0, 1, 3]", "[N, H, W]"]),
        (&[images(idx(8, &[2, 1, 3], &[0; 6]))], &["has no labels for images"]),
        (&[labels(4)], &["labels", "file name without 'images'"]),
        (
            &[("images-labels", idx(8, &[4], &[0; 4])), ("labels-labels", idx(8, &[4], &[0; 4]))],
            &["labels (u8 [4])", "give the images file"],
        ),
        (&[images(idx(0x0c, &[1, 1, 1], &[0, 0, 1, 44])), labels(1)], &["pixel value 300 in sample 0", "0 to 255"]),
        (
            &[images(idx(8, &[1, 1, 1], &[0])), ("labels", idx(9, &[1], &[0xff]))],
            &["labels", "sample 0 has label -1, expected the number of a class, counted from 0"],
        ),
        (
            &[images(idx(8, &[1, 1, 1], &[0])), ("labels", idx(0x0d, &[1], &[0; 4]))],
            &["f32 [1]", "labels as [N] integers"],
        ),
        (&[images(idx(8, &[1 << 31, 1 << 31, 1 << 31, 4], &[0])), labels(1)], &["dimensions that fit a file"]),
        (&[images(idx(8, &[1 << 20, 1 << 10, 1 << 10], &[0])), labels(1)], &["holds 17 bytes", "truncated"]),
        (&[("a.bin", [&[10][..], &[0; 3072]].concat())], &["a.bin", "sample 0 has label 10", "expected 0 to 9"]),
        (&[("a.bin", [&[20, 0][..], &[0; 3072]].concat())], &["sample 0 has label 20", "expected 0 to 19"]),
        (&[("a.bin", vec![])], &["an empty file", "known formats: idx, cifar10"]),
        (&[("a.bin", vec![1; 99])], &["starts with [01, 01", "state the dataset format"]),
        (
            &[("a.tar", [vec![b'x'; 257], b"ustar".to_vec(), vec![0; 250]].concat())],
            &["a tar archive; unpack it first"],
        ),
        (
            &[("a", tensors(("U8", &[2, 1, 1, 1], 2), ("I64", &[2], vec![0; 15])))],
            &["invalid shape, data type, or offset"],
        ),
        (&[("a", tensors(("U8", &[2, 1, 1, 1], 2), ("I32", &[1], vec![0; 4])))], &["holds 2 images", "holds 1 labels"]),
        (&[("a", tensors(("BOOL", &[2, 1, 1, 1], 2), ("U8", &[2], vec![0; 2])))], &["'images' of type BOOL"]),
        (&[("a", tensors(("U8", &[2], 2), ("U8", &[2], vec![0; 2])))], &["u8 [2]", "images as [N, H, W]"]),
        (
            &[("a", safetensors(&[("data", "U8", &[1], vec![0])]))],
            &["tensors data", "'images' [N, C, H, W] and 'labels' [N]"],
        ),
        (
            &[("a", [safetensors(&[("images", "U8", &[1], vec![0])]), vec![0]].concat())],
            &["longer than its header says"],
        ),
    ];
    let npz = |images: Vec<u8>| zip(false, &[("images.npy", images), ("labels.npy", npy(1, "|u1", &[1], &[0]))]);
    let fortran = npy(1, "|u1", &[1, 1, 1], &[9]);
    let fortran: String = fortran.into_iter().map(char::from).collect();
    let fortran = fortran.replace("False", "True ").chars().map(|latin| latin as u8).collect();
    let more: &[Case] = &[
        (&[("a.npz", zip(true, &[("x.npy", npy(1, "|u1", &[1], &[0]))]))], &["arrays x", "'images' [N, C, H, W]"]),
        (&[("a.npz", npz(npy(1, "|u1", &[1, 2, 2], &[0; 3])))], &["holds 131 bytes, expected 132", "u8 [1, 2, 2]"]),
        (&[("a.npz", npz(npy(1, "<c8", &[1, 1, 1], &[0; 8])))], &["images.npy", "'<c8'", "integers or floats"]),
        (&[("a.npz", npz(fortran))], &["True", "ascontiguousarray"]),
        (&[("a.npz", npz(vec![7; 90]))], &["images.npy that starts with [07", ".npy file of version 1 to 3"]),
        (&[("a.csv", b"1,2,3\n4,5,6\n".to_vec())], &["3 fields a row", "785 for 28 x 28"]),
        (&[("a.csv", b"1,2\n4,5,6\n".to_vec())], &["3 fields in line 2", "2 as in the first"]),
        (&[("a.csv", b"label,x\n".to_vec())], &["no rows of numbers"]),
        (&[("a.csv", b"1,2\n-1,5\n".to_vec())], &["\"-1\" first in line 2", "a label"]),
        (&[("a.csv", b"1,2\n1,256\n".to_vec())], &["\"256\" in column 2 of sample 1", "0 to 255"]),
        (&[("a.csv", b"1,2\n1,".to_vec())], &["\"\" in column 2 of sample 1", "0 to 255"]),
        (&[("a.csv", b"1,2,3,4,5\n1,2,3,4".to_vec())], &["4 fields in line 2", "5 as in the first"]),
        (&[("a.csv", b"1,0.5\n".to_vec())], &["\"0.5\" in column 2 of sample 0"]),
    ];
    for_each_case(cases.iter().chain(more), |(files, parts)| {
        let message = message(files);
        for part in *parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    });
}

#[test]
fn labels_outside_the_classes_are_named() {
    let set = data::embedded("fashion-mnist").unwrap().open().unwrap();
    let error = set.check_labels(9).unwrap_err().to_string();
    assert_eq!(error, "fashion-mnist: sample 0 has label 9, expected 0 to 8");
    assert!(set.check_labels(0).is_err());
}

#[test]
fn a_damaged_gzip_stream_is_noticed_by_its_checksum() {
    let folder = tempdir().unwrap();
    let mut images = gzip(&idx(8, &[2, 1, 3], &[0; 6]));
    let crc = images.len() - 8;
    images[crc] ^= 1;
    let path = write(folder.path().join("images"), &images);
    write(folder.path().join("labels"), &idx(8, &[2], &[0; 2]));
    assert!(drain(&path, "idx".parse().unwrap()).is_err());
}
