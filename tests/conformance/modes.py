"""What a network computes in modes quant and approx, and how its scales are found."""

from dataclasses import dataclass, field

import numpy as np
from multipliers import Multiplier, terms
from networks import Layer
from quantization import of_activations, of_weights
from sums import Accumulator, integer_sums, matmul_taps


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
    grids = {}

    def of_operand(seen, bits):
        return of_activations(seen, bits, arithmetic.coding, arithmetic.act_scheme, arithmetic.percentile)

    def observe(layer, x, *second):
        if second:
            w = of_operand(second[0], min(arithmetic.act_bits, arithmetic.weight_bits))
        else:
            w = of_weights(layer.weight, arithmetic.weight_bits, arithmetic.coding, arithmetic.weight_scheme)
        grids[layer.name] = of_operand(x, arithmetic.act_bits), w
        return layer.real(x, *second)

    network.run(images, observe)
    return grids


def operands(layer, inputs, grids):
    """The integers of a layer's operands."""
    x, w = grids
    second = w.along(4).integers(layer.weight) if isinstance(layer, Layer) else w.integers(inputs[1])
    return x.integers(inputs[0]), second


def layer_sums(layer, q_x, q_w, grids, arithmetic, bias=0):
    """The sums of a layer over the integers of its operands."""
    x, w = grids
    table = arithmetic.multiplier and terms(arithmetic.multiplier, arithmetic.coding, x, w)
    if isinstance(layer, Layer):
        of_output = layer.geometry(q_x.shape).of_output
        # In mode approx a correction's factor of the sum of activations is one with the weight's zero point.
        factor = arithmetic.factors.get(layer.name, np.int64(0)) if arithmetic.multiplier else np.int64(0)
        taps = layer.geometry(q_x.shape).taps(q_x, q_w, x.zero_point)
        z_w, bias = of_output(w.zero_point) - of_output(factor), of_output(bias)
    else:
        taps, z_w = matmul_taps(q_x, q_w), w.zero_point
    return integer_sums(taps, x.zero_point, z_w, table, arithmetic.accumulator, bias)


def scaled(layer, sums, grids, shape):
    """Sums as real numbers: one rounding of the product of both scales in f64, one to f32."""
    x, w = (np.asarray(grid.scale, np.float32).astype(np.float64) for grid in grids)
    w = layer.geometry(shape).of_output(w) if isinstance(layer, Layer) else w
    return (sums.astype(np.float64) * (x * w)).astype(np.float32)


def biased(layer, y, shape):
    """Real sums and the bias, added in f32, as the layer's output."""
    if not isinstance(layer, Layer):
        return y
    if layer.bias is not None:
        y = y + layer.geometry(shape).of_output(layer.bias)
    return layer.shaped(y, shape)


def quantized(network, images, grids, arithmetic, attention=True, perturb=None):
    """The logits, and by layer the integers of its operands and its sums. Without attention, products of two activations are real.

    `perturb(layer, y)` changes what a layer computes before its bias: mode noise.
    """
    integers = {}

    def compute(layer, *inputs):
        if not attention and not isinstance(layer, Layer):
            return layer.real(*inputs)
        shape = inputs[0].shape
        q_x, q_w = operands(layer, inputs, grids[layer.name])
        sums = layer_sums(layer, q_x, q_w, grids[layer.name], arithmetic)
        y = scaled(layer, sums, grids[layer.name], shape)
        if isinstance(layer, Layer):
            integers[layer.name] = {"input": q_x, "weight": q_w, "sums": layer.shaped(sums, shape)}
        return biased(layer, perturb(layer, y) if perturb else y, shape)

    values = network.run(images, compute)
    for operator in network.operators:
        layer = network.layer(operator)
        if isinstance(layer, Layer) and layer.name in integers:
            integers[layer.name]["output"] = values[network.behind_relu(operator.output)]
    return values[network.output], integers
