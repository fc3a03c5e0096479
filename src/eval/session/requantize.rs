//! Integers between the layers of a session's network, and at its output.

use super::{Experiment, Session, SessionError};
use crate::eval::Assignment;
use crate::graph::pass::{requantize_layers, set_integers, watched_values};
use crate::kernel::Rounding;
use crate::quant::{Grid, Observed};
use std::collections::BTreeMap;

impl Experiment {
    /// Whether a network of real numbers is to run on integers: one that its file quantizes has them already.
    pub(super) fn makes_integers(&self) -> bool {
        self.requantize.is_some() && !self.model.graph.has_quantized_values()
    }
}

impl Session {
    /// How layers' sums become integers of their outputs; `None` where they become real numbers. Layers for which the
    /// network's file says something else are excepted.
    pub fn requantization(&self) -> Option<Rounding> {
        let Experiment { model, requantize, .. } = &self.experiment;
        requantize.or_else(|| Some(model.roundings.as_ref()?.default))
    }

    /// Whether values between layers need grids that nothing has observed and no file states.
    pub(super) fn lacks_grids(&self) -> bool {
        let mut values = watched_values(&self.experiment.model.graph);
        values.any(|(name, ..)| !self.scales.files().iter().any(|known| known.file.values.contains_key(name)))
    }

    /// The grids of values between layers, by the values' names.
    pub(super) fn value_grids(&self) -> Result<BTreeMap<String, Grid>, SessionError> {
        let config = &self.defaults.quantization;
        let none = BTreeMap::new();
        let observed = self.scales.observations.as_ref().map_or(&none, |observations| &observations.values);
        let grid = |(name, observed): (&String, &Observed)| match config.activation(observed) {
            Ok(params) => Ok((name.clone(), Grid::from(params))),
            Err(source) => Err(SessionError::Value { name: name.clone(), source }),
        };
        let mut grids: BTreeMap<String, Grid> = observed.iter().map(grid).collect::<Result<_, _>>()?;
        for known in self.scales.files().iter().rev() {
            grids.extend(known.file.values.iter().map(|(name, grid)| (name.clone(), *grid)));
        }
        Ok(grids)
    }

    /// Makes the network run on integers where it is quantized and that is asked for.
    pub(super) fn requantize(&mut self, assignment: &Assignment) -> Result<(), SessionError> {
        if self.requantization().is_none() {
            return Ok(());
        }
        let grids = if assignment.is_quantized() { Some(self.value_grids()?) } else { None };
        let Experiment { model, requantize, .. } = &mut self.experiment;
        set_integers(&mut model.graph, grids.as_ref()).map_err(SessionError::integers)?;
        let (asked, stated) = (*requantize, model.roundings.clone());
        let real = requantize_layers(&mut model.graph, |layer| match &stated {
            Some(stated) => Some(stated.of(layer, asked)),
            None => asked,
        });
        if asked.is_some() && !real.is_empty() && assignment.is_quantized() {
            let note = format!(
                "outputs of {} stay real numbers: nothing rounds them to integers",
                real.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
            );
            self.note(note, true);
        }
        Ok(())
    }
}
