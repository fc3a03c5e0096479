//! The one door through which multipliers come in: a file, or a design's name.

use super::design::{self, UnknownDesign};
use super::detect::{self, DetectError, Grounds};
use super::format::{self, Contents, Format, FormatError};
use super::metadata::Fields;
use super::origin::{LutWarning, Origin, ReadingSource};
use super::reading::{LutFormat, Stated};
use super::sidecar::{self, SidecarError};
use super::{Coding, Lut, Quadrant};
use crate::kernel::Signedness;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest file that is taken for a table.
const MAX_FILE: u64 = 16 << 20;

/// How a multiplier is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// The file's format and reading; what it leaves open is detected.
    pub format: Option<LutFormat>,
    /// Exchange the operands after reading.
    pub swap_operands: bool,
    /// The coding that will use the table: a design's name without a sign then means its signed
    /// variant under `signed`.
    pub coding: Option<Coding>,
}

/// Why a multiplier cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither a file nor a design.
    #[error("no file and no multiplier `{spec}`")]
    NotFound {
        /// What was asked for.
        spec: String,
        /// What there is.
        #[source]
        source: UnknownDesign,
    },
    /// No file is there, and the path is no design's name.
    #[error("no file {}", .path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// A directory is there.
    #[error("{} is a directory, expected a file", .path.display())]
    Directory {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be read from disk.
    #[error("cannot read {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is larger than any table.
    #[error("{} is larger than {} MiB, which no multiplier's table is", .path.display(), MAX_FILE >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what its format says.
    #[error("{} is not a table in {format} format", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format it was read in.
        format: &'static str,
        /// What is wrong.
        #[source]
        source: FormatError,
    },
    /// What stands beside the file about it cannot be used.
    #[error("{}", .path.display())]
    Sidecar {
        /// The table's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: SidecarError,
    },
    /// How to read the entries is not settled.
    #[error("cannot tell how to read {}", .path.display())]
    Reading {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DetectError,
    },
}

/// Opens the multiplier that `spec` means: standard input when it is `-`, the file of that path when
/// there is one, else the design of that name ([`design::resolve`]).
///
/// How a file's entries are read is settled piece by piece (entry type, signedness, order, size) by
/// the first that says: `options.format`, the file's metadata, a sidecar (`NAME.json` beside
/// `NAME.bin`, a flat JSON object with any of `name`, `signed`, `index`, `entry`, `bits`, `energy`,
/// `power`, `area`, `delay`, `source`, `design`, `paper`, `parameters`, and error metrics), a file name
/// that starts with `mul8s_` or `mul8u_`. The rest is detected as the reading closest to the exact product.
///
/// # Errors
/// When there is no such multiplier, the file cannot be read, or several readings are about as close.
///
/// ```
/// use approx_eval::lut::{self, OpenOptions};
///
/// let drum = lut::open("drum-4", &OpenOptions::default())?;
/// assert_eq!(drum.product(15, 15), 225);
/// # Ok::<(), lut::OpenError>(())
/// ```
pub fn open(spec: &str, options: &OpenOptions) -> Result<Lut, OpenError> {
    if spec == "-" {
        return read_stream(io::stdin().lock(), "stdin", options);
    }
    let path = Path::new(spec);
    let lut = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => read(path, options.format)?,
        found => {
            let signedness = options.coding.map(Coding::table_signedness);
            design::resolve(spec, signedness).map_err(|source| match found {
                Ok(_) => OpenError::Directory { path: path.to_owned() },
                Err(_) if is_path(spec) => OpenError::NoFile { path: path.to_owned() },
                Err(_) => OpenError::NotFound { spec: spec.to_owned(), source },
            })?
        }
    };
    Ok(if options.swap_operands { lut.transposed() } else { lut })
}

/// Whether `spec` can only be meant as a path.
fn is_path(spec: &str) -> bool {
    spec.contains(std::path::is_separator) || format::by_extension(Path::new(spec)).is_some()
}

/// Reads a table from `stream` to its end, as [`open`] reads a file of that `name` without a sidecar:
/// a text of numbers, or any other format.
///
/// # Errors
/// As for a file; the stream goes by `name`.
pub fn read_stream(stream: impl Read, name: &str, options: &OpenOptions) -> Result<Lut, OpenError> {
    let path = Path::new(name);
    let bytes = read_whole(stream, path)?;
    let lut = interpret(&bytes, path, options.format, Fields::default())?;
    Ok(if options.swap_operands { lut.transposed() } else { lut })
}

fn read(path: &Path, format: Option<LutFormat>) -> Result<Lut, OpenError> {
    let bytes = read_file(path)?;
    let sidecar = sidecar::read(path).map_err(|source| OpenError::Sidecar { path: path.to_owned(), source })?;
    let (sidecar, unknown) = sidecar.unwrap_or_default();
    let lut = interpret(&bytes, path, format, sidecar)?;
    let mut origin = Origin { path: Some(path.to_owned()), ..lut.origin().clone() };
    origin.warnings.extend(unknown);
    Ok(lut.with_origin(origin))
}

/// Reads the bytes of the file that goes by `path`.
fn interpret(bytes: &[u8], path: &Path, format: Option<LutFormat>, sidecar: Fields) -> Result<Lut, OpenError> {
    let name = path.file_stem().map_or_else(|| "lut".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let LutFormat { container, stated } = format.unwrap_or_default();
    let container = container.or_else(|| format::by_extension(path)).unwrap_or_else(|| format::by_contents(bytes));
    let contents = container.read(bytes).map_err(|source| OpenError::Format {
        path: path.to_owned(),
        format: container.name(),
        source,
    })?;
    let grounds = Grounds::new([
        (ReadingSource::LutFormat, stated),
        (ReadingSource::Metadata, contents.fields.stated),
        (ReadingSource::Sidecar, sidecar.stated),
        (ReadingSource::FileName, Stated { signedness: named_signedness(&name), ..Stated::default() }),
    ]);
    let lut = settle(&contents, &grounds, container, &name, sidecar)
        .map_err(|source| OpenError::Reading { path: path.to_owned(), source })?;
    let file_hash = Some(blake3::hash(bytes).to_hex().to_string());
    let origin = Origin { file_hash, ..lut.origin().clone() };
    Ok(lut.with_origin(origin))
}

/// Reads entries on the strongest `grounds` first, detecting what none of them says.
fn settle(
    contents: &Contents,
    grounds: &Grounds,
    container: &dyn Format,
    name: &str,
    sidecar: Fields,
) -> Result<Lut, DetectError> {
    let read = detect::interpret(contents, grounds)?;
    let Fields { name: own_name, metadata, .. } = contents.fields.clone();
    let metadata = metadata.or(sidecar.metadata);
    let name = own_name.or(sidecar.name).unwrap_or_else(|| name.to_owned());
    let lut = Lut::from_products(&name, read.reading.signedness, read.reading.bits, read.products);
    let wrong_signs =
        Quadrant::all(&lut).iter().filter(|quadrant| quadrant.has_lost_signs()).map(|q| q.wrong_signs).sum();
    let signs_lost = (wrong_signs > 0).then_some(LutWarning::SignsLost { products: wrong_signs });
    let origin = Origin {
        format: Some(container.name()),
        reading: Some(read.reading),
        source: grounds.strongest().unwrap_or(ReadingSource::Detected),
        warnings: read.warning.into_iter().chain(signs_lost).collect(),
        ..Origin::default()
    };
    Ok(lut.with_metadata(metadata).with_origin(origin))
}

/// What EvoApproxLib's naming says.
fn named_signedness(name: &str) -> Option<Signedness> {
    let prefixes = [("mul8s_", Signedness::Signed), ("mul8u_", Signedness::Unsigned)];
    prefixes.into_iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, signedness)| signedness)
}

fn read_file(path: &Path) -> Result<Vec<u8>, OpenError> {
    let file = File::open(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    read_whole(file, path)
}

fn read_whole(stream: impl Read, path: &Path) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    let read = stream.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    if bytes.len() as u64 > MAX_FILE { Err(OpenError::TooLarge { path: path.to_owned() }) } else { Ok(bytes) }
}
