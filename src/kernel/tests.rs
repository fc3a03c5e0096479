//! Every kernel against the naive reference, bit for bit.

use super::*;
use crate::cases::for_each_case;
use proptest::prelude::*;

/// Bytes that look random, from a seed.
fn bytes(seed: u64, count: usize, range: std::ops::RangeInclusive<u8>) -> Vec<u8> {
    let width = u64::from(range.end() - range.start()) + 1;
    let mut state = seed | 1;
    let next = std::iter::repeat_with(|| {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        range.start() + ((state >> 33) % width) as u8
    });
    next.take(count).collect()
}

/// What a test's table holds.
#[derive(Debug, Clone, Copy)]
enum Terms {
    /// Anything up to a magnitude.
    Any(u32),
    /// Multiples of a power of two.
    Multiples(u32),
    Exact,
    /// Exact products and an error from zero to a bound.
    Error(u32),
    /// Exact products and a constant for each weight.
    Constants,
    /// Only those constants.
    OnlyConstants,
    /// The magnitudes' product and an error, with the sign of the product.
    SignMagnitude,
    All(i32),
    /// One magnitude, the sign changing with either operand.
    Alternating(i32),
}

const KINDS: [Terms; 16] = [
    Terms::Any(0),
    Terms::Any(1),
    Terms::Any(90),
    Terms::Any(20_000),
    Terms::Any(65_535),
    Terms::Any(5_000_000),
    Terms::Any(30_000_000),
    Terms::Multiples(6),
    Terms::Exact,
    Terms::Error(255),
    Terms::Error(300),
    Terms::Constants,
    Terms::OnlyConstants,
    Terms::SignMagnitude,
    Terms::All(65_535),
    Terms::Alternating(65_535),
];

/// A table for activations and weights that are signed or not, from a seed.
fn table(kind: Terms, signed: [bool; 2], seed: u64) -> EffectiveTable {
    let noise = bytes(seed, 4 << 16, 0..=255);
    let mut words = noise.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word));
    let [activation, weight] = signed.map(|signed| if signed { Signedness::Signed } else { Signedness::Unsigned });
    EffectiveTable::from_fn(activation, weight, |a, w| {
        let word = words.next().expect("one word for each term");
        let below = |bound: u32| ((u64::from(word) * (u64::from(bound) + 1)) >> 32) as i32;
        let signed = |magnitude: i32| if word & 1 == 0 { magnitude } else { -magnitude };
        let constant = i32::from(noise[w.unsigned_abs() as usize]) * 17 - 2_000;
        match kind {
            Terms::Any(max_abs) => signed(below(max_abs)),
            Terms::Multiples(shift) => signed(below(60_000 >> shift) << shift),
            Terms::Exact => a * w,
            Terms::Error(bound) => a * w + below(bound),
            Terms::Constants => a * w + constant,
            Terms::OnlyConstants => constant,
            Terms::SignMagnitude => {
                let error = i32::from(noise[(a.abs() << 8 | w.abs()) as usize]);
                let magnitude = (a * w).abs() + error;
                if (a < 0) == (w < 0) { magnitude } else { -magnitude }
            }
            Terms::All(term) => term,
            Terms::Alternating(term) => {
                if (a ^ w) & 1 == 0 {
                    term
                } else {
                    -term
                }
            }
        }
    })
}

/// One layer's operands and the part of them that is asked for.
#[derive(Debug, Clone)]
struct Case {
    weights: Vec<u8>,
    activations: Vec<Vec<u8>>,
    rows: Range<usize>,
    depth: Range<usize>,
}

/// Kernels that this processor can run; those it cannot are named on standard error.
fn supported() -> impl Iterator<Item = &'static dyn Kernel> {
    KERNELS.iter().copied().filter(|kernel| {
        let supported = kernel.is_supported();
        if !supported {
            eprintln!("kernel {} skipped: this processor cannot run it", kernel.name());
        }
        supported
    })
}

/// Compares every kernel with the reference.
fn check(table: &EffectiveTable, case: &Case) -> Result<(), TestCaseError> {
    let mut tile = Tile::default();
    tile.reset(case.activations.len(), case.activations[0].len());
    for (k, row) in case.activations.iter().enumerate() {
        tile.row_mut(k).copy_from_slice(row);
    }
    let weights = WeightMatrix::new(&case.weights, case.activations.len());
    let asked: Vec<u8> = case.rows.clone().flat_map(|row| &weights.row(row)[case.depth.clone()]).copied().collect();
    let expected = if case.depth.is_empty() {
        vec![vec![0; tile.columns()]; case.rows.len()]
    } else {
        reference::sums(table, WeightMatrix::new(&asked, case.depth.len()), &case.activations[case.depth.clone()])
    };
    let packed = supported().flat_map(|kernel| {
        // Laid out for these weights, and for any.
        [(kernel, kernel.pack(table, weights)), (kernel, kernel.prepare(table).pack(weights))]
    });
    for (kernel, packed) in packed {
        let mut sums = vec![Lanes([-1; LANES]); case.rows.len()];
        packed.sums(&tile, case.rows.clone(), case.depth.clone(), &mut sums);
        for (row, (sums, expected)) in case.rows.clone().zip(sums.iter().zip(&expected)) {
            for (lane, (&sum, &expected)) in sums.0.iter().zip(expected).enumerate() {
                prop_assert_eq!(i64::from(sum), expected, "{}: row {}, lane {}", kernel.name(), row, lane);
            }
        }
    }
    Ok(())
}

prop_compose! {
    /// An axis as (input, kernel, stride, dilation, padding before, output): any output reads whole
    /// taps of the padded input, and padding may be larger than the kernel's span. Half of them have
    /// outputs as large as their inputs.
    fn axis()(kernel in 1usize..5, stride in 1usize..5, dilation in 1usize..4, before in 0usize..12)
        (input in 1usize..14, after in 0usize..6, kernel in Just(kernel), stride in Just(stride),
         dilation in Just(dilation), before in Just(before), same in any::<bool>()) -> [usize; 6] {
        let span = dilation * (kernel - 1) + 1;
        let (stride, before, after) = if same {
            (1, before % span, span - 1 - before % span)
        } else {
            (stride, before, after.max(span.saturating_sub(input + before)))
        };
        let output = output_size(input, kernel, stride, dilation, before + after).unwrap();
        [input, kernel, stride, dilation, before, output]
    }
}

prop_compose! {
    /// A window that fits its input.
    pub(super) fn geometry()(y in axis(), x in axis(), channels in 1usize..4) -> ConvGeometry {
        let [input, kernel, stride, dilation, padding, output] = std::array::from_fn(|i| [y[i], x[i]]);
        ConvGeometry { channels, input, output, kernel, stride, dilation, padding }
    }
}

/// What tap `k` of output position `position` reads from an image's channels, by the definition of a
/// convolution.
fn tap(g: &ConvGeometry, channels: &[u8], padding: u8, k: usize, position: usize) -> u8 {
    let (c, ky, kx) = (k / (g.kernel[0] * g.kernel[1]), k / g.kernel[1] % g.kernel[0], k % g.kernel[1]);
    let (oy, ox) = (position / g.output[1], position % g.output[1]);
    let at = |o: usize, tap: usize, axis: usize| {
        (o * g.stride[axis] + tap * g.dilation[axis]).cast_signed() - g.padding[axis].cast_signed()
    };
    let (y, x) = (at(oy, ky, 0), at(ox, kx, 1));
    let [height, width] = g.input.map(usize::cast_signed);
    if y < 0 || y >= height || x < 0 || x >= width {
        return padding;
    }
    channels[(c * g.input[0] + y.cast_unsigned()) * g.input[1] + x.cast_unsigned()]
}

proptest! {
    #![proptest_config(crate::cases::property(400))]

    #[test]
    fn tiles_hold_what_a_naive_gather_reads(
        geometry in geometry(), images in 1usize..4, start in any::<prop::sample::Index>(),
        length in 1usize..=LANES, seed in any::<u64>(),
    ) {
        let size = geometry.channels * geometry.input[0] * geometry.input[1];
        let values = bytes(seed, images * size, 0..=255);
        let padding = seed as u8;
        let mut planes = Planes::default();
        planes.reset(geometry, padding, images);
        values.chunks(size).enumerate().for_each(|(image, channels)| planes.fill(image, channels));
        let all = images * geometry.positions();
        let start = start.index(all);
        let columns = start..(start + length).min(all);
        let mut tile = Tile::default();
        fill_tile(&planes, columns.clone(), &mut tile);
        prop_assert_eq!((tile.columns(), tile.rows().len()), (columns.len(), geometry.depth()));
        for (k, row) in tile.rows().iter().enumerate() {
            for (lane, column) in columns.clone().enumerate() {
                let (image, position) = (column / geometry.positions(), column % geometry.positions());
                let channels = &values[image * size..][..size];
                prop_assert_eq!(row.0[lane], tap(&geometry, channels, padding, k, position));
            }
        }
    }

    #[test]
    fn pointwise_tiles_hold_the_channels(
        depth in 1usize..9, positions in 1usize..300, images in 1usize..5, gap in 0usize..40,
        start in any::<prop::sample::Index>(), length in 1usize..=LANES, seed in any::<u64>(),
    ) {
        let stride = depth * positions + gap;
        let values = bytes(seed, images * stride, 0..=255);
        let all = images * positions;
        let start = start.index(all);
        let columns = start..(start + length).min(all);
        let mut tile = Tile::default();
        fill_pointwise_tile(&values, stride, [depth, positions], columns.clone(), &mut tile);
        prop_assert_eq!((tile.columns(), tile.rows().len()), (columns.len(), depth));
        for (k, row) in tile.rows().iter().enumerate() {
            for (lane, column) in columns.clone().enumerate() {
                let (image, position) = (column / positions, column % positions);
                prop_assert_eq!(row.0[lane], values[image * stride + k * positions + position]);
            }
        }
    }

    #[test]
    fn transposed_tiles_hold_the_matrix(
        depth in 1usize..200, rows in 1usize..300, start in any::<prop::sample::Index>(), seed in any::<u64>(),
    ) {
        let matrix = bytes(seed, rows * depth, 0..=255);
        let start = start.index(rows);
        let columns = start..(start + LANES).min(rows);
        let mut tile = Tile::default();
        transpose_tile(&matrix, depth, columns.clone(), &mut tile);
        for (k, row) in tile.rows().iter().enumerate() {
            for (lane, column) in columns.clone().enumerate() {
                prop_assert_eq!(row.0[lane], matrix[column * depth + k]);
            }
        }
    }

    /// Numbers about the middle between two integers become those of the division, rounded half to even.
    #[test]
    fn numbers_near_ties_are_quantized_as_divided(
        scale in 1e-30f32..1e30, power in -90i32..90, is_power in any::<bool>(), low in prop::sample::select(vec![-128, 0]),
        zero_point in 0i32..=127,
    ) {
        let scale = if is_power { 2f32.powi(power) } else { scale };
        let quantizer = convert::Quantizer { scale, zero_point, low, high: low + 255 };
        let near = |middle: f32| (-3..=3).map(move |ulps| f32::from_bits((middle.to_bits() as i32 + ulps) as u32));
        let values: Vec<f32> = (-260..260).flat_map(|k| near((k as f32 + 0.5) * scale)).collect();
        let mut found = vec![0; values.len()];
        prop_assert!(!convert::quantize(&quantizer, &values, &mut found));
        for (&x, &byte) in values.iter().zip(&found) {
            let integer = f64::from(x / scale).round_ties_even() + f64::from(zero_point);
            let integer = integer.clamp(f64::from(low), f64::from(low + 255)) as i32;
            prop_assert_eq!(byte, integer as u8, "{} / {}", x, scale);
        }
    }

    /// Quantizing and finishing, in whichever instruction set is taken, are their formulas in `f64`.
    #[test]
    fn conversions_are_their_formulas(
        values in prop::collection::vec(any::<f32>(), 1..100), scale in 1e-6f32..1e6, zero_point in 0i32..=255,
        factor in prop::sample::select(vec![0i32, 128, -7]), bias in any::<Option<i16>>(),
        (low, high) in prop::sample::select(vec![(f32::NEG_INFINITY, f32::INFINITY), (0.0, f32::INFINITY), (0.0, 6.0)]),
    ) {
        let quantizer = convert::Quantizer { scale, zero_point, low: 0, high: 255 };
        let mut found = vec![0; values.len()];
        let has_nan = convert::quantize(&quantizer, &values, &mut found);
        prop_assert_eq!(has_nan, values.iter().any(|x| x.is_nan()));
        for (&x, &byte) in values.iter().zip(&found).filter(|(x, _)| !x.is_nan()) {
            let rounded = f64::from(x / scale).round_ties_even() + f64::from(zero_point);
            prop_assert_eq!(f64::from(byte), rounded.clamp(0.0, 255.0));
        }

        let sums: Vec<i32> = values.iter().map(|x| (x.to_bits() >> 2) as i32 - (1 << 28)).collect();
        let columns: Vec<i32> = values.iter().map(|x| (x.to_bits() & 0xffff) as i32).collect();
        let wide: Vec<i64> = sums.iter().map(|&sum| i64::from(sum)).collect();
        let clip = convert::Clip { low, high };
        let dequantize = convert::Dequantize { scale: f64::from(scale), bias: bias.map(f32::from), clip };
        let (mut narrow, mut other) = (vec![0f32; sums.len()], vec![0f32; sums.len()]);
        convert::dequantize_narrow(&dequantize, &sums, -1234, factor, &columns, &mut narrow);
        convert::dequantize_wide(&dequantize, &wide, -1234, i64::from(factor), &columns, &mut other);
        for (i, &sum) in sums.iter().enumerate() {
            let acc = i64::from(sum) - 1234 - i64::from(factor) * i64::from(columns[i]);
            let mut y = (acc as f64 * f64::from(scale)) as f32;
            if let Some(bias) = bias {
                y += f32::from(bias);
            }
            y = y.clamp(low, high);
            prop_assert_eq!((narrow[i], other[i]), (y, y));
        }
    }
}

/// How far the activations of a tile's rows reach.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// All bytes.
    Whole,
    /// Bytes up to 127 in every row.
    Low,
    /// Some rows with only bytes up to 127.
    Mixed,
}

prop_compose! {
    fn case()(
        rows in 1usize..20, depth in 1usize..70, columns in 1usize..=LANES, seed in any::<u64>(),
        few_weights in any::<bool>(), reach in prop::sample::select(vec![Reach::Whole, Reach::Low, Reach::Mixed]),
        cuts in any::<[prop::sample::Index; 4]>(), cut in any::<bool>(),
    ) -> Case {
        let weights = bytes(seed, rows * depth, if few_weights { 100..=105 } else { 0..=255 });
        let activations = (0..depth as u64).map(|k| {
            let low = match reach {
                Reach::Whole => false,
                Reach::Low => true,
                Reach::Mixed => (seed >> (k % 64)) & 1 == 0,
            };
            bytes(seed ^ (k << 20), columns, 0..=if low { 127 } else { 255 })
        });
        let range = |a: prop::sample::Index, b: prop::sample::Index, len: usize| {
            let (a, b) = (a.index(len + 1), b.index(len + 1));
            if cut { a.min(b)..a.max(b) } else { 0..len }
        };
        let [a, b, c, d] = cuts;
        Case { weights, activations: activations.collect(), rows: range(a, b, rows), depth: range(c, d, depth) }
    }
}

proptest! {
    #![proptest_config(crate::cases::property(320))]

    #[test]
    fn sums_equal_the_reference(
        case in case(), seed in any::<u64>(), kind in prop::sample::select(&KINDS), signed in any::<[bool; 2]>(),
    ) {
        check(&table(kind, signed, seed), &case)?;
    }

    #[test]
    fn single_terms_reach_the_limits_of_sums(
        case in case(), seed in any::<u64>(), signed in any::<[bool; 2]>(),
        kind in prop::sample::select(vec![
            Terms::Any(i32::MAX.unsigned_abs()), Terms::All(i32::MIN), Terms::All(i32::MAX), Terms::Alternating(i32::MAX),
        ]),
    ) {
        let start = case.depth.start;
        check(&table(kind, signed, seed), &Case { depth: start..case.depth.end.min(start + 1), ..case })?;
    }
}

proptest! {
    #![proptest_config(crate::cases::property(192))]

    #[test]
    fn sliding_equals_the_reference(
        geometry in geometry(), outputs in 1usize..4, seed in any::<u64>(), low in any::<bool>(),
        kind in prop::sample::select(&KINDS), signed in any::<[bool; 2]>(),
    ) {
        let table = table(kind, signed, seed);
        let size = geometry.channels * geometry.input[0] * geometry.input[1];
        let images = bytes(seed, size, 0..=if low { 127 } else { 255 });
        let padding_byte = (seed % 128) as u8;
        let read = |k| (0..geometry.positions()).map(|at| tap(&geometry, &images, padding_byte, k, at)).collect();
        let activations: Vec<Vec<u8>> = (0..geometry.depth()).map(read).collect();
        let weights = bytes(!seed, outputs * geometry.depth(), 0..=255);
        let weights = WeightMatrix::new(&weights, geometry.depth());
        let expected = reference::sums(&table, weights, &activations);
        let mut planes = Planes::default();
        planes.reset(geometry, padding_byte, 1);
        planes.fill(0, &vec![255; size]);
        planes.fill(0, &images);
        let plane = planes.plane(0);
        for kernel in supported() {
            let packed = kernel.pack(&table, weights);
            let mut sums = vec![Lanes([-1; LANES]); plane.positions().div_ceil(LANES)];
            for (row, expected) in expected.iter().enumerate() {
                packed.slide(&plane, 0, row, 0..plane.positions(), &mut sums);
                for (oy, expected) in expected.chunks(geometry.output[1]).enumerate() {
                    let found: Vec<i64> = plane.output_row(Lanes::flatten(&sums), oy).iter().map(|&sum| i64::from(sum)).collect();
                    prop_assert_eq!(&found, expected, "{}: output {}, row {}", kernel.name(), row, oy);
                }
            }
        }
    }
}

#[test]
fn the_largest_rests_sum_over_long_depths() {
    // Every looked-up byte is 255, over more products than are summed before widening.
    for_each_case([(65_535, 700), (255, 600), (8_000_000, 268)], |(peak, depth)| {
        for largest in [127, 255] {
            let table = EffectiveTable::from_fn(Signedness::Unsigned, Signedness::Unsigned, |a, _| {
                if a == i32::from(largest) { peak } else { 0 }
            });
            let (weights, activations) = (bytes(9, 3 * depth, 0..=255), vec![vec![largest; 70]; depth]);
            check(&table, &Case { weights, activations, rows: 0..3, depth: 0..depth }).unwrap();
        }
    });
}

#[test]
fn sums_of_no_products_are_zero() {
    let case = Case { weights: vec![7; 12], activations: vec![vec![9; 5]; 4], rows: 0..3, depth: 2..2 };
    for kind in KINDS {
        check(&table(kind, [false, true], 3), &case).unwrap();
    }
}

#[test]
fn names_are_distinct_and_the_best_kernel_runs() {
    let names: std::collections::BTreeSet<_> = KERNELS.names().collect();
    assert_eq!(names.len(), KERNELS.iter().len());
    assert!(best().is_supported());
}
