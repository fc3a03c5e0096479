//! Names of the library's circuits, alone or within other names.

use super::entry::{Entry, Release, entries};

/// The name of a circuit of the library that another name contains, such as a file's.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClaimedName {
    /// The circuit's name as the library writes names, `mul8u_17KS`.
    pub name: String,
    /// The circuits that have this name, one in each release that uses it, the older release's first; none where
    /// no release does.
    pub entries: Vec<&'static Entry>,
    /// Whether what stands around it says nothing of its own, so that the whole is the circuit's name:
    /// `mul8u_17KS_lut` and `mul8u_17KS#2`, not `mul8u_17KS-faulty`.
    pub is_plain: bool,
}

/// The circuits called `name`, one in each release that uses the name, the older release's first. The name may be without the
/// operands' part (`17KS` for `mul8u_17KS`), in any case, have words around it that say nothing (`mul8u_17KS_lut`), and
/// end in the release that is meant (`mul8s_1KV8@v2022`).
pub fn by_name(name: &str) -> Vec<&'static Entry> {
    if let Some((name, release)) =
        name.rsplit_once('@').and_then(|(name, at)| Some((name, at.parse::<Release>().ok()?)))
    {
        return by_name(name).into_iter().filter(|entry| entry.release == release).collect();
    }
    match ClaimedName::find(name) {
        Some(claimed) if claimed.is_plain => claimed.entries,
        Some(_) => Vec::new(),
        None => named(|entry| entry.name.split_once('_').is_some_and(|(_, id)| id.eq_ignore_ascii_case(name))),
    }
}

/// The circuits that are called so, the older release's first.
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
    /// The circuit's name in `text`, if there is one: that of a circuit in any case, or one that only has the library's form
    /// (three or four capitals and digits behind operands that the library has). What stands before and behind it is
    /// apart from it.
    pub fn find(text: &str) -> Option<ClaimedName> {
        let lower = text.to_ascii_lowercase();
        lower.match_indices("mul").find_map(|(start, _)| claim_at(text, &lower, start))
    }
}

/// The circuit's name that starts at `start` of `text`, which is `lower` in small letters.
fn claim_at(text: &str, lower: &str, start: usize) -> Option<ClaimedName> {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    if lower[..start].ends_with(is_word) {
        return None;
    }
    let (operands, behind) = lower[start..].split_once('_').filter(|(operands, _)| are_operands(operands))?;
    let id = behind.len() - behind.trim_start_matches(is_word).len();
    let id_start = start + operands.len() + 1;
    let end = id_start + id;
    let name = format!("{operands}_{}", lower[id_start..end].to_ascii_uppercase());
    let found = named(|entry| entry.name == name);
    let has_the_form = (3..=4).contains(&id) && text[id_start..end] == name[operands.len() + 1..];
    let is_claim = !found.is_empty()
        || (has_the_form && !named(|entry| entry.name.starts_with(&name[..=operands.len()])).is_empty());
    let mut around = [&lower[..start], &lower[end..]].into_iter().flat_map(|text| text.split(|c| !is_word(c)));
    let is_plain = around.all(is_neutral);
    is_claim.then_some(ClaimedName { entries: found, name, is_plain })
}

/// Whether `text` says what a multiplier multiplies, as `mul8u` and `mul8x4u` do.
fn are_operands(text: &str) -> bool {
    let widths = text.strip_prefix("mul").and_then(|text| text.strip_suffix(['u', 's']));
    let is_width = |width: &str| !width.is_empty() && width.bytes().all(|byte| byte.is_ascii_digit());
    widths.is_some_and(|widths| {
        let (first, second) = widths.split_once('x').unwrap_or((widths, widths));
        is_width(first) && is_width(second)
    })
}

fn is_neutral(word: &str) -> bool {
    word.len() <= 1 || NEUTRAL.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit())
}
