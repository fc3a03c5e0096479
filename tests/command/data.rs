//! The same images through every format of data set give the same logits.

use crate::common::files::{byte_set, cifar, float_set, gzip, idx, read_logits, safetensors, stored};
use crate::common::network::StateDict;
use crate::common::pictures::npy;
use crate::common::random::Random;
use crate::common::{Folder, csv_rows, integer, text};
use safetensors::Dtype;
use serde_json::Value;

const SAMPLES: usize = 10;

fn gray() -> (Vec<u8>, Vec<u8>) {
    (Random::new(100).bytes(SAMPLES * 784), (0..SAMPLES as u8).map(|i| i * 3 % 10).collect())
}

#[test]
fn gray_images_in_every_format() {
    let folder = Folder::new();
    let (images, labels) = gray();
    let (idx_images, idx_labels) = (idx(&[SAMPLES, 28, 28], &images), idx(&[SAMPLES], &labels));
    folder.write("plain/t10k-images-idx3-ubyte", &idx_images);
    folder.write("plain/t10k-labels-idx1-ubyte", &idx_labels);
    folder.write("packed/t10k-images-idx3-ubyte.gz", gzip(&idx_images));
    folder.write("packed/t10k-labels-idx1-ubyte.gz", gzip(&idx_labels));
    folder.write("bytes.safetensors", byte_set([SAMPLES, 1, 28, 28], &images, &labels));
    let (mean, std) = (0.286f32, 0.353f32);
    let floats: Vec<f32> = images.iter().map(|&byte| (f32::from(byte) / 255.0 - mean) / std).collect();
    folder.write("floats.safetensors", float_set([SAMPLES, 1, 28, 28], &floats, &labels));
    let row = |(label, image): (&u8, &[u8])| {
        let pixels = image.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        format!("{label},{pixels}\n")
    };
    let rows: String = labels.iter().zip(images.chunks_exact(784)).map(row).collect();
    folder.write("rows.csv", &rows);
    folder.write("no-newline.csv", rows.trim_end());
    write_npz(&folder, "set.npz", &images, &labels);

    let expected = folder.logits("--data bytes.safetensors --mode quant");
    let report = folder.json("--data bytes.safetensors");
    assert_eq!(integer(&report, "/dataset/samples"), SAMPLES as u64);
    for path in [
        "plain",
        "plain/t10k-images-idx3-ubyte",
        "packed",
        "packed/t10k-images-idx3-ubyte.gz",
        "floats.safetensors",
        "rows.csv",
        "no-newline.csv",
        "set.npz",
    ] {
        assert_eq!(folder.logits(&format!("--data {path} --mode quant")), expected, "{path}");
        assert_eq!(folder.json(&format!("--data {path}"))["accuracy"], report["accuracy"], "{path}");
    }
    for (path, format) in
        [("plain", "idx"), ("bytes.safetensors", "safetensors"), ("rows.csv", "csv"), ("set.npz", "npz")]
    {
        assert_eq!(folder.logits(&format!("--data {path} --data-format {format} --mode quant")), expected, "{path}");
    }
    folder.refuses("--data plain/t10k-labels-idx1-ubyte", &["t10k-labels-idx1-ubyte"]);
    folder.refuses("--data rows.csv --data-format safetensors", &["rows.csv"]);
}

/// An archive of `.npy` members, stored without compression.
fn write_npz(folder: &Folder, name: &str, images: &[u8], labels: &[u8]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(folder.path(name)).unwrap());
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (member, bytes) in [
        ("images.npy", npy("|u1", &format!("({SAMPLES}, 1, 28, 28)"), images)),
        ("labels.npy", npy("|u1", &format!("({SAMPLES},)"), labels)),
    ] {
        archive.start_file(member, options).unwrap();
        std::io::Write::write_all(&mut archive, &bytes).unwrap();
    }
    archive.finish().unwrap();
}

/// A folder of class folders is in the order of its names, so its logits are compared class by class.
#[test]
fn a_folder_of_pictures() {
    let folder = Folder::new();
    let (images, labels) = gray();
    for (i, (image, label)) in images.chunks_exact(784).zip(&labels).enumerate() {
        let path = folder.path(format!("pictures/class{label}/{i}.png"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::save_buffer(path, image, 28, 28, image::ExtendedColorType::L8).unwrap();
    }
    folder.write("bytes.safetensors", byte_set([SAMPLES, 1, 28, 28], &images, &labels));
    let by_set = folder.logits("--data bytes.safetensors --mode quant");
    let found = folder.logits("--data pictures --mode quant");
    // Ten samples of ten labels: the folder's order is that of the labels.
    let mut order: Vec<usize> = (0..SAMPLES).collect();
    order.sort_by_key(|&i| labels[i]);
    assert_eq!(found, order.iter().map(|&i| by_set[i].clone()).collect::<Vec<_>>());
}

const RGB: usize = 4;

/// ResNet-20 with random weights and a set of color images, calibrated on itself.
fn resnet20(folder: &Folder, classes: usize) -> Vec<u8> {
    folder.write("w.safetensors", safetensors(&StateDict::resnet20(101, classes).stored()));
    Random::new(102).bytes(RGB * 3072)
}

const NORMALISED: &str = "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225";

#[test]
fn cifar10() {
    let folder = Folder::new();
    let images = resnet20(&folder, 10);
    let labels: Vec<u8> = (0..RGB as u8).map(|i| 9 - i).collect();
    folder.write("test_batch.bin", cifar(&images, |i| vec![labels[i]]));
    folder.write("folder/test_batch.bin", folder.read("test_batch.bin"));
    for part in 1..=5 {
        folder.write(&format!("folder/data_batch_{part}.bin"), folder.read("test_batch.bin"));
    }
    folder.write("bytes.safetensors", byte_set([RGB, 3, 32, 32], &images, &labels));
    let args = |data: &str| format!("--arch resnet20 --weights w.safetensors --data {data} {NORMALISED}");
    let expected = folder.json(&args("bytes.safetensors"));
    assert_eq!(integer(&expected, "/model/parameters"), 269_722);
    let logits = folder.logits(&args("bytes.safetensors"));
    for data in ["test_batch.bin", "folder", "test_batch.bin --data-format cifar10"] {
        assert_eq!(folder.logits(&args(data)), logits, "{data}");
        assert_eq!(folder.json(&args(data))["accuracy"], expected["accuracy"], "{data}");
    }
    // Quantized, calibrated on the folder's training part: five times four samples.
    let report = folder.json(&format!("{} --mode quant --calib-data folder", args("test_batch.bin")));
    assert_eq!(report["config"]["quantization"]["samples"], 5 * RGB);
}

#[test]
fn cifar100_counts_the_fine_label() {
    let folder = Folder::new();
    let images = resnet20(&folder, 100);
    folder.write("test.bin", cifar(&images, |i| vec![i as u8, 99 - i as u8]));
    let args = format!("--arch resnet20 --weights w.safetensors --data test.bin {NORMALISED} --predictions p.csv");
    folder.run_to(0, &args);
    let rows = csv_rows(&folder.read("p.csv"));
    let labels: Vec<&str> = rows[1..].iter().map(|row| row[1].as_str()).collect();
    assert_eq!(labels, ["99", "98", "97", "96"]);
    folder.refuses(&format!("{args} --data-format cifar10"), &["test.bin"]);
}

#[test]
fn channels_must_match_or_be_converted() {
    let folder = Folder::new();
    let images = resnet20(&folder, 10);
    folder.write("rgb.bin", cifar(&images, |_| vec![1]));
    let lenet = "--data rgb.bin --mode base --crop 28";
    folder.refuses(lenet, &["--channels gray"]);
    folder.run_to(0, &format!("{lenet} --channels gray --logits l.safetensors"));
    // Pillow's weights of red, green and blue.
    let gray = |image: &[u8]| -> Vec<u8> {
        let channel = |c: usize, i: usize| u32::from(image[c * 1024 + i]);
        let mix = |i| (19_595 * channel(0, i) + 38_470 * channel(1, i) + 7471 * channel(2, i) + 0x8000) >> 16;
        let inside = (2..30).flat_map(|row| (2..30).map(move |column| row * 32 + column));
        inside.map(|i| mix(i) as u8).collect()
    };
    let converted: Vec<u8> = images.chunks_exact(3072).flat_map(gray).collect();
    folder.write("gray.safetensors", byte_set([RGB, 1, 28, 28], &converted, &[1; RGB]));
    folder.run_to(0, "--data gray.safetensors --mode base --logits g.safetensors");
    assert_eq!(read_logits(&folder.read("l.safetensors")), read_logits(&folder.read("g.safetensors")));

    let resnet = "--arch resnet20 --weights w.safetensors --data gray.safetensors --mean 0.5 --std 0.5 --resize 32";
    folder.refuses(resnet, &["gray.safetensors", "--channels rgb"]);
    let report = folder.json(&format!("{resnet} --channels rgb"));
    assert_eq!(text(&report, "/config/channels"), "rgb");
}

/// The names of Fashion-MNIST's classes as folders, in the network's order.
const FOLDERS: [&str; 10] =
    ["t-shirt-top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "bag", "ankle_boot"];

#[test]
fn class_folders_are_matched_with_the_networks_labels_by_name() {
    let folder = Folder::new();
    let images = Random::new(103).bytes(SAMPLES * 784);
    let save = |set: &str, class: &str, i: usize| {
        let path = folder.path(format!("{set}/{class}/{i}.png"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::save_buffer(path, &images[i * 784..][..784], 28, 28, image::ExtendedColorType::L8).unwrap();
    };
    (0..SAMPLES).for_each(|i| save("all", FOLDERS[i], i));
    for (set, classes) in [("all", &FOLDERS[..]), ("some", &["bag", "Dress", "Coat"])] {
        classes.iter().for_each(|class| save(set, class, 0));
        folder.run_to(0, &format!("--data {set} --predictions p.csv"));
        let rows = csv_rows(&folder.read("p.csv"));
        let mut sorted = classes.to_vec();
        sorted.sort_unstable();
        let mut labels: Vec<&str> = rows[1..].iter().map(|row| row[1].as_str()).collect();
        labels.dedup();
        let number = |class: &&str| FOLDERS.iter().position(|name| name == class).unwrap().to_string();
        assert_eq!(labels, sorted.iter().map(number).collect::<Vec<_>>(), "{set}");
    }
    // As many, but one is called otherwise: by their order, which the report says.
    std::fs::rename(folder.path("all/Coat"), folder.path("all/Jacket")).unwrap();
    let report = folder.json("--data all");
    assert!(report["notes"].to_string().contains("class 'Jacket' is not among the model's labels"), "{report:#}");
    std::fs::rename(folder.path("some/Coat"), folder.path("some/Jacket")).unwrap();
    folder.refuses("--data some", &["some", "3 classes", "10", "'Jacket'"]);
}

/// ImageNet's way: bare names and labels in `val.txt`, large pictures in `val/`, resized and cropped.
#[test]
fn a_validation_list_of_jpegs() {
    let folder = Folder::new();
    folder.write("w.safetensors", safetensors(&StateDict::resnet20(104, 10).stored()));
    let mut lines = Vec::new();
    for (i, [w, h]) in [[50, 40], [40, 60], [33, 64]].into_iter().enumerate() {
        let pixels = Random::new(105 + i as u64).bytes((w * h * 3) as usize);
        let name = format!("ILSVRC2012_val_{i:08}.JPEG");
        std::fs::create_dir_all(folder.path("val")).unwrap();
        let color = image::ExtendedColorType::Rgb8;
        image::save_buffer_with_format(
            folder.path(format!("val/{name}")),
            &pixels,
            w,
            h,
            color,
            image::ImageFormat::Jpeg,
        )
        .unwrap();
        lines.push(format!("{name} {}\n", 9 - i));
    }
    folder.write("val.txt", lines.concat());
    let args = format!("--arch resnet20 --weights w.safetensors --resize 36 --crop 32 {NORMALISED}");
    folder.run_to(0, &format!("{args} --data val.txt --predictions p.csv"));
    let rows = csv_rows(&folder.read("p.csv"));
    assert_eq!(rows[1..].iter().map(|row| row[1].as_str()).collect::<Vec<_>>(), ["9", "8", "7"]);
    // The same pictures as class folders, of which there must be ten.
    for (i, class) in (0..10).map(|class| (class % 3, format!("class {class}"))) {
        std::fs::create_dir_all(folder.path(format!("classes/{class}"))).unwrap();
        let name = format!("ILSVRC2012_val_{i:08}.JPEG");
        std::fs::copy(folder.path(format!("val/{name}")), folder.path(format!("classes/{class}/{name}"))).unwrap();
    }
    let logits = folder.logits(&format!("{args} --data val.txt --data-format list"));
    assert_eq!(folder.logits(&format!("{args} --data classes --limit 3")), logits);
    // The network has no names of its own: reports show those of the folders.
    let report = folder.json(&format!("{args} --data classes"));
    assert_eq!(
        (text(&report, "/classes/7/label"), integer(&report, "/classes/7/samples")),
        ("class 7", 1),
        "{report:#}"
    );
    std::fs::remove_file(folder.path("val/ILSVRC2012_val_00000002.JPEG")).unwrap();
    folder.refuses(&format!("{args} --data val.txt"), &["val_00000002.JPEG"]);
}

#[test]
fn images_of_another_size_name_the_mend() {
    let folder = Folder::new();
    folder.write("small.safetensors", byte_set([2, 1, 20, 20], &[7; 800], &[0, 1]));
    folder.refuses("--data small.safetensors", &["small.safetensors", "20 x 20", "28 x 28", "--resize"]);
    folder.run_to(0, "--data small.safetensors --resize 28");
    folder.run_to(0, "--data small.safetensors --crop 28");
}

/// What lies behind the samples that are asked for is not unpacked: its content may be damaged. The hash is of the whole
/// files all the same, as they are stored.
#[test]
fn compressed_sets_are_unpacked_no_further_than_their_samples_are_used() {
    const ALL: usize = 400;
    let folder = Folder::new();
    // Noise does not shrink, so that samples lie where they would lie uncompressed.
    let images = Random::new(101).bytes(ALL * 784);
    let labels: Vec<u8> = (0..ALL).map(|i| (i % 10) as u8).collect();
    let whole = gzip(&idx(&[ALL, 28, 28], &images));
    let mut damaged = whole.clone();
    let (behind, end) = (whole.len() * 3 / 4, whole.len() - 8);
    damaged[behind..end].fill(0xff);
    for (set, images) in [("whole", &whole), ("damaged", &damaged)] {
        for part in ["t10k", "train"] {
            folder.write(&format!("{set}/{part}-images-idx3-ubyte.gz"), images);
            folder.write(&format!("{set}/{part}-labels-idx1-ubyte.gz"), gzip(&idx(&[ALL], &labels)));
        }
    }
    let args = |set: &str| format!("--mode quant --data {set} -n 200 --calib-data {set} --calib-samples 200");
    assert_eq!(folder.logits(&args("damaged")), folder.logits(&args("whole")));
    let report = folder.json(&args("damaged"));
    let stored = ["images-idx3", "labels-idx1"].map(|name| folder.read(&format!("damaged/t10k-{name}-ubyte.gz")));
    assert_eq!(text(&report, "/dataset/blake3"), blake3::hash(&stored.concat()).to_hex().as_str());
    assert_eq!(integer(&report, "/dataset/samples"), 200);
    for all in ["--data damaged", "--mode quant --data damaged -n 200 --calib-data damaged"] {
        folder.refuses(all, &["damaged", "images-idx3-ubyte.gz"]);
    }
}

/// Keras and MedMNIST keep both parts in one file.
#[test]
fn one_file_of_two_parts_is_evaluated_and_calibrated_on() {
    let folder = Folder::new();
    let (images, labels) = gray();
    let (others, ones) = (Random::new(109).bytes(SAMPLES * 784), [1; SAMPLES]);
    let shape = [SAMPLES, 1, 28, 28];
    folder.write("test.safetensors", byte_set(shape, &images, &labels));
    folder.write("train.safetensors", byte_set(shape, &others, &ones));
    let array = |name: &str, shape: &[usize], bytes: &[u8]| stored(name, Dtype::U8, shape, bytes.to_vec());
    let both = [
        array("x_train", &[SAMPLES, 28, 28, 1], &others),
        array("y_train", &[SAMPLES], &ones),
        array("x_test", &[SAMPLES, 28, 28, 1], &images),
        array("y_test", &[SAMPLES], &labels),
    ];
    folder.write("both.safetensors", safetensors(&both));
    let apart = folder.logits("--data test.safetensors --calib-data train.safetensors --mode quant");
    assert_eq!(folder.logits("--data both.safetensors --calib-data both.safetensors --mode quant"), apart);
    assert_ne!(folder.logits("--data test.safetensors --calib-data test.safetensors --mode quant"), apart);
    folder.write("train-only.safetensors", safetensors(&both[..2]));
    folder.refuses("--data train-only.safetensors", &["tensors x_train, y_train", "x_test/y_test"]);
}

#[test]
fn interpolation_is_the_options_else_the_models() {
    let folder = Folder::new();
    folder.write("small.safetensors", byte_set([1, 1, 19, 19], &Random::new(110).bytes(361), &[3]));
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/lenet5");
    let config: Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{model}/config.json")).unwrap()).unwrap();
    let with = |interpolation: &str| {
        let mut config = config.clone();
        config["input"]["resize"] = 28.into();
        config["input"]["interpolation"] = interpolation.into();
        config.to_string()
    };
    folder.write("cubic/config.json", with("bicubic"));
    folder.write("cubic/model.safetensors", std::fs::read(format!("{model}/model.safetensors")).unwrap());
    let bilinear = folder.logits("--data small.safetensors --mode base --resize 28");
    let bicubic = folder.logits("--data small.safetensors --mode base --resize 28 --interpolation bicubic");
    assert_ne!(bilinear, bicubic);
    let own = "--model cubic --data small.safetensors --mode base";
    assert_eq!(folder.logits(own), bicubic);
    assert_eq!(folder.logits(&format!("{own} --interpolation bilinear")), bilinear);
    assert_eq!(text(&folder.json(own), "/config/interpolation"), "bicubic");
    let run = folder.refuses("--resize 28 --interpolation lanczos", &["--interpolation", "lanczos"]);
    assert!(run.stderr.contains("bilinear, bicubic"), "{run:?}");
    folder.write("cubic/config.json", with("nearest"));
    folder.refuses(own, &["cubic/config.json", "nearest", "bilinear, bicubic"]);
}

#[test]
fn numpy_files_lie_beside_each_other() {
    let folder = Folder::new();
    let (images, labels) = gray();
    folder.write("set.safetensors", byte_set([SAMPLES, 1, 28, 28], &images, &labels));
    let expected = folder.logits("--data set.safetensors --mode base");
    let write = |name: &str| {
        folder.write(&format!("{name}.npy"), npy("|u1", &format!("({SAMPLES}, 28, 28)"), &images));
    };
    write("both/x_test");
    let labels: Vec<u8> = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    folder.write("both/y_test.npy", npy("<i8", &format!("({SAMPLES},)"), &labels));
    for data in ["both/x_test.npy", "both", "both --data-format npy"] {
        assert_eq!(folder.logits(&format!("--data {data} --mode base")), expected, "{data}");
    }
    folder.refuses("--mode quant --calib-data both", &["both", ".npy files x_test, y_test", "x_train/y_train"]);
    write("alone/images");
    folder.refuses("--data alone/images.npy", &["alone: has no labels", "labels.npy"]);
    write("named");
    folder.refuses("--data named.npy", &["named.npy", "NumPy"]);
    folder.refuses("--data named.npy --data-format npy", &["named.npy", "x_test.npy"]);
}
