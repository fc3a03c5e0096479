//! The room as a whole: files in, files out, and bad files.

use super::format::FORMATS;
use super::*;
use crate::cases::for_each_case;
use crate::integer::IntegerType;
use crate::kernel::Signedness;
use crate::printable::with_causes;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;

fn options(format: &str) -> OpenOptions {
    OpenOptions { format: Some(format.parse().unwrap()), ..OpenOptions::default() }
}

/// A multiplier like no other: asymmetric in operands, order and sign.
fn odd(signedness: Signedness) -> Lut {
    Lut::from_fn("odd", signedness, |a, b| a * b + (a & 3) - 2 * (b & 5))
}

#[test]
fn published_figures_of_real_tables() {
    let Some(cases) = std::env::var_os("APPROX_EVAL_CASES").map(PathBuf::from) else {
        println!("skipped: APPROX_EVAL_CASES does not name the folder of cases");
        return;
    };
    let temporary = tempfile::tempdir().unwrap();
    let published = [
        ("1JFF", Some(0.0), Some(0), Some(0.0)),
        ("2AC", Some(24.5), Some(79), Some(1.25)),
        ("17KS", Some(370.0), Some(1577), Some(10.85)),
        ("2HH", None, None, None),
        ("DM1", None, None, None),
        ("JV3", None, None, None),
    ];
    for_each_case(published, |(name, mae, wce, mre)| {
        let path = cases.join(format!("luts/mul8u_{name}.bin"));
        let nameless = temporary.path().join("table");
        fs::copy(&path, &nameless).unwrap();
        for path in [path, nameless] {
            let info = LutInfo::new(&open(path.to_str().unwrap(), &OpenOptions::default()).unwrap());
            assert!(!info.signed && info.warnings.is_empty());
            assert_eq!((info.reading.entry.as_deref(), info.reading.index), (Some("u16"), IndexOrder::Numeric));
            assert!(mae.is_none_or(|mae| (info.errors.mae - mae).abs() < 0.5), "{name}: {}", info.errors.mae);
            assert!(wce.is_none_or(|wce| info.errors.wce == wce));
            assert!(mre.is_none_or(|mre| (100.0 * info.errors.mre - mre).abs() < 0.005), "{name}: {}", info.errors.mre);
            if name == "2HH" {
                assert_eq!(info.zero_product, 64);
            }
        }
    });
}

#[test]
fn grounds_of_a_reading_rank() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let open_at = |name: &str, options: &OpenOptions| open(at(name).to_str().unwrap(), options);
    let table = odd(Signedness::Signed);
    table.write(&at("t.bin"), &"twos-complement".parse().unwrap()).unwrap();
    table.write(&at("mul8s_t.npy"), &LutFormat::default()).unwrap();
    table.write(&at("t.safetensors"), &LutFormat::default()).unwrap();
    table.write(&at("side.csv"), &LutFormat::default()).unwrap();
    fs::write(at("side.json"), r#"{"signed": true, "index": "numeric", "energy": 0.5, "source": "me", "color": 1}"#)
        .unwrap();
    let cases = [
        ("t.bin", "", ReadingSource::Detected),
        ("t.bin", "i16-twos-complement", ReadingSource::LutFormat),
        ("mul8s_t.npy", "", ReadingSource::FileName),
        ("t.safetensors", "", ReadingSource::Metadata),
        ("side.csv", "", ReadingSource::Sidecar),
    ];
    for_each_case(cases, |(name, format, from)| {
        let options = if format.is_empty() { OpenOptions::default() } else { options(format) };
        let read = open_at(name, &options).unwrap();
        assert!(read.products().eq(table.products()), "{name}");
        assert_eq!(read.provenance().source, from, "{name}");
    });
    let side = open_at("side.csv", &OpenOptions::default()).unwrap();
    assert_eq!((side.metadata().energy, side.metadata().source.as_deref()), (Some(0.5), Some("me")));
    assert!(matches!(&side.provenance().warnings[..], [LutWarning::UnknownFields { keys, .. }] if keys == &["color"]));
    let wrong = open_at("t.safetensors", &options("signed-twos-complement")).unwrap();
    assert!(matches!(&wrong.provenance().warnings[..], [LutWarning::FarFromBest { .. }]));
    let swapped = open_at("t.bin", &OpenOptions { swap_operands: true, ..OpenOptions::default() }).unwrap();
    assert_eq!(swapped.product(3, -128), table.product(-128, 3));
}

#[test]
fn errors_name_the_file_and_the_choices() {
    let directory = tempfile::tempdir().unwrap();
    let message = |name: &str, bytes: &[u8], options: &OpenOptions| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = open(path.to_str().unwrap(), options).unwrap_err();
        let message = with_causes(&error);
        assert!(message.contains(name), "{message}");
        message
    };
    let plain = OpenOptions::default();
    let exact: Vec<u8> = (0..=255u16).flat_map(|a| (0..=255).map(move |b| a * b)).flat_map(u16::to_le_bytes).collect();
    let cases = [
        ("a.bin", vec![0; 1000], &plain, "131072"),
        ("b.csv", b"1,2\n3,x\n".to_vec(), &plain, "line 2: 'x'"),
        ("c.csv", b"1,2,3\n4,5\n".to_vec(), &plain, "256 x 256"),
        ("d.bin", vec![0; 131_072], &plain, "state the LUT format, one of"),
        (
            "e.bin",
            vec![0; 131_072],
            &options("i32-8x8"),
            "cannot be read as stated (the stated LUT format says i32-8x8)",
        ),
        (
            "h.bin",
            exact.clone(),
            &options("i32"),
            "cannot be read as stated (the stated LUT format says i32); possible are u16-unsigned",
        ),
        ("f.npy", b"hello".to_vec(), &plain, "not a NumPy array"),
        ("g.safetensors", vec![1; 64], &plain, "header"),
    ];
    for_each_case(cases, |(name, bytes, options, expected)| {
        let message = message(name, &bytes, options);
        assert!(message.contains(expected), "{name}: {message}");
    });
    let cases = [
        ("no-such-thing", "no file and no multiplier 'no-such-thing'"),
        ("no-such-thing.bin", "no file no-such-thing.bin"),
        ("no/such", "no file no/such"),
        (".", "is a directory"),
    ];
    for_each_case(cases, |(spec, expected)| {
        let message = open(spec, &plain).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    });
}

#[test]
fn a_table_without_its_minus_signs_is_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lost.npy");
    Lut::from_fn("lost", Signedness::Signed, |a, b| (a * b).abs()).write(&path, &LutFormat::default()).unwrap();
    let lut = open(path.to_str().unwrap(), &options("signed-numeric")).unwrap();
    assert!(lut.provenance().warnings.contains(&LutWarning::SignsLost { products: 2 * 127 * 128 }));
}

#[test]
fn text_comes_in_many_dresses() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.txt");
    let rows = |separator: &str, end: &str, number: fn(i32) -> String| {
        let row = |a: i32| (0..256).map(|b| number(a * b)).collect::<Vec<_>>().join(separator) + end;
        (0..256).map(row).collect::<String>()
    };
    for text in [
        rows(",", "\n", |n| n.to_string()),
        rows(";", ";\r\n", |n| n.to_string()),
        rows(" ", "\n", |n| format!("{n:.18e}")),
        rows("\t", "\n\n", |n| format!("{n:>6}")),
        rows("\n", "\n", |n| n.to_string()),
        rows(" ", " ", |n| n.to_string()),
        "\u{feff}".to_owned() + &rows(", ", ",\n", |n| n.to_string()),
    ] {
        fs::write(&path, text).unwrap();
        assert!(open(path.to_str().unwrap(), &OpenOptions::default()).unwrap().is_exact());
    }
}

#[test]
fn formats_parse_and_print() {
    let cases = [
        ("u16", "u16-unsigned"),
        ("i16-twos-complement", "i16-signed-twos-complement"),
        ("i32-signed-numeric", "i32-signed-numeric"),
        ("4x6-unsigned", "unsigned-4x6"),
    ];
    for_each_case(cases, |(text, printed)| {
        assert_eq!(text.parse::<LutFormat>().unwrap().stated.to_string(), printed);
    });
    for_each_case(["", "u17", "u16-signed", "unsigned-twos-complement", "i16-i32", "9x8", "bin-npy"], |text| {
        assert!(text.parse::<LutFormat>().is_err(), "{text}");
    });
    assert_eq!("npy-i16".parse::<LutFormat>().unwrap().container.unwrap().name(), "npy");
}

fn any_lut() -> impl Strategy<Value = Lut> {
    let signedness = prop_oneof![Just(Signedness::Signed), Just(Signedness::Unsigned)];
    let bits = (2u32..=8).prop_map(|bits| Bits::try_from(bits).unwrap());
    (signedness, bits.clone(), bits, any::<i32>(), 0..3000i32).prop_map(|(signedness, first, second, seed, spread)| {
        Lut::from_fn_sized("any", signedness, [first, second], |a, b| {
            a * b + (a.wrapping_mul(31) ^ b.wrapping_mul(seed)) % (spread + 1)
        })
    })
}

/// Entries that hold `lut` and an order that it has, as `--lut-format` would state them for `format`.
fn layout(lut: &Lut, format: &'static dyn format::Format, twos_complement: bool, wide: bool) -> LutFormat {
    let is_native = format.name() == "safetensors";
    let is_signed = lut.signedness() == Signedness::Signed;
    let index =
        if twos_complement && is_signed && !is_native { IndexOrder::TwosComplement } else { IndexOrder::Numeric };
    let is_short = lut.products().all(|(.., product)| i16::try_from(product).is_ok());
    let entry = if is_short && !wide && !is_native { IntegerType::I16 } else { IntegerType::I32 };
    let stated = PartialReading {
        entry: Some(entry),
        signedness: Some(lut.signedness()),
        index: Some(index),
        bits: Some(lut.bits()),
    };
    LutFormat { container: Some(format), stated }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn tables_pass_from_every_format_to_every_other(lut in any_lut(), twos_complement: bool, wide: bool) {
        let directory = tempfile::tempdir().unwrap();
        let path = |format: &dyn format::Format| directory.path().join(format.name());
        let read = |format| open(path(format).to_str().unwrap(), &OpenOptions {
            format: Some(layout(&lut, format, twos_complement, wide)),
            ..OpenOptions::default()
        }).unwrap();
        for from in &FORMATS {
            lut.write(&path(*from), &layout(&lut, *from, twos_complement, wide)).unwrap();
            let first = read(*from);
            prop_assert!(first.products().eq(lut.products()), "{}", from.name());
            for to in &FORMATS {
                first.write(&path(*to), &layout(&lut, *to, !twos_complement, !wide)).unwrap();
                let options = OpenOptions { format: Some(layout(&lut, *to, !twos_complement, !wide)), ..OpenOptions::default() };
                let second = open(path(*to).to_str().unwrap(), &options).unwrap();
                prop_assert!(second.products().eq(lut.products()), "{} to {}", from.name(), to.name());
                prop_assert_eq!(second.bits(), lut.bits());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn readers_survive_damage(cut in 0.0..1.0f64, at in any::<prop::sample::Index>(), byte: u8, seed in prop::collection::vec(any::<u8>(), 0..300)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("any");
        for format in &FORMATS {
            let whole = format.write(&odd(Signedness::Signed), &PartialReading::default()).unwrap();
            // Damage in the header is the more telling: cut and change there as often as in the data.
            for span in [200.min(whole.len()), whole.len()] {
                let cut = (cut * span as f64) as usize;
                let _ = format.read(&whole[..cut]).map(|contents| detect_all(&contents));
                let mut changed = whole.clone();
                changed[at.index(span)] = byte;
                let _ = format.read(&changed).map(|contents| detect_all(&contents));
            }
            let _ = format.read(&seed);
            std::fs::write(&path, &seed).unwrap();
            let _ = open(path.to_str().unwrap(), &OpenOptions { format: Some(LutFormat { container: Some(*format), stated: PartialReading::default() }), ..OpenOptions::default() });
        }
    }
}

fn detect_all(contents: &format::Contents) {
    let _ = detect::interpret(contents, &detect::Constraints::new([(ReadingSource::Metadata, contents.fields.stated)]));
}

#[test]
fn hostile_headers_are_refused() {
    let npy = |header: &str| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes
    };
    for bytes in [
        npy("{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }\n"),
        npy(&"(".repeat(60_000)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (256, 256), }\n"),
        npy("{'descr': '<i4', 'fortran_order': False, 'shape': (256, 256), }\n"),
        npy("{'descr': '<i4', 'fortran_order': False, 'shape': (65536,), }\n"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
    ] {
        FORMATS.find("npy").unwrap().read(&bytes).unwrap_err();
    }
}
