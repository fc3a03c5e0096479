//! Damaged files: refused, whatever is wrong with them.

use super::run;
use super::writer::small;
use crate::cases::for_each_case;
use crate::import::tflite::flatbuffer::Table;
use crate::import::tflite::{BufferError, ImportOptions, from_bytes};
use crate::printable::with_causes;

#[test]
fn files_that_are_cut_off_are_refused() {
    let whole = small();
    let network = from_bytes(&whole, &ImportOptions::default()).unwrap();
    assert_eq!(run(&network, 2, &[0.5; 32]).len(), 2);
    for end in 0..whole.len() {
        let problem = from_bytes(&whole[..end], &ImportOptions::default()).expect_err("a file without its end");
        let message = with_causes(&problem);
        let expected = if end < 8 { "identifier TFL3" } else { "truncated or malformed" };
        assert!(message.contains(expected), "{end}: {message}");
    }
}

/// Whatever a byte is, the file is read or refused.
#[test]
fn any_byte_may_be_wrong() {
    let mut file = small();
    for at in 0..file.len() {
        let own = file[at];
        for value in [0, 0x7f, 0xff, own ^ 1, own.wrapping_add(2)] {
            file[at] = value;
            if let Err(problem) = from_bytes(&file, &ImportOptions::default()) {
                assert!(!with_causes(&problem).is_empty());
            }
        }
        file[at] = own;
    }
}

#[test]
fn places_outside_the_file_are_named() {
    // A table at 12 whose list of fields, at 4, has two: a number at 4 and the distance to a vector at 8.
    let file = |distance: u32, count: u32| {
        let mut file = vec![12, 0, 0, 0, 8, 0, 12, 0, 4, 0, 8, 0];
        file.extend([8u32, 7, distance, count].iter().flat_map(|number| number.to_le_bytes()));
        file
    };
    let vector = |file: &[u8]| -> Result<usize, BufferError> {
        let table = Table::root(file, "Test")?;
        assert_eq!(table.number(0, 0u32), Ok(7));
        assert_eq!(table.number(2, 5u32), Ok(5));
        Ok(table.vector::<u8>(1)?.iter().count())
    };
    assert_eq!(vector(&file(4, 0)), Ok(0));
    let cases = [
        (file(4, 1), "a vector that reaches beyond the end at byte 24, in a table Test"),
        (file(u32::MAX, 0), "a distance that leads outside the file at byte 20, in a table Test"),
        (file(5, 0), "a vector that reaches beyond the end at byte 25, in a table Test"),
        (vec![200, 0, 0, 0], "a distance that leads outside the file at byte 0, in a table Test"),
        (vec![1], "a distance that leads outside the file at byte 0, in a table Test"),
        (vec![4, 0, 0, 0, 200, 0, 0, 0], "a list of fields that lies outside the file at byte 4, in a table Test"),
    ];
    for_each_case(cases, |(file, expected)| {
        assert_eq!(vector(&file).unwrap_err().to_string(), expected);
    });
}
