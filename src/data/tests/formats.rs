//! Reading what is as it should be.

use super::*;
use crate::cases::for_each_case;
use crate::data::{self, DATA_FORMATS, Dataset, Numbers, PixelKind, Samples, Split};
use tempfile::tempdir;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_format_reads_back_its_encoding_in_any_ranges(
        (encoding, set) in encoded_sets(9),
        cuts in proptest::collection::vec((0..10usize, 0..10usize), 1..6),
        recognized: bool,
    ) {
        let folder = tempdir().unwrap();
        let path = (encoding.write)(&set, folder.path());
        let format = if recognized { None } else { Some(encoding.data_format()) };
        let mut dataset = data::open(&path, format, Split::Test).unwrap();
        prop_assert_eq!(dataset.image_shape(), set.shape);
        prop_assert_eq!(dataset.pixel_kind(), PixelKind::Bytes);
        prop_assert_eq!(dataset.labels(), set.labels.iter().map(|&label| label.into()).collect::<Vec<u32>>());
        for (a, b) in cuts {
            let range = a.min(b).min(dataset.len())..a.max(b).min(dataset.len());
            let expected = &set.pixels[range.start * set.image()..range.end * set.image()];
            prop_assert_eq!(&bytes(&mut dataset, range)[..], expected);
        }
        prop_assert_eq!(bytes(&mut dataset, 0..set.labels.len()), set.pixels);
    }
}

#[test]
fn floats_of_every_width_become_f32() {
    let values = [0.5f32, -2.0, 1.5e-3, 65504.0];
    let expect = |dtype: &str, bytes: Vec<u8>, expected: &[f32]| {
        let folder = tempdir().unwrap();
        let tensors =
            [("images", dtype, &[2usize, 1, 1, 2][..], bytes), ("labels", "I32", &[2], vec![1, 0, 0, 0, 0, 0, 0, 0])];
        let path = write(folder.path().join("floats"), &safetensors(&tensors));
        let mut dataset = data::open(&path, None, Split::Test).unwrap();
        assert_eq!(dataset.pixel_kind(), PixelKind::Floats, "{dtype}");
        assert_eq!(dataset.read(1..2).unwrap(), Pixels::Floats(expected[2..].to_vec()), "{dtype}");
        assert_eq!(dataset.read(0..2).unwrap(), Pixels::Floats(expected.to_vec()), "{dtype}");
    };
    expect("F32", values.iter().flat_map(|v| v.to_le_bytes()).collect(), &values);
    expect("F64", values.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect(), &values);
    // By hand: 0.5 is 2^-1, -2 is 2^1, 1.5e-3 is 1572.864 * 2^-20 and rounds to 1573, the last is the largest half.
    expect(
        "F16",
        [0x3800u16, 0xc000, 0x1625, 0x7bff].iter().flat_map(|v| v.to_le_bytes()).collect(),
        &[0.5, -2.0, 1573.0 / 1_048_576.0, 65504.0],
    );
    // bfloat16 is the upper half of an f32.
    expect(
        "BF16",
        [0x3f00u16, 0xc000, 0x3fc0, 0x4780].iter().flat_map(|v| v.to_le_bytes()).collect(),
        &[0.5, -2.0, 1.5, 65536.0],
    );
}

#[test]
fn idx_takes_every_type_rank_and_spelling() {
    let floats: Vec<u8> = [1.5f64, -0.25].iter().flat_map(|v| v.to_be_bytes()).collect();
    let words: Vec<u8> = [7i16, 255].iter().flat_map(|v| v.to_be_bytes()).collect();
    let cases: [(&str, &str, Vec<u8>, Pixels); 4] = [
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte", idx(8, &[2, 1, 1], &[3, 4]), Pixels::Bytes(vec![3, 4])),
        (
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte.gz",
            idx(0x0b, &[2, 1, 1], &words),
            Pixels::Bytes(vec![7, 255]),
        ),
        (
            "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte",
            idx(0x0e, &[2, 1, 1], &floats),
            Pixels::Floats(vec![1.5, -0.25]),
        ),
        (
            "train-images.idx3-ubyte.gz",
            "train-labels.idx1-ubyte.gz",
            idx(9, &[2, 1], &[0, 127]),
            Pixels::Bytes(vec![0, 127]),
        ),
    ];
    for_each_case(cases, |(images, labels, content, expected)| {
        let folder = tempdir().unwrap();
        let maybe_gz = |name: &str, content: Vec<u8>| if name.ends_with("gz") { gzip(&content) } else { content };
        write(folder.path().join(images), &maybe_gz(images, content));
        write(folder.path().join(labels), &maybe_gz(labels, idx(8, &[2], &[6, 9])));
        for path in [folder.path(), &folder.path().join(images)] {
            let mut dataset = data::open(path, None, Split::Train).unwrap();
            assert_eq!((dataset.labels(), dataset.image_shape()), (&[6, 9][..], [1, 1, 1]), "{images}");
            assert_eq!(dataset.read(0..2).unwrap(), expected, "{images}");
        }
        let error = data::open(folder.path(), None, Split::Test).unwrap_err().to_string();
        assert!(error.contains("has no test images") && error.contains("t10k-images-idx3-ubyte.gz"), "{error}");
    });
}

#[test]
fn a_gzip_stream_may_have_several_members() {
    let folder = tempdir().unwrap();
    let set = Set::of([1, 5, 5], 8);
    let file = idx(8, &[8, 5, 5], &set.pixels);
    let members = [gzip(&file[..100]), gzip(&file[100..])].concat();
    let path = write(folder.path().join("images"), &members);
    write(folder.path().join("labels"), &idx(8, &[8], &set.labels));
    let mut dataset = data::open(&path, None, Split::Test).unwrap();
    assert_eq!(bytes(&mut dataset, 0..8), set.pixels);
    assert_eq!(bytes(&mut dataset, 3..4), set.pixels[75..100]);
}

#[test]
fn cifar_folders_have_standard_files() {
    let folder = tempdir().unwrap();
    let set = Set::of([3, 32, 32], 11);
    let record = |(label, image): (u8, &[u8])| [&[label], image].concat();
    let records: Vec<Vec<u8>> = set.samples().map(record).collect();
    write(folder.path().join("test_batch.bin"), &records[10]);
    for batch in 0..5 {
        write(folder.path().join(format!("data_batch_{}.bin", batch + 1)), &records[2 * batch..2 * batch + 2].concat());
    }
    let mut test = data::open(folder.path(), None, Split::Test).unwrap();
    assert_eq!((bytes(&mut test, 0..1), test.labels()), (set.pixels[30720..].to_vec(), &[0][..]));
    let mut train = data::open(folder.path(), None, Split::Train).unwrap();
    assert_eq!(train.labels(), [0, 7, 4, 1, 8, 5, 2, 9, 6, 3]);
    assert_eq!(bytes(&mut train, 3..9), set.pixels[3 * 3072..9 * 3072]);
    std::fs::remove_file(folder.path().join("data_batch_4.bin")).unwrap();
    let error = data::open(folder.path(), None, Split::Train).unwrap_err().to_string();
    assert!(error.contains("has no data_batch_4.bin"), "{error}");
}

#[test]
fn cifar_files_of_a_size_that_fits_both_are_told_apart_by_labels() {
    let folder = tempdir().unwrap();
    // 3074 records of CIFAR-10 are as long as 3073 of CIFAR-100.
    let open = |content: &[u8]| data::open(&write(folder.path().join("a.bin"), content), None, Split::Test);
    let filled = |classes: &[u8], fill: u8| {
        let record = [classes, &[fill; 3072]].concat();
        record.repeat(3073 * 3074 / record.len())
    };
    assert_eq!(open(&filled(&[9], 200)).unwrap().len(), 3074);
    let hundred = open(&filled(&[19, 99], 200)).unwrap();
    assert_eq!((hundred.len(), hundred.labels()[3072]), (3073, 99));
    let error = open(&filled(&[1], 1)).unwrap_err();
    assert_eq!(error.keys(), ["data_format"]);
    let error = error.to_string();
    assert!(error.contains("(cifar10, cifar100)") && error.contains("state the dataset format"), "{error}");
    let forced = data::open(&folder.path().join("a.bin"), "cifar100".parse().ok(), Split::Test);
    assert_eq!(forced.unwrap().len(), 3073);
}

#[test]
fn the_embedded_set_is_fashion_mnist() {
    let mut set = data::embedded("fashion-mnist").unwrap().open().unwrap();
    assert_eq!((set.name(), set.len(), set.image_shape()), ("fashion-mnist", 10_000, [1, 28, 28]));
    set.check_labels(10).unwrap();
    // The test set has 1,000 images of every class.
    assert!((0..10).all(|class| set.labels().iter().filter(|&&label| label == class).count() == 1000));
    // The first test images as the dataset's own reader shows them.
    assert_eq!(set.labels()[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    let mut hasher = blake3::Hasher::new();
    for name in ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"] {
        hasher.update(&std::fs::read(format!("models/fashion-mnist/{name}")).unwrap());
    }
    assert_eq!(set.origin().blake3().unwrap(), hasher.finalize());
    let (whole, part) = (bytes(&mut set, 0..10_000), bytes(&mut set, 9_990..10_000));
    assert_eq!(whole[9_990 * 784..], part);
    let mut files = data::open("models/fashion-mnist".as_ref(), None, Split::Test).unwrap();
    assert_eq!(bytes(&mut files, 0..10_000), whole);
    assert_eq!(files.origin().blake3().unwrap(), hasher.finalize());
    assert!(data::embedded("mnist").is_err());
}

#[test]
fn formats_are_named() {
    for format in &DATA_FORMATS {
        assert_eq!(format.to_string().parse::<DataFormat>().unwrap(), *format);
    }
    let error = "tfrecord".parse::<DataFormat>().unwrap_err().to_string();
    assert!(
        error.contains("'tfrecord'") && error.contains("idx, cifar10, cifar100, folder, list, safetensors, npz, csv"),
        "{error}"
    );
}

#[test]
fn csv_goes_back_over_its_marks() {
    // More rows than lie between two marks, twice.
    let set = Set::of([1, 1, 1], 700);
    for encoding in ENCODINGS.iter().filter(|encoding| encoding.format == "csv") {
        let folder = tempdir().unwrap();
        let mut dataset = data::open(&(encoding.write)(&set, folder.path()), None, Split::Test).unwrap();
        for range in [600..700, 0..10, 255..257, 257..300, 511..513, 512..513, 100..101, 0..700] {
            assert_eq!(bytes(&mut dataset, range.clone()), set.pixels[range]);
        }
    }
}

#[test]
fn csv_files_may_lack_a_last_newline_and_have_a_mark_or_names_first() {
    let folder = tempdir().unwrap();
    let cases = [
        "5,1\n6,255",
        "5,1\r\n6,255\r\n",
        "label,p\n5,1\n6,255",
        "\"Class\",p\n5,1\n6,255",
        "\u{feff}5,1\n6,255",
        "\u{feff}label,p\r\n5,1\r\n6,255",
    ];
    for_each_case(cases, |text| {
        let mut dataset = data::open(&write(folder.path().join("a.csv"), text.as_bytes()), None, Split::Test).unwrap();
        // Twice, the second time from the first row's place.
        for _ in 0..2 {
            assert_eq!((bytes(&mut dataset, 0..2), dataset.labels()), (vec![1, 255], &[5, 6][..]), "{text:?}");
        }
    });
}

#[test]
fn idx_files_have_any_rank_and_type() {
    let folder = tempdir().unwrap();
    let big = |value: u8, size: usize| [vec![0; size - 1], vec![value]].concat();
    write(folder.path().join("labels"), &idx(8, &[2], &[3, 4]));
    let cases = [
        (&[2usize, 4][..], [1, 1, 4]),
        (&[2, 2, 2], [1, 2, 2]),
        (&[2, 2, 2, 1], [1, 2, 2]),
        (&[2, 1, 1, 2, 2], [1, 2, 2]),
        (&[2, 1, 1, 4, 1, 1], [4, 1, 1]),
    ];
    for_each_case(cases, |(dims, shape)| {
        for (code, size) in [(0x08, 1), (0x09, 1), (0x0b, 2), (0x0c, 4)] {
            let content: Vec<u8> = (1..9).flat_map(|value| big(value * 15, size)).collect();
            let path = write(folder.path().join("images"), &idx(code, dims, &content));
            let mut dataset = data::open(&path, "idx".parse().ok(), Split::Test).unwrap();
            assert_eq!((dataset.image_shape(), dataset.labels()), (shape, &[3, 4][..]), "{dims:?} of {code}");
            assert_eq!(bytes(&mut dataset, 1..2), [75, 90, 105, 120], "{dims:?} of {code}");
        }
        let values = [0.5f32, -1.0, 2.0, 3.0, 4.0, 5.0, -6.5, 7.0];
        let single = values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<_>>();
        let double = values.iter().flat_map(|&value| f64::from(value).to_be_bytes()).collect();
        for (code, content) in [(0x0d, single), (0x0e, double)] {
            let path = write(folder.path().join("images"), &idx(code, dims, &content));
            let mut dataset = data::open(&path, "idx".parse().ok(), Split::Test).unwrap();
            assert_eq!(dataset.read(1..2).unwrap(), Pixels::Floats(values[4..].to_vec()), "{dims:?} of {code}");
        }
    });
    let path = write(folder.path().join("images"), &idx(8, &[2, 2, 1, 1, 2], &[0; 8]));
    let error = data::open(&path, "idx".parse().ok(), Split::Test).unwrap_err().to_string();
    assert!(error.contains("u8 [2, 2, 1, 1, 2]") && error.contains("[N, C, H, W]"), "{error}");
}

#[test]
fn calibration_sets_can_be_embedded() {
    let tensors = [
        ("images", "F32", &[1usize, 1, 1, 2][..], vec![0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]),
        ("labels", "U8", &[1], vec![4]),
    ];
    let bytes: &'static [u8] = safetensors(&tensors).leak();
    let mut dataset = data::embedded_safetensors("calibration", bytes).unwrap();
    assert_eq!((dataset.name(), dataset.labels()), ("calibration", &[4][..]));
    assert_eq!(dataset.read(0..1).unwrap(), Pixels::Floats(vec![1.0, -2.0]));
    assert_eq!(dataset.origin().blake3().unwrap(), blake3::hash(bytes));
    let error = data::embedded_safetensors("short", &bytes[..bytes.len() - 1]).unwrap_err().to_string();
    assert!(error.contains("embedded short: holds"), "{error}");
}

/// Arrays in memory are those of a safetensors file.
#[test]
fn arrays_in_memory_are_those_of_files() {
    use ::safetensors::Dtype;

    let folder = tempfile::tempdir().unwrap();
    let numbers = |dtype, dims: &[usize], bytes: &[u8]| Numbers { dtype, dims: dims.to_vec(), bytes: bytes.into() };
    let cases = [
        (Dtype::U8, "U8", vec![1, 2, 255, 4]),
        (Dtype::F32, "F32", [0.5f32, -1.0, 2.0, 3.0].map(f32::to_le_bytes).concat()),
        (Dtype::F64, "F64", [0.5f64, -1.0, 2.0, 3.0].map(f64::to_le_bytes).concat()),
        (Dtype::I64, "I64", [0i64, 7, 255, 3].map(i64::to_le_bytes).concat()),
        (Dtype::I8, "I8", vec![255, 2, 3, 4]),
    ];
    for_each_case(cases, |(dtype, name, bytes)| {
        let labels = [3i32, 1].map(i32::to_le_bytes).concat();
        let file =
            safetensors(&[("images", name, &[2, 1, 1, 2], bytes.clone()), ("labels", "I32", &[2], labels.clone())]);
        let path = write(folder.path().join("set.safetensors"), &file);
        let mut expected = data::open(&path, None, Split::Test).unwrap();
        let images = numbers(dtype, &[2, 1, 1, 2], &bytes);
        let samples = Samples::from_numbers("memory", images, numbers(Dtype::I32, &[2], &labels)).unwrap();
        let mut found = samples.open().unwrap();
        assert_eq!((found.labels(), found.image_shape()), (expected.labels(), expected.image_shape()));
        let pixels = |set: &mut Dataset| {
            set.read(0..2).map_err(|error| error.to_string().split_once(": ").unwrap().1.to_owned())
        };
        assert_eq!(pixels(&mut found), pixels(&mut expected));
    });
    let labels = || numbers(Dtype::U8, &[2], &[0, 1]);
    let wrong = [numbers(Dtype::F32, &[2, 3], &[0; 20]), numbers(Dtype::BOOL, &[2, 3], &[0; 6])];
    for_each_case(wrong, |images| {
        let error = Samples::from_numbers("memory", images, labels()).unwrap_err().to_string();
        assert!(error.starts_with("memory images: found ") && error.contains("[2, 3], expected"), "{error}");
    });
}
