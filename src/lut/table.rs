//! The product table of a multiplier.

use super::{Bits, IndexOrder, Metadata, Operand, Provenance};
use crate::kernel::Signedness;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

/// The complete product table of a multiplier: `lut[a][b]`, with `a` the first operand (the
/// activation) and `b` the second (the weight). Two are equal when their products and the widths and
/// signedness of their operands are, whatever their names and sources.
#[derive(Debug, Clone)]
pub struct Lut {
    name: String,
    signedness: Signedness,
    bits: [Bits; 2],
    /// In numeric order of both operands, first operand major.
    products: Box<[i32]>,
    metadata: Metadata,
    provenance: Provenance,
    /// Of the products, and of those with the operands exchanged.
    hashes: [OnceLock<blake3::Hash>; 2],
}

impl Lut {
    /// Tabulates `product(a, b)` over all operand values of 8 bits.
    pub fn from_fn(name: &str, signedness: Signedness, product: impl FnMut(i32, i32) -> i32) -> Self {
        Lut::from_fn_sized(name, signedness, [Bits::EIGHT; 2], product)
    }

    /// Tabulates `product(a, b)` over all values of operands `bits[0]` and `bits[1]` wide.
    pub fn from_fn_sized(
        name: &str,
        signedness: Signedness,
        bits: [Bits; 2],
        mut product: impl FnMut(i32, i32) -> i32,
    ) -> Self {
        let pairs = operand_pairs(signedness, bits);
        Lut::from_products(name, signedness, bits, pairs.map(|(a, b)| product(a, b)).collect())
    }

    /// Takes products in numeric order of both operands, first operand major.
    pub(super) fn from_products(name: &str, signedness: Signedness, bits: [Bits; 2], products: Box<[i32]>) -> Self {
        assert_eq!(products.len(), bits[0].values() * bits[1].values(), "products of a table of {bits:?}");
        let (metadata, provenance, hashes) = (Metadata::default(), Provenance::default(), Default::default());
        Lut { name: name.to_owned(), signedness, bits, products, metadata, provenance, hashes }
    }

    /// The same table under another name.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same table with metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The same table with its origin.
    #[must_use]
    pub(super) fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// The name that reports use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether operands are signed (two's complement) or unsigned.
    pub fn signedness(&self) -> Signedness {
        self.signedness
    }

    /// The widths of the first and second operand.
    pub fn bits(&self) -> [Bits; 2] {
        self.bits
    }

    /// The values of an operand.
    pub fn operand_range(&self, operand: Operand) -> RangeInclusive<i32> {
        operand.select(self.bits).range(self.signedness)
    }

    /// What the file or the design states about the multiplier.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Where the table came from and how it was read.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The product of operand values `a` and `b`.
    ///
    /// # Panics
    /// When an operand is outside the multiplier's range.
    pub fn product(&self, a: i32, b: i32) -> i32 {
        let [first, second] = self.bits;
        let product = self.get(a, b);
        product.unwrap_or_else(|| panic!("operands {a} and {b} of a {:?} {first}x{second} multiplier", self.signedness))
    }

    /// The product of operand values `a` and `b`, if both are in the multiplier's range.
    pub fn get(&self, a: i32, b: i32) -> Option<i32> {
        let index = |operand: i32, bits: Bits| {
            let first = *bits.range(self.signedness).start();
            usize::try_from(operand - first).ok().filter(|&i| i < bits.values())
        };
        let (row, column) = (index(a, self.bits[0])?, index(b, self.bits[1])?);
        Some(self.products[row * self.bits[1].values() + column])
    }

    /// The same table with its last product changed: a fault made on purpose.
    #[must_use]
    pub(crate) fn damaged(mut self) -> Self {
        *self.products.last_mut().expect("a table has products") ^= 1;
        self
    }

    /// Every `(a, b, product)` in numeric order of both operands, first operand major.
    pub fn products(&self) -> impl Iterator<Item = (i32, i32, i32)> {
        operand_pairs(self.signedness, self.bits).zip(&self.products).map(|((a, b), &product)| (a, b, product))
    }

    /// Every product in the order that a file with rows and columns in `index` order has.
    pub fn entries(&self, index: IndexOrder) -> impl Iterator<Item = i32> {
        let [rows, columns] = self.bits;
        (0..rows.values()).flat_map(move |row| {
            let row = index.numeric(row, rows) * columns.values();
            (0..columns.values()).map(move |column| self.products[row + index.numeric(column, columns)])
        })
    }

    /// BLAKE3 of the products as little-endian i32, first operand major, both operands ascending. Computed on the first
    /// call.
    pub fn table_hash(&self) -> blake3::Hash {
        *self.hashes[0].get_or_init(|| {
            let mut bytes = vec![[0; 4]; self.products.len()];
            bytes.iter_mut().zip(&self.products).for_each(|(bytes, product)| *bytes = product.to_le_bytes());
            blake3::hash(bytes.as_flattened())
        })
    }

    /// The same of the table with its operands exchanged.
    pub fn exchanged_table_hash(&self) -> blake3::Hash {
        *self.hashes[1].get_or_init(|| self.transposed().table_hash())
    }

    /// Whether every product is exact.
    pub fn is_exact(&self) -> bool {
        self.products().all(|(a, b, product)| product == a * b)
    }

    /// Whether exchanging the operands changes nothing.
    pub fn is_symmetric(&self) -> bool {
        self.bits[0] == self.bits[1] && self.products().all(|(a, b, product)| product == self.product(b, a))
    }

    /// The same multiplier with its operands exchanged.
    #[must_use]
    pub fn transposed(&self) -> Lut {
        let [a, b] = self.bits;
        let mut lut = Lut::from_fn_sized(&self.name, self.signedness, [b, a], |a, b| self.product(b, a));
        lut.metadata = self.metadata.clone();
        lut.provenance = Provenance { swapped: !self.provenance.swapped, ..self.provenance.clone() };
        lut
    }
}

impl PartialEq for Lut {
    fn eq(&self, other: &Lut) -> bool {
        (self.signedness, self.bits) == (other.signedness, other.bits) && self.products == other.products
    }
}

impl Eq for Lut {}

/// All operand values in numeric order, first operand major.
pub(super) fn operand_pairs(signedness: Signedness, bits: [Bits; 2]) -> impl Iterator<Item = (i32, i32)> {
    let [a, b] = bits.map(|bits| bits.range(signedness));
    a.flat_map(move |a| b.clone().map(move |b| (a, b)))
}
