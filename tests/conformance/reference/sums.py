"""Sums of products: of which operands an output is the sum, in which order, and what an accumulator keeps of it.

A layer is a list of taps. Each gives every output one product `(a, b)`: in the order of input channel, height and width
of the kernel. `used` is false where there is no product: a transposed convolution has none for the gaps between its
inputs. Padding, on the other hand, is multiplied like any other operand.
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Geometry:
    """A layer as a convolution over height and width. Linear layers have sizes of 1."""

    input: tuple
    kernel: tuple = (1, 1)
    output: tuple = (1, 1)
    stride: tuple = (1, 1)
    padding: tuple = (0, 0)
    dilation: tuple = (1, 1)
    groups: int = 1
    transposed: bool = False

    def source(self, axis, tap):
        """The input position that a tap of the kernel takes to each output position, -1 where it takes none."""
        at = np.arange(self.output[axis])
        stride, padding, shift = self.stride[axis], self.padding[axis], tap * self.dilation[axis]
        if self.transposed:
            from_edge = at + padding - shift
            at = np.where(from_edge % stride == 0, from_edge // stride, -1)
        else:
            at = at * stride + shift - padding
        return np.where((at >= 0) & (at < self.input[axis]), at, -1)

    def of_output(self, values):
        """Numbers of each output channel, or one of all, so that they meet the sums."""
        values = np.asarray(values)
        return values.reshape(self.groups, -1, 1, 1) if values.size > 1 else values.reshape(-1)[0]

    def taps(self, x, weight, padding):
        """Of inputs `[images, channels, height, width]` and weights `[outputs, channels / groups, kernel]`."""
        inner = weight.shape[1]
        x = x.reshape(-1, self.groups, inner, *self.input)
        weight = weight.reshape(self.groups, -1, inner, *self.kernel)
        for c, ky, kx in np.ndindex(inner, *self.kernel):
            iy, ix = self.source(0, ky)[:, None], self.source(1, kx)[None, :]
            is_real = (iy >= 0) & (ix >= 0)
            a = np.where(is_real, x[:, :, c, iy, ix], padding)[:, :, None]
            yield a, weight[None, :, :, c, ky, kx, None, None], is_real | (not self.transposed)


def matmul_taps(a, b):
    """Of a matrix product of two activations: rows of the first by columns of the second."""
    for k in range(a.shape[-1]):
        yield a[..., :, k, None], b[..., k, None, :], True


def real_sums(taps, bias):
    """Products of f32 are exact in f64, in which they are added; rounded once."""
    total = 0.0
    for a, b, used in taps:
        total = total + np.where(used, a.astype(np.float64) * b.astype(np.float64), 0.0)
    return (total + np.asarray(bias, np.float64)).astype(np.float32)


@dataclass
class Accumulator:
    """What remains of a sum after each addition."""

    bits: int | None = None
    overflow: str = "wrap"

    def keep(self, total):
        if self.bits is None:
            return total
        half = 1 << (self.bits - 1)
        return total.clip(-half, half - 1) if self.overflow == "saturate" else (total + half) % (2 * half) - half


@dataclass
class Sums:
    total: np.ndarray
    # How many products each is the sum of, and how many of the additions that led to it overflowed.
    products: np.ndarray
    overflowed: np.ndarray


def integer_sums(taps, z_x, z_w, terms=None, accumulator=Accumulator(), bias=0):
    """`sum T[x, w] - z_w sum x - z_x sum w + K z_x z_w + bias`, `T` an exact product without a table of terms."""
    total = sum_x = sum_w = count = overflowed = np.int64(0)

    def add(number):
        exact = total + number
        kept = accumulator.keep(exact)
        return kept, kept != exact

    for a, b, used in taps:
        kept, overflows = add(a * b if terms is None else terms[a & 255, b & 255])
        total, overflowed = np.where(used, kept, total), overflowed + (overflows & used)
        sum_x, sum_w, count = sum_x + used * a, sum_w + used * b, count + np.int64(1) * used
    for term in (-z_w * sum_x, -z_x * sum_w, count * (z_x * z_w), bias):
        total, overflows = add(term)
        overflowed = overflowed + overflows
    return Sums(total, np.broadcast_to(count, total.shape), overflowed)
