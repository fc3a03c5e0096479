//! What kernels check before they read and write memory without checks.

use super::{ChannelPanels, Panels, Run};
use crate::kernel::SLACK;
use std::ops::Range;

/// Asserts that `reach` elements from the farthest of `positions` on are `available`.
fn assert_reach(positions: &[usize], reach: Option<usize>, available: usize) {
    // Four maxima side by side: one alone is a chain of as many steps as there are positions.
    let (fours, rest) = positions.as_chunks::<4>();
    let mut most = [0; 4];
    for four in fours {
        most.iter_mut().zip(four).for_each(|(most, &position)| *most = position.max(*most));
    }
    let farthest = most.iter().chain(rest).copied().max().unwrap_or(0);
    let end = reach.and_then(|reach| farthest.checked_add(reach));
    assert!(end.is_some_and(|end| end <= available), "runs from {farthest} on reach past {available} elements");
}

/// Asserts what [`DotKernel::sums`](super::DotKernel::sums) states, for groups of operands and lanes of so many, and
/// so many sums.
pub fn sums<W: Copy + Default>(
    [group, lanes]: [usize; 2],
    images: usize,
    positions: &[usize],
    runs: &[Run],
    weights: &Panels<W>,
    panels: Range<usize>,
    sums: usize,
) {
    assert!(panels.start <= panels.end && panels.end <= weights.count(), "panels {panels:?} of {}", weights.count());
    let needed = positions.len() * panels.len() * lanes;
    assert!(sums >= needed, "{sums} sums of {needed}");
    if positions.is_empty() || panels.is_empty() {
        return;
    }
    let mut reach = Some(0);
    let mut groups = Some(0usize);
    for run in runs {
        let end = run.groups.checked_mul(group).and_then(|length| length.checked_add(run.offset));
        reach = reach.zip(end).map(|(a, b)| a.max(b));
        groups = groups.and_then(|groups| groups.checked_add(run.groups));
    }
    assert_reach(positions, reach, images);
    let panel = weights.panel(panels.start).len() / (group * lanes);
    assert!(groups == Some(panel), "runs of {groups:?} groups and weights of {panel}");
}

/// Asserts what [`DotKernel::channel_sums`](super::DotKernel::channel_sums) states, for so many sums; gives the sums
/// of a position.
pub fn channel_sums<W: Copy + Default>(
    images: usize,
    positions: &[usize],
    runs: &[Run],
    weights: &ChannelPanels<W>,
    channels: Range<usize>,
    sums: usize,
) -> usize {
    assert!(runs.len() == weights.taps(), "{} runs and weights of {} taps", runs.len(), weights.taps());
    let all = weights.channels();
    assert!(channels.start <= channels.end && channels.end <= all, "channels {channels:?} of {all}");
    assert!(channels.start.is_multiple_of(SLACK), "channels from {} on", channels.start);
    let width = channels.len().next_multiple_of(SLACK);
    assert!(sums >= positions.len() * width, "{sums} sums of {}", positions.len() * width);
    if !positions.is_empty() {
        let offset = runs.iter().map(|run| run.offset).max().unwrap_or(0);
        assert_reach(positions, offset.checked_add(channels.start + width), images);
    }
    width
}
