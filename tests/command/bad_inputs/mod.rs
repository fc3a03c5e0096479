//! What users get wrong, over every option and format: exit code 2, one message, no panic, bounded memory, no file
//! left behind.
//!
//! Each file of this folder is a table for one kind of input. A case is a line of arguments as a shell takes them,
//! and what the message must name; [`each_is_refused`] runs it in four gigabytes of address space. A fault that
//! was found becomes a line here. Networks in ONNX files have tests of their own in `onnx/damage.rs`.

mod data;
mod files;
mod luts;
mod models;
mod options;
mod pictures;
mod programs;
mod signals;
mod text;

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::random::Random;

/// Arguments, and what the message must have, words apart.
type Bad = (&'static str, &'static str);

/// Refuses every case in `folder`.
fn each_is_refused(folder: &Folder, cases: &[Bad]) {
    for_each_case(cases, |(args, needles)| {
        let needles: Vec<&str> = needles.split_whitespace().collect();
        folder.refuses_in_bounds(args, &needles);
    });
}

/// Refuses `args` for every file of a table, which is written as `name`.
fn each_content_is_refused<B: AsRef<[u8]> + std::fmt::Debug>(
    folder: &Folder,
    name: &str,
    args: &str,
    contents: impl IntoIterator<Item = (B, &'static str)>,
) {
    let last = name.rsplit('/').next().unwrap();
    for_each_case(contents, |(content, needles)| {
        folder.write(name, content);
        let needles: Vec<&str> = needles.split_whitespace().chain([last]).collect();
        folder.refuses_in_bounds(args, &needles);
    });
}

/// What can have become of any file that is not a list of lines.
fn damaged(whole: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let cut = |len: usize| whole[..len.min(whole.len())].to_vec();
    let mut endless = whole.to_vec();
    let head = endless.len().min(8);
    endless[..head].fill(0xff);
    let files = [
        Vec::new(),
        cut(1),
        cut(9),
        cut(whole.len() / 2),
        cut(whole.len() - 1),
        b"this is not the file that you are looking for\n".to_vec(),
        Random::new(1).bytes(10_007),
        vec![0; 4096],
        endless,
    ];
    files.map(|file| (file, "")).to_vec()
}
