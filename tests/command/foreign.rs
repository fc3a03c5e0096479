//! Networks named in ways that other programs understand: what to do instead.

use crate::common::cases::for_each_case;
use crate::common::files::{Stored, byte_set, safetensors, stored};
use crate::common::network::{StateDict, write_gray_set};
use crate::common::onnx::Onnx;
use crate::common::random::Random;
use crate::common::{Folder, Run};
use safetensors::Dtype;
use std::process::{Command, Stdio};

/// A zip archive's first member, as far as it takes to recognize it.
fn archive(member: &str) -> Vec<u8> {
    let head = [&[80, 75, 3, 4][..], &[0; 22], &(member.len() as u16).to_le_bytes(), &[0; 2]].concat();
    [head, member.as_bytes().to_vec(), vec![0; 64]].concat()
}

#[test]
fn files_of_other_programs_name_the_command_that_helps() {
    let folder = Folder::new();
    let dict = safetensors(&StateDict::lenet5(76, 1, 28, 10).stored());
    let torch = &["PyTorch", "torch.load", "save_file", "--arch NAME --weights"][..];
    let keras = &["Keras", "format='onnx'", "--model"][..];
    let cases: [(&str, Vec<u8>, &[&str]); 14] = [
        ("net.pth", archive("net/data.pkl"), torch),
        ("net.pt", vec![0x80, 2, b'c'], torch),
        ("best.pth.tar", archive("archive/data.pkl"), torch),
        ("net.ckpt", archive("archive/data.pkl"), torch),
        ("model", vec![0x80, 4, b'c'], torch),
        ("damaged.pth", b"?".to_vec(), torch),
        ("net.h5", b"\x89HDF\r\n\x1a\n".to_vec(), keras),
        ("net.hdf5", b"\x89HDF\r\n\x1a\n".to_vec(), keras),
        ("net.keras", archive("metadata.json"), keras),
        ("net.tflite", b"\x1c\0\0\0TFL3".to_vec(), &["truncated or malformed TensorFlow Lite file (8 bytes)"]),
        ("frozen.pb", vec![0; 9], &["TensorFlow", "tf2onnx", "--model frozen.onnx"]),
        ("w.safetensors", dict.clone(), &["state dict", "run: approx-eval --weights w.safetensors"]),
        ("renamed.onnx", archive("archive/data.pkl"), torch),
        ("no-extension", dict, &["state dict", "run: approx-eval --weights no-extension"]),
    ];
    for_each_case(cases, |(name, bytes, needles)| {
        folder.write(name, bytes);
        for command in [format!("--model {name} --mode base"), format!("model info {name}")] {
            folder.refuses(&command, &[&[name], needles].concat());
        }
    });
    folder.write("saved/saved_model.pb", [0; 9]);
    folder.refuses("--model saved", &["saved: a TensorFlow model", "--saved-model saved"]);
    folder.refuses("--model nowhere.pth", &["nowhere.pth", "PyTorch"]);
    folder.refuses("--weights net.pth --mode base", &["net.pth", "PyTorch", "--weights net.safetensors"]);
    folder.refuses("--arch resnet20 --weights net.pt", &["net.pt", "PyTorch", "--weights net.safetensors"]);
    folder.refuses("--model resnet20", &["run: approx-eval --arch resnet20 --weights FILE.safetensors"]);
    folder.refuses("--model vgg11 --mode base", &["--arch vgg11 --weights"]);
}

/// What the message says of a state dict works.
#[test]
fn the_command_that_is_named_runs() {
    let folder = Folder::new();
    folder.write("w.safetensors", safetensors(&StateDict::lenet5(76, 1, 28, 10).stored()));
    write_gray_set(&folder, "set.safetensors", 4);
    let run = folder.refuses("--model w.safetensors", &[]);
    let command = run.stderr.split("run: approx-eval ").nth(1).unwrap().split(',').next().unwrap();
    folder.run_to(0, &format!("{command} --data set.safetensors --mode base"));
}

/// The command for PyTorch's files, run by Python on stand-ins of its packages that read and write JSON: any path,
/// the usual keys, and no values but tensors. Without Python it is skipped.
#[test]
fn the_conversion_of_a_checkpoint_runs() {
    let folder = Folder::new();
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no Python");
        return;
    }
    folder.write(
        "torch.py",
        "import json\n\
         class Tensor:\n    contiguous = clone = lambda self: self\n\
         is_tensor = lambda value: isinstance(value, Tensor)\n\
         def load(path, map_location, weights_only):\n    assert (map_location, weights_only) == ('cpu', True)\n\
         \x20   tensors = lambda pairs: {key: Tensor() if value == 'tensor' else value for key, value in pairs}\n\
         \x20   return json.load(open(path), object_pairs_hook=tensors)\n",
    );
    folder.write("safetensors/__init__.py", "");
    folder.write(
        "safetensors/torch.py",
        "import json, torch\ndef save_file(tensors, path):\n    assert all(map(torch.is_tensor, tensors.values()))\n\
         \x20   json.dump(sorted(tensors), open(path, 'w'))\n",
    );
    let cases = [
        ("net.pth", r#"{"a": "tensor", "n": 3, "b": "tensor"}"#, r#"["a", "b"]"#),
        ("it's two words.pt", r#"{"state_dict": {"a": "tensor", "n": 3}, "epoch": 7}"#, r#"["a"]"#),
        ("$HOME `x` \"y\" \\.ckpt", r#"{"model_state_dict": {"b": "tensor"}, "optimizer": {}}"#, r#"["b"]"#),
        ("net;true&.pth", r#"{"epoch": 1, "model": {"c": "tensor"}}"#, r#"["c"]"#),
        ("one.pth", r#"{"model": "tensor"}"#, r#"["model"]"#),
    ];
    for_each_case(cases, |(name, checkpoint, expected)| {
        folder.write(name, checkpoint);
        let run: Run = folder.command("--model").arg(name).output().unwrap().into();
        assert_eq!(run.code, Some(2), "{run:?}");
        let (_, command) = run.stderr.split_once("convert its state dict: ").unwrap();
        let (command, then) = command.split_once(", then run: approx-eval --arch NAME --weights ").unwrap();
        let (written, _) = then.split_once("; ").unwrap();
        let run: Run = folder.shell(&format!("{command}; cat {written}")).output().unwrap().into();
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), expected), "{run:?}");
    });
}

fn renamed(tensors: Vec<Stored>, prefix: &str) -> Vec<u8> {
    let rename = |(name, dtype, shape, bytes)| (format!("{prefix}{name}"), dtype, shape, bytes);
    safetensors(&tensors.into_iter().map(rename).collect::<Vec<Stored>>())
}

#[test]
fn prefixes_of_all_tensors_are_dropped_with_a_note() {
    let folder = Folder::new();
    let dict = || StateDict::resnet20(79, 10).stored();
    folder.write("set.safetensors", byte_set([2, 3, 32, 32], &Random::new(80).bytes(2 * 3072), &[0, 1]));
    let args = "--data set.safetensors --mode base --mean 0.5 --std 0.25";
    folder.write("w.safetensors", renamed(dict(), ""));
    let expected = folder.logits(&format!("--weights w.safetensors {args}"));
    for prefix in ["module.", "_orig_mod.", "model.", "net.", "backbone.", "module._orig_mod.", "a.b.c."] {
        folder.write("w.safetensors", renamed(dict(), prefix));
        for network in ["--weights w.safetensors", "--arch resnet20 --weights w.safetensors"] {
            assert_eq!(folder.logits(&format!("{network} {args}")), expected, "{network}: {prefix}");
            let report = folder.json(&format!("{network} {args}"));
            let note = format!("prefix '{prefix}' taken off every tensor's name");
            assert!(report["notes"].to_string().contains(&note), "{network}: {}", report["notes"]);
        }
    }
    // One tensor without it, and it is a name like any other.
    let mut mixed = dict();
    mixed.iter_mut().skip(1).for_each(|tensor| tensor.0.insert_str(0, "net."));
    folder.write("w.safetensors", safetensors(&mixed));
    folder.refuses(&format!("--arch resnet20 --weights w.safetensors {args}"), &["w.safetensors", "net."]);
}

/// `conv(x)`, pooled and flattened, by the module names `fc` and `conv` below `scope`.
fn onnx(scope: &str) -> Vec<u8> {
    let mut net = Onnx::new(17, &[1, 4, 4]);
    let name = |tensor: &str| format!("{scope}{tensor}");
    net.random(&name("conv.weight"), &[2, 1, 3, 3])
        .random(&name("conv.bias"), &[2])
        .random(&name("fc.weight"), &[8, 2]);
    net.op("Conv", &["x", &name("conv.weight"), &name("conv.bias")], "z", &[]);
    net.op("Flatten", &["z"], "flat", &[]).op("MatMul", &["flat", &name("fc.weight")], "y", &[]);
    net.bytes("y")
}

#[test]
fn prefixes_are_dropped_for_onnx_files_that_lack_them() {
    let folder = Folder::new();
    folder.write("set.safetensors", byte_set([2, 1, 4, 4], &Random::new(81).bytes(32), &[0, 1]));
    let tensors = |bias: f32| {
        let bytes = |count: usize, x: f32| std::iter::repeat_n(x.to_le_bytes(), count).flatten().collect();
        vec![
            stored("conv.weight", Dtype::F32, &[2, 1, 3, 3], bytes(18, 0.5)),
            stored("conv.bias", Dtype::F32, &[2], bytes(2, bias)),
        ]
    };
    let notes = |args: &str| {
        let report = folder.json(&format!("-m net.onnx --weights {args} -d set.safetensors --mode base"));
        report["notes"].to_string()
    };
    for scope in ["", "model."] {
        folder.write("net.onnx", onnx(scope));
        folder.write("w.safetensors", renamed(tensors(0.0), scope));
        assert!(notes("w.safetensors").contains("2 of 3 tensors") && !notes("w.safetensors").contains("prefix"));
        folder.write("w.safetensors", renamed(tensors(0.0), &format!("_orig_mod.{scope}")));
        assert!(notes("w.safetensors").contains("prefix '_orig_mod.' taken off"), "{}", notes("w.safetensors"));
    }
}

/// Batch normalization that was folded away, on either side.
#[test]
fn folded_batch_normalization_is_named() {
    let folder = Folder::new();
    folder.write("net.onnx", onnx(""));
    folder.write("set.safetensors", byte_set([2, 1, 4, 4], &Random::new(82).bytes(32), &[0, 1]));
    let tensor =
        |name: &str, shape: &[usize]| stored(name, Dtype::F32, shape, vec![0; 4 * shape.iter().product::<usize>()]);
    let statistics = ["weight", "bias", "running_mean", "running_var"].map(|part| tensor(&format!("bn.{part}"), &[2]));
    folder.write("w.safetensors", safetensors(&[&[tensor("conv.weight", &[2, 1, 3, 3])], &statistics[..]].concat()));
    let args = "-m net.onnx --weights w.safetensors -d set.safetensors --mode base";
    folder.refuses(
        args,
        &["net.onnx", "batch normalization was folded", "TrainingMode.PRESERVE", "--weights", "bn.bias"],
    );

    let mut folded = StateDict::resnet20(79, 10).stored();
    folded.retain(|(name, ..)| !name.contains("bn"));
    folded.push(tensor("conv1.bias", &[16]));
    folder.write("folded.safetensors", safetensors(&folded));
    folder.refuses(
        "--arch resnet20 --weights folded.safetensors -d set.safetensors",
        &["folded.safetensors", "batch normalization was folded", "bn1.running_mean"],
    );
    let run = folder.refuses("--arch lenet5 --weights folded.safetensors -d set.safetensors", &[]);
    assert!(!run.stderr.contains("batch normalization"), "{run:?}");
}
