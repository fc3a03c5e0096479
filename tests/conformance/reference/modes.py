"""What a network computes in modes quant, approx and noise, and how its scales are found."""

from dataclasses import dataclass, field

import numpy as np

from .layers import Layer
from .multipliers import Multiplier, terms
from .noise import standard_normal
from .quantization import of_activations, of_weights
from .sums import Accumulator, Sums, integer_sums


@dataclass
class Arithmetic:
    """How layers multiply. Without a multiplier products are exact."""

    coding: str = "signed"
    act_scheme: str = "symmetric"
    act_bits: int = 8
    weight_bits: int = 8
    weight_scheme: str = "per-channel"
    percentile: float | None = None
    accumulator: Accumulator = field(default_factory=Accumulator)
    multiplier: Multiplier | None = None
    # Constants of corrected layers, times the sum of their activations, where there is a multiplier.
    factors: dict = field(default_factory=dict)

    def of_activations(self, seen, bits):
        return of_activations(seen, bits, self.coding, self.act_scheme, self.percentile)


@dataclass
class LayerIntegers:
    """What a layer computed: its operands, its sums, and these and its output in its own shape."""

    input: np.ndarray
    weight: np.ndarray
    sums: Sums
    totals: np.ndarray
    output: np.ndarray


def calibrate(network, images, arithmetic):
    """The grids of both operands of each layer, by what the network of real numbers computes of the images."""
    grids, a = {}, arithmetic

    def observe(layer, *inputs):
        bits = a.act_bits, min(a.act_bits, a.weight_bits)
        seen = [a.of_activations(*pair) for pair in zip(inputs, bits)]
        if isinstance(layer, Layer):
            seen.append(of_weights(layer.weight, a.weight_bits, a.coding, a.weight_scheme))
        grids[layer.name] = tuple(seen)
        return layer.real(*inputs)

    network.run(images, observe)
    return grids


def layer_sums(layer, q_x, q_w, grids, arithmetic, bias=0):
    """The sums of a layer over the integers of its operands."""
    x, w = grids
    table, z_w = None, w.zero_point
    if arithmetic.multiplier:
        table = terms(arithmetic.multiplier, arithmetic.coding, x, w)
        # A correction's constant is one with the weight's zero point.
        z_w = z_w - arithmetic.factors.get(layer.name, 0)
    z_w, bias = (layer.of_output(values, q_x.shape) for values in (z_w, bias))
    taps = layer.taps(q_x, q_w, x.zero_point)
    return integer_sums(taps, x.zero_point, z_w, table, arithmetic.accumulator, bias)


def quantized(network, images, grids, arithmetic, attention=True, noise=None):
    """The logits, and the integers of each layer by its name.

    Without attention, products of two activations are real. Noise is its standard deviation, its mean and a seed.
    """
    integers = {}

    def compute(layer, *inputs):
        if not attention and not isinstance(layer, Layer):
            return layer.real(*inputs)
        shape, (x, w) = inputs[0].shape, grids[layer.name]
        q_x, q_w = x.integers(inputs[0]), w.of_second(layer, *inputs[1:])
        sums = layer_sums(layer, q_x, q_w, (x, w), arithmetic)
        # One rounding of the product of both scales, one of its product with the sum.
        step = np.float64(x.scale) * w.scale.astype(np.float64)
        y = (sums.total * layer.of_output(step, shape)).astype(np.float32)
        if noise:
            y = perturbed(y, len(integers), len(images), *noise)
        if layer.bias is not None:
            y = y + layer.of_output(layer.bias, shape)
        y = layer.shaped(y, shape)
        integers[layer.name] = LayerIntegers(q_x, q_w, sums, layer.shaped(sums.total, shape), y)
        return y

    values = network.run(images, compute)
    for operator, layer in network.layers():
        if layer.name in integers:
            integers[layer.name].output = values[network.behind_relu(operator)]
    return values[network.output], integers


def perturbed(y, layer, samples, deviation, mean, seed):
    """A layer's outputs before the bias, perturbed by noise relative to their own standard deviation over the batch."""
    spread = y.astype(np.float64).std(ddof=1) if y.size > 1 else 0.0
    draws = [standard_normal(seed, layer << 40 | sample, y.size // samples) for sample in range(samples)]
    return (y + (mean + deviation * spread * np.reshape(draws, y.shape))).astype(np.float32)
