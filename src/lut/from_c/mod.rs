//! Tables from C models of multipliers.
//!
//! A library of multipliers often comes as C functions. Such a file is compiled, with the system's
//! compiler, into a program that calls its function for every pair of operands and writes down the
//! products. **This runs the file's code** with the rights of the user: callers ask first.

mod signature;

use super::c_source::{comment_fields, split_comments};
use super::detect::{self, Constraints, DetectError};
use super::format::{Contents, Entries};
use super::provenance::{Provenance, ReadingSource};
use super::reading::{IndexOrder, PartialReading};
use super::{Bits, BitsError, Lut};
use crate::kernel::Signedness;
use signature::{CInteger, Signature};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How a C model is run.
#[derive(Debug, Clone)]
pub struct FromCOptions {
    /// The function; by default the only one of two integers.
    pub function: Option<String>,
    /// Widths of the operands; by default what the function's name says (`mul8u_..`), else what its
    /// parameters hold, at most 8.
    pub bits: Option<[Bits; 2]>,
    /// Signed or unsigned operands; by default what the name, else the parameters' types say. Where
    /// types wider than the operands leave it open, the reading closest to the exact product is taken.
    pub signedness: Option<Signedness>,
    /// The compiler; by default what the environment variable `CC` names, else `cc`.
    pub compiler: Option<OsString>,
    /// How long the compiler, and then the program, may take.
    pub timeout: Duration,
}

impl Default for FromCOptions {
    fn default() -> Self {
        FromCOptions { function: None, bits: None, signedness: None, compiler: None, timeout: Duration::from_mins(1) }
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

/// Tabulates the multiplier that `path` models in C. **Compiles and runs the file's code.**
///
/// The first operand is the first parameter, unless the parameters are named `b` and `a` (or `y` and
/// `x`) in that order. Unsigned parameters get a signed operand's bit pattern, and unsigned results
/// as wide as a product's bit pattern are taken for signed ones where that is closer.
///
/// # Errors
/// When the file has no such function, does not compile, fails or gives no multiplier's products.
pub fn from_c(path: &Path, options: &FromCOptions) -> Result<Lut, FromCError> {
    let io = |source| FromCError::Io { path: path.to_owned(), source };
    let source = path.canonicalize().map_err(io)?;
    let bytes = fs::read(&source).map_err(io)?;
    let (code, comments) = split_comments(&String::from_utf8_lossy(&bytes));
    let signature = choose(path, &signature::find(&code), options.function.as_deref())?;
    let plan = Plan::new(path, &signature, options)?;
    let values = run(path, &driver(&source, &signature, plan), options, plan.pairs())?;
    let contents = Contents::new(Entries::Numbers { values, entry: None }, Some(plan.bits));
    let constraints = Constraints::new([(ReadingSource::Metadata, plan.stated)]);
    let read = detect::interpret(&contents, &constraints)
        .map_err(|source| FromCError::Reading { path: path.to_owned(), source })?;
    let provenance = Provenance {
        path: Some(path.to_owned()),
        file_hash: Some(blake3::hash(&bytes).to_hex().to_string()),
        format: Some("c-model"),
        reading: Some(read.reading),
        source: if plan.stated.signedness.is_some() { ReadingSource::Metadata } else { ReadingSource::Detected },
        warnings: read.warning.into_iter().collect(),
        ..Provenance::default()
    };
    let lut = Lut::from_products(&signature.name, read.reading.signedness, plan.bits, read.products);
    Ok(lut.with_metadata(comment_fields(&comments).metadata).with_provenance(provenance))
}

fn choose(path: &Path, found: &[Signature], wanted: Option<&str>) -> Result<Signature, FromCError> {
    let fitting: Vec<_> = found.iter().filter(|found| wanted.is_none_or(|wanted| found.name == wanted)).collect();
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

/// The program: the model itself, and a `main` that writes all products as 64-bit integers to the
/// file it is given.
fn driver(source: &Path, signature: &Signature, plan: Plan) -> String {
    let path = source.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    let kind = if plan.counts_signed { Signedness::Signed } else { Signedness::Unsigned };
    let loops = plan.bits.map(|bits| bits.range(kind));
    let arguments = if signature.is_swapped { "b, a" } else { "a, b" };
    let mut text = String::new();
    let _ = writeln!(text, "#define main model_main");
    let _ = writeln!(text, "#include <stdint.h>\n#include <stdio.h>\n#include \"{path}\"\n#undef main");
    let _ = writeln!(text, "int main(int count, char **names) {{");
    let _ = writeln!(text, "  FILE *out = count == 2 ? fopen(names[1], \"wb\") : 0;\n  if (!out) return 3;");
    for (operand, range) in ["a", "b"].iter().zip(&loops) {
        let _ =
            writeln!(text, "  for (int64_t {operand} = {}; {operand} <= {}; {operand}++)", range.start(), range.end());
    }
    let _ = writeln!(text, "    {{ int64_t product = (int64_t){}({arguments});", signature.name);
    let _ = writeln!(text, "      if (fwrite(&product, sizeof product, 1, out) != 1) return 4; }}");
    let _ = writeln!(text, "  return fclose(out) ? 5 : 0;\n}}");
    text
}

fn run(path: &Path, driver: &str, options: &FromCOptions, pairs: usize) -> Result<Vec<i128>, FromCError> {
    let directory = tempfile::tempdir().map_err(|source| FromCError::Io { path: std::env::temp_dir(), source })?;
    let at = |name: &str| directory.path().join(name);
    let io = |name: &str| {
        let path = at(name);
        move |source| FromCError::Io { path, source }
    };
    fs::write(at("driver.c"), driver).map_err(io("driver.c"))?;
    let from_environment = || std::env::var_os("CC").filter(|compiler| !compiler.is_empty());
    let compiler = options.compiler.clone().or_else(from_environment).unwrap_or_else(|| "cc".into());
    let mut command = Command::new(&compiler);
    command.args(["-O1", "-w", "-o"]).arg(at("model")).arg(at("driver.c")).arg("-lm");
    let compiled = finish(&mut command, options.timeout)
        .map_err(|source| FromCError::Compiler { compiler: compiler.to_string_lossy().into_owned(), source })?;
    match compiled {
        Ended::Well => {}
        Ended::Badly { messages, .. } => return Err(FromCError::Compile { path: path.to_owned(), messages }),
        Ended::TooLate => {
            let messages = format!("not within {} s", options.timeout.as_secs());
            return Err(FromCError::Compile { path: path.to_owned(), messages });
        }
    }
    let failed = |what| FromCError::Run { path: path.to_owned(), what };
    match finish(Command::new(at("model")).arg(at("products")), options.timeout).map_err(io("model"))? {
        Ended::Well => {}
        Ended::Badly { status, .. } => return Err(failed(format!("ended with {status}"))),
        Ended::TooLate => return Err(failed(format!("did not end within {} s", options.timeout.as_secs()))),
    }
    let mut bytes = Vec::new();
    let products = fs::File::open(at("products")).map_err(io("products"))?;
    products.take(8 * pairs as u64 + 1).read_to_end(&mut bytes).map_err(io("products"))?;
    if bytes.len() != 8 * pairs {
        return Err(failed(format!("wrote {} bytes, expected {}", bytes.len(), 8 * pairs)));
    }
    Ok(bytes.as_chunks().0.iter().map(|&product| i128::from(i64::from_ne_bytes(product))).collect())
}

/// How a process ended.
enum Ended {
    Well,
    Badly { status: std::process::ExitStatus, messages: String },
    TooLate,
}

/// Runs `command` without input, its messages kept, and ends it after `timeout`.
fn finish(command: &mut Command, timeout: Duration) -> std::io::Result<Ended> {
    let mut messages = tempfile::tempfile()?;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(messages.try_clone()?).spawn()?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if start.elapsed() > timeout => {
                child.kill()?;
                child.wait()?;
                return Ok(Ended::TooLate);
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    if status.success() {
        return Ok(Ended::Well);
    }
    let mut text = Vec::new();
    std::io::Seek::rewind(&mut messages)?;
    messages.take(4000).read_to_end(&mut text)?;
    Ok(Ended::Badly { status, messages: String::from_utf8_lossy(&text).trim_end().to_owned() })
}

#[cfg(all(test, unix))]
mod tests;
