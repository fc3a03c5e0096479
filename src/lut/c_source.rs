//! What tables and models in C have in common: comments, and the metrics that they state.

use super::Metadata;
use super::fields::Fields;
use super::{ErrorMetrics, StatedMetric};

/// C source split into code, comments blanked out with line breaks kept, and the comments' lines.
pub(super) fn split_comments(source: &str) -> (String, Vec<String>) {
    let (mut code, mut comments) = (String::with_capacity(source.len()), String::new());
    let mut rest = source;
    while !rest.is_empty() {
        let (end, skip) = if let Some(line) = rest.strip_prefix("//") {
            (line.find('\n').unwrap_or(line.len()) + 2, 2)
        } else if let Some(block) = rest.strip_prefix("/*") {
            (block.find("*/").map_or(rest.len(), |end| end + 4), 2)
        } else {
            let next = rest
                .match_indices('/')
                .map(|(at, _)| at)
                .find(|&at| rest[at..].starts_with("//") || rest[at..].starts_with("/*"));
            let end = next.unwrap_or(rest.len());
            code.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        };
        let comment = &rest[skip..end];
        comments.push_str(comment.strip_suffix("*/").unwrap_or(comment));
        comments.push('\n');
        code.push(' ');
        code.extend(comment.chars().filter(|&c| c == '\n'));
        rest = &rest[end..];
    }
    (code, comments.lines().map(|line| line.trim_matches(|c: char| c.is_whitespace() || c == '*').to_owned()).collect())
}

/// What comments state about a multiplier: this program's fields, and EvoApproxLib's figures.
///
/// Most comments are prose; a line that only looks like a field is ignored.
pub(super) fn comment_fields(comments: &[String]) -> Fields {
    let lines = comments.iter().filter_map(|line| line.split_once('=')).map(|(key, value)| (key.trim(), value));
    let fields = Fields::parse(lines.filter(|line| Fields::parse([*line]).is_ok())).unwrap_or_default();
    Fields { metadata: fields.metadata.or(evoapprox_metadata(comments)), unknown: Vec::new(), ..fields }
}

/// The figures in comments as EvoApproxLib writes them: `MAE = 24.5`, `MRE% = 1.25 %`,
/// `PDK45_PWR = 0.391 mW`, with area in um2 and delay in ns.
fn evoapprox_metadata(comments: &[String]) -> Metadata {
    let mut metadata = Metadata::default();
    for (key, value) in comments.iter().filter_map(|line| line.split_once('=')) {
        let key = key.trim().to_ascii_lowercase();
        let Some(metric) = value.split_whitespace().next().and_then(|figure| figure.parse::<StatedMetric>().ok())
        else {
            continue;
        };
        let (name, is_percent) = key.strip_suffix('%').map_or((key.as_str(), false), |name| (name.trim(), true));
        // Absolute errors in percent are of the largest product, and less precise than those in units.
        let is_relative = matches!(name, "mre" | "wcre" | "ep");
        if ErrorMetrics::NAMES.contains(&name) && is_relative == is_percent {
            let metric = if is_percent { metric.percent() } else { metric };
            metadata.stated_metrics.insert(name.to_owned(), metric);
        } else if name.ends_with("_pwr") {
            metadata.power = Some(metric.value());
        } else if name.ends_with("_area") {
            metadata.area = Some(metric.value());
        } else if name.ends_with("_delay") {
            metadata.delay = Some(metric.value());
        }
    }
    if metadata != Metadata::default() {
        metadata.source = Some("comments of the C source".to_owned());
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_are_told_from_code() {
        let (code, comments) = split_comments("int a; // one\n/* two\n * three */ int b = 4 / 2; //");
        assert_eq!(code, "int a;  \n \n int b = 4 / 2;  ");
        assert_eq!(comments, ["one", "two", "three", ""]);
        assert_eq!(split_comments("x /* open").1, ["open"]);
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_lines(text in "[/*a é=\n]{0,60}") {
            let (code, _) = split_comments(&text);
            prop_assert_eq!(code.matches('\n').count(), text.matches('\n').count());
        }
    }

    #[test]
    fn evoapprox_headers_state_metrics_and_costs() {
        let lines = [
            "MAE% = 0.038 %",
            "MAE = 25 ",
            "WCE = 79",
            "MRE% = 1.25 %",
            "EP% = 98.12 %",
            "PDK45_PWR = 0.311 mW",
            "PDK45_AREA = 583.3 um2",
            "PDK45_DELAY = 1.43 ns",
            "MSE = none",
        ];
        let metadata = evoapprox_metadata(&lines.map(str::to_owned));
        let metric = |name: &str| metadata.stated_metrics[name].to_string();
        assert_eq!([metric("mae"), metric("wce"), metric("mre"), metric("ep")], ["25", "79", "0.0125", "0.9812"]);
        assert_eq!((metadata.power, metadata.area, metadata.delay), (Some(0.311), Some(583.3), Some(1.43)));
        assert_eq!(metadata.stated_metrics.len(), 4);
    }
}
