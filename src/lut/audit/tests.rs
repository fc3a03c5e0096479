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
    // Twice the mean magnitudes, 64 and 64.5.
    let errors: Vec<_> = audit.quadrants.iter().map(|quadrant| (quadrant.mae, quadrant.bias)).collect();
    assert_eq!(errors, [(0.0, 0.0), (8256.0, 8256.0), (8256.0, 8256.0), (0.0, 0.0)]);
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

/// The kinds of what an audit finds, and its messages.
fn findings(lut: &Lut) -> Vec<String> {
    Audit::new(lut).findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_few_products_that_keep_a_table_from_being_known_are_listed() {
    let corner =
        Lut::from_fn("nameless", Signedness::Unsigned, |a, b| if (a, b) == (255, 255) { 64_770 } else { a * b });
    assert_eq!(findings(&corner), ["the table is exact but for 1 product: [255][255] is 64770, expected 65025"]);
    let drum = design::resolve("drum-6", None).unwrap();
    let diagonal =
        Lut::from_fn("nameless", Signedness::Unsigned, |a, b| drum.product(a, b) + i32::from(a == b && a < 10));
    let [finding] = findings(&diagonal).try_into().unwrap();
    assert!(finding.starts_with("the table is design 'drum-6' but for 10 products: [0][0] is 1, expected 0; [1][1]"));
    assert!(finding.ends_with("[7][7] is 50, expected 49; 2 more"), "{finding}");
    // Of a signed circuit, and with operands exchanged by whoever opened it.
    let odd = Lut::from_fn("x", Signedness::Signed, |a, b| 2 * (a >> 1) * b + i32::from((a, b) == (-7, 3)));
    let [finding] = findings(&odd).try_into().unwrap();
    assert!(finding.contains("'operand-truncation-a1-b0-signed', mul8s_1KR8 but for 1 product: [-7][3]"), "{finding}");
    // More than a few are another multiplier; so is a small table with one.
    let many = Lut::from_fn("x", Signedness::Unsigned, |a, b| a * b + i32::from(a == b && a < 65));
    assert_eq!(findings(&many), [""; 0]);
    let four = crate::lut::Bits::try_from(4).unwrap();
    let small = Lut::from_fn_sized("x", Signedness::Unsigned, [four; 2], |a, b| a * b - i32::from((a, b) == (15, 15)));
    assert_eq!(findings(&small), [""; 0]);
}

#[test]
fn operands_far_worse_than_all_others_are_found() {
    // The magnitude of -128 does not fit 7 bits: it becomes 0, or 127.
    let zero = |a: i32| if a == -128 { 0 } else { a };
    let lost = Lut::from_fn("x", Signedness::Signed, |a, b| 4 * (zero(a) / 2) * (zero(b) / 2));
    let found = findings(&lost);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("products of first operand -128 have an MAE of 81"), "{found:?}");
    assert!(found[1].starts_with("products of second operand -128 have"), "{found:?}");
    // By a little is not far: -128 taken as -127, or as -130 by DRUM of 7 bits.
    assert_eq!(findings(&Lut::from_fn("x", Signedness::Signed, |a, b| a.max(-127) * b)), [""; 0]);
    // An eighth of the mean product of -128, which is 128 times 64, is far.
    let off = |error: i32| Lut::from_fn("x", Signedness::Signed, move |a, b| a * b + error * i32::from(a == -128));
    assert_eq!((findings(&off(1023)).len(), findings(&off(1024)).len()), (0, 1));
    // Four of 256 values at most, and not by a little.
    let bad =
        |rows: i32| Lut::from_fn("x", Signedness::Unsigned, move |a, b| if a < rows { 255 * b } else { a * b + 3 });
    assert_eq!((findings(&bad(4)).len(), findings(&bad(5)).len()), (1, 0));
}

#[test]
fn products_of_the_wrong_sign_are_found_outside_of_lost_quadrants() {
    // Where the product of magnitudes is at least 8192 it no longer fits 14 bits, and turns around.
    let turned = |a: i32, b: i32| if (a * b).abs() >= 8192 { -(a * b) } else { a * b / 8 * 8 };
    let lut = Lut::from_fn("x", Signedness::Signed, turned);
    let wrong = lut.products().filter(|(a, b, _)| (a * b).abs() >= 8192).count();
    let [finding] = findings(&lut).try_into().unwrap();
    let start = format!(
        "{} products of the wrong sign, some further from exact than all others: [-128][-128] is -16384",
        crate::stats::grouped(wrong as u64)
    );
    assert!(finding.starts_with(&start), "{finding}");
    // A small product rounded over zero is none.
    let rounded = Lut::from_fn("x", Signedness::Signed, |a, b| (a * b + 7 * a.signum() * (b & 1)) & !7);
    assert!(rounded.products().any(|(a, b, product)| product * (a * b) < 0));
    assert_eq!(findings(&rounded), [""; 0]);
}

/// Whatever a published design does is no finding.
#[test]
fn no_design_has_products_of_the_wrong_sign_or_operands_far_worse_than_others() {
    use rayon::prelude::*;
    let designs: Vec<Design> = design::FAMILIES.iter().flat_map(|family| family.designs()).collect();
    designs.par_iter().for_each(|design| {
        let lut = design.lut();
        let findings = [signs::findings(&lut, &Quadrant::all(&lut)), operands::findings(&lut)].concat();
        assert!(findings.is_empty(), "{design}: {findings:?}");
    });
}

#[test]
fn shipped_tables_pass() {
    for name in &crate::lut::SHIPPED {
        assert_eq!(findings(&crate::lut::generate(name).unwrap()), [""; 0], "{name}");
    }
}

#[test]
fn a_table_named_after_a_circuit_is_held_against_it() {
    let exact = Lut::from_fn("mul8s_1L2H", Signedness::Signed, |a, b| a * b);
    let audit = Audit::new(&exact);
    assert!(matches!(audit.findings.as_slice(), [Finding::NotTheCircuit(_)]), "{:?}", audit.findings);
    assert_eq!(serde_json::to_value(&audit).unwrap()["findings"][0]["kind"], "not-the-circuit");
    let own = Lut::from_fn("mul8s_1L2H", Signedness::Signed, |a, b| 4 * (a >> 1) * (b >> 1));
    assert!(Audit::new(&own).holds());
    // In no release: said, and not wrong.
    let unknown = Audit::new(&Lut::from_fn("mul8u_96D", Signedness::Unsigned, |a, b| a * b / 8 * 8));
    assert!(unknown.holds() && unknown.info.notes[0].contains("96D"));
}
