//! What a report comes to, in a line, and its gates in words.

use super::{CostAxis, Report};
use crate::eval::{Gate, GateKind};
use crate::layer::{InferenceMode, MODES};
use crate::stats::{p_value, significant, significant_percent};
use crate::task::{MetricInfo, Task};

impl Report {
    /// What it comes to in a line: whether gates hold, what was evaluated, its metric, the difference from what
    /// it was compared with, and what it costs, as far as these are known.
    pub fn verdict(&self) -> String {
        let gates = match self.gates.iter().all(|gate| gate.passed) {
            _ if self.gates.is_empty() => "",
            true => "PASS: ",
            false => "FAIL: ",
        };
        let metric = self.metrics.metric();
        let name = metric.task.metric().name;
        let subject = format!("{}, {}", self.model.name, self.multipliers());
        let compared = self.comparisons.first().map(|compared| {
            let p = match compared.comparison.p() {
                None => String::new(),
                Some(0.0) => format!(" (p {})", p_value(Some(0.0))),
                Some(p) => format!(" (p {})", significant(p, if p < 0.01 { 1 } else { 2 })),
            };
            format!(", {:+.4} vs {}{p}", compared.comparison.difference, compared.reference)
        });
        let cost = [CostAxis::Power, CostAxis::Energy].into_iter().find_map(|axis| Some((axis, axis.of(self)?)));
        let cost = cost.map(|(axis, figure)| {
            let of = if figure.coverage < WHOLE {
                format!(" (of {} of products)", share(figure.coverage))
            } else {
                String::new()
            };
            format!(", {axis} {}{of}", share(figure.value))
        });
        let known = compared.into_iter().chain(cost).collect::<String>();
        format!("{gates}{subject}: {name} {:.4}{known}", metric.value)
    }

    /// The multipliers in use, or what is computed without one.
    pub(in crate::report) fn multipliers(&self) -> String {
        match self.luts.as_slice() {
            [] => self.modes(),
            [only] => only.name.clone(),
            [first, second] => format!("{} and {}", first.name, second.name),
            [first, others @ ..] => format!("{} and {} other multipliers", first.name, others.len()),
        }
    }

    /// What the layers compute, in the order of [`MODES`]: `fp32`, or `fp32 and quant`.
    fn modes(&self) -> String {
        let is_in_use = |mode: InferenceMode| self.layers.iter().any(|layer| layer.mode == mode);
        let found: Vec<String> = MODES.iter().filter(|mode| is_in_use(**mode)).map(|mode| mode_name(*mode)).collect();
        if found.is_empty() { mode_name(self.config.mode) } else { found.join(" and ") }
    }

    /// The gates that failed, each with why in words.
    pub fn failed_gates(&self) -> impl Iterator<Item = (GateKind, String)> {
        let task = self.metrics.task();
        self.gates.iter().filter(|gate| !gate.passed).map(move |gate| (gate.gate, in_words(gate, task)))
    }
}

/// Coverage from which on whole percents say that it is all.
const WHOLE: f64 = 0.995;

/// A mode as verdicts call it.
fn mode_name(mode: InferenceMode) -> String {
    if mode == InferenceMode::Baseline { "fp32".to_owned() } else { mode.to_string() }
}

/// A fraction in whole percent, or two digits where it is small.
fn share(fraction: f64) -> String {
    if fraction < 0.1 { significant_percent(fraction, 2) } else { format!("{:.0} %", fraction * 100.0) }
}

/// What a gate found, in words that say whether it holds, of a network for `task`.
pub(super) fn in_words(gate: &Gate, task: Task) -> String {
    let MetricInfo { title, .. } = *task.metric();
    let (found, bound) = fractions(gate.found.unwrap_or(f64::NAN), gate.bound);
    match (gate.gate, gate.passed) {
        (GateKind::MinAccuracy, true) => format!("{title} {found} is at least the minimum {bound}"),
        (GateKind::MinAccuracy, false) => format!("{title} {found} is below the minimum {bound}"),
        (GateKind::MaxDrop, true) if gate.found.is_some_and(|drop| drop <= 0.0) => {
            let (gain, bound) = fractions(-gate.found.unwrap_or_default(), gate.bound);
            format!("{title} is {gain} above the baseline's, where a drop of at most {bound} is allowed")
        }
        (GateKind::MaxDrop, true) => {
            format!("{title} is {found} below the baseline's, within the largest drop allowed, {bound}")
        }
        (GateKind::MaxDrop, false) => {
            format!("{title} is {found} below the baseline's, more than the largest drop allowed, {bound}")
        }
        (GateKind::Alpha, true) => {
            format!("{title} is not significantly below the baseline's: {} at level {}", p(gate.found), gate.bound)
        }
        (GateKind::Alpha, false) if gate.found.is_none() => {
            format!("{title} is below the baseline's, and the samples do not tell whether that is significant")
        }
        (GateKind::Alpha, false) => {
            format!(
                "{title} is significantly below the baseline's: {} is below the level {}",
                p(gate.found),
                gate.bound
            )
        }
    }
}

fn p(p: Option<f64>) -> String {
    match p {
        None => "p unknown".to_owned(),
        Some(0.0) => format!("p {}", p_value(p)),
        Some(_) => format!("p = {}", p_value(p)),
    }
}

/// Two fractions with four decimals, or with as many as tell them apart.
fn fractions(found: f64, bound: f64) -> (String, String) {
    let texts = |decimals: usize| (format!("{found:.decimals$}"), format!("{bound:.decimals$}"));
    (4..16).map(texts).find(|(found, bound)| found != bound).unwrap_or_else(|| texts(4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn gates_in_words() {
        let cases = [
            (GateKind::MinAccuracy, 0.812, 0.85, false, "top-1 accuracy 0.8120 is below the minimum 0.8500"),
            (GateKind::MinAccuracy, 0.849_96, 0.85, false, "top-1 accuracy 0.84996 is below the minimum 0.85000"),
            (GateKind::MinAccuracy, 0.85, 0.85, true, "top-1 accuracy 0.8500 is at least the minimum 0.8500"),
            (
                GateKind::MaxDrop,
                0.03,
                0.01,
                false,
                "top-1 accuracy is 0.0300 below the baseline's, more than the largest drop allowed, 0.0100",
            ),
            (
                GateKind::MaxDrop,
                -0.03,
                0.01,
                true,
                "top-1 accuracy is 0.0300 above the baseline's, where a drop of at most 0.0100 is allowed",
            ),
            (
                GateKind::Alpha,
                1.25e-7,
                0.05,
                false,
                "top-1 accuracy is significantly below the baseline's: p = 1.25e-7 is below the level 0.05",
            ),
        ];
        for_each_case(cases, |(gate, found, bound, passed, words)| {
            let gate = Gate { gate, bound, found: Some(found), passed };
            assert_eq!(in_words(&gate, Task::Classification), words);
        });
        let unknown = Gate { gate: GateKind::Alpha, bound: 0.05, found: None, passed: false };
        assert!(in_words(&unknown, Task::AnomalyDetection).contains("do not tell"));
    }
}
