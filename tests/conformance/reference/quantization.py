"""Grids of integers: what a number becomes, and which scale and zero point follow from the range that was seen."""

from dataclasses import dataclass, replace

import numpy as np

# No scale that is found is smaller.
LEAST_SCALE = np.float32(1.1920929e-7)


@dataclass
class Grid:
    """`x = scale * (q - zero_point)`. Those of weights have a scale and a zero point for each output channel."""

    scale: np.ndarray
    zero_point: np.ndarray
    low: int
    high: int

    def integers(self, x):
        """One division in f32, rounded half to even; what is out of range is clamped."""
        steps = np.rint(x.astype(np.float32) / self.scale).astype(np.float64)
        return np.clip(steps + self.zero_point, self.low, self.high).astype(np.int64)

    def of_second(self, layer, *activations):
        """The integers of a layer's second operand: its weights, or other activations."""
        if activations:
            return self.integers(*activations)
        by_channel = {name: getattr(self, name).reshape(-1, 1, 1, 1) for name in ("scale", "zero_point")}
        return replace(self, **by_channel).integers(layer.weight)

    def reals(self, integers):
        """The numbers that integers stand for."""
        return (integers - self.zero_point).astype(np.float32) * self.scale

    def above_zero(self):
        """The part of the grid that a ReLU leaves."""
        return replace(self, low=max(self.low, int(self.zero_point)))

    def shifted(self, coding):
        """The grid as a coding takes it: moved by half of what its bits hold, with the zero point."""
        half = (self.high - self.low + 1) // 2
        if coding == "sign-magnitude":
            move = -int(np.ravel(self.zero_point)[0])
        else:
            move = half * (int(coding == "affine" and self.low < 0) - int(coding == "signed" and self.high > 127))
        return replace(self, zero_point=self.zero_point + move, low=self.low + move, high=self.high + move)


def signed_range(bits):
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def symmetric(largest, bits, coding, never_negative=False):
    """Zero is in the middle. Under affine the same integers lie around 128, as its operands are unsigned."""
    largest = np.asarray(largest, np.float32)
    top = 2 ** (bits - 1) - 1
    zero_point, low, high = 0, -top, top
    if coding == "affine":
        zero_point, low, high = top + 1, 1, 2**bits - 1
    elif coding == "sign-magnitude" and never_negative:
        low, high = 0, 2**bits - 1
        top = high
    scale = np.maximum(largest / np.float32(top), LEAST_SCALE)
    return Grid(scale, np.full(scale.shape, zero_point, np.int64), low, high)


def affine(low, high, bits, coding):
    """The integers cover the range that was seen, and zero."""
    low, high = np.minimum(np.float64(low), 0), np.maximum(np.float64(high), 0)
    q_min, q_max = (0, 2**bits - 1) if coding == "affine" else signed_range(bits)
    scale = np.maximum(np.float32((high - low) / (q_max - q_min)), LEAST_SCALE)
    zero_point = np.clip(np.rint(q_min - low / np.float64(scale)), q_min, q_max)
    return Grid(scale, np.int64(zero_point), q_min, q_max)


def of_weights(weight, bits, coding, scheme):
    """Symmetric, by the largest magnitude of each output channel, or of all."""
    magnitudes = abs(weight).reshape(len(weight), -1).max(axis=1)
    grid = symmetric(magnitudes if scheme == "per-channel" else magnitudes.max()[None], bits, coding)
    return replace(grid, low=0) if coding == "affine" else grid


def of_activations(seen, bits, coding, scheme, percentile=None):
    """By all values that were seen: their ends, or percentiles of their magnitudes or of both tails."""
    low, high = seen.min(), seen.max()
    if scheme == "symmetric":
        largest = max(abs(low), abs(high))
        if percentile:
            largest = np.percentile(abs(seen.astype(np.float64)), percentile)
        return symmetric(largest, bits, coding, low >= 0)
    if percentile:
        low, high = np.percentile(seen.astype(np.float64), [100 - percentile, percentile]).astype(np.float32)
    return affine(low, high, bits, coding)
