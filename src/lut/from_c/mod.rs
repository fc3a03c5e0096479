//! Tables from C models of multipliers.
//!
//! A library of multipliers often comes as C functions. Such a file is compiled, with the system's
//! compiler, into a program that calls its function for every pair of operands and writes down the
//! products. **This runs the file's code** with the rights of the user: callers ask first.

mod driver;
mod process;
mod signature;

use super::c_source::{comment_fields, split_comments};
use super::detect::{self, Constraints, DetectError};
use super::format::{Contents, Entries};
use super::provenance::{Provenance, ReadingSource};
use super::reading::{IndexOrder, PartialReading};
use super::{Bits, BitsError, Lut};
use crate::input;
use crate::kernel::Signedness;
use process::{BuildFolder, Outcome};
use signature::{CInteger, Signature};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of the largest source that is read.
const LARGEST: u64 = 64 << 20;

/// How a C model is run.
#[derive(Debug, Clone)]
pub struct FromCOptions {
    /// The function; by default the only one of two integers.
    pub function: Option<String>,
    /// What the multiplier is called; by default as the function is.
    pub name: Option<String>,
    /// Widths of the operands; by default what the function's name says (`mul8u_..`), else what its
    /// parameters hold, at most 8.
    pub bits: Option<[Bits; 2]>,
    /// Signed or unsigned operands; by default what the name, else the parameters' types say. Where
    /// types wider than the operands leave it open, the reading closest to the exact product is taken.
    pub signedness: Option<Signedness>,
    /// The compiler, with arguments or without; by default what the environment variable `CC` names, else
    /// `cc`.
    pub compiler: Option<OsString>,
    /// How long the compiler, and then the program, may take.
    pub timeout: Duration,
}

impl Default for FromCOptions {
    fn default() -> Self {
        let timeout = Duration::from_mins(1);
        FromCOptions { function: None, name: None, bits: None, signedness: None, compiler: None, timeout }
    }
}

/// Why a C model could not be tabulated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FromCError {
    /// A file cannot be read or written.
    #[error("cannot use {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No function, or several, can be the multiplier.
    #[error("{} has {found}; {hint}", .path.display())]
    Function {
        /// The source.
        path: PathBuf,
        /// What there is.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// The function's name implies a width that tables cannot have.
    #[error("{}: the name of '{function}' implies unsupported widths; state the operands' widths", .path.display())]
    Width {
        /// The source.
        path: PathBuf,
        /// The function.
        function: String,
        /// The width.
        #[source]
        source: BitsError,
    },
    /// The compiler cannot be started.
    #[error("cannot run the C compiler '{compiler}'; set the environment variable CC")]
    Compiler {
        /// The compiler.
        compiler: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The compiler refused the source.
    #[error("{} does not compile:\n{messages}", .path.display())]
    Compile {
        /// The source.
        path: PathBuf,
        /// What the compiler said.
        messages: String,
    },
    /// The program failed.
    #[error("the program compiled from {} {what}", .path.display())]
    Run {
        /// The source.
        path: PathBuf,
        /// What happened.
        what: String,
    },
    /// No reading of the products was decided on.
    #[error("cannot tell how to read the products of {}", .path.display())]
    Reading {
        /// The source.
        path: PathBuf,
        /// Why.
        #[source]
        source: DetectError,
    },
}

impl FromCError {
    /// The settings that fix this error, where some do.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            FromCError::Function { .. } => &["function"],
            FromCError::Width { .. } => &["bits"],
            FromCError::Reading { .. } => &["signed", "unsigned"],
            _ => &[],
        }
    }
}

/// A C source that was read, and is not run yet.
#[derive(Debug)]
pub struct CModel {
    path: PathBuf,
    /// Where the files are that it includes.
    folder: PathBuf,
    bytes: Vec<u8>,
    /// Without comments.
    code: String,
    comments: Vec<String>,
}

/// Tabulates the multiplier that `path` models in C: [`CModel::read`], then [`CModel::tabulate`].
/// **Compiles and runs the file's code.**
///
/// # Errors
/// As both have them.
pub fn from_c(path: &Path, options: &FromCOptions) -> Result<Lut, FromCError> {
    CModel::read(path)?.tabulate(options)
}

impl CModel {
    /// Reads the source at `path`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<CModel, FromCError> {
        let io = |source| FromCError::Io { path: path.to_owned(), source };
        let bytes = input::read(path, LARGEST).map_err(io)?;
        let folder = path.canonicalize().map_err(io)?.parent().map(PathBuf::from).unwrap_or_default();
        let (code, comments) = split_comments(&String::from_utf8_lossy(&bytes));
        Ok(CModel { path: path.to_owned(), folder, bytes, code, comments })
    }

    /// Tabulates the multiplier. **Compiles and runs the source.**
    ///
    /// The first operand is the first parameter, unless the parameters are named `b` and `a` (or `y` and
    /// `x`) in that order. Unsigned parameters get a signed operand's bit pattern, and unsigned results
    /// as wide as a product's bit pattern are taken for signed ones where that is closer.
    ///
    /// # Errors
    /// When the source has no such function, does not compile, fails or gives no multiplier's products.
    pub fn tabulate(&self, options: &FromCOptions) -> Result<Lut, FromCError> {
        let CModel { path, bytes, code, comments, .. } = self;
        let signature = choose(path, &signature::find(code), options.function.as_deref())?;
        let plan = Plan::new(path, &signature, options)?;
        let values = self.run(&signature, plan, options)?;
        let contents = Contents::new(Entries::Numbers { values, entry: None }, Some(plan.bits));
        let constraints = Constraints::new([(ReadingSource::Metadata, plan.stated)]);
        let read = detect::interpret(&contents, &constraints)
            .map_err(|source| FromCError::Reading { path: path.clone(), source })?;
        let provenance = Provenance {
            path: Some(path.clone()),
            file_hash: Some(blake3::hash(bytes).to_hex().to_string()),
            format: Some("c-model"),
            reading: Some(read.reading),
            source: if plan.stated.signedness.is_some() { ReadingSource::Metadata } else { ReadingSource::Detected },
            warnings: read.warning.into_iter().collect(),
            ..Provenance::default()
        };
        let name = options.name.as_deref().unwrap_or(&signature.name);
        let lut = Lut::from_products(name, read.reading.signedness, plan.bits, read.products);
        let lut = lut.with_metadata(comment_fields(comments).metadata).with_provenance(provenance);
        Ok(lut.with_name_checked())
    }
}

fn choose(path: &Path, found: &[Signature], wanted: Option<&str>) -> Result<Signature, FromCError> {
    let mut fitting: Vec<_> = found.iter().filter(|found| wanted.is_none_or(|wanted| found.name == wanted)).collect();
    if wanted.is_none() && fitting.iter().filter(|found| !found.is_static).count() == 1 {
        fitting.retain(|found| !found.is_static);
    }
    let names = found.iter().map(|found| found.name.as_str()).collect::<Vec<_>>().join(", ");
    let (found, hint) = match (fitting.as_slice(), wanted) {
        ([one], _) => return Ok((*one).clone()),
        ([], Some(wanted)) if !found.is_empty() => {
            (format!("no function '{wanted}' of two integers, but {names}"), "name one of these")
        }
        ([], _) => {
            let hint = "expected one like 'uint16_t f(uint8_t a, uint8_t b) { .. }'";
            ("no function of two integers".to_owned(), hint)
        }
        _ => (format!("several functions of two integers: {names}"), "state the function"),
    };
    Err(FromCError::Function { path: path.to_owned(), found, hint })
}

/// How the function is called, and what is known of its products.
#[derive(Clone, Copy)]
struct Plan {
    /// Of the first and second operand.
    bits: [Bits; 2],
    /// Whether operands count up as signed numbers; else as bit patterns.
    counts_signed: bool,
    stated: PartialReading,
}

impl Plan {
    fn new(path: &Path, signature: &Signature, options: &FromCOptions) -> Result<Plan, FromCError> {
        let (named_bits, named_signedness) = signature.named();
        let [mut first, mut second] = signature.parameters;
        if signature.is_swapped {
            (first, second) = (second, first);
        }
        let held = |kind: CInteger| Bits::try_from(kind.width).unwrap_or(Bits::EIGHT);
        let widths = |[first, second]: [u32; 2]| Ok::<_, BitsError>([first.try_into()?, second.try_into()?]);
        let asked_for = named_bits.filter(|_| options.bits.is_none());
        let named = asked_for.map(widths).transpose().map_err(|source| FromCError::Width {
            path: path.to_owned(),
            function: signature.name.clone(),
            source,
        })?;
        let bits = options.bits.or(named).unwrap_or([held(first), held(second)]);
        let typed = [first, second].map(|kind| kind.signedness);
        let is_signed = typed == [Signedness::Signed; 2];
        // Types as wide as the operands say what these are; wider unsigned ones are used for both.
        let is_exact_fit = [first, second].iter().zip(bits).all(|(kind, bits)| kind.width == bits.get());
        let known = options.signedness.or(named_signedness);
        let by_type = (is_signed || is_exact_fit).then_some(typed[0]);
        let counts_signed = is_signed && known != Some(Signedness::Unsigned);
        let signedness = known.or(by_type);
        let index = match signedness {
            Some(Signedness::Signed) if !counts_signed => Some(IndexOrder::TwosComplement),
            Some(_) => Some(IndexOrder::Numeric),
            None => None,
        };
        let stated = PartialReading { entry: None, signedness, index, bits: Some(bits) };
        Ok(Plan { bits, counts_signed, stated })
    }

    fn pairs(self) -> usize {
        self.bits[0].values() * self.bits[1].values()
    }
}

impl CModel {
    /// The products of all pairs of operands, the first one major.
    fn run(&self, signature: &Signature, plan: Plan, options: &FromCOptions) -> Result<Vec<i128>, FromCError> {
        let CModel { path, folder, bytes, code, .. } = self;
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| FromCError::Io { path, source }
        };
        let build = BuildFolder::new().map_err(io(&std::env::temp_dir()))?;
        let at = |name: &str| build.path().join(name);
        let name = driver::unused_name(code);
        let units = [
            (driver::SOURCE, driver::source(path, bytes)),
            (driver::MODEL, driver::model(&name, signature).into()),
            (driver::DRIVER, driver::driver(&name, plan).into()),
        ];
        units.iter().try_for_each(|(name, text)| fs::write(at(name), text).map_err(io(&at(name))))?;

        let mut compile = options.compiler();
        let compiler = compile.join(OsStr::new(" ")).to_string_lossy().into_owned();
        let mut include = OsString::from("-I");
        include.push(folder);
        compile.extend(["-O1", "-w", "-o"].map(OsString::from));
        compile.extend([at("model"), at(driver::MODEL), at(driver::DRIVER)].map(PathBuf::into_os_string));
        compile.extend([include, "-lm".into()]);
        let refused = |messages: String| FromCError::Compile { path: path.clone(), messages };
        let compiled = build.run(&compile, options.timeout);
        match compiled.map_err(|source| FromCError::Compiler { compiler: compiler.clone(), source })? {
            Outcome::Success => {}
            // What a shell says of a program that it cannot run.
            Outcome::Failure { status, messages } if matches!(status.code(), Some(126 | 127)) => {
                return Err(FromCError::Compiler { compiler, source: std::io::Error::other(messages) });
            }
            Outcome::Failure { messages, .. } => return Err(refused(messages)),
            Outcome::TimedOut => return Err(refused(format!("not within {} s", options.timeout.as_secs()))),
        }

        let failed = |what| FromCError::Run { path: path.clone(), what };
        let program = [at("model"), at("products")].map(PathBuf::into_os_string);
        match build.run(&program, options.timeout).map_err(io(&at("model")))? {
            Outcome::Success => {}
            Outcome::Failure { status, .. } => {
                let limits = process::limits(options.timeout);
                return Err(failed(format!("ended with {status}; its limits are {limits}")));
            }
            Outcome::TimedOut => return Err(failed(format!("did not end within {} s", options.timeout.as_secs()))),
        }
        let expected = 8 * plan.pairs();
        let products = input::read(&at("products"), expected as u64).map_err(io(&at("products")))?;
        if products.len() != expected {
            return Err(failed(format!("wrote {} bytes, expected {expected}", products.len())));
        }
        Ok(products.as_chunks().0.iter().map(|&product| i128::from(i64::from_ne_bytes(product))).collect())
    }
}

impl FromCOptions {
    /// The compiler and its first arguments.
    fn compiler(&self) -> Vec<OsString> {
        let stated = self.compiler.clone().or_else(|| std::env::var_os("CC"));
        stated
            .map(|compiler| process::words(&compiler))
            .filter(|words| !words.is_empty())
            .unwrap_or_else(|| vec!["cc".into()])
    }
}

#[cfg(all(test, unix))]
mod tests;
