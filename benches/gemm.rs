//! Products per second on one core: every kernel and kind of table beside fp32, sums of several products of mapped
//! operands, and the loop that emulators commonly run.
//!
//! `cargo bench --bench gemm`, pinned to a core. The sizes are a matrix product of 64 x 576 weights by
//! 576 x 4096 activations, one that fits the caches, and a depthwise 3x3 convolution.

#![expect(unsafe_code, reason = "the gemm crate takes pointers")]

mod common;

use approx_eval::kernel::{
    ConvGeometry, DotKernel, EffectiveTable, IntegerDot, KERNELS, Kernel, LANES, Lanes, Panels, Planes, Run, SLACK,
    Signedness, Tile, WeightMatrix, output_size,
};
use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// A kind of table, and what activations it is looked up with.
struct Kind {
    name: &'static str,
    table: EffectiveTable,
    largest: u8,
}

fn kinds(rng: &mut impl Rng) -> Vec<Kind> {
    let (a, w) = (Signedness::Unsigned, Signedness::Signed);
    let any = EffectiveTable::from_fn(a, w, |_, _| rng.random_range(0..65_536));
    // The error of each product fits a byte.
    let residual = EffectiveTable::from_fn(a, w, |a, w| a * w - rng.random_range(0..256));
    vec![
        Kind { name: "any", table: any.clone(), largest: 255 },
        Kind { name: "any, activations to 127", table: any, largest: 127 },
        Kind { name: "8-bit error", table: residual, largest: 255 },
        Kind { name: "exact", table: EffectiveTable::exact(a, w), largest: 255 },
    ]
}

fn supported() -> impl Iterator<Item = &'static dyn Kernel> {
    KERNELS.iter().copied().filter(|kernel| kernel.is_supported())
}

fn random_bytes(rng: &mut impl Rng, count: usize, largest: u8) -> Vec<u8> {
    (0..count).map(|_| rng.random_range(0..=largest)).collect()
}

/// Tiles of `depth` rows for `columns` output positions.
fn random_tiles(rng: &mut impl Rng, depth: usize, columns: usize, largest: u8) -> Vec<Tile> {
    let tile = |_| {
        let mut tile = Tile::default();
        tile.reset(depth, LANES);
        for k in 0..depth {
            tile.row_mut(k).copy_from_slice(&random_bytes(rng, LANES, largest));
        }
        tile
    };
    (0..columns / LANES).map(tile).collect()
}

fn matrix_product(criterion: &mut Criterion, rows: usize, depth: usize, columns: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut group = criterion.benchmark_group(format!("gemm {rows} x {depth} x {columns}"));
    group.throughput(Throughput::Elements((rows * depth * columns) as u64));

    let mut floats = |count: usize| -> Vec<f32> { (0..count).map(|_| rng.random_range(-1.0..1.0)).collect() };
    let (a, b, mut c) = (floats(rows * depth), floats(depth * columns), vec![0f32; rows * columns]);
    group.bench_function("fp32 (gemm crate)", |bencher| {
        bencher.iter(|| {
            let (m, k, n) = (rows, depth, columns);
            let [k_stride, n_stride] = [k, n].map(usize::cast_signed);
            // SAFETY: the slices hold `m * n`, `m * k` and `k * n` values in rows of those strides.
            unsafe {
                gemm::gemm(
                    m,
                    n,
                    k,
                    c.as_mut_ptr(),
                    1,
                    n_stride,
                    false,
                    a.as_ptr(),
                    1,
                    k_stride,
                    b.as_ptr(),
                    1,
                    n_stride,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
            black_box(&mut c);
        });
    });

    let weights = random_bytes(&mut rng, rows * depth, 255);
    for kind in kinds(&mut rng) {
        let tiles = random_tiles(&mut rng, depth, columns, kind.largest);
        for kernel in supported() {
            let packed = kernel.pack(&kind.table, WeightMatrix::new(&weights, depth));
            let mut sums = vec![Lanes([0; LANES]); rows];
            group.bench_function(format!("{}, {}", kernel.name(), kind.name), |bencher| {
                bencher.iter(|| {
                    for tile in &tiles {
                        packed.sums(tile, 0..rows, 0..depth, &mut sums);
                        black_box(&mut sums);
                    }
                });
            });
        }
    }
    group.finish();
}

/// The most products that a look-up may be worth.
const MOST_PRODUCTS: usize = 8;

/// Positions whose operands stay in the first-level cache from panel to panel.
const POSITIONS: usize = 16;

/// Sums of as many products of mapped operands as tables are taken apart into. With the look-ups of
/// [`matrix_product`], these are the rates by which the ways of layers are chosen.
fn mapped_products(criterion: &mut Criterion, rows: usize, depth: usize, columns: usize) {
    let mut group = criterion.benchmark_group(format!("mapped operands, {rows} x {depth} x {columns}"));
    group.throughput(Throughput::Elements((rows * depth * columns) as u64));
    for products in 1..=MOST_PRODUCTS {
        let shape = Mapped { rows, depth, columns, products };
        for kernel in supported() {
            let plural = if products == 1 { "" } else { "s" };
            group.bench_function(format!("{}, {products} product{plural}", kernel.name()), |bencher| {
                let mut rng = ChaCha8Rng::seed_from_u64(4);
                match kernel.integers() {
                    IntegerDot::Bytes(dot) => shape.run(bencher, dot, || rng.random::<u8>(), |i| i as i8),
                    IntegerDot::Words(dot) => {
                        shape.run(bencher, dot, || i16::from(rng.random::<u8>()), |i| i as i16 & 0xff);
                    }
                }
            });
        }
    }
    group.finish();
}

/// A matrix product of which every product is a sum of several.
struct Mapped {
    rows: usize,
    depth: usize,
    columns: usize,
    products: usize,
}

impl Mapped {
    fn run<A, W: Copy + Default>(
        &self,
        bencher: &mut Bencher,
        dot: &dyn DotKernel<A, W, i32>,
        mut operand: impl FnMut() -> A,
        weight: impl Fn(usize) -> W,
    ) {
        let groups = self.depth / dot.group();
        // Scales differ from term to term, so that sums are multiplied after each.
        let runs: Vec<Run> =
            (0..self.products).map(|term| Run { offset: term * self.depth, groups, factor: 2 }).collect();
        let width = self.products * self.depth;
        let images: Vec<A> = (0..self.columns * width + SLACK).map(|_| operand()).collect();
        let positions: Vec<usize> = (0..self.columns).map(|column| column * width).collect();
        let panels = Panels::new([self.rows, dot.lanes()], [self.products * groups, dot.group()], |row, group, i| {
            weight(row * 31 + group * 7 + i * 3)
        });
        let mut sums = vec![0; POSITIONS * dot.panels() * dot.lanes()];
        bencher.iter(|| {
            for positions in positions.chunks(POSITIONS) {
                for first in (0..panels.count()).step_by(dot.panels()) {
                    let some = first..panels.count().min(first + dot.panels());
                    dot.sums(&images, positions, &runs, &panels, some, &mut sums);
                    black_box(&mut sums);
                }
            }
        });
    }
}

/// One look-up a product, output by output, as emulators in other frameworks loop.
fn plain_loop(criterion: &mut Criterion) {
    let (rows, depth, columns) = (8, 576, 256);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let table = kinds(&mut rng).swap_remove(0).table;
    let (weights, activations) =
        (random_bytes(&mut rng, rows * depth, 255), random_bytes(&mut rng, columns * depth, 255));
    let mut group = criterion.benchmark_group("plain loop");
    group.throughput(Throughput::Elements((rows * depth * columns) as u64));
    group.bench_function("one look-up a product", |bencher| {
        bencher.iter(|| {
            for weights in weights.chunks(depth) {
                for activations in activations.chunks(depth) {
                    let terms = weights.iter().zip(activations).map(|(&w, &a)| table.term(a, w));
                    black_box(terms.fold(0i32, i32::wrapping_add));
                }
            }
        });
    });
    group.finish();
}

fn depthwise(criterion: &mut Criterion, channels: usize, size: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let output = output_size(size, 3, 1, 1, 2).expect("a 3x3 window with padding");
    let geometry = ConvGeometry {
        channels: 1,
        input: [size; 2],
        output: [output; 2],
        kernel: [3; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: [1; 2],
    };
    let mut group = criterion.benchmark_group(format!("depthwise 3x3, {channels} channels of {size} x {size}"));
    group.throughput(Throughput::Elements((channels * geometry.positions() * geometry.depth()) as u64));
    let weights = random_bytes(&mut rng, channels * geometry.depth(), 255);
    for kind in kinds(&mut rng) {
        let images = random_bytes(&mut rng, channels * size * size, kind.largest);
        for kernel in supported() {
            let packed = kernel.pack(&kind.table, WeightMatrix::new(&weights, geometry.depth()));
            let mut planes = Planes::default();
            planes.reset(geometry, 0, 1);
            let mut sums = vec![Lanes([0; LANES]); planes.plane(0).positions().div_ceil(LANES)];
            group.bench_function(format!("{}, {}", kernel.name(), kind.name), |bencher| {
                bencher.iter(|| {
                    for (channel, image) in images.chunks(size * size).enumerate() {
                        planes.fill(0, image);
                        let plane = planes.plane(0);
                        packed.slide(&plane, 0, channel, 0..plane.positions(), &mut sums);
                        black_box(&mut sums);
                    }
                });
            });
        }
    }
    group.finish();
}

fn benches(criterion: &mut Criterion) {
    matrix_product(criterion, 64, 576, 4096);
    matrix_product(criterion, 64, 144, 512);
    mapped_products(criterion, 64, 576, 4096);
    plain_loop(criterion);
    depthwise(criterion, 32, 112);
    depthwise(criterion, 64, 14);
}

criterion_group! {
    name = all;
    config = common::criterion(0.5);
    targets = benches
}
criterion_main!(all);
