//! Names of the library's circuits, alone or within other names.

use super::entry::{Entry, entries};

/// The name of a circuit of the library that another name contains, such as a file's.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedName {
    /// The circuit's name as the library writes names, `mul8u_17KS`.
    pub name: String,
    /// The circuits that have this name, one in each release that uses it; none where no release does.
    pub entries: Vec<&'static Entry>,
    /// Whether what stands around it says nothing of its own, so that the whole is the circuit's name:
    /// `mul8u_17KS_lut` and `mul8u_17KS#2`, not `mul8u_17KS-faulty`.
    pub is_plain: bool,
}

/// The circuits called `name`, one in each release that uses the name, the older release's first. The name may be without the
/// operands' part (`17KS` for `mul8u_17KS`), in any case, and have words around it that say nothing (`mul8u_17KS_lut`).
pub fn by_name(name: &str) -> Vec<&'static Entry> {
    if let Some(claimed) = ClaimedName::find(name) {
        return if claimed.is_plain { claimed.entries } else { Vec::new() };
    }
    named(|entry| entry.name.split_once('_').is_some_and(|(_, id)| id.eq_ignore_ascii_case(name)))
}

fn named(is_it: impl Fn(&Entry) -> bool) -> Vec<&'static Entry> {
    let mut found: Vec<_> = entries().iter().filter(|entry| is_it(entry)).collect();
    found.sort_by_key(|entry| entry.release);
    found
}

/// Words around a circuit's name that say nothing of the table. Numbers and single letters do not either.
const NEUTRAL: [&str; 18] = [
    "lut",
    "luts",
    "table",
    "tbl",
    "evo",
    "evoapprox",
    "evoapproxlib",
    "evoapprox8b",
    "approx",
    "multiplier",
    "mult",
    "signed",
    "unsigned",
    "copy",
    "bin",
    "pdk45",
    "int8",
    "uint8",
];

impl ClaimedName {
    /// The circuit's name in `text`, if there is one. It ends where letters and digits end, and so does what is before it.
    pub fn find(text: &str) -> Option<ClaimedName> {
        let is_word = |c: char| c.is_ascii_alphanumeric();
        let lower = text.to_ascii_lowercase();
        for (start, _) in lower.match_indices("mul") {
            let rest = &lower[start..];
            let Some(family) = family_length(rest) else { continue };
            let id = rest[family + 1..].find(|c| !is_word(c)).unwrap_or(rest.len() - family - 1);
            let is_joined = lower[..start].chars().next_back().is_some_and(is_word);
            if is_joined || !(2..=5).contains(&id) {
                continue;
            }
            let end = start + family + 1 + id;
            let name = format!("{}_{}", &lower[start..start + family], lower[start + family + 1..end].to_uppercase());
            let has_family = |entry: &&Entry| entry.name.as_bytes()[..family] == name.as_bytes()[..family];
            if !entries().iter().any(|entry| entry.name.len() > family && has_family(&entry)) {
                continue;
            }
            let around = [&lower[..start], &lower[end..]];
            let words = around.iter().flat_map(|text| text.split(|c| !is_word(c)));
            let is_plain = words.into_iter().all(|word| is_neutral(word));
            return Some(ClaimedName { entries: named(|entry| entry.name == name), name, is_plain });
        }
        None
    }
}

/// The length of the operands' part of a circuit's name at the start of `text`: `mul8u` of `mul8u_17ks`.
fn family_length(text: &str) -> Option<usize> {
    let family = text.split('_').next().filter(|family| family.len() < text.len())?;
    let widths = family.strip_prefix("mul")?.strip_suffix(['u', 's'])?;
    let is_width = |width: &str| !width.is_empty() && width.bytes().all(|byte| byte.is_ascii_digit());
    let (first, second) = widths.split_once('x').unwrap_or((widths, widths));
    (is_width(first) && is_width(second)).then_some(family.len())
}

fn is_neutral(word: &str) -> bool {
    word.len() <= 1 || NEUTRAL.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit())
}
