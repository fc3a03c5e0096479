//! Every dot product that this processor can run against sums in plain order, bit for bit.

#[cfg(target_arch = "x86_64")]
use super::x86::Instructions;
use super::*;
use crate::kernel::SLACK;
use proptest::prelude::*;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A kernel with what one product adds to a sum, and what a factor makes of it.
struct Tested<A: 'static, W: 'static, S: 'static> {
    name: &'static str,
    kernel: &'static dyn DotKernel<A, W, S>,
    add: fn(S, A, W) -> S,
    multiply: fn(S, i32) -> S,
}

fn bytes() -> Vec<Tested<u8, i8, i32>> {
    let mut all: Vec<(&'static str, &'static ByteDot)> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        all.extend(Bytes256::is_supported().then_some(("AVX-VNNI bytes", &Tiled(Bytes256) as &ByteDot)));
        all.extend(Bytes512::is_supported().then_some(("AVX-512 bytes", &Tiled(Bytes512) as &ByteDot)));
    }
    let add = |sum: i32, a, w| sum.wrapping_add(i32::from(a) * i32::from(w));
    all.into_iter().map(|(name, kernel)| Tested { name, kernel, add, multiply: i32::wrapping_mul }).collect()
}

fn words() -> Vec<Tested<i16, i16, i32>> {
    let mut all: Vec<(&'static str, &'static WordDot)> = vec![("portable words", &Portable(Words))];
    #[cfg(target_arch = "x86_64")]
    all.extend(Words256::is_supported().then_some(("AVX2 words", &Tiled(Words256) as &WordDot)));
    let add = |sum: i32, a, w| sum.wrapping_add(i32::from(a) * i32::from(w));
    all.into_iter().map(|(name, kernel)| Tested { name, kernel, add, multiply: i32::wrapping_mul }).collect()
}

fn reals() -> Vec<Tested<f32, f32, f32>> {
    type Add = fn(f32, f32, f32) -> f32;
    let (twice, fused): (Add, Add) = (|sum, a, w| sum + a * w, |sum, a, w| a.mul_add(w, sum));
    let mut all: Vec<(&'static str, &'static RealDot, Add)> = vec![("portable f32", &Portable(Reals), twice)];
    #[cfg(target_arch = "x86_64")]
    {
        all.extend(Reals256::is_supported().then_some(("AVX2 f32", &Tiled(Reals256) as &RealDot, fused)));
        all.extend(Reals512::is_supported().then_some(("AVX-512 f32", &Tiled(Reals512) as &RealDot, fused)));
    }
    let tested = |(name, kernel, add)| Tested { name, kernel, add, multiply: |sum, _| sum };
    all.into_iter().map(tested).collect()
}

/// What positions read and what of it is asked for, in numbers that any kernel's groups can be made of.
#[derive(Debug, Clone)]
struct Case {
    /// Offset, groups, factor.
    runs: Vec<Run>,
    positions: Vec<usize>,
    /// Outputs, or channels.
    outputs: usize,
    /// Sizes of the parts in which positions and panels are computed.
    parts: [usize; 2],
    seed: u64,
}

fn factor() -> impl Strategy<Value = i32> {
    prop_oneof![8 => Just(1), 1 => prop::sample::select(vec![0, -1, 3, -255, 256, 1 << 16, i32::MIN, i32::MAX])]
}

prop_compose! {
    /// Runs overlap, and there are gaps between them.
    fn runs(most: usize, groups: usize)(
        runs in prop::collection::vec((0usize..300, 1..=groups, factor()), 1..=most),
    ) -> Vec<Run> {
        runs.into_iter().map(|(offset, groups, factor)| Run { offset, groups, factor }).collect()
    }
}

prop_compose! {
    fn case(most_runs: usize, groups: usize, outputs: usize)(
        runs in runs(most_runs, groups), positions in prop::collection::vec(0usize..500, 1..=70),
        outputs in 1..=outputs, parts in [1usize..=70, 1usize..=4], seed in any::<u64>(),
    ) -> Case {
        Case { runs, positions, outputs, parts, seed }
    }
}

/// A number that looks random, for each `at`.
fn mix(seed: u64, at: [usize; 3]) -> u64 {
    let mixed =
        at.iter().fold(seed | 1, |state, &at| (state ^ at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29));
    mixed.wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 20
}

/// Numbers made of such, of which some tests take the extreme ones alone.
trait Made: Copy + PartialEq + Debug {
    fn any(bits: u64) -> Self;
    fn extreme(bits: u64) -> Self;
}

macro_rules! made {
    ($($integer:ty),+) => {
        $(impl Made for $integer {
            fn any(bits: u64) -> Self {
                bits as $integer
            }

            fn extreme(bits: u64) -> Self {
                if bits.is_multiple_of(8) { <$integer>::MAX / 2 } else if <$integer>::MIN == 0 { <$integer>::MAX } else { <$integer>::MIN }
            }
        })+
    };
}

made!(u8, i8, i16);

impl Made for f32 {
    /// Magnitudes differ so much that every other order of a sum has other bits.
    fn any(bits: u64) -> Self {
        let mantissa = (bits & 0xFFFF) as f32 / 65_536.0 - 0.5;
        mantissa * 2f32.powi((bits >> 16 & 15) as i32 - 8)
    }

    fn extreme(bits: u64) -> Self {
        if bits.is_multiple_of(8) { -1.0 } else { 2f32.powi(40) }
    }
}

fn made<T: Made>(extreme: bool, bits: u64) -> T {
    if extreme { T::extreme(bits) } else { T::any(bits) }
}

/// Operands that end where the last run of the farthest position does.
fn images<A: Made>(case: &Case, reach: usize, extreme: bool) -> Vec<A> {
    let end = case.positions.iter().max().expect("positions") + reach;
    (0..end).map(|at| made(extreme, mix(case.seed, [at, 0, 0]))).collect()
}

/// Compares a kernel's sums, computed in parts, with those in plain order.
fn check<A: Made, W: Made + Default, S: Made + Default + ToBits>(
    tested: &Tested<A, W, S>,
    case: &Case,
    extreme: bool,
) -> Result<(), TestCaseError> {
    let kernel = tested.kernel;
    let (group, lanes) = (kernel.group(), kernel.lanes());
    let weight = |output, at, i| made(extreme, mix(!case.seed, [output, at, i]));
    let groups = case.runs.iter().map(|run| run.groups).sum();
    let panels = Panels::new([case.outputs, lanes], [groups, group], weight);
    prop_assert_eq!(panels.count(), case.outputs.div_ceil(lanes));
    let reach = case.runs.iter().map(|run| run.offset + run.groups * group).max().expect("runs");
    let images: Vec<A> = images(case, reach, extreme);
    let [most_positions, most_panels] = case.parts;
    for positions in case.positions.chunks(most_positions) {
        for first in (0..panels.count()).step_by(most_panels.min(kernel.panels())) {
            let part = first..panels.count().min(first + most_panels.min(kernel.panels()));
            let width = part.len() * lanes;
            let untouched = S::any(77);
            let mut sums = vec![untouched; positions.len() * width + 3];
            kernel.sums(&images, positions, &case.runs, &panels, part.clone(), &mut sums);
            prop_assert!(sums[positions.len() * width..].iter().all(|&sum| sum == untouched));
            for (&position, sums) in positions.iter().zip(sums.chunks_exact(width)) {
                for (output, &sum) in (part.start * lanes..case.outputs).zip(sums) {
                    let (mut expected, mut at) = (S::default(), 0);
                    for run in &case.runs {
                        for (i, &operand) in images[position + run.offset..][..run.groups * group].iter().enumerate() {
                            expected = (tested.add)(expected, operand, weight(output, at + i / group, i % group));
                        }
                        at += run.groups;
                        expected = (tested.multiply)(expected, run.factor);
                    }
                    prop_assert_eq!(sum.bits(), expected.bits(), "{}: output {} at {}", tested.name, output, position);
                }
            }
        }
    }
    Ok(())
}

/// The same for the channels of a depthwise convolution.
fn check_channels<A: Made, W: Made + Default, S: Made + Default + ToBits>(
    tested: &Tested<A, W, S>,
    case: &Case,
    extreme: bool,
) -> Result<(), TestCaseError> {
    let (kernel, channels) = (tested.kernel, case.outputs);
    let weight = |tap, channel| made(extreme, mix(!case.seed, [tap, channel, 0]));
    let weights = kernel.pack_channels(&case.runs, channels, &weight);
    let farthest = case.runs.iter().map(|run| run.offset).max().expect("runs");
    let images: Vec<A> = images(case, farthest + channels.next_multiple_of(SLACK), extreme);
    let [most_positions, most_blocks] = case.parts;
    for positions in case.positions.chunks(most_positions) {
        for first in (0..channels).step_by(most_blocks * SLACK) {
            let part = first..channels.min(first + most_blocks * SLACK);
            let width = part.len().next_multiple_of(SLACK);
            let untouched = S::any(77);
            let mut sums = vec![untouched; positions.len() * width + 3];
            kernel.channel_sums(&images, positions, &case.runs, &weights, part.clone(), &mut sums);
            prop_assert!(sums[positions.len() * width..].iter().all(|&sum| sum == untouched));
            for (&position, sums) in positions.iter().zip(sums.chunks_exact(width)) {
                for (channel, &sum) in part.clone().zip(sums) {
                    let mut expected = S::default();
                    for (tap, run) in case.runs.iter().enumerate() {
                        let operand = images[position + run.offset + channel];
                        expected = (tested.add)(expected, operand, weight(tap, channel));
                        expected = (tested.multiply)(expected, run.factor);
                    }
                    prop_assert_eq!(
                        sum.bits(),
                        expected.bits(),
                        "{}: channel {} at {}",
                        tested.name,
                        channel,
                        position
                    );
                }
            }
        }
    }
    Ok(())
}

/// Sums that are equal to the bit.
trait ToBits {
    fn bits(self) -> u32;
}

impl ToBits for i32 {
    fn bits(self) -> u32 {
        self.cast_unsigned()
    }
}

impl Made for i32 {
    fn any(bits: u64) -> Self {
        bits as i32
    }

    fn extreme(_: u64) -> Self {
        i32::MIN
    }
}

impl ToBits for f32 {
    fn bits(self) -> u32 {
        self.to_bits()
    }
}

/// Runs a check of any kernel on all of them.
macro_rules! check_all {
    ($check:ident $(, $argument:expr)*) => {
        for tested in bytes() {
            $check(&tested $(, $argument)*)?;
        }
        for tested in words() {
            $check(&tested $(, $argument)*)?;
        }
        for tested in reals() {
            $check(&tested $(, $argument)*)?;
        }
    };
}

proptest! {
    #![proptest_config(crate::cases::property(64))]

    #[test]
    fn sums_are_those_in_plain_order(case in case(6, 9, 150), extreme in any::<bool>()) {
        check_all!(check, &case, extreme);
    }

    #[test]
    fn sums_of_channels_are_those_in_plain_order(case in case(49, 1, 200), extreme in any::<bool>()) {
        check_all!(check_channels, &case, extreme);
    }
}

#[test]
fn all_tiles_are_computed() -> Result<(), TestCaseError> {
    let runs = [(0, 3, 1), (40, 5, -2), (7, 1, 1)].map(|(offset, groups, factor)| Run { offset, groups, factor });
    for count in 1..=50 {
        for outputs in [16, 32, 48, 64] {
            let positions = (0..count).map(|p| p * 37 % 101).collect();
            let case = Case { runs: runs.to_vec(), positions, outputs, parts: [count, 4], seed: count as u64 };
            check_all!(check, &case, false);
        }
    }
    Ok(())
}

/// What a kernel must refuse.
fn refused<A: Made, W: Made + Default, S: Made + Default>(tested: &Tested<A, W, S>) -> Result<(), TestCaseError> {
    let (kernel, name) = (tested.kernel, tested.name);
    let (group, lanes) = (kernel.group(), kernel.lanes());
    let panels = Panels::new([2 * lanes, lanes], [5, group], |_, _, _| W::any(1));
    let images = vec![A::any(1); 9 + 5 * group];
    let run = |offset, groups| Run { offset, groups, factor: 1 };
    let call = |images: &[A], position, runs: &[Run], part: Range<usize>, sums| {
        let mut sums = vec![S::default(); sums];
        catch_unwind(AssertUnwindSafe(|| kernel.sums(images, &[0, position], runs, &panels, part, &mut sums))).is_ok()
    };
    let (runs, enough) = ([run(0, 2), run(2 * group, 3)], 4 * lanes);
    prop_assert!(call(&images, 9, &runs, 0..2, enough), "{}: what fits", name);
    prop_assert!(!call(&images, 10, &runs, 0..2, enough), "{}: a position too far", name);
    prop_assert!(!call(&images, usize::MAX, &runs, 0..2, enough), "{}: a position that wraps", name);
    prop_assert!(!call(&images, 9, &[run(0, 2), run(2 * group + 1, 3)], 0..2, enough), "{}: a run too far", name);
    prop_assert!(!call(&images, 9, &[run(0, 2), run(0, usize::MAX)], 0..2, enough), "{}: a run that wraps", name);
    prop_assert!(!call(&images, 0, &[run(0, 2), run(0, 2)], 0..2, enough), "{}: other groups", name);
    prop_assert!(!call(&images, 9, &runs, 0..2, enough - 1), "{}: sums too short", name);
    prop_assert!(!call(&images, 9, &runs, 1..3, enough), "{}: panels that are not there", name);

    let taps = [run(0, 1), run(3, 1), run(1, 1)];
    let weights = kernel.pack_channels(&taps, 70, &|_, _| W::any(1));
    let call = |images: &[A], position, taps: &[Run], channels: Range<usize>, sums| {
        let mut sums = vec![S::default(); sums];
        let positions = [0, position];
        let sums = || kernel.channel_sums(images, &positions, taps, &weights, channels, &mut sums);
        catch_unwind(AssertUnwindSafe(sums)).is_ok()
    };
    let images = vec![A::any(1); 5 + 3 + 2 * SLACK];
    let enough = 4 * SLACK;
    prop_assert!(call(&images, 5, &taps, 0..70, enough), "{}: channels that fit", name);
    prop_assert!(!call(&images, 6, &taps, 0..70, enough), "{}: channels of a position too far", name);
    prop_assert!(!call(&images, usize::MAX, &taps, 0..70, enough), "{}: channels of a position that wraps", name);
    prop_assert!(!call(&images, 5, &taps[1..], 0..70, enough), "{}: other taps", name);
    prop_assert!(!call(&images, 5, &taps, 0..71, enough), "{}: channels that are not there", name);
    prop_assert!(!call(&images, 5, &taps, 1..70, enough), "{}: channels from amid a block", name);
    prop_assert!(!call(&images, 5, &taps, 0..70, enough - 1), "{}: sums of channels too short", name);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<(), TestCaseError> {
    check_all!(refused);
    Ok(())
}
