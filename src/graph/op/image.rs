//! Channels-last images as operators see them: which values can lie so, and what all pools do, reducing windows of
//! positions.

use crate::graph::{Dim, ValueType};
use crate::kernel::{Images, ImagesMut, for_simd_levels};

/// Whether values of a type can lie as images: samples of channels along one or two axes of known size.
pub(super) fn is_image(ty: &ValueType) -> bool {
    let is_known = |dim: &Dim| matches!(dim, Dim::Fixed(_));
    ty.element.is_real()
        && (3..=4).contains(&ty.rank())
        && matches!(ty.shape[0], Dim::Batch(_))
        && ty.shape[1..].iter().all(is_known)
}

/// Whether values of all these types can lie as images.
pub(super) fn are_images(types: &[&ValueType]) -> bool {
    types.iter().all(|ty| is_image(ty))
}

/// Along one axis, the input positions that each output position reduces.
#[derive(Debug)]
pub(super) struct Windows {
    positions: Vec<usize>,
    /// Where the positions of each window end.
    ends: Vec<usize>,
    /// How many positions each counts as.
    counts: Vec<usize>,
}

impl Windows {
    /// Windows of positions, which count as they are.
    pub fn new<W: IntoIterator<Item = usize>>(windows: impl IntoIterator<Item = W>) -> Self {
        let (mut positions, mut ends, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for window in windows {
            let start = positions.len();
            positions.extend(window);
            ends.push(positions.len());
            counts.push(positions.len() - start);
        }
        Windows { positions, ends, counts }
    }

    /// The same windows, which count as `count` says.
    pub fn counted(self, count: impl Fn(usize) -> usize) -> Self {
        Windows { counts: (0..self.len()).map(count).collect(), ..self }
    }

    /// How many windows there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The positions of a window.
    pub fn at(&self, window: usize) -> &[usize] {
        let start = window.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.positions[start..self.ends[window]]
    }
}

/// How many positions the window of an output position, given as line and column, counts as.
pub(super) fn count([lines, columns]: &[Windows; 2], [y, x]: [usize; 2]) -> f64 {
    (lines.counts[y] * columns.counts[x]) as f64
}

/// How the elements of a window become one, taken line by line.
pub(super) struct Fold<S, F, G> {
    /// What no elements give.
    pub start: S,
    /// Takes one more element.
    pub add: F,
    /// The output, of what the elements give and how many they count as.
    pub finish: G,
}

/// The larger number. NaN counts as larger than any, so that it propagates.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

/// The largest of a window, NaN if it has one.
pub(super) fn largest() -> Fold<f32, impl Fn(f32, f32) -> f32, impl Fn(f32, f64) -> f32> {
    Fold { start: f32::NEG_INFINITY, add: larger, finish: |largest, _| largest }
}

/// The largest of a window of integers, of which `least` is the smallest there is.
pub(super) fn largest_integer<T: Ord>(least: T) -> Fold<T, impl Fn(T, T) -> T, impl Fn(T, f64) -> T> {
    Fold { start: least, add: |a: T, b| a.max(b), finish: |largest, _| largest }
}

/// The mean of a window: a sum from `start` on, rounded once.
pub(super) fn mean(start: f64) -> Fold<f64, impl Fn(f64, f32) -> f64, impl Fn(f64, f64) -> f32> {
    Fold { start, add: |sum, x| sum + f64::from(x), finish: |sum, count| (sum / count) as f32 }
}

/// Where [`Iterator::sum`] starts from, which has a sign.
pub(super) fn empty_sum() -> f64 {
    std::iter::empty::<f64>().sum()
}

for_simd_levels! {
    /// Reduces the positions of the windows of lines and of columns, for each channel alone, of as many as both sides
    /// have elements for.
    pub(super) fn reduce<T, S, F, G>(
        input: &Images<T>,
        windows: &[Windows; 2],
        fold: &Fold<S, F, G>,
        output: &mut ImagesMut<T>,
    ) where
        T: Copy,
        S: Copy,
        F: Fn(S, T) -> S,
        G: Fn(S, f64) -> T,
    {
        let ([lines, columns], elements) = (windows, output.layout.elements);
        let channels = input.layout.elements.min(elements);
        let mut seen = Vec::new();
        for image in 0..output.count() {
            for y in 0..output.layout.size[0] {
                seen.clear();
                seen.extend(lines.at(y).iter().map(|&line| input.line(image, line)));
                for (x, pixel) in output.line_mut(image, y).chunks_exact_mut(elements).enumerate() {
                    let window = Window {
                        lines: &seen,
                        columns: columns.at(x),
                        elements: input.layout.elements,
                        count: count(windows, [y, x]),
                    };
                    let pixel = &mut pixel[..channels];
                    let done = window.reduce::<32, _, _, _>(0, fold, pixel);
                    let done = window.reduce::<8, _, _, _>(done, fold, pixel);
                    window.reduce::<1, _, _, _>(done, fold, pixel);
                }
            }
        }
    }
}

/// What one output position sees.
struct Window<'a, T> {
    lines: &'a [&'a [T]],
    columns: &'a [usize],
    /// Elements of an input position.
    elements: usize,
    /// How many elements it counts as, once for all channels: their loops are to be vectorized.
    count: f64,
}

impl<T: Copy> Window<'_, T> {
    /// Reduces channels in blocks of `N` from channel `done` on, and returns the first that is left.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    fn reduce<const N: usize, S: Copy, F: Fn(S, T) -> S, G: Fn(S, f64) -> T>(
        &self,
        mut done: usize,
        fold: &Fold<S, F, G>,
        pixel: &mut [T],
    ) -> usize {
        while done + N <= pixel.len() {
            let mut sums = [fold.start; N];
            for line in self.lines {
                for column in self.columns {
                    let block = &line[column * self.elements + done..][..N];
                    for i in 0..N {
                        sums[i] = (fold.add)(sums[i], block[i]);
                    }
                }
            }
            for (y, &sum) in pixel[done..done + N].iter_mut().zip(&sums) {
                *y = (fold.finish)(sum, self.count);
            }
            done += N;
        }
        done
    }
}
