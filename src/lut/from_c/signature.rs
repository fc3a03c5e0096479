//! Finding the multiplier's function in a C source.
//!
//! Published models are plain: `uint16_t mul8u_1JFF(uint8_t A, uint8_t B)`, older ones
//! `uint64_t f(const uint64_t B, const uint64_t A)`. A scan over words is enough for those.

use crate::kernel::Signedness;

/// A function of two integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// Its parameters, in the order of a call.
    pub parameters: [CInteger; 2],
    /// Whether the second parameter is the multiplier's first operand: it is named `A` (or `x`), the
    /// first one `B` (or `y`).
    pub is_swapped: bool,
    /// Whether it is `static`: more often a helper of the multiplier than the multiplier.
    pub is_static: bool,
}

/// A C integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CInteger {
    /// Its width in bits.
    pub width: u32,
    /// Whether it is signed.
    pub signedness: Signedness,
}

impl Signature {
    /// What the function's name says of operands, as in `mul8u_1JFF` and `mul8x4s`: their widths, which
    /// may be any, and their signedness.
    pub fn named(&self) -> (Option<[u32; 2]>, Option<Signedness>) {
        let Some(rest) = self.name.strip_prefix("mul") else { return (None, None) };
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let bits = |text: &str| text.parse::<u32>().ok();
        let (first, rest) = rest.split_at(digits(rest));
        let (second, rest) = match rest.strip_prefix('x') {
            Some(rest) => rest.split_at(digits(rest)),
            None => (first, rest),
        };
        let signedness = match rest.as_bytes() {
            [b'u'] | [b'u', b'_', ..] => Some(Signedness::Unsigned),
            [b's'] | [b's', b'_', ..] => Some(Signedness::Signed),
            _ => None,
        };
        (bits(first).zip(bits(second)).map(|(first, second)| [first, second]), signedness)
    }
}

/// Every function that `code`, free of comments, defines of two integers.
pub fn find(code: &str) -> Vec<Signature> {
    let mut found = Vec::new();
    for (open, _) in code.match_indices('(') {
        let Some(close) = code[open..].find(')').map(|length| open + length) else { continue };
        if code[close + 1..].trim_start().starts_with('{') {
            found.extend(signature(&code[..open], &code[open + 1..close]));
        }
    }
    found
}

fn signature(before: &str, parameters: &str) -> Option<Signature> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = before.trim_end();
    let (result, name) = before.split_at(before.trim_end_matches(is_word).len());
    let (_, result) = result.split_at(result.trim_end_matches(|c: char| is_word(c) || c.is_whitespace()).len());
    let words: Vec<&str> = result.split_whitespace().collect();
    // A keyword before the parenthesis, as in `else if (..) {`, has no type before it.
    (1..=words.len()).any(|from| integer(&words[words.len() - from..]).is_some()).then_some(())?;
    let (first, second) = parameters.split_once(',')?;
    let (first, second) = (parameter(first)?, parameter(second)?);
    let is = |name: &str, letters: [&str; 2]| letters.contains(&name.to_ascii_lowercase().as_str());
    let is_swapped = is(first.1, ["b", "y"]) && is(second.1, ["a", "x"]);
    let is_static = words.contains(&"static");
    (!name.is_empty()).then(|| Signature {
        name: name.to_owned(),
        parameters: [first.0, second.0],
        is_swapped,
        is_static,
    })
}

/// A parameter's type and name.
fn parameter(text: &str) -> Option<(CInteger, &str)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (name, kind) = words.split_last()?;
    Some((integer(kind)?, name))
}

/// The type that `words` name.
fn integer(words: &[&str]) -> Option<CInteger> {
    let words: Vec<&str> = words.iter().copied().filter(|word| !matches!(*word, "const" | "register")).collect();
    if let [word] = words.as_slice()
        && let Some(width) = word.strip_suffix("_t").and_then(|word| word.trim_start_matches('u').strip_prefix("int"))
    {
        let signedness = if word.starts_with('u') { Signedness::Unsigned } else { Signedness::Signed };
        return width
            .parse()
            .ok()
            .filter(|width| [8, 16, 32, 64].contains(width))
            .map(|width| CInteger { width, signedness });
    }
    let mut kind = CInteger { width: 32, signedness: Signedness::Signed };
    for word in &words {
        match *word {
            "unsigned" => kind.signedness = Signedness::Unsigned,
            "char" => kind.width = 8,
            "short" => kind.width = 16,
            "long" => kind.width = 64,
            "int" | "signed" => {}
            _ => return None,
        }
    }
    (!words.is_empty()).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    #[test]
    fn published_forms_of_signature_are_found() {
        let unsigned = |width| CInteger { width, signedness: Signedness::Unsigned };
        let cases = [
            ("uint16_t mul8u_1JFF(uint8_t A, uint8_t B)\n{", "mul8u_1JFF", unsigned(8), false),
            ("static inline uint64_t f(const uint64_t B,const uint64_t A){", "f", unsigned(64), true),
            ("unsigned int mul(unsigned char y, unsigned char x) {", "mul", unsigned(8), true),
            ("int32_t g (int x, int y) {", "g", CInteger { width: 32, signedness: Signedness::Signed }, false),
        ];
        for_each_case(cases, |(code, name, first, is_swapped)| {
            let found = find(code);
            assert_eq!(found.len(), 1, "{code}");
            assert_eq!(
                (found[0].name.as_str(), found[0].parameters[0], found[0].is_swapped),
                (name, first, is_swapped)
            );
        });
        let cases = ["if (a, b) {", "uint16_t f(uint8_t a, uint8_t b);", "void f(int a) {", "else if (int a, int b) {"];
        for_each_case(cases, |code| {
            assert_eq!(find(code), [], "{code}");
        });
    }

    proptest! {
        #[test]
        fn any_text_can_be_scanned(text in "[a-z0-9_ é(){},\n]{0,60}") {
            find(&text);
            find(&format!("{text}f(uint8_t a, {text}uint8_t b) {{"));
        }
    }

    #[test]
    fn names_say_widths_and_signs() {
        let named = |name: &str| {
            let signature = find(&format!("int {name}(int a, int b) {{")).remove(0);
            signature.named()
        };
        assert_eq!(named("mul8u_1JFF"), (Some([8, 8]), Some(Signedness::Unsigned)));
        assert_eq!(named("mul8x4s"), (Some([8, 4]), Some(Signedness::Signed)));
        assert_eq!(named("mul12u_2AB"), (Some([12, 12]), Some(Signedness::Unsigned)));
        assert_eq!(named("multiply"), (None, None));
    }
}
