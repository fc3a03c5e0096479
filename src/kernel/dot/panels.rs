//! Weights as dot products read them.

/// A matrix of weights, `[panel][group][lane][operand of the group]`: as many outputs as registers have lanes.
/// Outputs and operands past the last have weights of zero.
#[derive(Debug, Clone)]
pub struct Panels<W> {
    weights: Vec<W>,
    /// Weights of a panel.
    panel: usize,
}

impl<W: Copy + Default> Panels<W> {
    /// Lays out `weight(output, group, operand)` for `outputs` in panels of `lanes`, over `groups` of `group`
    /// operands.
    pub fn new(
        [outputs, lanes]: [usize; 2],
        [groups, group]: [usize; 2],
        weight: impl Fn(usize, usize, usize) -> W,
    ) -> Self {
        let panel = groups * lanes * group;
        let mut weights = Vec::with_capacity(outputs.div_ceil(lanes) * panel);
        for first in (0..outputs).step_by(lanes) {
            for at in 0..groups {
                for output in first..first + lanes {
                    let of = |i| if output < outputs { weight(output, at, i) } else { W::default() };
                    weights.extend((0..group).map(of));
                }
            }
        }
        Panels { weights, panel }
    }

    /// How many panels there are.
    pub fn len(&self) -> usize {
        self.weights.len() / self.panel.max(1)
    }

    /// The weights of panel `at`.
    ///
    /// # Panics
    /// When there is no such panel.
    pub fn panel(&self, at: usize) -> &[W] {
        &self.weights[at * self.panel..][..self.panel]
    }
}

/// Weights of a depthwise convolution, in the order in which a kernel reads them.
#[derive(Debug, Clone)]
pub struct ChannelPanels<W> {
    /// Of each block of channels, one after another.
    pub weights: Vec<W>,
    /// Weights of a block.
    pub block: usize,
    /// Taps.
    pub taps: usize,
    /// Channels.
    pub channels: usize,
}
