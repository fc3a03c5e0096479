use super::*;
use crate::cases::for_each_case;
use crate::kernel::Signedness;
use crate::lut::{LutFormat, Metadata, OpenOptions, Relation, StatedMetric, design, open};

#[test]
fn lost_minus_signs_are_called_out() {
    let exact = Lut::from_fn("somebody-s", Signedness::Signed, |a, b| a * b);
    assert!(Audit::new(&exact).holds());
    let lost = Lut::from_fn("somebody-s", Signedness::Signed, |a, b| (a * b).abs());
    let audit = Audit::new(&lost);
    let signs: Vec<_> = audit.quadrants.iter().map(|quadrant| (quadrant.relation, quadrant.wrong_signs)).collect();
    let (kept, gone) = ((Relation::Signed, 0), (Relation::Mirrored, 127 * 128));
    assert_eq!(signs, [kept, gone, gone, kept]);
    assert_eq!(audit.findings.len(), 2);
    assert!(audit.findings[0].to_string().contains("signs + and -"));
}

#[test]
fn a_design_written_without_its_signs_fails_its_own_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("drum-4-signed.safetensors");
    let drum = design::resolve("drum-4-signed", None).unwrap();
    let unsigned = |a: i32, b: i32| drum.product(a, b).abs();
    let lost = Lut::from_fn(drum.name(), Signedness::Signed, unsigned).with_metadata(drum.metadata().clone());
    lost.write(&path, &LutFormat::default()).unwrap();
    let audit = Audit::new(&open(path.to_str().unwrap(), &OpenOptions::default()).unwrap());
    let has = |wanted: fn(&Finding) -> bool| audit.findings.iter().any(wanted);
    assert!(has(|finding| matches!(finding, Finding::SignsLost { .. })));
    assert!(has(|finding| matches!(finding, Finding::MetricMismatch { metric, .. } if metric == "mae")));
    assert!(has(|finding| matches!(finding, Finding::DesignMismatch { .. })));
}

#[test]
fn every_design_holds_its_audit() {
    for family in &design::FAMILIES {
        let design = family.designs().next().unwrap();
        let audit = Audit::new(&design.lut());
        assert!(audit.holds(), "{design}: {:?}", audit.findings);
        assert!(!audit.metric_checks.is_empty());
    }
}

#[test]
fn stated_metrics_are_held_to_their_digits() {
    let claim = |text: &str| Metadata {
        stated_metrics: [("mae".to_owned(), text.parse::<StatedMetric>().unwrap())].into(),
        ..Metadata::default()
    };
    let lut = Lut::from_fn("off", Signedness::Unsigned, |a, b| a * b + 1);
    for_each_case([("1", true), ("1.00", true), ("1.2", false), ("3", false)], |(text, holds)| {
        assert_eq!(Audit::new(&lut.clone().with_metadata(claim(text))).holds(), holds, "{text}");
    });
}

#[test]
fn the_worst_operand_is_found_on_either_side() {
    let lut = Lut::from_fn("odd", Signedness::Unsigned, |a, b| a * b + 8 * i32::from(a == 3) + 2 * i32::from(b == 5));
    let [first, second] = Audit::new(&lut).worst_operands;
    assert_eq!((first.value, second.value), (3, 5));
    assert!((first.mae - (8.0 + 2.0 / 256.0)).abs() < 1e-12);
}
