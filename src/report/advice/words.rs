//! Advice in words that a designer can act on.

use super::{Advice, CorrectedAdvice, MixedAdvice};
use crate::report::Degradation;
use crate::stats::{grouped, listed, percent, significant_percent};

/// Layers that a sentence names.
const NAMED: usize = 4;

impl Advice {
    /// What to do, what matters most first.
    pub fn in_words(&self) -> Vec<String> {
        let mut words = vec![self.identity()];
        words.push(self.verdict());
        words.extend(self.correction());
        words.extend(self.mixture());
        words.extend(self.weak_layers());
        words.extend(self.accumulator_width());
        words.extend(self.products_to_mend());
        words
    }

    fn metric(&self, found: &Degradation) -> String {
        let metric = self.exact.task.metric();
        format!("{} {}, {} against exact products", metric.title, metric.text(found.metric.value), self.drop(found))
    }

    /// A drop with its sign as a change.
    fn drop(&self, found: &Degradation) -> String {
        self.exact.task.metric().difference(0.0 - found.drop)
    }

    fn bound(&self) -> String {
        self.exact.task.metric().difference(self.max_drop).trim_start_matches('+').to_owned()
    }

    fn identity(&self) -> String {
        let name = &self.lut.name;
        let is = match (&self.lut.catalogue, &self.lut.metadata.design) {
            (Some(circuit), _) => format!("{name} is {circuit}"),
            (None, Some(design)) => format!("{name} is of the design family {design}"),
            (None, None) => format!("{name} is no circuit of the catalogue and names no design"),
        };
        match self.audit.as_slice() {
            [] => format!("{is}; its audit finds nothing wrong"),
            [only] => format!("{is}; its audit FAILS: {only}"),
            [first, others @ ..] => format!("{is}; its audit FAILS: {first}; and {} more", others.len()),
        }
    }

    /// Whether it can be used as it is.
    fn verdict(&self) -> String {
        let cost = self.cost.as_ref().and_then(|cost| {
            let energy = cost.relative_energy.map(|energy| ("energy", energy));
            energy.or_else(|| Some(("power", cost.relative_power?)))
        });
        let cost = cost.map_or_else(String::new, |(what, value)| format!(", for {} of the {what}", percent(value)));
        let found = self.metric(&self.all);
        if self.is_within(&self.all) {
            let certainty = if self.all.drop_ci95[1] <= self.max_drop { "" } else { ", though the interval is not" };
            format!("use it in every layer: {found}{cost}, within the bound of {}{certainty}", self.bound())
        } else {
            format!("do not use it in every layer as it is: {found}{cost}, a drop beyond the bound of {}", self.bound())
        }
    }

    fn correction(&self) -> Option<String> {
        let CorrectedAdvice { found, parts, recovered } = self.corrected.as_ref()?;
        if parts.is_empty() {
            return Some("no correction of weights and biases helps".to_owned());
        }
        let recovered = recovered.filter(|_| !self.is_within(&self.all));
        let recovered = recovered.map_or_else(String::new, |share| format!(", {} of the drop", percent(share)));
        let (does, is_enough) = if self.is_within(found) {
            ("makes it", "within the bound")
        } else {
            ("brings it to", "beyond the bound still")
        };
        let metric = self.metric(found);
        Some(format!("'approx-eval correct' ({}) {does} {metric}{recovered}: {is_enough}", parts.join(", ")))
    }

    fn mixture(&self) -> Option<String> {
        let MixedAdvice { exact_layers, exact_share, found, relative_energy } = self.mixed.as_ref()?;
        let energy =
            relative_energy.map_or_else(String::new, |energy| format!(" for {} of the energy", percent(energy)));
        let share = percent(*exact_share);
        Some(format!(
            "keep {} exact, {share} of the products: {}{energy}",
            listed(exact_layers.iter().cloned(), NAMED),
            self.metric(found)
        ))
    }

    /// The layers that suffer most, where none has to be kept exact.
    fn weak_layers(&self) -> Option<String> {
        let first = self.layers.first().filter(|_| self.mixed.is_none())?;
        let significant = first.alone.drop_ci95[0] > 0.0;
        Some(if significant {
            format!("the most sensitive layer is {}: {} alone", first.name, self.drop(&first.alone))
        } else {
            "no layer alone costs accuracy that the samples could tell from chance".to_owned()
        })
    }

    fn accumulator_width(&self) -> Option<String> {
        let found = self.accumulators?;
        let samples = grouped(found.samples as u64);
        Some(format!(
            "accumulators need {} bits on {samples} samples, {} on any data",
            found.bits_needed, found.bits_worst_case
        ))
    }

    fn products_to_mend(&self) -> Option<String> {
        let first = self.products.first()?;
        let share: f64 = self.products.iter().map(|product| product.share).sum();
        let [a, b] = first.operands;
        Some(format!(
            "{} products make {} of the error; the largest part comes from {a} x {b} = {}, exactly {}",
            self.products.len(),
            significant_percent(share, 2),
            first.product,
            first.exact
        ))
    }
}
