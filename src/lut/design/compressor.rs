//! Approximate 4:2 compressors in a Dadda tree.
//!
//! A 4:2 compressor without carry-in and carry-out takes four bits of a column and gives one of that
//! column and one of the next. The tree reduces the 8 rows of partial products in two stages, to at
//! most 4 and then at most 2 bits a column: from the lowest column up, a column takes a compressor
//! while it has 3 bits too many, else a full adder for 2, else a half adder, counting the carries
//! that come in from below. Bits are taken in the order of rows, carries last. Columns from `k` on
//! are reduced exactly; the final addition is exact.
//!
//! With Momeni's second compressor in the lowest 7 columns this is the paper's Multiplier 4 to the
//! last figure published. For the paper's trees that are approximate throughout, where the dot
//! diagram leaves more than one reading, figures differ by some per cent.

use super::{Family, Parameter, UNSIGNED, gates};

/// Sum and carry of four bits.
pub(super) type Compressor = fn([i32; 4]) -> (i32, i32);

const COLUMNS: &[Parameter] = &[Parameter { prefix: "", meaning: "approximate columns", least: 4, greatest: 15 }];

/// Errs by one for the inputs 0000, 0011, 1100 and 1111: 4 of 16, as published for Design 2.
pub(super) static MOMENI: Family = Family {
    name: "dadda-momeni",
    summary: "Dadda tree of Momeni's second 4:2 compressors",
    paper: "A. Momeni, J. Han, P. Montuschi, F. Lombardi: Design and analysis of approximate compressors for \
            multiplication, IEEE Trans. Computers 64(4), 2015",
    parameters: COLUMNS,
    admits: |_, _| true,
    gates: |values, _| tree_gates(8, values[0]),
    signedness: UNSIGNED,
    product: |values, _, a, b| product(momeni, values[0], a, b),
};

/// Errs for 1111 alone, which gives 3.
pub(super) static YANG: Family = Family {
    name: "dadda-yang",
    summary: "Dadda tree of Yang's first 4:2 compressors (ACCI1)",
    paper: "Z. Yang, J. Han, F. Lombardi: Approximate compressors for error-resilient multiplier design, DFTS 2015",
    parameters: COLUMNS,
    admits: |_, _| true,
    gates: |values, _| tree_gates(12, values[0]),
    signedness: UNSIGNED,
    product: |values, _, a, b| product(yang, values[0], a, b),
};

/// Errs by one for the four inputs with one bit of either pair and for 1111. The paper also
/// alters the partial products before the tree; the compressor alone is taken here.
pub(super) static VENKATACHALAM: Family = Family {
    name: "dadda-venkatachalam",
    summary: "Dadda tree of Venkatachalam's and Ko's 4:2 compressors",
    paper: "S. Venkatachalam, S.-B. Ko: Design of power and area efficient approximate multipliers, IEEE Trans. VLSI \
            Systems 25(5), 2017",
    parameters: COLUMNS,
    admits: |_, _| true,
    gates: |values, _| tree_gates(10, values[0]),
    signedness: UNSIGNED,
    product: |values, _, a, b| product(venkatachalam, values[0], a, b),
};

/// Two wires: the sum is the first input, the carry the last; 10 of 16 inputs err, as published for
/// DQ4:2C1 in its approximate mode.
pub(super) static AKBARI: Family = Family {
    name: "dadda-akbari",
    summary: "Dadda tree of Akbari's first dual-quality 4:2 compressors (DQ4:2C1)",
    paper: "O. Akbari, M. Kamal, A. Afzali-Kusha, M. Pedram: Dual-quality 4:2 compressors for utilizing in dynamic \
            accuracy configurable multipliers, IEEE Trans. VLSI Systems 25(4), 2017",
    parameters: COLUMNS,
    admits: |_, _| true,
    gates: |values, _| tree_gates(0, values[0]),
    signedness: UNSIGNED,
    product: |values, _, a, b| product(akbari, values[0], a, b),
};

pub(super) fn momeni([x1, x2, x3, x4]: [i32; 4]) -> (i32, i32) {
    (1 ^ (x1 ^ x2) | 1 ^ (x3 ^ x4), (x1 | x2) & (x3 | x4))
}

pub(super) fn yang(x: [i32; 4]) -> (i32, i32) {
    let ones = x.iter().sum::<i32>().min(3);
    (ones & 1, ones >> 1)
}

pub(super) fn venkatachalam([x1, x2, x3, x4]: [i32; 4]) -> (i32, i32) {
    let (first, second) = (x1 & x2, x3 & x4);
    (x1 ^ x2 | x3 ^ x4 | first & second, first | second)
}

pub(super) fn akbari([x1, _, _, x4]: [i32; 4]) -> (i32, i32) {
    (x1, x4)
}

/// The gates of the array when compressors of `each` gates do what two full adders do elsewhere.
fn tree_gates(each: u32, approximate: u32) -> u32 {
    let first_stage = [5, 6, 7, 7, 8, 9, 10];
    let compressors = first_stage.into_iter().chain(3..=12).filter(|&column| column < approximate);
    compressors.fold(gates::array(8, 8), |total, _| total + each - 2 * gates::FULL_ADDER)
}

/// The bits of a column, the first to be taken lowest.
#[derive(Clone, Copy, Default)]
struct Column {
    bits: i32,
    count: u32,
}

impl Column {
    fn push(&mut self, bit: i32) {
        self.bits |= bit << self.count;
        self.count += 1;
    }

    fn take<const N: usize>(&mut self) -> [i32; N] {
        self.count -= N as u32;
        std::array::from_fn(|_| {
            let bit = self.bits & 1;
            self.bits >>= 1;
            bit
        })
    }

    fn append(&mut self, other: Column) {
        self.bits |= other.bits << self.count;
        self.count += other.count;
    }
}

fn product(compressor: Compressor, approximate: u32, a: i32, b: i32) -> i32 {
    let mut columns = [Column::default(); 17];
    for row in 0..8 {
        for bit in 0..8 {
            columns[row + bit].push((a >> bit) & (b >> row) & 1);
        }
    }
    for height in [4, 2] {
        let mut reduced = [Column::default(); 17];
        for (at, mut column) in columns.into_iter().enumerate() {
            while at < approximate as usize && column.count >= 2 && column.count + reduced[at].count > height {
                let excess = column.count + reduced[at].count - height;
                let (sum, carry) = if excess >= 3 && column.count >= 4 {
                    compressor(column.take())
                } else if excess >= 2 && column.count >= 3 {
                    let ones: i32 = column.take::<3>().iter().sum();
                    (ones & 1, ones >> 1)
                } else {
                    let [x, y] = column.take();
                    (x ^ y, x & y)
                };
                reduced[at].push(sum);
                reduced[at + 1].push(carry);
            }
            reduced[at].append(column);
        }
        columns = reduced;
    }
    columns.iter().enumerate().map(|(at, column)| (column.bits.count_ones() as i32) << at).sum()
}
