//! One network through two doors: as an architecture of the zoo with a state dict, and as the ONNX
//! files that PyTorch writes of it, with batch normalization as it is and folded into its layers.

use crate::common::Folder;
use crate::common::files::{float_set, safetensors};
use crate::common::network::{Array, StateDict};
use crate::common::onnx::{Attr, Onnx};
use crate::common::random::Random;
use Attr::{Float, Int, Ints};

/// ResNet-20 with shortcuts without parameters, node by node as `torch.onnx.export` names them.
struct Export<'a> {
    dict: &'a StateDict,
    folded: bool,
    onnx: Onnx,
    constants: usize,
}

impl Export<'_> {
    /// A tensor under the name that it has in the state dict.
    fn kept(&mut self, name: &str) {
        self.onnx.tensor(name, self.dict.get(name));
    }

    /// A tensor that the exporter computed, under a name that it made up.
    fn made(&mut self, array: &Array) -> String {
        self.constants += 1;
        let name = format!("onnx::Conv_{}", 190 + self.constants);
        self.onnx.tensor(&name, array);
        name
    }

    /// A convolution of kernel 3 and its batch normalization.
    fn conv_bn(&mut self, scope: &str, [conv, bn]: [&str; 2], module: &str, x: &str, stride: i64) -> String {
        let path = |part: &str| if module.is_empty() { part.to_owned() } else { format!("{module}.{part}") };
        let (conv_path, bn_path) = (path(conv), path(bn));
        let node = format!("{scope}/{conv}/Conv");
        let output = format!("{node}_output_0");
        let attrs = [
            ("dilations", Ints(&[1, 1])),
            ("group", Int(1)),
            ("kernel_shape", Ints(&[3, 3])),
            ("pads", Ints(&[1, 1, 1, 1])),
            ("strides", Ints(&[stride, stride])),
        ];
        if self.folded {
            let (weight, bias) = fold(self.dict, &conv_path, &bn_path);
            let (weight, bias) = (self.made(&weight), self.made(&bias));
            self.onnx.node(&node, "Conv", &[x, &weight, &bias], &[&output], &attrs);
            return output;
        }
        let weight = format!("{conv_path}.weight");
        self.kept(&weight);
        self.onnx.node(&node, "Conv", &[x, &weight], &[&output], &attrs);
        let parts = ["weight", "bias", "running_mean", "running_var"].map(|part| format!("{bn_path}.{part}"));
        parts.iter().for_each(|part| self.kept(part));
        let [gain, beta, mean, variance] = parts.each_ref().map(String::as_str);
        let node = format!("{scope}/{bn}/BatchNormalization");
        let normal = format!("{node}_output_0");
        let attrs = [("epsilon", Float(1e-5)), ("momentum", Float(0.9))];
        self.onnx.node(&node, "BatchNormalization", &[&output, gain, beta, mean, variance], &[&normal], &attrs);
        normal
    }

    fn relu(&mut self, node: &str, x: &str) -> String {
        let output = format!("{node}_output_0");
        self.onnx.node(node, "Relu", &[x], &[&output], &[]);
        output
    }

    fn block(&mut self, stage: usize, block: usize, x: &str, outputs: i64, stride: i64) -> String {
        let module = format!("layer{stage}.{block}");
        let scope = format!("/layer{stage}/{module}");
        let y = self.conv_bn(&scope, ["conv1", "bn1"], &module, x, stride);
        let y = self.relu(&format!("{scope}/relu/Relu"), &y);
        let y = self.conv_bn(&scope, ["conv2", "bn2"], &module, &y, 1);
        let mut x = x.to_owned();
        if stride == 2 {
            let (sliced, padded) = (format!("{scope}/shortcut/Slice"), format!("{scope}/shortcut/Pad"));
            let pads = format!("{padded}_pads");
            let (before, zeros) = (outputs / 4, 0);
            self.onnx.ints(&pads, &[0, before, zeros, zeros, 0, before, zeros, zeros]);
            self.onnx.node(&sliced, "Slice", &[&x, "starts", "ends", "axes", "steps"], &[&sliced], &[]);
            self.onnx.node(&padded, "Pad", &[&sliced, &pads], &[&padded], &[]);
            x = padded;
        }
        let sum = format!("{scope}/Add_output_0");
        self.onnx.node(&format!("{scope}/Add"), "Add", &[&y, &x], &[&sum], &[]);
        self.relu(&format!("{scope}/relu_1/Relu"), &sum)
    }

    fn network(&mut self) {
        self.onnx
            .ints("starts", &[0, 0])
            .ints("ends", &[i64::MAX, i64::MAX])
            .ints("axes", &[2, 3])
            .ints("steps", &[2, 2]);
        let x = self.conv_bn("", ["conv1", "bn1"], "", "x", 1);
        let mut x = self.relu("/relu/Relu", &x);
        for (stage, outputs) in [(1, 16), (2, 32), (3, 64)] {
            for block in 0..3 {
                let stride = if stage > 1 && block == 0 { 2 } else { 1 };
                x = self.block(stage, block, &x, outputs, stride);
            }
        }
        self.onnx.node("/avgpool/GlobalAveragePool", "GlobalAveragePool", &[&x], &["pooled"], &[]);
        self.onnx.node("/Flatten", "Flatten", &["pooled"], &["flat"], &[("axis", Int(1))]);
        self.kept("linear.weight");
        self.kept("linear.bias");
        let attrs = [("alpha", Float(1.0)), ("beta", Float(1.0)), ("transB", Int(1))];
        self.onnx.node("/linear/Gemm", "Gemm", &["flat", "linear.weight", "linear.bias"], &["logits"], &attrs);
    }
}

/// A convolution without bias and the batch normalization after it as one, in `f64`.
fn fold(dict: &StateDict, conv: &str, bn: &str) -> (Array, Array) {
    let part = |part: &str| dict.get(&format!("{bn}.{part}")).values.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    let (gain, beta, mean, variance) = (part("weight"), part("bias"), part("running_mean"), part("running_var"));
    let root = |o: usize| (variance[o] + 1e-5).sqrt();
    let weight = dict.get(&format!("{conv}.weight"));
    let depth = weight.values.len() / gain.len();
    let values = weight.values.iter().enumerate();
    let values = values.map(|(i, &w)| (f64::from(w) * gain[i / depth] / root(i / depth)) as f32).collect();
    let bias = (0..gain.len()).map(|o| (beta[o] + (0.0 - mean[o]) * gain[o] / root(o)) as f32).collect();
    (Array { shape: weight.shape.clone(), values }, Array { shape: vec![gain.len()], values: bias })
}

fn export(dict: &StateDict, folded: bool, batch: Option<usize>) -> Vec<u8> {
    let mut export = Export { dict, folded, onnx: Onnx::new(17, &[3, 32, 32]), constants: 0 };
    if let Some(batch) = batch {
        export.onnx.batch(batch);
    }
    export.network();
    export.onnx.bytes("logits")
}

#[test]
fn both_doors_give_the_same_bits_in_all_modes() {
    let folder = Folder::new();
    let dict = StateDict::resnet20(5, 10);
    folder.write("dict.safetensors", safetensors(&dict.stored()));
    folder.write("unfolded.onnx", export(&dict, false, None));
    folder.write("folded.onnx", export(&dict, true, Some(1)));
    let images = Random::new(6).floats(5 * 3072, -1.0, 1.5);
    folder.write("set.safetensors", float_set([5, 3, 32, 32], &images, &[0, 1, 2, 3, 4]));

    let arch = "--arch resnet20 --weights dict.safetensors --data set.safetensors";
    folder.run_to(0, &format!("{arch} --mode quant --calib-data set.safetensors --save-qparams q.json"));
    let layers = |args: &str| {
        let report = folder.json(args);
        let layers = report["layers"].as_array().unwrap();
        let part = |layer: &serde_json::Value| {
            ["name", "kind", "opcount", "fan_in", "output_shape", "weight_shape"].map(|key| layer[key].to_string())
        };
        layers.iter().map(part).collect::<Vec<_>>()
    };
    let expected_layers = layers(arch);
    assert_eq!(expected_layers.len(), 20);
    for file in ["unfolded.onnx", "folded.onnx"] {
        let onnx = format!("--model {file} --data set.safetensors -b 2");
        assert_eq!(layers(&onnx), expected_layers, "{file}");
        for mode in [
            "--mode base",
            "--mode quant --qparams q.json",
            "--mode approx --lut drum-4 --qparams q.json",
            "--mode noise --noise-std 0.1 --seed 3 --qparams q.json",
        ] {
            let expected = folder.logits(&format!("{arch} -b 2 {mode}"));
            assert_eq!(folder.logits(&format!("{onnx} {mode}")), expected, "{file} {mode}");
        }
        let exact = folder.logits(&format!("{onnx} --mode approx --lut exact --qparams q.json"));
        assert_eq!(exact, folder.logits(&format!("{onnx} --mode quant --coding sign-magnitude --qparams q.json")));
    }
}

/// The state dict of a training, instead of the weights that an export was made with.
#[test]
fn weights_are_replaced_by_name() {
    let folder = Folder::new();
    let (old, new) = (StateDict::resnet20(7, 10), StateDict::resnet20(8, 10));
    let images = Random::new(9).floats(3 * 3072, -1.0, 1.5);
    folder.write("set.safetensors", float_set([3, 3, 32, 32], &images, &[0, 1, 2]));
    folder.write("old.onnx", export(&old, false, None));
    folder.write("new.onnx", export(&new, false, None));
    folder.write("new.safetensors", safetensors(&new.stored()));
    let logits = |args: &str| folder.logits(&format!("--data set.safetensors {args}"));
    assert_eq!(logits("--model old.onnx --weights new.safetensors"), logits("--model new.onnx"));
    assert_ne!(logits("--model old.onnx"), logits("--model new.onnx"));

    // What the file has no place for, and what does not fit there.
    let mut wrong = new.clone();
    wrong.get_mut("linear.weight").shape = vec![5, 128];
    folder.write("wrong.safetensors", safetensors(&wrong.stored()));
    let args = |weights: &str, model: &str| format!("--data set.safetensors --model {model} --weights {weights}");
    folder.refuses(&args("wrong.safetensors", "old.onnx"), &["old.onnx", "linear.weight", "[5, 128]", "[10, 64]"]);
    folder.write("folded.onnx", export(&old, true, None));
    folder.refuses(&args("new.safetensors", "folded.onnx"), &["folded.onnx", "unused", "layer3.2.bn2.running_var"]);
    folder.refuses(&args("new.safetensors", "lenet5"), &["--weights", "--arch", ".onnx"]);
}
