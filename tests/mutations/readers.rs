//! Everything that the program reads: whole files, and the way that a run takes through them.

use super::networks::networks;
use super::studies::studies;
use crate::common::files::{Table, byte_set, cifar, float_set, gzip, idx, safetensors};
use crate::common::network::{StateDict, Tiny};
use crate::common::onnx::{Attr, Onnx};
use crate::common::pictures::{gray_jpeg, gray_png, idat, ihdr, npy, npz, png};
use crate::common::random::Random;
use anyhow::Context;
use approx_eval::data::{self, DatasetSpec, Split};
use approx_eval::eval::{Experiment, LayerOptions, ParamsSpec, Rules, Session};
use approx_eval::lut::{self, Costs, Lut, LutFormat, OpenOptions};
use approx_eval::model::{Model, ModelSpec};
use approx_eval::quant::ParamsFile;
use approx_eval::report::{Report, SavedReport};
use std::path::Path;

/// Reads the files in a folder.
type Read = Box<dyn Fn(&Path) -> Result<(), String>>;

/// A reader: files that it takes, those of them that are changed, and the reading.
pub struct Reader {
    pub name: &'static str,
    pub files: Vec<(String, Vec<u8>)>,
    pub victims: Vec<String>,
    pub read: Read,
}

pub fn reader<N: Into<String>>(
    name: &'static str,
    files: Vec<(N, Vec<u8>)>,
    read: impl Fn(&Path) -> anyhow::Result<()> + 'static,
) -> Reader {
    let files: Vec<(String, _)> = files.into_iter().map(|(name, bytes)| (name.into(), bytes)).collect();
    let victims = files.iter().map(|(name, _)| name.clone()).collect();
    let read = move |folder: &Path| read(folder).map_err(|error| approx_eval::cli::describe(&error));
    Reader { name, files, victims, read: Box::new(read) }
}

/// As [`reader`], of files of which only the first is changed.
pub fn reader_of<N: Into<String>>(
    name: &'static str,
    files: Vec<(N, Vec<u8>)>,
    read: impl Fn(&Path) -> anyhow::Result<()> + 'static,
) -> Reader {
    let mut reader = reader(name, files, read);
    reader.victims.truncate(1);
    reader
}

/// Opens a set as `format` and as what recognizes it, and reads all of it.
fn read_set(path: &Path, format: &str) -> anyhow::Result<()> {
    let preprocess = data::Preprocess { resize: None, ..data::Preprocess::default() };
    if let Ok(mut set) = data::open(path, None, Split::Test) {
        let _ = set.read(0..set.len().min(8));
    }
    let mut set = data::open(path, Some(format.parse()?), Split::Test)?;
    let (shape, samples) = (set.image_shape(), set.len().min(8));
    let pixels = set.read(0..samples)?;
    if shape.iter().product::<usize>() < 1 << 24 {
        preprocess.apply(pixels, shape)?;
    }
    Ok(())
}

fn set(name: &'static str, format: &'static str, files: Vec<(&'static str, Vec<u8>)>) -> Reader {
    let first = files[0].0;
    reader(name, files, move |folder| read_set(&folder.join(first), format))
}

fn sets() -> Vec<Reader> {
    let bytes = Random::new(11).bytes(4 * 784);
    let labels = [0, 1, 2, 3];
    let color = Random::new(12).bytes(3 * 3072);
    let (images, classes) = (npy("|u1", "(4, 28, 28)", &bytes), npy("<i8", "(4,)", &[0; 32]));
    let members = [("images.npy", images.clone()), ("labels.npy", classes.clone())];
    let rows: String = (0..4).map(|i| format!("{i}{}\n", ",9".repeat(16))).collect();
    let palette = png(&[
        ("IHDR", &ihdr(4, 4, 8, 3)),
        ("PLTE", &[9; 12]),
        ("IDAT", &idat(&[&[0, 1, 2, 3][..]; 4])),
        ("IEND", &[]),
    ]);
    vec![
        set(
            "idx",
            "idx",
            vec![("t10k-images-idx3-ubyte", idx(&[4, 28, 28], &bytes)), ("t10k-labels-idx1-ubyte", idx(&[4], &labels))],
        ),
        set(
            "idx-gz",
            "idx",
            vec![
                ("t10k-images-idx3-ubyte.gz", gzip(&idx(&[4, 28, 28], &bytes))),
                ("t10k-labels-idx1-ubyte.gz", gzip(&idx(&[4], &labels))),
            ],
        ),
        set("cifar10", "cifar10", vec![("test_batch.bin", cifar(&color, |i| vec![i as u8]))]),
        set("cifar100", "cifar100", vec![("test.bin", cifar(&color, |i| vec![0, i as u8]))]),
        set("tensors", "safetensors", vec![("set.safetensors", byte_set([4, 1, 28, 28], &bytes, &labels))]),
        set("npz", "npz", vec![("set.npz", npz(&members, false))]),
        set("npz-deflated", "npz", vec![("set.npz", npz(&members, true))]),
        set("npy", "npy", vec![("x_test.npy", images), ("y_test.npy", classes)]),
        set("csv", "csv", vec![("set.csv", rows.into_bytes())]),
        set(
            "pictures",
            "list",
            vec![
                ("val.txt", b"c.png 1\nb.jpg 2\na.png 0\n".to_vec()),
                ("a.png", gray_png(4, &[7; 16])),
                ("b.jpg", gray_jpeg(4, 4)),
                ("c.png", palette),
            ],
        ),
        #[cfg(feature = "parquet")]
        set(
            "parquet",
            "parquet",
            vec![("set.parquet", {
                let folder = tempfile::tempdir().unwrap();
                crate::parquet_set::write(&folder.path().join("set.parquet"));
                std::fs::read(folder.path().join("set.parquet")).unwrap()
            })],
        ),
        reader("folder", vec![("a/1.png", gray_png(4, &[7; 16])), ("b/2.jpg", gray_jpeg(4, 4))], |folder| {
            read_set(folder, "folder")
        }),
    ]
}

fn read_lut(path: &Path) -> anyhow::Result<()> {
    let lut = lut::open(path.to_str().context("a path")?, &OpenOptions::default())?;
    let _ = lut::Audit::new(&lut);
    Ok(())
}

fn tables() -> Vec<Reader> {
    let small =
        Lut::from_fn_sized("small", approx_eval::kernel::Signedness::Signed, ["4".parse().unwrap(); 2], |a, b| {
            a * b - a % 2
        });
    let table = |name: &'static str, file: &'static str, bytes: Vec<u8>| {
        reader(name, vec![(file, bytes)], move |folder| read_lut(&folder.join(file)))
    };
    let written = |name: &'static str, file: &'static str| {
        let folder = tempfile::tempdir().unwrap();
        small.write(&folder.path().join(file), &LutFormat::default()).unwrap();
        table(name, file, std::fs::read(folder.path().join(file)).unwrap())
    };
    let triples: String = (0..256).map(|at| format!("{},{},{}\n", at / 16, at % 16, at / 16 * (at % 16))).collect();
    let sidecar = br#"{"name":"x","signed":false,"bits":[8,8],"energy":0.5,"mae":0}"#.to_vec();
    vec![
        written("lut-bin", "t.bin"),
        written("lut-npy", "t.npy"),
        written("lut-csv", "t.csv"),
        written("lut-text", "t.txt"),
        written("lut-memh", "t.hex"),
        written("lut-c", "t.h"),
        written("lut-native", "t.safetensors"),
        table("lut-triples", "t.csv", format!("a,b,product\n{triples}").into_bytes()),
        reader(
            "lut-sidecar",
            vec![("t.json", sidecar), ("t.bin", Table::unsigned(|a, b| a * b).u16_bin())],
            |folder| read_lut(&folder.join("t.bin")),
        ),
        reader(
            "costs",
            vec![("costs.csv", b"multiplier,energy,area,delay,source\nexact,0.5,400,1,lab\nx,,,,\n".to_vec())],
            |folder| Ok(Costs::read(&folder.join("costs.csv")).map(drop)?),
        ),
        reader(
            "c-model",
            vec![("m.c", b"/* MAE = 1 */\nint mul8u_X(int a, int b) { return a * b; }\n".to_vec())],
            |folder| Ok(lut::CModel::read(&folder.join("m.c")).map(drop)?),
        ),
    ]
}

/// Opens a model and evaluates it on the set `tiny.safetensors`, with `options`.
pub fn run(model: Model, folder: &Path, change: impl FnOnce(Experiment) -> Experiment) -> anyhow::Result<Report> {
    let data = Some(DatasetSpec::Path { path: folder.join("tiny.safetensors"), format: None });
    let mut session = Session::open(change(Experiment { data, limit: 2.try_into().ok(), ..Experiment::new(model) }))?;
    let assignment = session.assignment().clone();
    let findings = session.evaluate(&assignment, |_| Ok(()))?;
    Ok(Report::new(&session, &findings, &Costs::default()))
}

pub fn quantized(experiment: Experiment) -> Experiment {
    let mode = "quant".parse().ok();
    Experiment { layers: LayerOptions { mode, ..LayerOptions::default() }, ..experiment }
}

fn small_onnx() -> Vec<u8> {
    let mut onnx = Onnx::new(17, &[2, 12, 12]);
    onnx.random("c.weight", &[3, 2, 3, 3]).random("c.bias", &[3]).random("fc.weight", &[7, 75]).random("fc.bias", &[7]);
    onnx.scalar("six", 6.0).ints("to", &[0, -1]);
    onnx.op("Conv", &["x", "c.weight", "c.bias"], "a", &[("pads", Attr::Ints(&[0, 0, 0, 0]))]);
    onnx.op("Relu", &["a"], "b", &[]);
    onnx.op("MaxPool", &["b"], "p", &[("kernel_shape", Attr::Ints(&[2, 2])), ("strides", Attr::Ints(&[2, 2]))]);
    onnx.op("Min", &["p", "six"], "m", &[]).op("Reshape", &["m", "to"], "f", &[]);
    onnx.op("Gemm", &["f", "fc.weight", "fc.bias"], "y", &[("transB", Attr::Int(1))]);
    onnx.bytes("y")
}

fn models() -> Vec<Reader> {
    let tiny = Tiny::new(13);
    let floats = float_set(Tiny::SHAPE, &tiny.images, &tiny.labels);
    let weights = safetensors(&tiny.weights.stored());
    let config = br#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[2,12,12],"mean":[0.5],"std":[0.5]},"labels":[]}"#;
    let bare = safetensors(&StateDict::lenet5(14, 1, 28, 10).stored());
    let small_images = float_set([2, 1, 4, 4], &[0.5; 32], &[0, 1]);
    let gray = byte_set([2, 1, 28, 28], &Random::new(15).bytes(2 * 784), &[1, 2]);
    let directory = |victim: usize| {
        let mut files = vec![
            ("tiny/config.json", config.to_vec()),
            ("tiny/model.safetensors", weights.clone()),
            ("tiny/calibration.safetensors", floats.clone()),
            ("tiny.safetensors", floats.clone()),
        ];
        files.swap(0, victim);
        files
    };
    let open = |folder: &Path| anyhow::Ok(Model::open(folder.join("tiny").to_str().context("a path")?)?);
    let whole = move |folder: &Path| run(open(folder)?, folder, quantized).map(drop);
    let with = |file: &'static str, bytes: Vec<u8>| [vec![(file, bytes)], directory(0)].concat();
    let (report, params) = {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in directory(0) {
            std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let report = run(open(folder.path()).unwrap(), folder.path(), quantized).unwrap();
        let mut session = Session::open(quantized(Experiment {
            data: Some(DatasetSpec::Path { path: folder.path().join("tiny.safetensors"), format: None }),
            ..Experiment::new(open(folder.path()).unwrap())
        }))
        .unwrap();
        let assignment = session.assignment().clone();
        let params = session.params(&assignment).unwrap().to_json();
        (serde_json::to_value(report).unwrap(), params)
    };
    let predictions = b"index,label,prediction,correct\n0,1,1,true\n1,2,1,false\n".to_vec();
    let mut baseline = report.clone();
    baseline["predictions"] =
        serde_json::json!({"path": "p.csv", "blake3": blake3::hash(&predictions).to_hex().to_string()});
    let rules = br#"{"schema":1,"rules":[{"layers":"conv*","mode":"quant","act_bits":7},{"layers":"{fc1,fc2}","lut":"drum-4"}]}"#;
    vec![
        reader_of("config", directory(0), whole),
        reader_of("weights", directory(1), whole),
        reader_of("calibration", directory(2), whole),
        reader_of("float-set", directory(3), whole),
        reader_of("bare-weights", vec![("w.safetensors", bare), ("tiny.safetensors", gray)], |folder| {
            let spec = ModelSpec { weights: Some(folder.join("w.safetensors")), ..ModelSpec::default() };
            run(spec.open()?, folder, |experiment| experiment).map(drop)
        }),
        reader_of("onnx", vec![("m.onnx", small_onnx()), ("tiny.safetensors", floats.clone())], |folder| {
            let model = Model::open(folder.join("m.onnx").to_str().context("a path")?)?;
            run(model, folder, |experiment| experiment).map(drop)
        }),
        reader_of("tflite", vec![("m.tflite", crate::tflite::small()), ("tiny.safetensors", small_images)], |folder| {
            let model = Model::open(folder.join("m.tflite").to_str().context("a path")?)?;
            run(model, folder, |experiment| experiment).map(drop)
        }),
        reader_of("qparams", with("q.json", params.into_bytes()), move |folder| {
            let path = folder.join("q.json");
            ParamsFile::read(&path)?;
            let change = |experiment| {
                let mut experiment = quantized(experiment);
                experiment.calibration.params = Some(ParamsSpec::Path(path));
                experiment
            };
            run(open(folder)?, folder, change).map(drop)
        }),
        reader_of("rules", with("r.json", rules.to_vec()), move |folder| {
            let rules = Rules::read(&folder.join("r.json"))?;
            run(open(folder)?, folder, |experiment| Experiment { rules, ..experiment }).map(drop)
        }),
        reader("report", vec![("r.json", baseline.to_string().into_bytes()), ("p.csv", predictions)], |folder| {
            Ok(SavedReport::read(&folder.join("r.json"))?.predictions().map(drop)?)
        }),
    ]
}

/// Options of an evaluation in a file, read as the command reads them.
fn options() -> Vec<Reader> {
    const TEXT: &[u8] = br#"# An experiment.
model = "tiny"
data = 'tiny.safetensors'
mean = [0.485, 4.56e-1, -0.406]
input = [3, 32, 32]
limit = 1_000
seed = 0x10
noise-std = inf
layer-errors = true
verbose = 1
set = ["fc*:lut=drum-4,act_bits=6", "conv1:mode=quant"]
"#;
    vec![reader("experiment-file", vec![("run.toml", TEXT.to_vec())], |folder| {
        let arguments = ["approx-eval".into(), "-f".into(), folder.join("run.toml").into_os_string()];
        Ok(approx_eval::cli::parse(arguments).map(drop)?)
    })]
}

/// All of them.
pub fn readers() -> Vec<Reader> {
    [sets(), tables(), models(), networks(), options(), studies()].into_iter().flatten().collect()
}
