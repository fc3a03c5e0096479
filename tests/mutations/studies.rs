//! What studies leave and are resumed, merged and shown from, and models that they write: made by the command, once.

use super::readers::{Reader, quantized, reader, reader_of, run};
use crate::common::Folder;
use crate::common::network::{TINY, Tiny};
use anyhow::Context;
use approx_eval::model::Model;
use approx_eval::study::journal::{Journal, Start};
use approx_eval::study::page::{self, PageOptions};
use approx_eval::study::sweep::{JobRecord, merge};
use std::path::Path;

/// A grid of sweeps.
const GRID: &str = r#"# A grid.
model = ["tiny", "lenet5"]
data = "tiny.safetensors"
lut = ["drum-{3..5}", "exact"]
scope = ["all", "each"]
limit = 100
set = ["fc*:mode=quant"]
"#;

/// The files of `folder` whose names begin with `prefix`, those that are named in `first` before the others.
fn files(folder: &Folder, prefix: &str, first: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut names: Vec<String> = Vec::new();
    for entry in folder.path(prefix).read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        names.extend(folder.path(format!("{prefix}/{name}")).is_file().then(|| format!("{prefix}/{name}")));
    }
    names.sort_by_key(|name| (!first.iter().any(|first| name.ends_with(first)), name.clone()));
    names.into_iter().map(|name| (name.clone(), folder.read(&name))).collect()
}

/// A sweep of four jobs, with a document of a layer-wise study beside it.
fn study() -> Vec<(String, Vec<u8>)> {
    let (_, folder) = Tiny::folder(19);
    folder.run_to(0, &format!("sweep run {TINY} -o study --lut drum-4 truncated-6 exact udm -n 4 --no-progress"));
    folder.run_to(0, &format!("sensitivity {TINY} --lut drum-3 -n 4 --no-progress -o study/sensitivity.json"));
    files(&folder, "study", &["jobs.jsonl"])
}

fn read_page(folder: &Path) -> anyhow::Result<()> {
    let options = PageOptions { folders: vec![folder.join("study")], title: None, bound: 0.01 };
    let _ = page::read(&options)?.html();
    Ok(())
}

/// A network that is corrected, and the set that it runs on.
fn corrected() -> Vec<(String, Vec<u8>)> {
    let (_, folder) = Tiny::folder(20);
    folder.run_to(0, &format!("correct {TINY} --lut truncated-8 --no-progress -o fixed"));
    let mut files = files(&folder, "fixed", &["config.json", "corrections.safetensors", "qparams.json"]);
    files.push(("tiny.safetensors".to_owned(), folder.read("tiny.safetensors")));
    files
}

/// All of them.
pub fn studies() -> Vec<Reader> {
    let (study, corrected) = (study(), corrected());
    let run_corrected = |folder: &Path| {
        let model = Model::open(folder.join("fixed").to_str().context("a path")?)?;
        run(model, folder, quantized).map(drop)
    };
    let mut fixed = reader("corrected", corrected, run_corrected);
    fixed.victims.truncate(3);
    vec![
        reader("study", study.clone(), |folder| Ok(merge(&[folder.join("study")]).map(drop)?)),
        reader_of("journal", study.clone(), |folder| {
            Ok(Journal::<JobRecord>::open(&folder.join("study/jobs.jsonl"), Start::Resume).map(drop)?)
        }),
        reader("page", study, read_page),
        fixed,
        reader("grid", vec![("grid.toml", GRID.into())], |folder| {
            let arguments = ["approx-eval", "sweep", "plan", "-f"].map(Into::into).into_iter();
            Ok(approx_eval::cli::parse(arguments.chain([folder.join("grid.toml").into_os_string()])).map(drop)?)
        }),
    ]
}
