//! A text file of `path label` lines, as ImageNet's validation list `val.txt` is.
//!
//! A line's last word is its label, a whole number from 0; what comes before names a PNG or JPEG
//! file, spaces included. Paths are relative to the list's folder or, where the first image is not
//! there, to the folder beside the list that is named like it: `val/` for `val.txt`.

use super::format::{Evidence, Format};
use super::image_files;
use super::probe::{BYTE_ORDER_MARK, Probe};
use super::source::Source;
use super::storage::{Origin, Storage};
use super::{DataError, Dataset, Split};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

pub(super) static FORMAT: Format =
    Format { name: "list", summary: "A text file of 'path label' lines", recognize, open };

/// Longer lines are errors.
const LONGEST_LINE: u64 = 64 << 10;

fn recognize(probe: &mut Probe) -> Evidence {
    let Probe::File { head, .. } = probe else { return Evidence::None };
    let mut lines = head.split(|&byte| byte == b'\n').map(str::from_utf8);
    match lines.next() {
        Some(Ok(line)) if entry(line).is_some_and(|(path, _)| image_files::is_image(path)) => Evidence::Fits,
        _ => Evidence::None,
    }
}

fn open(path: &Path, _: Split) -> Result<Dataset, DataError> {
    let list = Storage::File(path.to_owned());
    let (paths, labels) = entries(Source::new(list.clone())?)?;
    let root = root(path, &paths[0])?;
    let images: Vec<_> = paths.into_iter().map(|image| Storage::File(root.join(image))).collect();
    let origin = Origin::at(path, [&[list], &images[..]].concat());
    image_files::dataset(origin, images.into(), labels)
}

/// The paths and labels of a list, at least one.
fn entries(source: Source) -> Result<(Vec<PathBuf>, Vec<u32>), DataError> {
    let file = source.to_string();
    let mut reader = BufReader::new(source.into_reader());
    let (mut paths, mut labels, mut line) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1.. {
        line.clear();
        let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if read.map_err(|source| DataError::io(&file, source))? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Some((path, label)) = str::from_utf8(&line).ok().and_then(entry) else {
            let found = format!("{:?} in line {number}", excerpt(&line));
            return Err(DataError::content(file, found, "a path, a space, and a label: a whole number from 0"));
        };
        paths.push(path.to_owned());
        labels.push(label);
    }
    if paths.is_empty() {
        return Err(DataError::content(file, "no lines", "a path and a label in each"));
    }
    Ok((paths, labels))
}

/// The path and the label of a line.
fn entry(line: &str) -> Option<(&Path, u32)> {
    let (path, label) = line.trim_start_matches(BYTE_ORDER_MARK).trim().rsplit_once([' ', '\t'])?;
    Some((Path::new(path.trim_end()), label.parse().ok()?))
}

/// As much of a line as a message shows.
fn excerpt(line: &[u8]) -> String {
    const SHOWN: usize = 60;
    let line = String::from_utf8_lossy(line.trim_ascii());
    line.chars().take(SHOWN).collect()
}

/// The folder that a list's paths are relative to, found by where its first image is.
fn root(list: &Path, first: &Path) -> Result<PathBuf, DataError> {
    let candidates = [list.with_file_name(""), list.with_extension("")];
    let found = candidates.iter().find(|root| root.join(first).is_file());
    found.cloned().ok_or_else(|| {
        let images = candidates.each_ref().map(|root| root.join(first).display().to_string());
        DataError::content(list.display(), format!("no {}", images.join(" and no ")), "the first image at one of them")
    })
}
