"""What a network computes in modes quant, approx and noise, and how its scales are found."""

from dataclasses import dataclass, field

import numpy as np
from multipliers import Multiplier, terms
from networks import Layer
from noise import standard_normal
from quantization import of_activations, of_weights
from sums import Accumulator, integer_sums


@dataclass
class Arithmetic:
    """How layers multiply. Without a multiplier products are exact."""

    coding: str = "signed"
    act_bits: int = 8
    weight_bits: int = 8
    act_scheme: str = "symmetric"
    weight_scheme: str = "per-channel"
    percentile: float | None = None
    accumulator: Accumulator = field(default_factory=Accumulator)
    multiplier: Multiplier | None = None
    # Constants of corrected layers, times the sum of their activations, in mode approx.
    factors: dict = field(default_factory=dict)


def calibrate(network, images, arithmetic):
    """The grids of both operands of each layer, by what the network of real numbers computes of the images."""
    grids, a = {}, arithmetic

    def observe(layer, *inputs):
        bits = [a.act_bits, min(a.act_bits, a.weight_bits)]
        seen = [of_activations(x, b, a.coding, a.act_scheme, a.percentile) for x, b in zip(inputs, bits)]
        if isinstance(layer, Layer):
            seen.append(of_weights(layer.weight, a.weight_bits, a.coding, a.weight_scheme))
        grids[layer.name] = tuple(seen)
        return layer.real(*inputs)

    network.run(images, observe)
    return grids


def operands(layer, inputs, grids):
    """The integers of both operands of a layer."""
    x, w = grids
    second = w.along(4).integers(layer.weight) if isinstance(layer, Layer) else w.integers(inputs[1])
    return x.integers(inputs[0]), second


def layer_sums(layer, q_x, q_w, grids, arithmetic, bias=0):
    """The sums of a layer over the integers of its operands, and how many additions overflowed."""
    x, w = grids
    table, z_w = None, w.zero_point
    if arithmetic.multiplier:
        table = terms(arithmetic.multiplier, arithmetic.coding, x, w)
        # A correction's constant is one with the weight's zero point.
        z_w = z_w - arithmetic.factors.get(layer.name, np.int64(0))
    z_w, bias = (layer.of_output(values, q_x.shape) for values in (z_w, bias))
    taps = layer.taps(q_x, q_w, x.zero_point)
    sums, overflowed = integer_sums(taps, x.zero_point, z_w, table, arithmetic.accumulator, bias)
    return {"sums": sums, "overflowed": overflowed}


def quantized(network, images, grids, arithmetic, attention=True, noise=None):
    """The logits, and by layer the integers of its operands and its sums.

    Without attention, products of two activations are real. Noise is its standard deviation, its mean and a seed.
    """
    integers, order = {}, {}

    def compute(layer, *inputs):
        if not attention and not isinstance(layer, Layer):
            return layer.real(*inputs)
        shape, (x, w) = inputs[0].shape, grids[layer.name]
        q_x, q_w = operands(layer, inputs, grids[layer.name])
        found = layer_sums(layer, q_x, q_w, grids[layer.name], arithmetic)
        # One rounding of the product of both scales, one of its product with the sum.
        step = layer.of_output(np.float64(x.scale) * w.scale.astype(np.float64), shape)
        y = (found["sums"] * step).astype(np.float32)
        if noise:
            y = perturbed(y, order.setdefault(layer.name, len(order)), len(images), *noise)
        found["sums"] = layer.shaped(found["sums"], shape)
        integers[layer.name] = {"input": q_x, "weight": q_w, **found}
        return layer.shaped(y if layer.bias is None else y + layer.of_output(layer.bias, shape), shape)

    values = network.run(images, compute)
    for operator in network.operators:
        layer = network.layer(operator)
        if isinstance(layer, Layer):
            integers[layer.name]["output"] = values[network.behind_relu(operator.output)]
    return values[network.output], integers


def perturbed(y, index, samples, deviation, mean, seed):
    """A layer's outputs before the bias, perturbed by noise relative to their own standard deviation over the batch."""
    spread = y.astype(np.float64).std(ddof=1) if y.size > 1 else 0.0
    draws = [standard_normal(seed, index << 40 | sample, y.size // samples) for sample in range(samples)]
    return (y + (mean + deviation * spread * np.reshape(draws, y.shape))).astype(np.float32)
