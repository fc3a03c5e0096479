//! Whether the products in memory are those of the file, or of the design, that a user named.

use super::subject::Subject;
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::eval::LutSpec;
use crate::lut::{self, Coding, Lut, OpenOptions};
use crate::report::SelfcheckEntry;
use std::sync::Arc;

pub(super) const CHECK: Check =
    Check { name: "lut-file", compared: "products against the file again", needs_integers: false, run };

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let mut opened: Vec<(LutSpec, Option<Coding>, Arc<Lut>)> =
        subject.session.luts().iter().map(|(spec, coding, lut)| (spec.clone(), coding, Arc::clone(lut))).collect();
    opened.sort_by(|a, b| a.0.lut.cmp(&b.0.lut));
    let is_read_once = |spec: &LutSpec| spec.lut == "-";
    if !opened.is_empty() && opened.iter().all(|(spec, ..)| is_read_once(spec)) {
        let why = "standard input cannot be read again".to_owned();
        return Ok(vec![SelfcheckEntry::skipped(check.name, check.compared, why)]);
    }
    let mut tally = Tally::default();
    for (spec, coding, lut) in opened.iter().filter(|(spec, ..)| !is_read_once(spec)) {
        let options = OpenOptions { format: spec.format, swap_operands: spec.swap_operands, coding: *coding };
        let again = lut::open(&spec.lut, &options);
        let again = again.map_err(|source| SelfcheckError::Lut { lut: spec.lut.clone(), source: Box::new(source) })?;
        compare(&mut tally, lut, &again);
    }
    Ok(vec![tally.entry(check.name, check.compared)])
}

fn compare(tally: &mut Tally, lut: &Lut, again: &Lut) {
    let name = lut.name();
    let shape = |lut: &Lut| format!("{:?} {}x{}", lut.signedness(), lut.bits()[0], lut.bits()[1]);
    tally.same(shape(lut), shape(again), || format!("'{name}', operands"));
    for ((a, b, found), (_, _, expected)) in lut.products().zip(again.products()) {
        tally.same(found, expected, || format!("'{name}', product [{a}][{b}]"));
    }
    let hash = |lut: &Lut| lut.table_hash().to_hex().to_string();
    tally.same(hash(lut), hash(again), || format!("'{name}', BLAKE3 of the products"));
    let file = |lut: &Lut| lut.provenance().file_hash.clone().unwrap_or_default();
    tally.same(file(lut), file(again), || format!("'{name}', BLAKE3 of the file"));
}
