//! Class folders, which are read as files and decoded where batches are made.

use super::*;
use crate::data::{self, Batches, Channels, PixelKind, Preprocess, Split};
use image::ColorType::{self, L8, Rgb8};
use std::num::NonZeroUsize;
use tempfile::{TempDir, tempdir};

/// Writes an image of interleaved bytes; the extension chooses the format.
fn save(folder: &TempDir, name: &str, [w, h]: [u32; 2], color: ColorType, bytes: &[u8]) {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::save_buffer(path, bytes, w, h, color).unwrap();
}

/// Samples' bytes after `preprocess` without normalization, one after the other, in batches.
fn read(folder: &Path, preprocess: Preprocess, batch_size: usize) -> Result<(Vec<u8>, Vec<u32>), data::BatchError> {
    let dataset = data::open(folder, None, Split::Test)?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for batch in Batches::start(dataset, preprocess, NonZeroUsize::new(batch_size).unwrap(), None)? {
        let batch = batch?;
        let values = batch.images.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        pixels.extend(values.iter().map(|value| (value * 255.0).round() as u8));
        labels.extend(batch.labels);
    }
    Ok((pixels, labels))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn classes_and_files_come_by_name(
        images in proptest::collection::btree_map((0..3u32, 0..20u32), proptest::collection::vec(any::<u8>(), 2 * 3 * 3), 1..9),
        batch_size in 1..5usize,
        rgb: bool,
    ) {
        let folder = tempdir().unwrap();
        let (mut expected, mut classes) = (Vec::<u8>::new(), Vec::new());
        for (&(class, file), content) in &images {
            let (color, channels) = if rgb { (Rgb8, 3) } else { (L8, 1) };
            // Padded, so that the order of names is that of numbers.
            save(&folder, &format!("class {class}/{file:02}.png"), [2, 3], color, &content[..6 * channels]);
            expected.extend((0..channels).flat_map(|c| content[..6 * channels].iter().copied().skip(c).step_by(channels)));
            classes.push(class);
        }
        let mut names = classes.clone();
        names.dedup();
        let dataset = data::open(folder.path(), None, Split::Test).unwrap();
        prop_assert_eq!(dataset.image_shape(), [if rgb { 3 } else { 1 }, 3, 2]);
        prop_assert_eq!(dataset.pixel_kind(), PixelKind::Bytes);
        let shown: Vec<_> = names.iter().map(|class| format!("class {class}")).collect();
        prop_assert_eq!(dataset.class_names().unwrap(), shown);
        let (pixels, labels) = read(folder.path(), Preprocess::default(), batch_size).unwrap();
        prop_assert_eq!(pixels, expected);
        let ranks: Vec<u32> = classes.iter().map(|class| names.iter().position(|name| name == class).unwrap() as u32).collect();
        prop_assert_eq!(labels, ranks);
    }
}

#[test]
fn sizes_and_channels_may_differ_when_the_options_make_them_alike() {
    let folder = tempdir().unwrap();
    save(&folder, "a/1.png", [4, 2], Rgb8, &[10, 20, 30].repeat(8));
    save(&folder, "b/2.png", [3, 9], L8, &[77; 27]);
    let crop = Preprocess { crop: Some(2), ..Preprocess::default() };
    let (pixels, labels) = read(folder.path(), crop.clone(), 2).unwrap();
    // The gray image of a color set is gray in color.
    let planes = |color: [u8; 3]| color.iter().flat_map(|&level| [level; 4]).collect::<Vec<u8>>();
    assert_eq!((pixels, labels), ([planes([10, 20, 30]), planes([77; 3])].concat(), vec![0, 1]));
    let gray = Preprocess { channels: Some(Channels::Gray), ..crop.clone() };
    // By hand: (19595 * 10 + 38470 * 20 + 7471 * 30 + 32768) / 65536 = 18.65.
    assert_eq!(read(folder.path(), gray, 1).unwrap().0, [18, 18, 18, 18, 77, 77, 77, 77]);
    let error = read(folder.path(), Preprocess::default(), 1).unwrap_err();
    assert_eq!(error.keys(), ["resize", "crop"]);
    let message = error.to_string();
    assert!(message.contains("2.png: becomes [3, 9, 3]") && message.contains("resize and crop"), "{message}");
    save(&folder, "a/0.png", [2, 2], L8, &[1; 4]);
    let error = read(folder.path(), crop, 1).unwrap_err();
    assert_eq!(error.keys(), ["channels"]);
    let message = error.to_string();
    assert!(
        message.contains("1.png: becomes [3, 2, 2]") && message.contains("convert all to gray or rgb"),
        "{message}"
    );
}

#[test]
fn jpegs_are_read_and_truncated_ones_refused() {
    let folder = tempdir().unwrap();
    let ramp: Vec<u8> = (0..24 * 16).flat_map(|i| [(i % 24 * 10) as u8, (i / 24 * 15) as u8, 128]).collect();
    save(&folder, "x/ramp.JPEG", [24, 16], Rgb8, &ramp);
    let (pixels, _) = read(folder.path(), Preprocess::default(), 1).unwrap();
    for (i, &pixel) in pixels.iter().enumerate() {
        let original = ramp[i % 384 * 3 + i / 384];
        assert!(pixel.abs_diff(original) < 24, "{pixel} for {original} at {i}");
    }
    let file = folder.path().join("x/ramp.JPEG");
    let whole = std::fs::read(&file).unwrap();
    for len in 0..whole.len() {
        write(file.clone(), &whole[..len]);
        assert!(read(folder.path(), Preprocess::default(), 1).is_err(), "{len} of {}", whole.len());
    }
    write(file, &[&whole[..], b"trailing bytes"].concat());
    assert_eq!(read(folder.path(), Preprocess::default(), 1).unwrap().0, pixels);
}

#[test]
fn truncated_pngs_are_refused_unless_every_pixel_is_there() {
    let folder = tempdir().unwrap();
    save(&folder, "x/a.png", [5, 4], L8, &(0..20).collect::<Vec<u8>>());
    let file = folder.path().join("x/a.png");
    let whole = std::fs::read(&file).unwrap();
    for len in 0..whole.len() {
        write(file.clone(), &whole[..len]);
        if let Ok((pixels, _)) = read(folder.path(), Preprocess::default(), 1) {
            assert_eq!(pixels, (0..20).collect::<Vec<u8>>(), "{len} of {}", whole.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_image_files_are_errors(
        content in proptest::collection::vec(any::<u8>(), 0..300),
        magic in proptest::sample::select(vec![&b""[..], b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xda\x00\x0c", b"\x89PNG\r\n\x1a\n"]),
    ) {
        let folder = tempdir().unwrap();
        save(&folder, "x/a.png", [1, 1], L8, &[0]);
        write(folder.path().join("x/b.png"), &[magic, &content].concat());
        prop_assert!(read(folder.path(), Preprocess::default(), 2).is_err());
    }
}

#[test]
fn splits_lie_in_folders_of_their_own() {
    let folder = tempdir().unwrap();
    save(&folder, "train/a/1.png", [1, 1], L8, &[1]);
    save(&folder, "val/a/1.png", [1, 1], L8, &[2]);
    let train = data::open(folder.path(), None, Split::Train).unwrap();
    assert_eq!(train.class_names().unwrap(), ["a"]);
    assert_eq!(read(folder.path(), Preprocess::default(), 1).unwrap().0, [2]);
    save(&folder, "test/a/1.png", [1, 1], L8, &[3]);
    let message = data::open(folder.path(), None, Split::Test).unwrap_err().to_string();
    assert!(message.contains("test and val"), "{message}");
}

#[test]
fn folders_without_images_are_named() {
    let folder = tempdir().unwrap();
    save(&folder, "a/1.png", [1, 1], L8, &[1]);
    std::fs::create_dir(folder.path().join(".hidden")).unwrap();
    std::fs::create_dir(folder.path().join("__MACOSX")).unwrap();
    assert!(data::open(folder.path(), None, Split::Test).is_ok());
    std::fs::create_dir(folder.path().join("b")).unwrap();
    let message = data::open(folder.path(), None, Split::Test).unwrap_err().to_string();
    assert!(message.contains("/b: found no images,"), "{message}");
    write(folder.path().join("b/0.bmp"), b"BM");
    let message = data::open(folder.path(), None, Split::Test).unwrap_err().to_string();
    assert!(message.contains("/b: found no images but 0.bmp, expected PNG or JPEG"), "{message}");
    let message = data::open(&folder.path().join("a"), None, Split::Test).unwrap_err().to_string();
    assert!(message.contains("a folder with 1 files, the first being 1.png"), "{message}");
}

/// The order is that of `sorted(os.walk(class))`, each folder's files sorted, as `ImageFolder` has it.
#[test]
fn folders_below_a_class_are_part_of_it() {
    let folder = tempdir().unwrap();
    for (name, level) in [("a/z.png", 1), ("a/b-x/1.png", 2), ("a/b/2.png", 3), ("a/b/c/0.png", 4), ("c/0.png", 5)] {
        save(&folder, name, [1, 1], L8, &[level]);
    }
    write(folder.path().join("a/b/notes.txt"), b"not a picture");
    assert_eq!(read(folder.path(), Preprocess::default(), 2).unwrap(), (vec![1, 3, 2, 4, 5], vec![0, 0, 0, 0, 1]));
}

#[test]
fn the_hash_covers_names_and_bytes() {
    let folder = tempdir().unwrap();
    save(&folder, "a/1.png", [1, 1], L8, &[1]);
    let hash = || data::open(folder.path(), None, Split::Test).unwrap().origin().blake3().unwrap();
    let first = hash();
    let content = std::fs::read(folder.path().join("a/1.png")).unwrap();
    assert_eq!(first, blake3::hash(&[b"a/1.png\0", &content[..]].concat()));
    std::fs::rename(folder.path().join("a"), folder.path().join("b")).unwrap();
    assert_ne!(hash(), first);
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let folder = tempdir().unwrap();
    save(&folder, "elsewhere/1.png", [1, 1], L8, &[1]);
    std::fs::create_dir(folder.path().join("set")).unwrap();
    symlink(folder.path().join("elsewhere"), folder.path().join("set/a")).unwrap();
    let set = folder.path().join("set");
    assert_eq!(read(&set, Preprocess::default(), 1).unwrap(), (vec![1], vec![0]));
    symlink(".", folder.path().join("elsewhere/again")).unwrap();
    let message = data::open(&set, None, Split::Test).unwrap_err().to_string();
    assert!(message.contains("again: found a link to a folder of the same class"), "{message}");
}
