//! `lut list --catalogue`: searches the circuits of EvoApproxLib.

use super::super::named::named;
use crate::kernel::Signedness;
use crate::lut::catalogue::{NamePattern, RELEASES, Release, SORT_KEYS, Search, SortKey};
use crate::report::CircuitList;
use anyhow::bail;

/// Which circuits are listed, and in which order.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Catalogue")]
pub(super) struct CatalogueArgs {
    /// Widths of the operands, such as 8 or 8x4
    #[arg(long, value_name = "AxB", value_parser = parse_widths, requires = "catalogue")]
    bits: Option<[u32; 2]>,

    /// Only signed multipliers
    #[arg(long, conflicts_with = "unsigned", requires = "catalogue")]
    signed: bool,

    /// Only unsigned multipliers
    #[arg(long, requires = "catalogue")]
    unsigned: bool,

    /// Only names of this release: master (lite version 1) or v2022
    #[arg(long, value_name = "RELEASE", value_parser = named(&RELEASES), requires = "catalogue")]
    release: Option<Release>,

    /// Largest mean absolute error, in units of the product
    #[arg(long, value_name = "X", value_parser = parse_bound, requires = "catalogue")]
    max_mae: Option<f64>,

    /// Largest worst-case error, in units of the product
    #[arg(long, value_name = "X", value_parser = parse_bound, requires = "catalogue")]
    max_wce: Option<f64>,

    /// Largest mean relative error, a fraction
    #[arg(long, value_name = "X", value_parser = parse_bound, requires = "catalogue")]
    max_mre: Option<f64>,

    /// Largest error probability, a fraction
    #[arg(long, value_name = "X", value_parser = parse_bound, requires = "catalogue")]
    max_ep: Option<f64>,

    /// Largest power, in milliwatts
    #[arg(long, value_name = "MW", value_parser = parse_bound, requires = "catalogue")]
    max_power: Option<f64>,

    /// Largest area, in square micrometers
    #[arg(long, value_name = "UM2", value_parser = parse_bound, requires = "catalogue")]
    max_area: Option<f64>,

    /// Largest delay, in nanoseconds
    #[arg(long, value_name = "NS", value_parser = parse_bound, requires = "catalogue")]
    max_delay: Option<f64>,

    /// Only circuits that a design computes, so that no file is needed
    #[arg(long, requires = "catalogue")]
    makeable: bool,

    /// Order, least first; default: by operands, then mean absolute error
    #[arg(long, value_name = "KEY", value_parser = named(&SORT_KEYS), requires = "catalogue")]
    sort: Option<SortKey>,
}

/// Two widths, or one for both operands.
fn parse_widths(text: &str) -> Result<[u32; 2], String> {
    let (first, second) = text.split_once('x').unwrap_or((text, text));
    let width = |text: &str| text.parse().ok().filter(|width| (1..=64).contains(width));
    let widths = width(first).zip(width(second)).map(|(first, second)| [first, second]);
    widths.ok_or_else(|| "expected a width such as 8, or two such as 8x4".to_owned())
}

fn parse_bound(text: &str) -> Result<f64, String> {
    let bound = text.parse::<f64>().ok().filter(|bound| *bound >= 0.0 && bound.is_finite());
    bound.ok_or_else(|| "expected a number of at least 0".to_owned())
}

impl CatalogueArgs {
    /// The circuits whose names match one of `patterns`.
    pub fn list(&self, patterns: &[String]) -> anyhow::Result<CircuitList> {
        let bounds = [
            (SortKey::Mae, self.max_mae),
            (SortKey::Wce, self.max_wce),
            (SortKey::Mre, self.max_mre),
            (SortKey::Ep, self.max_ep),
            (SortKey::Power, self.max_power),
            (SortKey::Area, self.max_area),
            (SortKey::Delay, self.max_delay),
        ];
        let signed = self.signed.then_some(Signedness::Signed);
        let search = Search {
            patterns: patterns.iter().map(|pattern| pattern.parse::<NamePattern>()).collect::<Result<_, _>>()?,
            bits: self.bits,
            signedness: signed.or(self.unsigned.then_some(Signedness::Unsigned)),
            release: self.release,
            at_most: bounds.into_iter().filter_map(|(key, most)| Some((key, most?))).collect(),
            makeable: self.makeable,
            sort: self.sort,
        };
        let found = search.run();
        if found.is_empty() {
            bail!("no circuit of the catalogue is like that: leave out a pattern or raise a bound");
        }
        Ok(CircuitList(found))
    }
}
