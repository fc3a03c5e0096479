//! What running layers in tiles costs: the sizes of processor and kernels that schedules depend on.
//!
//! Kernels compute a tile's columns in blocks, and a core keeps what fits its cache. A [`TilingModel`]
//! answers the questions that follow from that, so that nothing above needs the sizes themselves.

use super::LANES;

/// Columns that every kernel computes at a time: those of a tile are rounded up to a multiple.
pub const COLUMN_BLOCK: usize = 64;

/// A model of what a pass over tiles costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilingModel {
    /// Columns of a tile.
    pub tile: usize,
    /// Columns computed at a time.
    pub block: usize,
    /// Bytes that stay in a core's cache between one layer and the next.
    pub cache: usize,
}

impl TilingModel {
    /// The kernels of this room on a core with half of its second-level cache free for values.
    pub const CPU: TilingModel = TilingModel { tile: LANES, block: COLUMN_BLOCK, cache: 1 << 19 };

    /// Columns that are computed and dropped where `columns` are in use.
    pub fn padding_columns(&self, columns: usize) -> usize {
        columns.next_multiple_of(self.block) - columns
    }

    /// The fewest samples of `columns` each that fill tiles about as well as any number does.
    pub fn samples_to_fill_tiles(&self, columns: usize) -> usize {
        if columns == 0 {
            return 1;
        }
        // A tile costs what its blocks do, and about half a block to begin.
        let fill = |samples: usize| {
            let columns = columns * samples;
            columns as f64 / (columns.div_ceil(self.block) as f64 + columns.div_ceil(self.tile) as f64 / 2.0)
        };
        let candidates = 1..=self.tile.div_ceil(columns).max(8);
        let best = candidates.clone().map(fill).fold(0.0, f64::max);
        candidates.into_iter().find(|&samples| fill(samples) >= 0.97 * best).unwrap_or(1)
    }

    /// Samples that stay in the cache where one has at most `bytes` read, and as many written.
    pub fn cached_samples(&self, bytes: usize) -> usize {
        self.cache / (2 * bytes.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    const CPU: TilingModel = TilingModel::CPU;

    #[test]
    fn columns_are_rounded_up_to_blocks() {
        for_each_case([(0, 0), (1, 63), (64, 0), (65, 63), (256, 0), (300, 20)], |(columns, padding)| {
            assert_eq!(CPU.padding_columns(columns), padding, "{columns} columns");
        });
    }

    #[test]
    fn samples_fill_tiles() {
        // 64 columns are a block and 256 a tile, of which 97 % are 249; five samples of 49 are 245 columns.
        for_each_case([(0, 1), (1, 249), (49, 5), (64, 4), (1 << 16, 1)], |(columns, samples)| {
            assert_eq!(CPU.samples_to_fill_tiles(columns), samples, "{columns} columns a sample");
        });
    }

    #[test]
    fn samples_share_the_cache() {
        assert_eq!(CPU.cached_samples(1 << 15), 8);
        assert_eq!((CPU.cached_samples(0), CPU.cached_samples(1 << 20)), (1 << 18, 0));
    }
}
