//! Arrays by their names, and images whose channels come last.

use super::*;
use crate::cases::for_each_case;
use crate::data::{self, Split};
use tempfile::tempdir;

/// Opens the arrays, each given by its name and its value, as npz and as safetensors: an array of
/// images has two of [1, 1] and of that value, one of labels the value twice.
fn open(arrays: &[(&str, u8)], split: Split) -> Result<(Pixels, Vec<u32>), String> {
    let folder = tempdir().unwrap();
    let is_labels = |name: &str| name.starts_with('y') || name.contains("labels") || name == "arr_1";
    let dims = |name: &str| if is_labels(name) { vec![2, 1] } else { vec![2, 1, 1] };
    let files: Vec<_> = arrays.iter().map(|(name, _)| format!("{name}.npy")).collect();
    let members = arrays.iter().zip(&files);
    let members: Vec<_> =
        members.map(|((name, value), file)| (file.as_str(), npy(1, "|u1", &dims(name), &[*value; 2]))).collect();
    let shapes: Vec<_> = arrays.iter().map(|(name, _)| dims(name)).collect();
    let tensors: Vec<_> =
        arrays.iter().zip(&shapes).map(|((name, value), dims)| (*name, "U8", &dims[..], vec![*value; 2])).collect();
    let read = |path: PathBuf| -> Result<(Pixels, Vec<u32>), String> {
        let mut dataset = data::open(&path, None, split).map_err(|error| error.to_string())?;
        Ok((dataset.read(0..2).unwrap(), dataset.labels().to_vec()))
    };
    let npz = read(write(folder.path().join("set"), &zip(true, &members)));
    let tensors = read(write(folder.path().join("set"), &safetensors(&tensors)));
    match (&npz, &tensors) {
        (Ok(npz), Ok(tensors)) => assert_eq!(npz, tensors, "{arrays:?}"),
        (Err(npz), Err(tensors)) => assert!(npz.contains("set: found ") && tensors.contains("set: found "), "{npz}"),
        _ => panic!("{npz:?}, but {tensors:?}"),
    }
    npz
}

/// Names of arrays, and the places among them of the images and labels of the test and training part.
type Case<'a> = (&'a [&'a str], Option<[usize; 2]>, Option<[usize; 2]>);

#[test]
fn one_pair_of_names_is_taken() {
    let medmnist = ["train_images", "val_images", "test_images", "train_labels", "val_labels", "test_labels"];
    let cases: &[Case] = &[
        (&["labels", "images"], Some([1, 0]), Some([1, 0])),
        (&["data", "labels"], Some([0, 1]), Some([0, 1])),
        (&["x", "y"], Some([0, 1]), Some([0, 1])),
        (&["arr_0", "arr_1"], Some([0, 1]), Some([0, 1])),
        (&["arr_0", "arr_1", "notes"], Some([0, 1]), Some([0, 1])),
        // Keras's mnist.npz.
        (&["x_test", "x_train", "y_train", "y_test"], Some([0, 3]), Some([1, 2])),
        (&["X_test", "X_train", "y_train", "y_test"], Some([0, 3]), Some([1, 2])),
        (&medmnist, Some([2, 5]), Some([0, 3])),
        (&["x_test", "y_test"], Some([0, 1]), None),
        (&["x_train", "y_train"], None, Some([0, 1])),
        // What could be either is nothing.
        (&["images", "data", "labels"], None, None),
        (&["images", "labels", "x_test", "y_test"], None, Some([0, 1])),
        (&["images", "y"], None, None),
        (&["notes"], None, None),
    ];
    for_each_case(cases, |(names, test, train)| {
        let arrays: Vec<_> = names.iter().enumerate().map(|(place, &name)| (name, place as u8)).collect();
        for (split, expected) in [(Split::Test, test), (Split::Train, train)] {
            let found = open(&arrays, split);
            let Some([images, labels]) = expected else {
                let message = found.unwrap_err();
                assert!(names.iter().all(|name| message.contains(name)), "{message}");
                continue;
            };
            let expected = (Pixels::Bytes(vec![*images as u8; 2]), vec![*labels as u32; 2]);
            assert_eq!(found, Ok(expected), "{names:?}");
        }
    });
    let message = open(&[("images", 0), ("data", 1), ("labels", 2)], Split::Test).unwrap_err();
    assert!(message.contains("several pairs match: images/labels, data/labels, expected one such pair"), "{message}");
    let message = open(&[("x_train", 0), ("y_train", 1)], Split::Test).unwrap_err();
    assert!(
        message.contains("arrays x_train, y_train, expected 'images'") && message.contains("x_test/y_test"),
        "{message}"
    );
}

#[test]
fn channels_may_come_last_where_nothing_else_can_be_channels() {
    let folder = tempdir().unwrap();
    let labels = npy(1, "<i8", &[2], &[0; 16]);
    let open = |dims: &[usize], descr: &str| {
        let size = dims.iter().product::<usize>() as u8;
        let content: Vec<u8> = match descr {
            "<f4" => (0..size).flat_map(|value| f32::from(value).to_le_bytes()).collect(),
            _ => (0..size).flat_map(|value| i16::from(value).to_le_bytes()).collect(),
        };
        let members = [("images.npy", npy(1, descr, dims, &content)), ("labels.npy", labels.clone())];
        data::open(&write(folder.path().join("set.npz"), &zip(false, &members)), None, Split::Test).unwrap()
    };
    // Where channel c of the pixel at y, x of sample n lies in the file, by hand.
    let (h, w) = (2, 4);
    let expected = |n: u8| -> Vec<u8> {
        let place = |c: u8, i: u8| n * h * w * 3 + i * 3 + c;
        (0..3).flat_map(|c| (0..h * w).map(move |i| place(c, i))).collect()
    };
    let mut set = open(&[2, 2, 4, 3], "<i2");
    assert_eq!(set.image_shape(), [3, 2, 4]);
    assert_eq!(bytes(&mut set, 0..2), [expected(0), expected(1)].concat());
    assert_eq!(bytes(&mut set, 1..2), expected(1));
    let mut set = open(&[2, 2, 4, 1], "<i2");
    assert_eq!((set.image_shape(), bytes(&mut set, 1..2)), ([1, 2, 4], (8..16).collect()));
    // The first axis can be channels, or the numbers are no bytes: as they are.
    assert_eq!(open(&[2, 3, 4, 3], "<i2").image_shape(), [3, 4, 3]);
    assert_eq!(open(&[2, 1, 4, 3], "<i2").image_shape(), [1, 4, 3]);
    assert_eq!(open(&[2, 2, 4, 3], "<f4").image_shape(), [2, 4, 3]);
    assert_eq!(open(&[2, 2, 4, 4], "<i2").image_shape(), [2, 4, 4]);
}
