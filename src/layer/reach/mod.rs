//! Which activations each weight of a layer meets: how often each byte is multiplied at each tap.
//!
//! Every output channel of a group reads the same activations, so that counts by tap and byte, beside the weights
//! of each tap, say how often any two operands meet.
//!
//! The taps of a kernel read almost the same bytes of a channel: all that lie a stride apart, but for some lines at the
//! border. So the whole is counted once for all of them, and for each row and each column of taps what it leaves out:
//! `read = whole - left out by the row - left out by the column + left out by both`. The four are kept apart until a
//! weight is asked for, so that a call touches little memory. Where kernels reach far over the border, taps are counted
//! one by one.

mod histogram;
mod lines;
mod patch;
mod plan;
mod tally;
#[cfg(test)]
mod tests;

use super::{Flow, Window};
use histogram::BYTES;
pub(crate) use patch::Patch;
use std::sync::{Arc, Mutex, PoisonError};
use tally::Tally;

/// How often each weight of an output channel of each group meets each activation byte. Several threads may add to it.
#[derive(Debug)]
pub(crate) struct ActivationCounts {
    flow: Flow,
    /// Input channels of a group.
    channels: usize,
    groups: usize,
    /// Taps of the kernel.
    taps: usize,
    /// By the size of images.
    tallies: Mutex<Vec<Arc<Tally>>>,
}

impl ActivationCounts {
    /// Nothing counted yet, of a layer that slides `window`, or one over another input.
    pub fn new(window: &Window) -> Self {
        let Window { flow, groups, geometry, .. } = window;
        let taps = geometry.kernel.iter().product();
        ActivationCounts { flow: *flow, channels: geometry.channels, groups: *groups, taps, tallies: Mutex::default() }
    }

    /// Counts what the weights meet in the images of `input` (`[images, channels, height, width]`). Padding is
    /// `padding`, and multiplied like any other operand.
    pub fn count(&self, window: &Window, input: &[u8], padding: u8) {
        if !input.is_empty() {
            self.tally(window).count(input, padding);
        }
    }

    /// Groups of channels that do not mix.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// How often weight `weight` of each output channel of `group` meets each byte.
    pub fn of_weight(&self, group: usize, weight: usize) -> [u32; BYTES] {
        let (channel, tap) = self.channel_and_tap(weight);
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut met = [0; BYTES];
        tallies.iter().for_each(|tally| tally.add_to(&mut met, group * self.channels + channel, tap));
        met
    }

    /// The counts of images of the window's size.
    fn tally(&self, window: &Window) -> Arc<Tally> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = tallies.iter().find(|tally| tally.geometry == window.geometry) {
            return Arc::clone(tally);
        }
        let tally = Arc::new(Tally::new(window));
        tallies.push(Arc::clone(&tally));
        tally
    }

    /// The input channel and the kernel tap of a weight: taps lie inside channels, and in transposed convolutions,
    /// whose taps are rows of their own, channels inside taps.
    fn channel_and_tap(&self, weight: usize) -> (usize, usize) {
        match self.flow {
            Flow::Forward => (weight / self.taps, weight % self.taps),
            Flow::Transposed => (weight % self.channels, weight / self.channels),
        }
    }
}
