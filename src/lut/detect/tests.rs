//! Readings told apart, and refused.

use super::*;
use crate::cases::for_each_case;
use crate::lut::ReadingSource;
use crate::lut::format::Format;

const SIGNED: Signedness = Signedness::Signed;

/// Reads as if `--lut-format` stated it.
fn interpret(contents: &Contents, stated: &PartialReading) -> Result<Interpreted, DetectError> {
    super::interpret(contents, &Constraints::new([(ReadingSource::LutFormat, *stated)]))
}

/// A raw file of i16 in the order that two nested loops over `operands` give.
fn raw_i16(operands: impl Iterator<Item = i32> + Clone, product: impl Fn(i32, i32) -> i32) -> Contents {
    let pairs = operands.clone().flat_map(|a| operands.clone().map(move |b| (a, b)));
    let bytes: Vec<u8> = pairs.flat_map(|(a, b)| (product(a, b) as i16).to_le_bytes()).collect();
    raw::Raw.read(&bytes).unwrap()
}

fn twos_complement() -> impl Iterator<Item = i32> + Clone {
    (0..128).chain(-128..0)
}

#[test]
fn signed_tables_are_told_from_unsigned_ones_and_by_their_order() {
    let rough = |a: i32, b: i32| (a * b) & !63;
    let cases = [
        (raw_i16(-128..128, rough), Some(IntegerType::I16), IndexOrder::Numeric),
        (raw_i16(twos_complement(), rough), Some(IntegerType::I16), IndexOrder::TwosComplement),
    ];
    for_each_case(cases, |(contents, entry, index)| {
        let read = interpret(&contents, &PartialReading::default()).unwrap();
        assert_eq!(read.reading, Reading { entry, signedness: SIGNED, index, bits: [Bits::EIGHT; 2] });
        let expected: Vec<i32> = (-128..128).flat_map(|a| (-128..128).map(move |b| rough(a, b))).collect();
        assert_eq!(*read.products, *expected);
        assert_eq!(read.warning, None);
    });
}

#[test]
fn signed_products_written_as_unsigned_bit_patterns_are_recognized() {
    let values = (-128..128).flat_map(|a| (-128..128).map(move |b| i128::from((a * b) as u16))).collect();
    let contents = Contents::new(Entries::Numbers { values, entry: None }, None);
    let read = interpret(&contents, &PartialReading::default()).unwrap();
    assert_eq!(read.reading.entry, Some(IntegerType::I16));
    assert_eq!(read.reading.signedness, SIGNED);
    assert_eq!(read.products[0], 128 * 128);
    assert_eq!(read.products[255], -128 * 127);
}

#[test]
fn a_stated_reading_wins_and_warns_when_far_off() {
    let contents = raw_i16(-128..128, |a, b| a * b);
    let stated = PartialReading { index: Some(IndexOrder::TwosComplement), ..PartialReading::default() };
    let read = interpret(&contents, &stated).unwrap();
    assert_eq!(read.reading.index, IndexOrder::TwosComplement);
    let Some(LutWarning::FarFromBest { best, best_mae, .. }) = read.warning else { panic!("no warning") };
    assert_eq!((best.index, best_mae), (IndexOrder::Numeric, 0.0));
}

/// What is stated leaves several readings, all of them noise, and excludes one that is exact.
#[test]
fn statements_against_the_entries_are_named_with_what_the_entries_say() {
    let signed = || raw_i16(-128..128, |a, b| a * b);
    let unsigned = || raw_i16(0..256, |a, b| a * b);
    let signedness = |signedness| PartialReading { signedness: Some(signedness), ..PartialReading::default() };
    let half = (ReadingSource::Sidecar, PartialReading { entry: Some(IntegerType::I16), ..PartialReading::default() });
    let cases = [
        (
            signed(),
            vec![(ReadingSource::FileName, signedness(Signedness::Unsigned))],
            "its name says unsigned,",
            "i16-signed-numeric",
        ),
        (unsigned(), vec![(ReadingSource::Sidecar, signedness(SIGNED))], "its sidecar says signed,", "u16-unsigned"),
        (
            unsigned(),
            vec![
                (ReadingSource::LutFormat, signedness(SIGNED)),
                half,
                (ReadingSource::FileName, signedness(Signedness::Unsigned)),
            ],
            "the stated LUT format says signed and its sidecar says i16,",
            "u16-unsigned",
        ),
    ];
    for_each_case(cases, |(contents, said, who, better)| {
        let constraints = Constraints::new(said);
        let Err(error) = super::interpret(&contents, &constraints) else {
            panic!("{constraints}: taken for a multiplier")
        };
        assert_eq!(error.keys(), ["lut_format"]);
        let message = error.to_string();
        assert!(message.starts_with(who) && message.contains(&format!("state the LUT format {better};")), "{message}");
        let DetectError::Contradicted { better: closest, choices, .. } = error else { panic!("{message}") };
        assert_eq!((closest.reading.to_string().as_str(), closest.mae), (better, 0.0));
        assert!(choices.len() > 1 && choices.iter().all(|choice| constraints.stated().matches(&choice.reading)));
        // The hint works, and so does insisting.
        for hint in [&closest, &choices[0]] {
            let stated = hint.reading.to_string().parse::<crate::lut::LutFormat>().unwrap().stated;
            let read = super::interpret(&contents, &Constraints::new([(ReadingSource::LutFormat, stated)])).unwrap();
            assert_eq!(read.warning.is_some(), hint.mae > 0.0, "{message}");
        }
    });
}

#[test]
fn noise_and_zeros_are_refused_with_the_choices() {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let noise: Vec<u8> = (0..131_072).map(|_| noise()).collect();
    for bytes in [noise, vec![0; 131_072]] {
        let read = interpret(&raw::Raw.read(&bytes).unwrap(), &PartialReading::default());
        let Err(error) = read else { panic!("taken for a multiplier") };
        let DetectError::Noise { choices } = &error else { panic!("{error}") };
        assert!(choices.len() >= 3);
        for word in ["unsigned", "signed-numeric", "state the LUT format"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}

#[test]
fn signed_tables_without_their_signs_are_still_known() {
    let values = |order: &[i128]| order.iter().flat_map(|a| order.iter().map(move |b| (a * b).abs() & !31)).collect();
    for (order, index) in [
        ((-128..128).collect::<Vec<i128>>(), IndexOrder::Numeric),
        ((0..128).chain(-128..0).collect(), IndexOrder::TwosComplement),
    ] {
        for entry in [None, Some(IntegerType::I16), Some(IntegerType::U16), Some(IntegerType::U32)] {
            let entries = Entries::Numbers { values: values(&order), entry };
            let read = interpret(&Contents::new(entries, None), &PartialReading::default()).unwrap();
            assert_eq!((read.reading.signedness, read.reading.index), (SIGNED, index), "{entry:?}");
            assert!(read.products.iter().all(|&product| product >= 0));
        }
    }
}

#[test]
fn the_only_reading_must_resemble_a_product_unless_stated() {
    let contents = || Contents::new(Entries::Numbers { values: vec![7; 1 << 16], entry: Some(IntegerType::U64) }, None);
    assert!(matches!(interpret(&contents(), &PartialReading::default()), Err(DetectError::Noise { .. })));
    let stated = PartialReading { signedness: Some(Signedness::Unsigned), ..PartialReading::default() };
    assert!(interpret(&contents(), &stated).is_ok());
}

#[test]
fn readings_that_give_one_table_are_not_ambiguous() {
    // Products below 2^15 read the same from u16 and i16.
    let bytes: Vec<u8> =
        (0..256).flat_map(|a| (0..256).map(move |b| (a * b / 2) as u16)).flat_map(u16::to_le_bytes).collect();
    let read = interpret(&raw::Raw.read(&bytes).unwrap(), &PartialReading::default()).unwrap();
    assert_eq!((read.reading.entry, read.reading.signedness), (Some(IntegerType::U16), Signedness::Unsigned));
}

#[test]
fn a_table_half_way_between_two_orders_is_ambiguous() {
    // Every other entry is exact in the one order, the rest in the other.
    let contents = raw_i16(-128..128, |a, b| {
        let flip = |x: i32| if x < 0 { x + 128 } else { x - 128 };
        if (a + b) % 2 == 0 { a * b } else { flip(a) * flip(b) }
    });
    let read = interpret(&contents, &PartialReading::default());
    assert!(matches!(read, Err(DetectError::Ambiguous { .. })));
}

#[test]
fn half_a_table_is_not_taken_for_a_narrower_one() {
    let half: Vec<u8> =
        (0..128).flat_map(|a| (0..256).map(move |b| a * b)).flat_map(|p: u16| p.to_le_bytes()).collect();
    let contents = raw::Raw.read(&half).unwrap();
    assert!(matches!(interpret(&contents, &PartialReading::default()), Err(DetectError::Oblong { .. })));
    let stated =
        PartialReading { bits: Some([7, 8].map(|bits| Bits::try_from(bits).unwrap())), ..PartialReading::default() };
    assert_eq!(interpret(&contents, &stated).unwrap().reading.entry, Some(IntegerType::U16));
}

#[test]
fn narrow_tables_are_read_at_their_own_size() {
    let cases = [(IntegerType::U8, 16, 16), (IntegerType::U16, 64, 64), (IntegerType::U32, 128, 128)];
    for_each_case(cases, |(entry, first, second)| {
        let pairs = (0..first).flat_map(|a| (0..second).map(move |b: u64| a * b));
        let bytes: Vec<u8> = pairs.flat_map(|product| product.to_le_bytes().into_iter().take(entry.size())).collect();
        let read = interpret(&raw::Raw.read(&bytes).unwrap(), &PartialReading::default()).unwrap();
        let sides = read.reading.bits.map(|bits| bits.values() as u64);
        assert_eq!((read.reading.entry, sides), (Some(entry), [first, second]));
    });
}
