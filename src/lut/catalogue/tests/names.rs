//! Names: what is taken for one, and tables that have one.

use super::*;

#[test]
fn names_are_found_within_names() {
    let cases = [
        ("mul8u_17KS", Some(("mul8u_17KS", true))),
        ("mul8u_17KS_lut", Some(("mul8u_17KS", true))),
        ("MUL8U_17ks", Some(("mul8u_17KS", true))),
        ("lut-mul8s_1L2H", Some(("mul8s_1L2H", true))),
        ("mul8s_1L2H-x", Some(("mul8s_1L2H", true))),
        ("mul8s_1L2H#2", Some(("mul8s_1L2H", true))),
        ("mul8s_1L2H (1)", Some(("mul8s_1L2H", true))),
        ("mul8s_1L2H-faulty", Some(("mul8s_1L2H", false))),
        ("my_mul8u_1JFF_v", Some(("mul8u_1JFF", false))),
        ("mul8x4u_2JV", Some(("mul8x4u_2JV", true))),
        ("mul8u_96D", Some(("mul8u_96D", true))),
        // Neither a circuit's nor of the form.
        ("mul8u_exact", None),
        ("mul8u_bad", None),
        ("mul8s_t", None),
        ("mul9u_17KS", None),
        ("simul8u_17KS", None),
        ("mul8u_17KSX", None),
        ("mul8u", None),
        ("17KS", None),
        ("drum-4", None),
        ("muł8u_17KS é", None),
    ];
    for_each_case(cases, |(text, expected)| {
        let found = ClaimedName::find(text);
        assert_eq!(found.as_ref().map(|found| (found.name.as_str(), found.is_plain)), expected, "{text}");
    });
    assert!(ClaimedName::find("mul8u_96D").unwrap().entries.is_empty());
}

#[test]
fn names_lead_to_circuits() {
    let cases: [(&str, &[Release]); 9] = [
        ("mul8u_17KS", &[Release::Master]),
        ("17ks", &[Release::Master]),
        ("mul8u_17C8", &[Release::Master, Release::V2022]),
        ("mul8s_1KV8", &[Release::Master, Release::V2022]),
        ("mul8s_1KV8@v2022", &[Release::V2022]),
        ("mul8s_1KV8@master", &[Release::Master]),
        ("mul8u_17KS@v2022", &[]),
        ("mul8u_17KS-faulty", &[]),
        ("mul8u_96D", &[]),
    ];
    for_each_case(cases, |(name, releases)| {
        assert_eq!(by_name(name).iter().map(|entry| entry.release).collect::<Vec<_>>(), releases, "{name}");
    });
}

#[test]
fn a_table_that_is_not_what_its_name_says_is_told() {
    let half = signed("mul8s_1L2H", |a, b| 4 * (a >> 1) * (b >> 1));
    assert!(mismatch(&half).is_none());
    // Truncated toward zero in place of down: as a multiplier of magnitudes is, with its signs put back.
    let toward_zero = signed("mul8s_1L2H", |a, b| 4 * (a / 2) * (b / 2));
    let differ = toward_zero.products().filter(|&(a, b, product)| product != 4 * (a >> 1) * (b >> 1)).count();
    let grouped = crate::stats::grouped(differ as u64);
    assert_eq!(
        mismatch(&toward_zero).unwrap().to_string(),
        format!(
            "the table named mul8s_1L2H is not EvoApproxLib's mul8s_1L2H ({grouped} entries differ from 4*(a>>1)*(b>>1))"
        )
    );
    let other = signed("mul8s_1L2H", |a, b| 16 * (a >> 2) * (b >> 2));
    let message = mismatch(&other).unwrap().to_string();
    assert!(message.ends_with("; it is mul8s_1L2D, release master; mul8s_1L2L, release v2022"), "{message}");
    let unsigned = Lut::from_fn("mul8s_1L2H", Signedness::Unsigned, |a, b| a * b);
    let message = mismatch(&unsigned).unwrap().to_string();
    assert!(message.contains("its operands are 8x8 bits, unsigned, the circuit's 8x8 bits, signed"), "{message}");
    let unmade = Lut::from_fn("mul8u_17KS", Signedness::Unsigned, |a, b| a * b);
    let message = mismatch(&unmade).unwrap().to_string();
    assert!(
        message.contains("MAE 0, published 370") && message.contains("it is mul8u_1JFF, release master"),
        "{message}"
    );
    let one = signed("mul8s_1L2H", |a, b| 4 * (a >> 1) * (b >> 1) + i32::from((a, b) == (0, 0)));
    assert!(mismatch(&one).unwrap().to_string().contains("(1 entry differs from"));
}

#[test]
fn reused_names_are_those_of_either_circuit() {
    for name in ["mul8s_1KV8", "mul8s_1KVA"] {
        let circuits = by_name(name);
        assert!(circuits.len() == 2 && !circuits[0].is_same_circuit(circuits[1]));
        for circuit in circuits {
            let lut = circuit.design().unwrap().lut().with_name(name);
            assert!(mismatch(&lut).is_none(), "{name}");
            let other = if circuit.release == Release::Master { "v2022" } else { "master" };
            assert_eq!(noted(&lut), [format!("in release {other} {name} is another circuit")]);
        }
    }
    // By name alone it is the older release's.
    let made = |name: &str| make(name).unwrap().unwrap();
    assert!(made("mul8s_1KV8").is_exact() && !made("mul8s_1KV8@v2022").is_exact());
    assert_eq!(made("mul8s_1KV8@v2022").name(), "mul8s_1KV8");
}

#[test]
fn releases_that_a_name_is_not_of_are_said() {
    let error = |name: &str| make(name).unwrap().unwrap_err();
    let CircuitError::Release { name, source } = error("mul8s_1KV8@foo") else { panic!("another error") };
    assert_eq!((name.as_str(), source.names), ("mul8s_1KV8", vec!["master".to_owned(), "v2022".to_owned()]));
    // The release of 2022 calls the circuit mul8u_17C8.
    assert!(error("mul8u_17KS@v2022").to_string().ends_with("but in master"));
}

#[test]
fn names_without_a_circuit_are_noted_and_nothing_else() {
    let lut = Lut::from_fn("mul8u_96D", Signedness::Unsigned, |a, b| a * b / 2 * 2);
    assert!(mismatch(&lut).is_none());
    assert_eq!(noted(&lut).len(), 1);
    assert!(noted(&lut)[0].starts_with("mul8u_96D is a name in no release of EvoApproxLib"));
    // A name with words of its own is no claim, but said.
    let varied = Lut::from_fn("mul8u_1JFF-faulty", Signedness::Unsigned, |a, b| a * b / 2 * 2);
    assert!(mismatch(&varied).is_none());
    assert!(
        noted(&varied)[0]
            .contains("'mul8u_1JFF-faulty' has the name of EvoApproxLib's mul8u_1JFF, and not its products")
    );
    assert!(noted(&Lut::from_fn("mine", Signedness::Unsigned, |a, b| a * b / 2 * 2)).is_empty());
}

#[test]
fn circuits_are_made_where_a_design_is_one() {
    let made = make("mul8s_1L2D").unwrap().unwrap();
    assert_eq!(made.name(), "mul8s_1L2D");
    assert!(made == signed("x", |a, b| 16 * (a >> 2) * (b >> 2)));
    assert!(made.metadata().source.as_ref().unwrap().contains("operand-truncation-a2-b2-signed"));
    // All of the signed ones of 8 bits are.
    let signed_ones = entries().iter().filter(|entry| entry.signed() && entry.bits == [8, 8]);
    for entry in signed_ones {
        let made = make(&format!("{}@{}", entry.name, entry.release)).unwrap().unwrap();
        assert!(recognize(&made).contains(&entry), "{}", entry.name);
    }
    assert!(make("drum-4").is_none() && make("nonsense").is_none());
    let error = |name: &str| make(name).unwrap().unwrap_err().to_string();
    let message = error("mul8u_17KS");
    assert!(
        message.contains("download") && message.ends_with("nearest in error first: mul8u_1JFF (MAE 0)"),
        "{message}"
    );
    assert!(error("mul16s_G80").contains("at most 8"), "{}", error("mul16s_G80"));
    assert!(error("mul8u_17KX").contains("no release") && error("mul8u_17KX").contains("did you mean 'mul8u_17KS'"));
}
