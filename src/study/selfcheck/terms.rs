//! Whether a multiplier and a coding make the terms that they should.

use super::probes::probes;
use super::reference::term;
use super::subject::{Subject, coding};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::kernel::Signedness;
use crate::lut::{Coding, Lut};
use crate::report::SelfcheckEntry;
use std::collections::HashSet;
use std::sync::Arc;

pub(super) const CHECK: Check =
    Check { name: "terms", compared: "terms against the definition", needs_integers: true, run };

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let mut tally = Tally::default();
    let mut seen: HashSet<(*const Lut, Coding, [Signedness; 2])> = HashSet::new();
    let mut known: Vec<(Signedness, Vec<Arc<Lut>>)> = Vec::new();
    let assignment = subject.integers.clone();
    let (graph, _) = subject.session.network(&assignment)?;
    for (layer, config) in graph.layers().zip(assignment.layers()) {
        let Some(params) = layer.params().filter(|_| config.mode().is_quantized()) else { continue };
        let coding = coding(config);
        let table = coding.table_signedness();
        if known.iter().all(|(of, _)| *of != table) {
            known.push((table, probes(table).into_iter().map(Arc::new).collect()));
        }
        let probes = known.iter().filter(|(of, _)| *of == table).flat_map(|(_, probes)| probes);
        let ranges = [params.input.range(), params.weight.range()];
        let signs = ranges.map(|range| coding.operand_signedness(range.signedness()));
        for lut in config.looked_up_lut().into_iter().chain(probes.map(|lut| &**lut)) {
            if seen.insert((std::ptr::from_ref(lut), coding, signs)) {
                compare(&mut tally, lut, coding, signs);
            }
        }
    }
    Ok(vec![tally.entry(check.name, check.compared)])
}

fn compare(tally: &mut Tally, lut: &Lut, coding: Coding, [first, second]: [Signedness; 2]) {
    let Ok(table) = coding.effective_table(lut, first, second) else { return };
    for activation in 0..=255u8 {
        for weight in 0..=255u8 {
            let (x, w) = (first.value(activation), second.value(weight));
            // Others are no operands.
            let Some(expected) = term(lut, coding, x, w) else { continue };
            tally.same(table.term(activation, weight), expected, || {
                format!("'{}' under {coding}, activation {x}, weight {w}", lut.name())
            });
        }
    }
}
