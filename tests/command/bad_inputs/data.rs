//! Files of datasets in every format but pictures.

use super::{damaged, each_content_is_refused, each_is_refused};
use crate::common::Folder;
use crate::common::files::{byte_set, cifar, gzip, idx, safetensors, stored};
use crate::common::network::Tiny;
use crate::common::pictures::{npy, npz};
use crate::common::random::Random;
use safetensors::Dtype;

const IMAGES: &str = "t10k-images-idx3-ubyte";
const LABELS: &str = "t10k-labels-idx1-ubyte";

fn pixels() -> Vec<u8> {
    Random::new(3).bytes(4 * 784)
}

fn numpy_set(deflated: bool) -> Vec<u8> {
    let images = npy("|u1", "(4, 28, 28)", &pixels());
    npz(&[("images.npy", images), ("labels.npy", npy("|u1", "(4,)", &[0, 1, 2, 3]))], deflated)
}

#[test]
fn damaged_sets_of_every_format() {
    let folder = Folder::new();
    folder.write(LABELS, idx(&[4], &[0, 1, 2, 3]));
    folder.write(&format!("{LABELS}.gz"), gzip(&idx(&[4], &[0, 1, 2, 3])));
    folder.write("y_test.npy", npy("|u1", "(4,)", &[0, 1, 2, 3]));
    let rgb = Random::new(5).bytes(3 * 3072);
    let color = "--channels gray --crop 28";
    let sets = [
        (IMAGES.to_owned(), idx(&[4, 28, 28], &pixels()), format!("-d {IMAGES} --data-format idx")),
        (format!("{IMAGES}.gz"), gzip(&idx(&[4, 28, 28], &pixels())), format!("-d {IMAGES}.gz --data-format idx")),
        (
            "set.safetensors".to_owned(),
            byte_set([4, 1, 28, 28], &pixels(), &[0, 1, 2, 3]),
            "-d set.safetensors".to_owned(),
        ),
        ("set.npz".to_owned(), numpy_set(false), "-d set.npz --data-format npz".to_owned()),
        ("small.npz".to_owned(), numpy_set(true), "-d small.npz --data-format npz".to_owned()),
        ("x_test.npy".to_owned(), npy("|u1", "(4, 28, 28)", &pixels()), "-d x_test.npy --data-format npy".to_owned()),
        ("t.bin".to_owned(), cifar(&rgb, |i| vec![i as u8]), format!("-d t.bin --data-format cifar10 {color}")),
        ("u.bin".to_owned(), cifar(&rgb, |i| vec![0, i as u8]), format!("-d u.bin --data-format cifar100 {color}")),
    ];
    for (name, whole, args) in sets {
        each_content_is_refused(&folder, &name, &args, damaged(&whole));
    }
}

#[test]
fn idx_files() {
    let folder = Folder::new();
    folder.write(LABELS, idx(&[4], &[0, 1, 2, 3]));
    let cases = [
        (vec![0, 0, 7, 1], "07"),
        (vec![0, 0, 8, 0], "IDX"),
        ([&[0, 0, 8, 255][..], &[1; 1020]].concat(), ""),
        (idx(&[4], &[0; 4]), "labels"),
        (idx(&[0, 28, 28], &[]), "0"),
        (idx(&[4, 0, 28], &[]), "0"),
        (idx(&[4, 28, 28], &[0; 5 * 784]), "longer"),
        (idx(&[1 << 31, 1 << 31, 1 << 31], &[0; 9]), "fit"),
        (idx(&[3, 28, 28], &[0; 3 * 784]), "3 4"),
        (idx(&[4, 14, 14], &[0; 4 * 196]), "14 28"),
        (
            [&idx(&[4, 28, 28], &[])[..2], &[0x0d, 3], &idx(&[4, 28, 28], &[])[4..], &[0xff; 16 * 784]].concat(),
            "NaN conv1",
        ),
    ];
    each_content_is_refused(&folder, IMAGES, &format!("-d {IMAGES} --data-format idx"), cases);
    folder.write(IMAGES, idx(&[4, 28, 28], &pixels()));
    let cases = [
        (idx(&[4], &[0, 1, 2, 10]), "sample 3 label 10"),
        (idx(&[5], &[0; 5]), "4 5"),
        (idx(&[4, 10], &[0; 40]), "[N]"),
        (vec![0, 0, 0x0d, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "integers"),
    ];
    for (content, needles) in cases {
        folder.write(LABELS, content);
        folder.refuses_in_bounds(&format!("-d {IMAGES}"), &needles.split(' ').collect::<Vec<_>>());
    }
}

/// 2.6 GiB that unpack from three megabytes: the number of labels is compared first.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn what_unpacks_to_gigabytes_is_not_unpacked_in_vain() {
    let folder = Folder::new();
    let head = idx(&[3_500_000, 28, 28], &[]);
    let script = format!(
        "(cat head; head -c {} /dev/zero) | gzip -1 > {IMAGES}.gz; printf '\\0\\0\\10\\1\\0\\0\\0\\4abcd' > {LABELS}",
        // Of another length than the header's, so that the trailer alone does not tell.
        3_500_000u64 * 784 - 1
    );
    folder.write("head", head);
    assert!(folder.shell(&script).output().unwrap().status.success());
    let started = std::time::Instant::now();
    folder.refuses_in_bounds(&format!("-d {IMAGES}.gz"), &["3500000", "4", "labels"]);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    // Labels beyond what is kept in memory, of as many images.
    let members = [
        ("images.npy", npy("|u1", "(4000000000, 1, 1)", &[0; 64])),
        ("labels.npy", npy("<i8", "(4000000000,)", &[0; 64])),
    ];
    folder.write("set.npz", npz(&members, true));
    folder.refuses_in_bounds("-d set.npz", &["set.npz"]);
}

#[test]
fn arrays_by_name() {
    let folder = Folder::new();
    let tensors = |parts: &[(&str, Dtype, &[usize], usize)]| {
        safetensors(
            &parts
                .iter()
                .map(|(name, kind, shape, bytes)| stored(name, *kind, shape, vec![1; *bytes]))
                .collect::<Vec<_>>(),
        )
    };
    let images = ("images", Dtype::U8, &[4, 1, 28, 28][..], 4 * 784);
    let cases = [
        (tensors(&[images]), "labels"),
        (tensors(&[("labels", Dtype::U8, &[4], 4)]), "images"),
        (tensors(&[("a", Dtype::U8, &[4], 4), ("b", Dtype::U8, &[4], 4)]), "images labels"),
        (tensors(&[images, ("labels", Dtype::U8, &[3], 3)]), "4 3"),
        (tensors(&[images, ("labels", Dtype::F32, &[4], 16)]), "integers"),
        (tensors(&[images, ("labels", Dtype::U8, &[4, 7], 28)]), "[N]"),
        (tensors(&[images, ("labels", Dtype::BOOL, &[4], 4)]), "BOOL"),
        (tensors(&[("images", Dtype::U8, &[0, 1, 28, 28], 0), ("labels", Dtype::U8, &[0], 0)]), "0"),
        (tensors(&[("images", Dtype::U8, &[4, 1, 14, 14], 4 * 196), ("labels", Dtype::U8, &[4], 4)]), "14"),
        (tensors(&[("images", Dtype::U8, &[4, 3, 28, 28], 12 * 784), ("labels", Dtype::U8, &[4], 4)]), "channels"),
        ([&(1u64 << 40).to_le_bytes()[..], b"{}"].concat(), ""),
        ([&2u64.to_le_bytes()[..], b"[]"].concat(), ""),
        ([&100_000_001u64.to_le_bytes()[..], b"{"].concat(), ""),
        (header(r#"{"images":{"dtype":"U8","shape":[4,1,28,28],"data_offsets":[0,99999999999]}}"#), ""),
        (header(r#"{"images":{"dtype":"U8","shape":[18446744073709551615,2],"data_offsets":[0,4]}}"#), ""),
        (header(&"[".repeat(100_000)), ""),
    ];
    each_content_is_refused(&folder, "set.safetensors", "-d set.safetensors --data-format safetensors", cases);
    let member = |images: Vec<u8>, labels: Vec<u8>| npz(&[("images.npy", images), ("labels.npy", labels)], false);
    let labels = || npy("|u1", "(4,)", &[0, 1, 2, 3]);
    let images = || npy("|u1", "(4, 28, 28)", &pixels());
    let cases = [
        (npz(&[], false), ""),
        (npz(&[("images.npy", images())], false), "labels"),
        (member(images(), npy("<f4", "(4,)", &[0; 16])), "integers"),
        (member(images(), npy("|u1", "(3,)", &[0; 3])), "4 3"),
        (member(npy("|O", "(4, 28, 28)", &pixels()), labels()), "images.npy"),
        (member(npy("|u1", "(4, 28)", &pixels()), labels()), ""),
        (member(npy("|u1", "(-4, 28, 28)", &pixels()), labels()), "images.npy"),
        (member(npy("|u1", "(4, 28, 99999999999999999999)", &pixels()), labels()), "images.npy"),
        (member(b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{".to_vec(), labels()), "images.npy"),
        (member(images(), npy("|i1", "(4,)", &[0, 1, 2, 0xff])), "-1"),
    ];
    each_content_is_refused(&folder, "set.npz", "-d set.npz --data-format npz", cases);
    let longer = |mut file: Vec<u8>| {
        file.push(0);
        file
    };
    let cut = |file: Vec<u8>| file[..file.len() - 1].to_vec();
    folder.write("y_test.npy", labels());
    let cases = [
        (longer(images()), "longer"),
        (cut(images()), "truncated"),
        (npy("|u1", "(3, 28, 28)", &pixels()[784..]), "3 4"),
        (npy("|u1", "(4, 4294967296, 4294967296)", &pixels()), "fit"),
        (npy("<f4", "(4, 28, 28)", &pixels()), "truncated"),
    ];
    each_content_is_refused(&folder, "x_test.npy", "-d x_test.npy", cases);
    folder.write("x_test.npy", images());
    let cases = [(longer(labels()), "longer"), (cut(labels()), "truncated"), (npy("|u1", "(4, 1, 2)", &[0; 8]), "[N]")];
    each_content_is_refused(&folder, "y_test.npy", "-d x_test.npy", cases);
}

fn header(json: &str) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat()
}

#[test]
fn rows_and_lists() {
    let folder = Folder::new();
    let row = |label: &str| format!("{label}{}\n", ",7".repeat(784));
    let cases = [
        (String::new(), ""),
        ("label\n".to_owned(), ""),
        (row("-1"), "-1"),
        (row("1.5"), "1.5"),
        (row("10"), "10"),
        (row("4294967296"), "4294967296"),
        (row("1") + &row("2").replacen(",7", ",256", 1), "256 sample 1"),
        (row("1") + &row("2").replacen(",7", ",x", 1), "x"),
        (row("1") + "2,3\n", "785 line 2"),
        ("1,2,3\n".to_owned(), "785"),
        ("1,\"2\n".to_owned(), ""),
        // A row without an end, of more than fits.
        ("1,".repeat(40 << 20), "67108864"),
    ];
    each_content_is_refused(&folder, "set.csv", "-d set.csv --data-format csv", cases);
    let cases = [
        (String::new(), ""),
        ("nowhere.png 1\n".to_owned(), "nowhere.png"),
        ("a.png\n".to_owned(), "a.png"),
        ("a.png one\n".to_owned(), "one"),
        ("a.png -1\n".to_owned(), "-1"),
        ("\u{1b}[2J 1 x\n".to_owned(), "\\u{1b}"),
        ("x".repeat(1 << 20), ""),
        ("/etc/hostname 0\n".to_owned(), "hostname"),
        (".. 0\n".to_owned(), ""),
    ];
    folder.write("a.png", "no picture");
    for (text, needles) in cases {
        folder.write("val.txt", text);
        folder.refuses_in_bounds("-d val.txt --data-format list", &needles.split_whitespace().collect::<Vec<_>>());
    }
}

#[test]
fn what_is_no_set() {
    let (_, folder) = Tiny::folder(201);
    std::fs::create_dir_all(folder.path("empty")).unwrap();
    std::fs::create_dir_all(folder.path("classes/none")).unwrap();
    folder.write("classes2/a/notes.txt", "x");
    folder.write("archive.tar", [vec![b'x'; 257], b"ustar".to_vec(), vec![0; 250]].concat());
    folder.write("images.npy", npy("|u1", "(4, 28, 28)", &pixels()));
    folder.write("python/data_batch_1", "x");
    folder.write("set.parquet", "PAR1");
    folder.write("noise", Random::new(4).bytes(999));
    each_is_refused(
        &folder,
        &[
            ("-d empty", "empty"),
            ("-d classes", "none"),
            ("-d classes2", "notes.txt"),
            ("-d archive.tar", "tar unpack"),
            ("-d images.npy", "labels.npy"),
            ("-d python", "binary"),
            ("-d set.parquet", "set.parquet"),
            ("-d noise", "noise"),
            ("-d ''", ""),
            ("-d nowhere", "nowhere"),
            ("-d tiny.safetensors", "2 1"),
            ("-d tiny.safetensors --model tiny --resize 12", "--resize"),
            ("-d tiny.safetensors --model tiny --crop 12", "--crop"),
            ("-d tiny.safetensors --model tiny --channels gray", "--channels"),
            ("--model tiny", "--data"),
            ("--data-format csv", "--data"),
        ],
    );
}
