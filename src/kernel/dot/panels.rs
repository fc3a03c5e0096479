//! Weights as dot products read them.

use crate::kernel::{LANES, Lanes};

/// A matrix of weights, `[panel][group][lane][operand of the group]`: as many outputs as registers have lanes.
/// Outputs and operands past the last have weights of zero.
#[derive(Debug, Clone)]
pub struct Panels<W> {
    /// Aligned to cache lines, as panels of whole registers then are, too.
    weights: Vec<Lanes<W>>,
    /// Weights of a panel.
    panel: usize,
    /// Panels.
    count: usize,
}

impl<W: Copy + Default> Panels<W> {
    /// Lays out `weight(output, group, operand)` for `outputs` in panels of `lanes`, over `groups` of `group`
    /// operands.
    pub fn new(
        [outputs, lanes]: [usize; 2],
        [groups, group]: [usize; 2],
        weight: impl Fn(usize, usize, usize) -> W,
    ) -> Self {
        let (panel, count) = (groups * lanes * group, outputs.div_ceil(lanes));
        let mut weights = vec![Lanes::default(); (count * panel).div_ceil(LANES)];
        let mut all = weights.iter_mut().flat_map(|weights: &mut Lanes<W>| &mut weights.0);
        for first in (0..outputs).step_by(lanes) {
            for at in 0..groups {
                for output in first..first + lanes {
                    for (i, to) in all.by_ref().take(group).enumerate() {
                        *to = if output < outputs { weight(output, at, i) } else { W::default() };
                    }
                }
            }
        }
        Panels { weights, panel, count }
    }

    /// How many panels there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The weights of panel `at`.
    ///
    /// # Panics
    /// When there is no such panel.
    pub fn panel(&self, at: usize) -> &[W] {
        assert!(at < self.count, "panel {at} of {}", self.count);
        &Lanes::flatten(&self.weights)[at * self.panel..][..self.panel]
    }
}

/// Weights of a depthwise convolution, in the order in which a kernel reads them: blocks of channels, one after another.
#[derive(Debug, Clone)]
pub struct ChannelPanels<W> {
    /// Aligned to cache lines.
    weights: Vec<Lanes<W>>,
    /// Weights of a block.
    block: usize,
    taps: usize,
    channels: usize,
}

impl<W: Copy + Default> ChannelPanels<W> {
    /// Of so many taps and channels, in `blocks` of `block` weights.
    pub fn new([taps, channels]: [usize; 2], [blocks, block]: [usize; 2], weights: impl Iterator<Item = W>) -> Self {
        let mut all = vec![Lanes::default(); (blocks * block).div_ceil(LANES)];
        let to = all.iter_mut().flat_map(|weights: &mut Lanes<W>| &mut weights.0);
        to.zip(weights).for_each(|(to, weight)| *to = weight);
        ChannelPanels { weights: all, block, taps, channels }
    }

    /// How many taps there are.
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// How many channels there are.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The weights of block `at`.
    ///
    /// # Panics
    /// When there is no such block.
    pub fn block(&self, at: usize) -> &[W] {
        &Lanes::flatten(&self.weights)[at * self.block..][..self.block]
    }
}
