//! Opening a multiplier by a file's path or a design's name.

use super::catalogue::{self, CircuitError};
use super::design::{self, UnknownDesign};
use super::detect::{self, Constraints, DetectError};
use super::fields::Fields;
use super::format::{self, Contents, Format, FormatError};
use super::provenance::{LutWarning, Provenance, ReadingSource};
use super::sidecar::{self, SidecarError};
use super::{Coding, Lut, LutFormat, PartialReading, Quadrant, select};
use crate::guard::guarded;
use crate::input;
use crate::kernel::Signedness;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest file that is taken for a table.
const MAX_FILE: u64 = 16 << 20;

/// How a multiplier is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// The file's format and reading; what this leaves open is detected.
    pub format: Option<LutFormat>,
    /// Exchange the operands after reading.
    pub swap_operands: bool,
    /// The coding that will use the table: a design's name without a sign then means its signed
    /// variant under `signed`.
    pub coding: Option<Coding>,
}

/// Why a multiplier cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Neither a file nor a design.
    #[error("no file and no multiplier '{spec}'")]
    NotFound {
        /// What was asked for.
        spec: String,
        /// The names that exist.
        #[source]
        source: UnknownDesign,
    },
    /// Neither, but a table's file has that name and an extension.
    #[error("no file and no multiplier '{spec}', did you mean '{file}'?")]
    MissingExtension {
        /// What was asked for.
        spec: String,
        /// The first such file.
        file: String,
    },
    /// The name is that of a circuit of the catalogue, and no design computes it.
    #[error(transparent)]
    Catalogue(#[from] CircuitError),
    /// There is no such file, and the path cannot be a design's name.
    #[error("no file {}", .path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The path is a directory.
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
    #[error("{} is too large for a multiplier's table: over {} MiB", .path.display(), MAX_FILE >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file describes a circuit.
    #[error(
        "{} is a circuit ({what}), not a table of its products: simulate it for all pairs of operands and save lines \
         of 'a b product', or tabulate a model in C with 'approx-eval lut from-c'", .path.display()
    )]
    Circuit {
        /// The file.
        path: PathBuf,
        /// The language.
        what: &'static str,
    },
    /// The file does not follow its format.
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
    /// The file's sidecar cannot be used.
    #[error("{}", .path.display())]
    Sidecar {
        /// The table's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: SidecarError,
    },
    /// No reading of the entries was decided on.
    #[error("cannot tell how to read {}", .path.display())]
    Reading {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DetectError,
    },
}

impl OpenError {
    /// The settings that fix this error, where some do.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            OpenError::Reading { source, .. } => source.keys(),
            _ => &[],
        }
    }
}

/// Opens the multiplier `spec`: standard input when it is `-`, the file of that path when
/// there is one, else the design of that name ([`design::resolve`]) or the design that a circuit of the catalogue of that
/// name is ([`catalogue::make`]).
///
/// Each part of how a file's entries are read (entry type, signedness, order, size) is decided by the
/// first that states it: `options.format`, the file's metadata, a sidecar (`NAME.json` beside
/// `NAME.bin`, a flat JSON object with any of `name`, `signed`, `index`, `entry`, `bits`, `energy`,
/// `power`, `area`, `delay`, `source`, `design`, `paper`, `parameters`, and error metrics), a file name
/// that starts with `mul8s_` or `mul8u_`. The rest is detected as the reading closest to the exact product.
///
/// # Errors
/// When there is no such multiplier, the file cannot be read, or several readings are about as close;
/// for an unknown name, the source lists similar ones.
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
            match design::resolve(spec, signedness) {
                Ok(lut) => lut,
                Err(_) if found.is_ok() => return Err(OpenError::Directory { path: path.to_owned() }),
                Err(_) if is_path(spec) => return Err(OpenError::NoFile { path: path.to_owned() }),
                Err(source) => catalogue::make(spec).ok_or_else(|| unknown(spec, source))??,
            }
        }
    };
    Ok(if options.swap_operands { lut.transposed() } else { lut })
}

/// The error of a name that is none: it may be that of a file but for the extension.
fn unknown(spec: &str, source: UnknownDesign) -> OpenError {
    let spec = spec.to_owned();
    match select(&format!("{spec}.*")).unwrap_or_default().into_iter().next() {
        Some(file) => OpenError::MissingExtension { spec, file },
        None => OpenError::NotFound { spec, source },
    }
}

/// Whether `spec` can only be a path.
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
    let lut = interpret(&bytes, path, options.format, Fields::default())?.with_name_checked();
    Ok(if options.swap_operands { lut.transposed() } else { lut })
}

/// What the table in a file is called: as the file or its sidecar says, else as the file is. That it cannot be read is for
/// [`open`] to say.
pub fn name_of(path: &Path) -> String {
    let stated = || {
        let bytes = read_file(path).ok()?;
        let container = format::by_extension(path).unwrap_or_else(|| format::by_contents(&bytes));
        let contents = guarded(|| container.read(&bytes)).ok()?.ok()?;
        contents.fields.name.or_else(|| sidecar::read(path).ok().flatten()?.0.name)
    };
    stated().unwrap_or_else(|| stem(path))
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "lut".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

fn read(path: &Path, format: Option<LutFormat>) -> Result<Lut, OpenError> {
    let bytes = read_file(path)?;
    let sidecar = sidecar::read(path).map_err(|source| OpenError::Sidecar { path: path.to_owned(), source })?;
    let (sidecar, unknown) = sidecar.unwrap_or_default();
    let lut = interpret(&bytes, path, format, sidecar)?;
    let mut provenance = Provenance { path: Some(path.to_owned()), ..lut.provenance().clone() };
    provenance.warnings.extend(unknown);
    Ok(lut.with_provenance(provenance).with_name_checked())
}

impl Lut {
    /// The same table with a warning where it has the name of a circuit of the catalogue that it is not.
    #[must_use]
    pub(super) fn with_name_checked(self) -> Lut {
        let Some(mismatch) = catalogue::mismatch(&self) else { return self };
        let mut provenance = self.provenance().clone();
        provenance.warnings.push(LutWarning::NotTheCircuit(mismatch));
        self.with_provenance(provenance)
    }
}

/// Reads the bytes of the file that goes by `path`.
fn interpret(bytes: &[u8], path: &Path, format: Option<LutFormat>, sidecar: Fields) -> Result<Lut, OpenError> {
    let name = stem(path);
    let LutFormat { container, stated } = format.unwrap_or_default();
    if let Some(what) = format::circuit(path, bytes).filter(|_| container.is_none()) {
        return Err(OpenError::Circuit { path: path.to_owned(), what });
    }
    let container = container.or_else(|| format::by_extension(path)).unwrap_or_else(|| format::by_contents(bytes));
    let contents =
        guarded(|| container.read(bytes)).unwrap_or_else(|panic| Err(FormatError::Broken(panic.to_string())));
    let contents =
        contents.map_err(|source| OpenError::Format { path: path.to_owned(), format: container.name(), source })?;
    let constraints = Constraints::new([
        (ReadingSource::LutFormat, stated),
        (ReadingSource::Metadata, contents.fields.stated),
        (ReadingSource::Sidecar, sidecar.stated),
        (ReadingSource::FileName, PartialReading { signedness: named_signedness(&name), ..PartialReading::default() }),
    ]);
    let lut = decode(&contents, &constraints, container, &name, sidecar)
        .map_err(|source| OpenError::Reading { path: path.to_owned(), source })?;
    let file_hash = Some(blake3::hash(bytes).to_hex().to_string());
    let provenance = Provenance { file_hash, ..lut.provenance().clone() };
    Ok(lut.with_provenance(provenance))
}

/// Reads entries under `constraints` and describes the result.
fn decode(
    contents: &Contents,
    constraints: &Constraints,
    container: &dyn Format,
    name: &str,
    sidecar: Fields,
) -> Result<Lut, DetectError> {
    let read = detect::interpret(contents, constraints)?;
    let Fields { name: own_name, metadata, .. } = contents.fields.clone();
    let metadata = metadata.or(sidecar.metadata);
    let name = own_name.or(sidecar.name).unwrap_or_else(|| name.to_owned());
    let lut = Lut::from_products(&name, read.reading.signedness, read.reading.bits, read.products);
    let wrong_signs =
        Quadrant::all(&lut).iter().filter(|quadrant| quadrant.has_lost_signs()).map(|q| q.wrong_signs).sum();
    let signs_lost = (wrong_signs > 0).then_some(LutWarning::SignsLost { products: wrong_signs });
    let provenance = Provenance {
        format: Some(container.name()),
        reading: Some(read.reading),
        source: constraints.strongest().unwrap_or(ReadingSource::Detected),
        warnings: read.warning.into_iter().chain(signs_lost).collect(),
        ..Provenance::default()
    };
    Ok(lut.with_metadata(metadata).with_provenance(provenance))
}

/// The signedness in EvoApproxLib's names.
fn named_signedness(name: &str) -> Option<Signedness> {
    let prefixes = [("mul8s_", Signedness::Signed), ("mul8u_", Signedness::Unsigned)];
    prefixes.into_iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, signedness)| signedness)
}

fn read_file(path: &Path) -> Result<Vec<u8>, OpenError> {
    let file = input::open(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    read_whole(file, path)
}

fn read_whole(stream: impl Read, path: &Path) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    let read = stream.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    if bytes.len() as u64 > MAX_FILE { Err(OpenError::TooLarge { path: path.to_owned() }) } else { Ok(bytes) }
}
