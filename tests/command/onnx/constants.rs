//! Constants that a few bytes of a file ask for: bounded memory, and a message with all numbers.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::float_set;
use crate::common::onnx::{Attr, Onnx};
use Attr::{Int, Ints};

/// What adds a constant `c` to a network of `x`, of the dimensions `[1, 2, 2]`.
type Build = fn(&mut Onnx);

/// The network that reads one element of `c`, as a file in a folder with data.
fn folder(build: Build) -> Folder {
    let mut onnx = Onnx::new(17, &[1, 2, 2]);
    onnx.ints("first", &[0]).ints("all", &[-1]);
    build(&mut onnx);
    onnx.op("Reshape", &["c", "all"], "flat", &[]).op("Gather", &["flat", "first"], "one", &[]);
    onnx.op("Cast", &["one"], "real", &[("to", Int(1))]).op("Add", &["x", "real"], "y", &[]);
    onnx.op("Flatten", &["y"], "out", &[]);
    let folder = Folder::new();
    let bytes = onnx.bytes("out");
    assert!(bytes.len() < 16_000, "{} bytes", bytes.len());
    folder.write("net.onnx", bytes);
    folder.write("set.safetensors", float_set([1, 1, 2, 2], &[0.5; 4], &[0]));
    folder
}

/// The exit code and messages of a run with 4 GB of address space.
#[cfg(unix)]
fn run(folder: &Folder) -> (Option<i32>, String) {
    let run = "ulimit -v 4000000; approx-eval --model net.onnx --data set.safetensors -j 2 -q";
    let output = folder.shell(run).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// `count` ones of type `to`, called `name`.
fn ones(net: &mut Onnx, name: &str, count: i64, to: i64) {
    let [shape, zeros, cast, one] = ["shape", "zeros", "cast", "one"].map(|part| format!("{name}-{part}"));
    net.ints(&shape, &[count]).op("ConstantOfShape", &[&shape], &zeros, &[]);
    net.op("Cast", &[&zeros], &cast, &[("to", Int(to))]).scalar(&one, 1.0);
    match to {
        1 => net.op("Add", &[&cast, &one], name, &[]),
        _ => net.op("Identity", &[&cast], name, &[]),
    };
}

#[cfg(unix)]
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn too_large_ones_are_refused() {
    let cases: [(&str, &str, &str, Build); 9] = [
        ("Expand", "'big' (Expand)", "8.0 GiB", |net| {
            net.scalar("s", 1.0).ints("to", &[1 << 31]).node("big", "Expand", &["s", "to"], &["c"], &[]);
        }),
        ("Expand of integers", "'big' (Expand)", "16.0 GiB", |net| {
            net.ints("to", &[1 << 30, 1]).node("big", "Expand", &["first", "to"], &["c"], &[]);
        }),
        ("ConstantOfShape", "'big' (ConstantOfShape)", "4.0 GiB", |net| {
            net.ints("to", &[1 << 10, 1 << 20]).node("big", "ConstantOfShape", &["to"], &["c"], &[]);
        }),
        ("Tile", "'big' (Tile)", "4.0 GiB", |net| {
            net.random("r", &[2, 2]).ints("to", &[1 << 20, 1 << 8]);
            net.node("big", "Tile", &["r", "to"], &["c"], &[]);
        }),
        ("Range", "'big' (Range)", "16.0 GiB", |net| {
            let scalars = [("from", 0), ("to", 1 << 30), ("by", 1)];
            for (name, value) in scalars {
                net.int_tensor(name, &[], &[value]);
            }
            net.node("big", "Range", &["from", "to", "by"], &["c"], &[]);
        }),
        ("Range of real numbers", "'big' (Range)", "GiB", |net| {
            net.scalar("from", 0.0).scalar("to", 1.0).scalar("by", 1e-10);
            net.node("big", "Range", &["from", "to", "by"], &["c"], &[]);
        }),
        ("integers that broadcast", "'big' (Add)", "16.0 GiB", |net| {
            ones(net, "n", 1 << 15, 7);
            net.ints("line", &[1, -1]).ints("column", &[-1, 1]).op("Reshape", &["n", "line"], "a", &[]);
            net.op("Reshape", &["n", "column"], "b", &[]).node("big", "Add", &["a", "b"], &["c"], &[]);
        }),
        ("a gathered block of integers", "'big' (Gather)", "GiB", |net| {
            ones(net, "n", 1 << 20, 7);
            net.ints("table", &[1, -1]).op("Reshape", &["n", "table"], "t", &[]).ints("many", &[0; 1 << 10]);
            net.node("big", "Gather", &["t", "many"], &["c"], &[]);
        }),
        ("doubling", "(Concat)", "of which", |net| {
            net.random("d0", &[64]);
            for i in 0..40 {
                let (d, next) = (format!("d{i}"), format!("d{}", i + 1));
                net.op("Concat", &[&d, &d], &next, &[("axis", Int(0))]);
            }
            net.op("Identity", &["d40"], "c", &[]);
        }),
    ];
    for_each_case(cases, |(_, node, asked, build)| {
        let (code, message) = run(&folder(build));
        assert_eq!(code, Some(2), "{message}");
        for needle in ["error: net.onnx", node, asked, "1.0 GiB"] {
            assert!(message.contains(needle), "no '{needle}' in: {message}");
        }
    });
}

/// What is computed from the images has a limit for each sample.
#[cfg(unix)]
#[test]
fn values_of_a_sample_are_bounded() {
    let folder = Folder::new();
    let write = |channels: usize| {
        let mut onnx = Onnx::new(17, &[1, 1024, 1024]);
        onnx.random("w", &[channels, 1, 1, 1]).node("wide", "Conv", &["x", "w"], &["c"], &[]);
        onnx.op("GlobalAveragePool", &["c"], "p", &[]).op("Flatten", &["p"], "out", &[]);
        folder.write("net.onnx", onnx.bytes("out"));
    };
    for channels in [128, 256] {
        write(channels);
        folder.run_to(0, "model info net.onnx");
    }
    write(257);
    folder.refuses_in_bounds("model info net.onnx", &["net.onnx", "'wide' (Conv)", "257, 1024, 1024", "1.0 GiB"]);
}

/// Sixty copies of `ones`.
fn copies_of(net: &mut Onnx, to: i64) {
    ones(net, "n", 1 << 24, to);
    let mut last = "n".to_owned();
    for i in 0..60 {
        let name = format!("n{i}");
        net.op("Identity", &[&last], &name, &[]);
        last = name;
    }
    net.op("Unsqueeze", &[&last, "first"], "u", &[]).op("Squeeze", &["u", "first"], "c", &[]);
}

/// Copies of a constant are that constant, and many small steps of a computation fit.
#[cfg(unix)]
#[test]
fn shared_ones_take_their_memory_once() {
    let cases: [(&str, Build); 3] = [
        ("real numbers", |net| copies_of(net, 1)),
        ("integers", |net| copies_of(net, 7)),
        ("a slice of each", |net| {
            ones(net, "n", 1 << 22, 1);
            net.ints("from", &[1]).ints("to", &[9]).ints("at", &[0]);
            let parts: Vec<String> = (0..100).map(|i| format!("p{i}")).collect();
            for part in &parts {
                net.op("Slice", &["n", "from", "to", "at"], part, &[]);
            }
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            net.op("Concat", &parts, "c", &[("axis", Int(0))]);
        }),
    ];
    for_each_case(cases, |(_, build)| {
        let (code, message) = run(&folder(build));
        assert_eq!(code, Some(0), "{message}");
    });
}

/// Indices that nodes keep are counted, too: each of these has 64 MiB of them.
#[cfg(unix)]
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn indices_are_counted() {
    let build: Build = |net| {
        ones(net, "n", 1 << 23, 7);
        net.ints("line", &[0, -1]).op("Reshape", &["x", "line"], "l", &[]);
        let sums: Vec<String> = (0..40).map(|i| format!("s{i}")).collect();
        for sum in &sums {
            let gathered = format!("{sum}-gathered");
            net.op("Gather", &["l", "n"], &gathered, &[("axis", Int(1))]);
            net.op("ReduceMean", &[&gathered], sum, &[("axes", Ints(&[1]))]);
        }
        let sums: Vec<&str> = sums.iter().map(String::as_str).collect();
        net.op("Sum", &sums, "total", &[]).ints("c", &[0]).op("Flatten", &["total"], "unread", &[]);
        net.op("Add", &["l", "total"], "x2", &[]);
    };
    let mut onnx = Onnx::new(17, &[1, 2, 2]);
    build(&mut onnx);
    onnx.op("Flatten", &["x2"], "out", &[]);
    let folder = Folder::new();
    folder.write("net.onnx", onnx.bytes("out"));
    folder.write("set.safetensors", float_set([1, 1, 2, 2], &[0.5; 4], &[0]));
    let (code, message) = run(&folder);
    assert_eq!(code, Some(2), "{message}");
    assert!(message.contains("(Gather)") && message.contains("a constant of 64.0 MiB"), "{message}");
}
