//! Changes to a file, of the kinds that disks, networks, editors and scripts make.

use crate::common::random::Random;

/// Numbers at which computations of sizes and places go wrong.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    7,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];

/// Words that texts have in place of others.
const WORDS: [&str; 22] = [
    "-1",
    "0",
    "1e999",
    "-1e-999",
    "NaN",
    "null",
    "true",
    "\"\"",
    "{}",
    "[]",
    "9000000000000000",
    "18446744073709551616",
    "4294967296",
    "0.5",
    "\\u0000",
    "\u{1b}[2J",
    "é",
    "[[[[[[[[",
    "{\"a\":",
    ",",
    "\n",
    "'",
];

/// `whole` with one to four changes; `other` is a file of the same set, to take parts of.
pub fn mutate(whole: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut file = whole.to_vec();
    let changes = if random.below(2) == 0 { 1 } else { 1 + random.below(4) };
    for _ in 0..changes {
        change(&mut file, other, random);
    }
    file
}

/// A place in a file of `len` bytes: in its head as often as anywhere.
fn place(len: usize, random: &mut Random) -> usize {
    let reach = if random.below(2) == 0 { len.min(256) } else { len };
    random.below(reach.max(1) as u64) as usize
}

/// A short range of a file of `len` bytes.
fn range(len: usize, random: &mut Random) -> std::ops::Range<usize> {
    let start = place(len, random);
    let longest = if random.below(4) == 0 { len } else { 16 };
    start.min(len)..(start + 1 + random.below(longest.max(1) as u64) as usize).min(len)
}

fn change(file: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let len = file.len();
    let at = place(len, random);
    match random.below(16) {
        _ if len == 0 => file.extend_from_slice(&other[range(other.len(), random)]),
        0..=3 => file[at] ^= 1 << random.below(8),
        4..=5 => file[at] = random.next() as u8,
        6..=7 => {
            let number = NUMBERS[random.below(NUMBERS.len() as u64) as usize];
            let size = [1, 2, 4, 8][random.below(4) as usize];
            let mut bytes = number.to_le_bytes()[..size].to_vec();
            if random.below(2) == 0 {
                bytes.reverse();
            }
            let end = (at + size).min(len);
            file[at..end].copy_from_slice(&bytes[..end - at]);
        }
        8 => file.truncate(at),
        9 => drop(file.drain(range(len, random))),
        10 => {
            let copied = file[range(len, random)].to_vec();
            file.splice(at..at, copied);
        }
        11 => {
            let taken = other[range(other.len(), random)].to_vec();
            file.splice(at..at, taken);
        }
        12 => file.extend(random.bytes(1 + at % 64)),
        13 => replace_number(file, at, random),
        _ => {
            let word = WORDS[random.below(WORDS.len() as u64) as usize];
            let removed = random.below(4) as usize;
            file.splice(at..(at + removed).min(len), word.bytes());
        }
    }
}

/// Puts another word in place of the next number in a text.
fn replace_number(file: &mut Vec<u8>, at: usize, random: &mut Random) {
    let is_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let Some(start) = file[at..].iter().position(u8::is_ascii_digit).map(|start| at + start) else { return };
    let length = file[start..].iter().position(|byte| !is_number(byte)).unwrap_or(file.len() - start);
    let word = WORDS[random.below(WORDS.len() as u64) as usize];
    file.splice(start..start + length, word.bytes());
}
