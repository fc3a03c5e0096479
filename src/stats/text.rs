//! Numbers as people read them, in tables and summaries.

/// An integer with its digits in groups of three.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let mut grouped = digits[..first].to_owned();
    for start in (first..digits.len()).step_by(3) {
        if !grouped.is_empty() {
            grouped.push(',');
        }
        grouped.push_str(&digits[start..start + 3]);
    }
    grouped
}

/// Names in a line: the first `most` of them, and how many more there are where these are not one.
pub(crate) fn listed(names: impl IntoIterator<Item = String>, most: usize) -> String {
    let mut names: Vec<String> = names.into_iter().collect();
    match names.len().saturating_sub(most) {
        0 | 1 => names.join(", "),
        more => {
            names.truncate(most);
            format!("{} and {} more", names.join(", "), grouped(more as u64))
        }
    }
}

/// A number with about `digits` significant ones.
pub(crate) fn significant(x: f64, digits: usize) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let magnitude = libm::log10(x.abs()).floor() as i32;
    let decimals = digits as i32 - 1 - magnitude;
    if (-3..=12).contains(&magnitude) || x.abs() < 1.0 && magnitude >= -3 {
        format!("{x:.*}", decimals.max(0) as usize)
    } else {
        format!("{x:.*e}", digits - 1)
    }
}

/// A fraction in per cent.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.2} %", fraction * 100.0)
}

/// A fraction in per cent with about `digits` significant digits.
pub(crate) fn significant_percent(fraction: f64, digits: usize) -> String {
    format!("{} %", significant(fraction * 100.0, digits))
}

/// A difference of fractions in per cent, with its sign.
pub(crate) fn signed_percent(difference: f64) -> String {
    format!("{:+.2} %", difference * 100.0)
}

/// A p-value; none is 0, but some are too small for `f64`.
pub(crate) fn p_value(p: Option<f64>) -> String {
    match p {
        None => "unknown".to_owned(),
        Some(0.0) => "< 1e-300".to_owned(),
        Some(p) => significant(p, 3),
    }
}

/// A number for programs, whole; one with many zeros behind the point has an exponent.
pub(crate) fn whole_number(x: f64) -> String {
    if x != 0.0 && x.abs() < 1e-4 { format!("{x:e}") } else { x.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn numbers_for_people() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (61_706, "61,706"), (1_814_073_344, "1,814,073,344")];
        for_each_case(cases, |(n, text)| {
            assert_eq!(grouped(n), text);
        });
        let cases = [(0.0, "0"), (24.5, "24.500"), (0.012_519, "0.012519"), (1577.0, "1577.0"), (1e-9, "1.0000e-9")];
        for_each_case(cases, |(x, text)| {
            assert_eq!(significant(x, 5), text);
        });
        let cases =
            [(0.0, "0"), (1.0, "1"), (0.25, "0.25"), (0.0001, "0.0001"), (2.5e-18, "2.5e-18"), (-1e-300, "-1e-300")];
        for_each_case(cases, |(x, text)| {
            assert_eq!((whole_number(x).as_str(), text.parse()), (text, Ok(x)));
        });
    }
}
