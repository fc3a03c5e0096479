//! The units of work that kernels take: aligned rows of lanes, and tiles of them.

/// Columns of a tile: output positions computed side by side.
pub const LANES: usize = 256;

/// One value for each lane, aligned to a cache line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Lanes<T>(pub [T; LANES]);

impl<T: Copy + Default> Default for Lanes<T> {
    fn default() -> Self {
        Lanes([T::default(); LANES])
    }
}

impl<T> Lanes<T> {
    /// All lanes side by side.
    pub fn flatten(lanes: &[Lanes<T>]) -> &[T] {
        // SAFETY: `Lanes` is an array of `LANES` values and nothing else: with `repr(C)` its size is
        // theirs rounded up to the alignment of 64, which divides 256 of any size.
        unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
    }
}

/// Operands of up to [`LANES`] output positions: row `k` holds operand `k` of each, a byte for the
/// integer kernels.
///
/// A tile is refilled for each block of positions and keeps its memory. Lanes past
/// [`columns`](Tile::columns) are padding columns: they are computed with the others and never read.
#[derive(Debug, Default)]
pub struct Tile<T = u8> {
    rows: Vec<Lanes<T>>,
    columns: usize,
}

impl<T: Copy + Default> Tile<T> {
    /// Resizes the tile to `depth` rows and `columns` columns, whose values are unspecified.
    ///
    /// # Panics
    /// When `columns` is more than [`LANES`].
    pub fn reset(&mut self, depth: usize, columns: usize) {
        assert!(columns <= LANES, "{columns} columns in a tile of {LANES}");
        self.rows.resize(depth, Lanes::default());
        self.columns = columns;
    }

    /// Lanes in use.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All rows.
    pub fn rows(&self) -> &[Lanes<T>] {
        &self.rows
    }

    /// Row `k` with the padding columns.
    pub(super) fn whole_row_mut(&mut self, k: usize) -> &mut [T; LANES] {
        &mut self.rows[k].0
    }

    /// The operands in use of row `k`.
    pub fn row_mut(&mut self, k: usize) -> &mut [T] {
        &mut self.rows[k].0[..self.columns]
    }
}
