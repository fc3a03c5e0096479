//! The facts of the library, circuit by circuit.

use crate::kernel::Signedness;
use crate::lut::{Bits, Lut};
use crate::registry::{Named, Registry, by_name};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The name of the library.
pub const LIBRARY: &str = "EvoApproxLib";

/// A release of the library. Names are reused: the same name is another circuit in the other release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Release {
    /// The lite version 1, which is the repository's branch `master`.
    Master,
    /// The release of 2022.
    V2022,
}

/// Both releases, the older one first.
pub static RELEASES: Registry<Release> = Registry::new("release", &[Release::Master, Release::V2022]);

impl Named for Release {
    fn name(&self) -> &'static str {
        match self {
            Release::Master => "master",
            Release::V2022 => "v2022",
        }
    }
}

by_name!(Release, RELEASES);

/// One circuit under one of its names, with the figures that the library publishes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The name, such as `mul8u_17KS`.
    pub name: String,
    /// The release that has it under this name.
    pub release: Release,
    /// Widths of the first and second operand, in bits: up to 16, where tables end at 8.
    pub bits: [u32; 2],
    /// Unsigned or two's complement operands.
    pub signedness: Signedness,
    /// Mean absolute error, in units of the product, with the digits that the library states.
    pub mae: f64,
    /// Worst-case error, in units of the product.
    pub wce: u64,
    /// Worst-case relative error, a fraction.
    pub wcre: f64,
    /// Error probability, a fraction.
    pub ep: f64,
    /// Mean relative error, a fraction.
    pub mre: f64,
    /// Mean squared error, in squared units.
    pub mse: f64,
    /// Power, in milliwatts.
    pub power_mw: f64,
    /// Area, in square micrometers.
    pub area_um2: f64,
    /// Delay, in nanoseconds.
    pub delay_ns: f64,
    /// The hash of its product table, of circuits whose operands have at most 8 bits.
    pub table_hash: Option<blake3::Hash>,
}

impl Entry {
    /// Whether operands are two's complement.
    pub fn signed(&self) -> bool {
        self.signedness == Signedness::Signed
    }

    /// Energy of one multiplication, in picojoules: power times delay.
    pub fn energy_pj(&self) -> f64 {
        self.power_mw * self.delay_ns
    }

    /// The exact multiplier of the same operands in the same release, which figures of this circuit may be
    /// divided by.
    pub fn exact(&self) -> Option<&'static Entry> {
        let is_alike = |other: &&Entry| {
            (other.bits, other.signedness, other.release) == (self.bits, self.signedness, self.release)
        };
        entries().iter().filter(is_alike).find(|other| other.wce == 0)
    }

    /// Whether it is the circuit of `other`, which may have another name in the other release.
    pub fn is_same_circuit(&self, other: &Entry) -> bool {
        self.table_hash.is_some()
            && (self.table_hash, self.bits, self.signedness) == (other.table_hash, other.bits, other.signedness)
    }
}

/// A row of the file.
#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    release: Release,
    bits_a: u32,
    bits_b: u32,
    signed: u8,
    mae: f64,
    /// Written as `5.0` where it is small.
    wce: f64,
    wcre_pct: f64,
    ep_pct: f64,
    mre_pct: f64,
    mse: f64,
    power_mw: f64,
    area_um2: f64,
    delay_ns: f64,
    blake3: String,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Entry {
        let hash = |text: &str| blake3::Hash::from_hex(text).expect("the file's hashes are whole");
        Entry {
            name: row.name,
            release: row.release,
            bits: [row.bits_a, row.bits_b],
            signedness: if row.signed == 0 { Signedness::Unsigned } else { Signedness::Signed },
            mae: row.mae,
            wce: row.wce as u64,
            wcre: row.wcre_pct / 100.0,
            ep: row.ep_pct / 100.0,
            mre: row.mre_pct / 100.0,
            mse: row.mse,
            power_mw: row.power_mw,
            area_um2: row.area_um2,
            delay_ns: row.delay_ns,
            table_hash: Some(row.blake3).filter(|text| !text.is_empty()).as_deref().map(hash),
        }
    }
}

struct Library {
    entries: Vec<Entry>,
    /// The positions of the entries that have a table, the older release's first.
    by_table: HashMap<blake3::Hash, Vec<usize>>,
}

static LIBRARY_OF_CIRCUITS: LazyLock<Library> = LazyLock::new(|| {
    let file = include_bytes!("evoapproxlib.csv");
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(file.as_slice());
    let rows = reader.deserialize().map(|row| row.expect("the file's rows are whole"));
    let entries: Vec<Entry> = rows.map(|row: Row| row.into()).collect();
    let mut by_table: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(hash) = entry.table_hash {
            by_table.entry(hash).or_default().push(at);
        }
    }
    for positions in by_table.values_mut() {
        positions.sort_by_key(|&at| entries[at].release);
    }
    Library { entries, by_table }
});

/// Every circuit of both releases under each of its names, in the order of the library: by widths, then error.
pub fn entries() -> &'static [Entry] {
    &LIBRARY_OF_CIRCUITS.entries
}

/// The circuit whose products `lut` has, under all its names, the older release's first; nothing where the library has
/// no such circuit. What the table is called, and how it was read, does not matter.
pub fn recognize(lut: &Lut) -> Vec<&'static Entry> {
    with_table(lut.table_hash(), lut.bits(), lut.signedness())
}

/// The circuit that `lut` is, as [`recognize`] has it, and whether only with its operands exchanged.
pub fn recognize_either(lut: &Lut) -> (Vec<&'static Entry>, bool) {
    let (found, [first, second]) = (recognize(lut), lut.bits());
    if !found.is_empty() {
        return (found, false);
    }
    (with_table(lut.exchanged_table_hash(), [second, first], lut.signedness()), true)
}

/// The circuit whose [table hash](Lut::table_hash) is `hash`, and which has these operands.
fn with_table(hash: blake3::Hash, bits: [Bits; 2], signedness: Signedness) -> Vec<&'static Entry> {
    let library = &*LIBRARY_OF_CIRCUITS;
    let positions = library.by_table.get(&hash).map(Vec::as_slice).unwrap_or_default();
    let has_its_operands = |entry: &&Entry| entry.bits == bits.map(Bits::get) && entry.signedness == signedness;
    positions.iter().map(|&at| &library.entries[at]).filter(has_its_operands).collect()
}
