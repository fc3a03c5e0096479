//! Whether a multiplier's table is what it says it is.

use super::subject::Subject;
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::lut::Audit;
use crate::report::SelfcheckEntry;

pub(super) const CHECK: Check =
    Check { name: "lut-audit", compared: "tables against their claims", needs_integers: false, run };

#[allow(clippy::unnecessary_wraps, reason = "the signature of every check")]
fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let mut tally = Tally::default();
    for lut in subject.asked.luts_in_use() {
        let audit = Audit::new(&lut);
        tally.holds(audit.holds(), || {
            let findings: Vec<String> = audit.findings.iter().map(ToString::to_string).collect();
            format!("'{}': {}", lut.name(), findings.join("; "))
        });
    }
    Ok(vec![tally.entry(check.name, check.compared)])
}
