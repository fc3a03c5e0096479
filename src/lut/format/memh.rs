//! Words in hexadecimal, as Verilog's `$readmemh` reads them (IEEE 1364, 17.2.9): an address is the first operand's
//! bits before the second's, a word is the bit pattern of a product. Words in binary (`$readmemb`) are told by
//! their length.

use super::{Contents, Entries, Format, FormatError, MAX_ENTRIES, layout};
use crate::integer::IntegerType;
use crate::kernel::Signedness;
use crate::lut::Lut;
use crate::lut::c_source::{comment_fields, split_comments};
use crate::lut::fields::lut_fields;
use crate::lut::reading::{IndexOrder, PartialReading};
use crate::registry::Named;
use std::fmt::Write;

/// `.hex` and `.mem` files.
pub struct Memh;

impl Named for Memh {
    fn name(&self) -> &'static str {
        "memh"
    }
}

impl Format for Memh {
    fn extensions(&self) -> &'static [&'static str] {
        &["hex", "mem", "memh"]
    }

    /// Digits alone are decimal; it takes an address or a letter.
    fn recognizes(&self, bytes: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        let (code, _) = split_comments(text);
        let is_letter = |c: char| c.is_ascii_hexdigit() && !c.is_ascii_digit() && !matches!(c, 'e' | 'E');
        code.chars().all(|c| c.is_ascii_hexdigit() || c.is_ascii_whitespace() || matches!(c, '@' | '_'))
            && code.contains(|c| is_letter(c) || c == '@')
    }

    fn read(&self, bytes: &[u8]) -> Result<Contents, FormatError> {
        let text = std::str::from_utf8(bytes).map_err(|error| FormatError::Broken(format!("not a text: {error}")))?;
        if text.trim_start().starts_with(':') {
            let found = "Intel HEX records, expected words of hexadecimal digits as $readmemh reads them";
            return Err(FormatError::Broken(found.to_owned()));
        }
        let (code, comments) = split_comments(text);
        let tokens: Vec<(usize, &str)> = (1..)
            .zip(code.lines())
            .flat_map(|(number, line)| line.split_whitespace().map(move |token| (number, token)))
            .collect();
        let words = || tokens.iter().map(|(_, token)| *token).filter(|token| !token.starts_with('@'));
        let digits = words().map(|word| word.bytes().filter(|byte| *byte != b'_').count()).max().unwrap_or(0);
        // Eight digits of 0 and 1 alone, in every word: no table in hexadecimal is made of them.
        let is_binary = digits >= 8 && words().all(|word| word.bytes().all(|byte| matches!(byte, b'0' | b'1' | b'_')));
        let bits = if is_binary { digits } else { 4 * digits };
        let is_digits = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_');
        if bits > 64 && words().all(is_digits) {
            return Err(FormatError::Broken(format!("words of {bits} bits, expected at most 64")));
        }
        let values = place(&tokens, if is_binary { 2 } else { 16 })?;
        let entries = Entries::Words { values, bits: bits as u32 };
        Ok(Contents { entries, shape: None, fields: comment_fields(&comments) })
    }

    fn write(&self, lut: &Lut, stated: &PartialReading) -> Result<Vec<u8>, FormatError> {
        let by_pattern = (lut.signedness() == Signedness::Signed).then_some(IndexOrder::TwosComplement);
        let stated = PartialReading { index: stated.index.or(by_pattern), ..*stated };
        let usual = [IntegerType::U16, IntegerType::I16, IntegerType::I32];
        let (entry, index) = layout(self.name(), lut, &stated, &usual)?;
        let mut text = String::new();
        for (key, value) in lut_fields(lut, index) {
            let _ = writeln!(text, "// {key} = {}", value.replace(['\n', '\r'], " "));
        }
        let digits = 2 * entry.size();
        for value in lut.entries(index) {
            let pattern = i64::from(value) as u64 & (u64::MAX >> (64 - 8 * entry.size()));
            let _ = writeln!(text, "{pattern:0digits$x}");
        }
        Ok(text.into_bytes())
    }
}

/// The words by address, each address from 0 once.
fn place(tokens: &[(usize, &str)], radix: u32) -> Result<Vec<u64>, FormatError> {
    let (mut values, mut next) = (Vec::new(), 0);
    for &(line, token) in tokens {
        let wrong = || FormatError::Number { line, field: token.chars().take(20).collect() };
        let number = |text: &str, radix| u64::from_str_radix(&text.replace('_', ""), radix).map_err(|_| wrong());
        if let Some(address) = token.strip_prefix('@') {
            next = usize::try_from(number(address, 16)?).unwrap_or(usize::MAX);
            continue;
        }
        if next >= MAX_ENTRIES {
            return Err(FormatError::Shape { found: format!("more than {MAX_ENTRIES} entries") });
        }
        if values.len() <= next {
            values.resize(next + 1, None);
        }
        if values[next].replace(number(token, radix)?).is_some() {
            return Err(FormatError::Broken(format!("line {line}: two words for address {next:x}")));
        }
        next += 1;
    }
    let missing = values.iter().position(Option::is_none);
    let missing = missing.map(|address| FormatError::Broken(format!("no word for address {address:x}")));
    missing.map_or_else(|| Ok(values.into_iter().flatten().collect()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::lut::{Bits, OpenOptions, read_stream};

    fn product(a: i32, b: i32) -> i32 {
        (a & !1) * b
    }

    #[test]
    fn words_are_products_by_the_bits_of_their_operands() {
        let signed = |width: u32, digits: usize| {
            let size = 1i32 << width;
            let value = move |pattern: i32| if pattern >= size / 2 { pattern - size } else { pattern };
            let pairs = (0..size).flat_map(move |a| (0..size).map(move |b| product(value(a), value(b))));
            let mask = (1u64 << (4 * digits)) - 1;
            pairs.map(move |product| format!("{:0digits$X}", i64::from(product) as u64 & mask)).collect::<Vec<_>>()
        };
        let unsigned: Vec<u32> = (0..256).flat_map(|a| (0..256).map(move |b| product(a, b) as u32)).collect();
        let hex = |p: &u32| format!("{p:04x}");
        let words: Vec<String> = unsigned.iter().map(hex).collect();
        let mut backwards = String::from("/* rows from\n the last */\n");
        for (row, words) in words.chunks(256).enumerate().rev() {
            let _ = writeln!(backwards, "@{:04X} // row {row}\n{}", row * 256, words.join(" "));
        }
        let cases = [
            (words.join("\n"), Signedness::Unsigned, 8),
            (backwards, Signedness::Unsigned, 8),
            (unsigned.iter().map(|p| format!("{p:x} ")).collect(), Signedness::Unsigned, 8),
            (unsigned.iter().map(|p| format!("{p:016b}\n")).collect(), Signedness::Unsigned, 8),
            (
                unsigned.iter().map(|p| format!("{:04x}_{:04x}\n", p >> 16, p & 0xffff)).collect(),
                Signedness::Unsigned,
                8,
            ),
            (signed(8, 4).join("\n"), Signedness::Signed, 8),
            (signed(8, 8).join("\n"), Signedness::Signed, 8),
            // 12-bit words.
            (signed(6, 3).join("\n"), Signedness::Signed, 6),
        ];
        for_each_case(cases, |(text, signedness, bits)| {
            let lut = read_stream(text.as_bytes(), "lut.hex", &OpenOptions::default()).unwrap();
            assert_eq!((lut.signedness(), lut.bits()), (signedness, [Bits::try_from(bits).unwrap(); 2]));
            assert!(lut.products().all(|(a, b, found)| found == product(a, b)));
        });
    }

    #[test]
    fn what_is_written_is_read() {
        for kind in [Signedness::Signed, Signedness::Unsigned] {
            let lut = Lut::from_fn("odd", kind, product);
            let bytes = Memh.write(&lut, &PartialReading::default()).unwrap();
            assert!(Memh.recognizes(&bytes));
            let read = read_stream(bytes.as_slice(), "-", &OpenOptions::default()).unwrap();
            assert_eq!((read.name(), read.signedness()), ("odd", kind));
            assert!(read.products().eq(lut.products()));
        }
    }

    /// The bits of -128 are 80, in hexadecimal.
    #[test]
    fn signed_tables_are_written_by_the_bits_of_their_operands() {
        let lut = Lut::from_fn("odd", Signedness::Signed, product);
        let text = String::from_utf8(Memh.write(&lut, &PartialReading::default()).unwrap()).unwrap();
        let words: Vec<&str> = text.lines().filter(|line| !line.starts_with("//")).collect();
        // 0 x 0, 2 x -1 and -128 x -128.
        assert_eq!((words[0], words[0x02ff], words[0x8080]), ("0000", "fffe", "4000"));
    }

    #[test]
    fn damage_is_named() {
        let cases = [
            ("00\n0g\n", "line 2: '0g'"),
            ("00 xx", "'xx'"),
            ("@0 1\n@0 2", "line 2: two words for address 0"),
            ("@0 1\n@f 2", "no word for address 1"),
            ("@10000 1", "more than 65536"),
            ("@ffffffffffffffffff 1", "'@ffff"),
            (":100000000000000000000000000000000000000000", "Intel HEX"),
            ("00112233445566778899 00", "80 bits"),
        ];
        for_each_case(cases, |(text, expected)| {
            let error = Memh.read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        });
    }
}
