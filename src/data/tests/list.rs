//! Lists of images with their labels.

use super::*;
use crate::cases::for_each_case;
use crate::data::{self, Split};
use tempfile::tempdir;

/// Images beside their list, in a folder of their own and with spaces in their names.
pub fn beside(set: &Set, folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder.join("some images")).expect("a writable folder");
    let mut lines = Vec::new();
    for (i, (label, image)) in set.samples().enumerate() {
        write(folder.join(format!("some images/{i}.png")), &png(set.shape, image));
        lines.push(format!("some images/{i}.png {label}\n"));
    }
    write(folder.join("list"), lines.concat().as_bytes())
}

/// As ImageNet has them: images in `val/`, their bare names in `val.txt`.
pub fn in_a_folder(set: &Set, folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder.join("val")).expect("a writable folder");
    let mut lines = Vec::new();
    for (i, (label, image)) in set.samples().enumerate() {
        write(folder.join(format!("val/{i}.PNG")), &png(set.shape, image));
        lines.push(format!("{i}.PNG\t{label}\r\n\r\n"));
    }
    write(folder.join("val.txt"), lines.concat().trim_end().as_bytes())
}

#[test]
fn damaged_lists_are_named_with_the_line() {
    let image = png([1, 1, 1], &[9]);
    let folder = tempdir().unwrap();
    write(folder.path().join("a.png"), &image);
    let message = |list: &[u8]| {
        let path = write(folder.path().join("val.txt"), list);
        data::open(&path, "list".parse().ok(), Split::Test).unwrap_err().to_string()
    };
    let cases = [
        (&b""[..], &["val.txt: found no lines"][..]),
        (b"\n \n", &["no lines"]),
        (b"a.png 1\na.png\n", &["\"a.png\" in line 2", "a label"]),
        (b"a.png 1\na.png one\n", &["\"a.png one\" in line 2"]),
        (b"a.png 1\na.png -1\n", &["\"a.png -1\" in line 2", "from 0"]),
        (b"a.png 1\na\xff.png 1\n", &["in line 2"]),
        (b"b.png 1\n", &["no ", "/b.png and no ", "/val/b.png"]),
        (b"a.png 1\nb.png 1\n", &["b.png: cannot read it"]),
    ];
    for_each_case(cases, |(list, parts)| {
        let message = message(list);
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    });
    assert!(message(&vec![b'x'; 70_000]).contains("in line 1"));
}

#[test]
fn paths_may_be_absolute_and_a_mark_may_come_first() {
    let folder = tempdir().unwrap();
    let image = write(folder.path().join("ü.png"), &png([1, 1, 1], &[9]));
    let list = format!("\u{feff}{} 3\r\n{} 4\r\n", image.display(), image.display());
    let elsewhere = tempdir().unwrap();
    let path = write(elsewhere.path().join("val.txt"), list.as_bytes());
    let mut dataset = data::open(&path, None, Split::Test).unwrap();
    assert_eq!((bytes(&mut dataset, 0..2), dataset.labels()), (vec![9, 9], &[3, 4][..]));
}

#[test]
fn the_hash_covers_labels_and_images() {
    let folder = tempdir().unwrap();
    let image = png([1, 1, 1], &[9]);
    write(folder.path().join("a.png"), &image);
    let hash = |list: &[u8]| {
        let path = write(folder.path().join("val.txt"), list);
        data::open(&path, None, Split::Test).unwrap().origin().blake3().unwrap()
    };
    assert_eq!(hash(b"a.png 1\n"), blake3::hash(&[b"a.png 1\n", &image[..]].concat()));
    assert_ne!(hash(b"a.png 1\n"), hash(b"a.png 2\n"));
}

#[test]
fn other_texts_are_no_lists() {
    let folder = tempdir().unwrap();
    let cases = [
        ("5, 0, 12\n", "3 fields a row"),
        ("hello 12\n", "not recognized as a dataset (a text that starts with \"hello 12\")"),
        ("a.png\n", "not recognized"),
        ("1 2 3\n", "not recognized"),
    ];
    for_each_case(cases, |(text, expected)| {
        let path = write(folder.path().join("text"), text.as_bytes());
        let message = data::open(&path, None, Split::Test).unwrap_err().to_string();
        assert!(message.contains(expected), "{text:?}: {message}");
    });
}
