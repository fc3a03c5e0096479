//! The multiplier's errors over the operands in use.

use crate::common::files::Table;
use crate::common::{Folder, number, text};
use serde_json::Value;

fn layers(report: &Value) -> &[Value] {
    report["layers"].as_array().unwrap()
}

/// With operands of 4 bits DRUM with k = 4 is exact, and the signed table is used in a corner of 15 x 15 of its 256 x
/// 256 products.
#[test]
fn narrow_operands_use_a_corner_of_the_table() {
    let folder = Folder::new();
    let report = folder.json("-n 20 --lut drum-4-signed --act-bits 4 --weight-bits 4 --act-scheme symmetric");
    for layer in layers(&report) {
        let errors = &layer["operands"];
        assert_eq!((number(errors, "/mae"), number(errors, "/bias")), (0.0, 0.0), "{layer}");
        assert!(number(errors, "/unused") >= 1.0 - 15.0 * 15.0 / 65536.0, "{layer}");
        // All products of the first 16 samples.
        assert_eq!(number(errors, "/products"), number(layer, "/opcount") * 16.0, "{layer}");
    }
    let wide = folder.json("-n 20 --lut drum-4-signed");
    assert!(layers(&wide).iter().all(|layer| number(&layer["operands"], "/mae") > 0.0));
    let table = folder.run_to(0, "-n 20 --lut drum-4-signed -v").stdout;
    assert!(table.contains("MAE over those in use") && table.contains("unused"), "{table}");
}

/// A table that is 1 too large everywhere has that error over any operands.
#[test]
fn a_constant_error_is_that_of_any_operands() {
    let folder = Folder::new();
    folder.write("one-off.bin", Table::unsigned(|a, b| a * b + 1).i32_bin());
    let report = folder.json("-n 3 --lut one-off.bin --coding affine");
    for layer in layers(&report) {
        let errors = &layer["operands"];
        assert_eq!((number(errors, "/mae"), number(errors, "/bias")), (1.0, 1.0), "{layer}");
        assert!((number(errors, "/nmed") * 65025.0 - 1.0).abs() < 1e-12, "{layer}");
        assert!((number(errors, "/nmed_full_scale") * 65535.0 - 1.0).abs() < 1e-12, "{layer}");
        assert_eq!(number(errors, "/products"), number(layer, "/opcount") * 3.0);
    }
    // Neither batches nor threads change what is counted.
    let counts = |args: &str| {
        let report = folder.json(&format!("-n 20 --lut drum-4 {args}"));
        layers(&report).iter().map(|layer| layer["operands"].clone()).collect::<Vec<_>>()
    };
    let expected = counts("");
    assert!(expected.iter().all(|errors| !errors.is_null()));
    for args in ["-b 1", "-b 7 -j 1", "-b 20 -j 3"] {
        assert_eq!(counts(args), expected, "{args}");
    }
    assert!(layers(&folder.json("-n 3 --mode quant")).iter().all(|layer| layer["operands"].is_null()));
}

#[test]
fn a_multiplier_is_described_over_a_network() {
    let folder = Folder::new();
    let info = folder.json("lut info drum-4 --model lenet5 --act-bits 6");
    let network = &info["network"];
    assert_eq!((text(network, "/model"), number(network, "/samples")), ("lenet5", 16.0));
    let report = folder.json("-n 16 --lut drum-4 --act-bits 6");
    for (found, layer) in network["layers"].as_array().unwrap().iter().zip(layers(&report)) {
        assert_eq!(found["name"], layer["name"]);
        for field in ["mae", "bias", "nmed", "nmed_full_scale", "unused", "products"] {
            assert_eq!(found[field], layer["operands"][field], "{field} of {layer}");
        }
    }
    let table = folder.run_to(0, "lut info drum-4 --model lenet5").stdout;
    assert!(table.contains("over the operands of lenet5") && table.contains("conv1"), "{table}");
    assert!(folder.json("lut info drum-4").get("network").is_none());
    folder.refuses("lut info drum-4 --act-bits 4", &["quantization", "--model"]);
    folder.refuses("lut info drum-4 --mean 0.5", &["data", "--model"]);
    folder.refuses("lut info drum-4 --coding affine", &["--coding", "--model"]);
    folder.refuses("lut info drum-4 --model nowhere.onnx", &["nowhere.onnx"]);
}
