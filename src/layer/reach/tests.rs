//! Counts against those of every output and tap, one by one.

use super::ActivationCounts;
use crate::layer::{ConvAttributes, ConvTransposeAttributes, Convolution, Flow, Window, linear_window};
use proptest::prelude::*;

/// One row of three under a kernel of two with a zero on either side, by hand: the first tap reads the padding
/// and all three, the second all three and the padding.
#[test]
fn padding_is_counted_by_hand() {
    let row = ConvAttributes::<1> { padding: [[1, 1]], ..Default::default() };
    let window = row.window(&[1, 1, 3], &[1, 1, 2]).unwrap();
    let counts = ActivationCounts::new(&window);
    counts.count(&window, &[10, 20, 10], 7);
    let found = (0..2).flat_map(|weight| {
        let met = counts.of_weight(0, weight);
        met.into_iter().enumerate().filter(|&(_, count)| count > 0).map(move |(byte, count)| (weight, byte, count))
    });
    assert_eq!(found.collect::<Vec<_>>(), [(0, 7, 1), (0, 10, 2), (0, 20, 1), (1, 7, 1), (1, 10, 2), (1, 20, 1)]);
}

/// A transposed kernel whose outer taps reach no output: one position, five taps, two off either side.
#[test]
fn taps_without_outputs_meet_nothing() {
    let row = ConvTransposeAttributes::<1> { padding: [[2, 2]], ..Default::default() };
    let window = row.window(&[1, 1, 1], &[1, 1, 5]).unwrap();
    let counts = ActivationCounts::new(&window);
    counts.count(&window, &[9], 0);
    let met = (0..5).map(|weight| counts.of_weight(0, weight));
    assert_eq!(met.map(|met| met.iter().sum::<u32>()).collect::<Vec<_>>(), [0, 0, 1, 0, 0]);
}

/// How often each weight of each group meets each byte, from what each output reads of each tap.
fn naive(window: &Window, input: &[u8], padding: u8) -> Vec<u32> {
    let geometry = &window.geometry;
    let ([height, width], taps) = (geometry.input, geometry.kernel[0] * geometry.kernel[1]);
    let weights = geometry.channels * taps;
    let mut counts = vec![0; window.groups * weights * 256];
    let padding = Some(padding).filter(|_| window.flow == Flow::Forward);
    // The input position of an output and a tap: none is outside of the image, or in a gap.
    let source = |axis: usize, output: usize, tap: usize| {
        let (stride, reach, before) = (geometry.stride[axis], tap * geometry.dilation[axis], geometry.padding[axis]);
        let at = match window.flow {
            Flow::Forward => (output * stride + reach).checked_sub(before),
            Flow::Transposed => {
                (output + before).checked_sub(reach).filter(|at| at % stride == 0).map(|at| at / stride)
            }
        };
        at.filter(|&at| at < geometry.input[axis])
    };
    for (plane, channel) in input.chunks_exact(height * width).zip((0..window.channels()).cycle()) {
        let (group, channel) = (channel / geometry.channels, channel % geometry.channels);
        for (tap, position) in (0..taps).flat_map(|tap| (0..geometry.positions()).map(move |at| (tap, at))) {
            let row = source(0, position / geometry.output[1], tap / geometry.kernel[1]);
            let column = source(1, position % geometry.output[1], tap % geometry.kernel[1]);
            let byte = row.zip(column).map(|(row, column)| plane[row * width + column]);
            let weight = match window.flow {
                Flow::Forward => channel * taps + tap,
                Flow::Transposed => tap * geometry.channels + channel,
            };
            if let Some(byte) = byte.or(padding) {
                counts[(group * weights + weight) * 256 + usize::from(byte)] += 1;
            }
        }
    }
    counts
}

/// Few different bytes or all, by `seed`.
fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..count).map(|_| if seed.is_multiple_of(2) { next() & 3 } else { next() }).collect()
}

/// Counts images of two sizes, and by the reference.
fn check(windows: [Option<Window>; 2], seed: u64) -> Result<(), TestCaseError> {
    let [Some(first), Some(second)] = windows else { return Ok(()) };
    let counts = ActivationCounts::new(&first);
    let mut expected = Vec::new();
    for (window, seed) in [(&first, seed), (&second, seed + 2)] {
        let plane = window.geometry.input[0] * window.geometry.input[1];
        let input = bytes(window.images * window.channels() * plane, seed);
        let padding = (seed >> 8) as u8;
        counts.count(window, &input, padding);
        let more = naive(window, &input, padding);
        expected.resize(more.len(), 0);
        expected.iter_mut().zip(more).for_each(|(all, more)| *all += more);
    }
    let weights = expected.len() / 256 / counts.groups();
    for (lane, expected) in expected.chunks_exact(256).enumerate() {
        let found = counts.of_weight(lane / weights, lane % weights);
        prop_assert_eq!(&found[..], expected, "lane {} of {:?}", lane, first);
    }
    Ok(())
}

fn pair(range: std::ops::Range<usize>) -> impl Strategy<Value = [usize; 2]> {
    [range.clone(), range]
}

fn sides(range: std::ops::Range<usize>) -> impl Strategy<Value = [[usize; 2]; 2]> {
    [pair(range.clone()), pair(range)]
}

proptest! {
    #[test]
    fn convolutions_meet_what_every_output_reads(
        (groups, channels, images, seed) in (1..4usize, 1..4usize, pair(1..4), any::<u32>()),
        (size, kernel) in (prop_oneof![pair(1..9), pair(9..40)], prop_oneof![pair(1..2), pair(1..5), pair(1..8)]),
        (stride, dilation, padding) in (pair(1..5), pair(1..5), sides(0..9)),
    ) {
        let attributes = ConvAttributes::<2> { stride, padding, dilation, groups };
        let weight = [groups, channels, kernel[0], kernel[1]];
        let window = |images, [height, width]: [usize; 2]| {
            attributes.window(&[images, groups * channels, height, width], &weight).ok()
        };
        check([window(images[0], size), window(images[1], [size[1], size[0]])], seed.into())?;
    }

    #[test]
    fn transposed_convolutions_meet_what_every_output_reads(
        (groups, channels, images, seed) in (1..4usize, 1..4usize, pair(1..4), any::<u32>()),
        (size, kernel) in (prop_oneof![pair(1..9), pair(9..30)], prop_oneof![pair(1..2), pair(1..6)]),
        (stride, dilation, padding) in (pair(1..4), pair(1..4), sides(0..5)),
    ) {
        let attributes = ConvTransposeAttributes::<2> { stride, padding, dilation, groups, ..Default::default() };
        let weight = [groups * channels, 1, kernel[0], kernel[1]];
        let window = |images, [height, width]: [usize; 2]| {
            attributes.window(&[images, groups * channels, height, width], &weight).ok()
        };
        check([window(images[0], size), window(images[1], [size[1], size[0]])], seed.into())?;
    }

    #[test]
    fn linear_layers_meet_each_feature(channels in 1..40usize, images in pair(1..700), seed: u32) {
        check(images.map(|images| linear_window(&[images, channels], &[3, channels]).ok()), seed.into())?;
    }
}
