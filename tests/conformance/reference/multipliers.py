"""Multipliers: tables of products, and the codings that make terms of a sum out of them."""

from dataclasses import dataclass

import numpy as np

# Of operands that the table does not have: larger than any sum here.
IMPOSSIBLE = 1 << 40


@dataclass
class Multiplier:
    """`products[a, b]` in numeric order of both operands: the activation first, the weight second."""

    name: str
    products: np.ndarray
    signed: bool

    @property
    def bits(self):
        """The widths of both operands."""
        return [size.bit_length() - 1 for size in self.products.shape]

    def product(self, a, b):
        rows, columns = self.products.shape
        a, b = (a + rows // 2, b + columns // 2) if self.signed else (a, b)
        has = (a >= 0) & (a < rows) & (b >= 0) & (b < columns)
        return np.where(has, self.products[a % rows, b % columns], IMPOSSIBLE)

    def transposed(self):
        """What `--swap-operands` makes of it."""
        return Multiplier(self.name, self.products.T, self.signed)


def terms(multiplier, coding, x, w):
    """The signed term of each pair of integers of two grids, by their lower 8 bits: `[x & 255, w & 255]`."""
    a, b = np.meshgrid(operands(x), operands(w), indexing="ij")
    if coding == "sign-magnitude":
        return sign(a) * sign(b) * multiplier.product(abs(a), abs(b))
    return multiplier.product(a, b)


def operands(grid):
    """The integer of each byte: two's complement where the grid has negative ones."""
    byte = np.arange(256)
    return np.where((byte > 127) & (grid.low < 0), byte - 256, byte)


def sign(operand):
    """That of 0 is +, as hardware multiplies zeros too."""
    return np.where(operand < 0, -1, 1)


def random_multiplier(rng, kind, signed, bits=(8, 8)):
    """A table that is wrong at zero and shows the order of its operands, unless it is exact.

    Rough ones are near the exact product, as approximate multipliers are; mixed-up ones are near that of another
    weight; wild ones are anything, with the largest products among them.
    """
    rows, columns = (np.arange(1 << b) - (1 << b) // 2 * signed for b in bits)
    if kind == "mixed-up":
        columns = columns[np.argsort(columns + rng.uniform(-50, 50, columns.shape))]
    a, b = np.meshgrid(rows, columns, indexing="ij")
    if kind == "exact":
        products = a * b
    elif kind == "wild":
        products = rng.randint(-32768 if signed else 1, 32768 if signed else 65536, a.shape)
        products[rng.randint(0, 40, a.shape) == 0] = 32767 if signed else 65535
    else:
        products = a * b + 11 + 2 * (a % 16) - b % 8 + rng.randint(-40, 41, a.shape)
        products = products if signed else np.maximum(products, 1)
    return Multiplier(kind, products.astype(np.int64), signed)
