"""Inference without real numbers between layers (`--requantize`): every value is integers on a grid of its own."""

import numpy as np

from .layers import Product
from .modes import LayerIntegers, layer_sums
from .networks import COMPUTE, windows
from .rescale import multiplier, rounded


def moves(network, operator):
    """Whether an operator gives the integers that it reads, those before a ReLU being clamped already."""
    if operator.kind == "Relu":
        return operator.output in map(network.behind_relu, network.operators[: network.operators.index(operator)])
    return operator.kind in ("Flatten", "Transpose")


def value_name(network, operator):
    """What files of parameters call the value of an operator."""
    layer = network.layer(operator)
    return layer.name if layer else operator.output


def reader_grid(network, value, grids):
    """The grid of the layer that reads a value, directly or moved, if there is one."""
    for operator in network.operators:
        if value in operator.inputs and network.layer(operator):
            return grids[network.layer(operator).name][operator.inputs.index(value)]
        if value in operator.inputs and moves(network, operator):
            return reader_grid(network, operator.output, grids)
    return None


def value_grids(network, images, grids, arithmetic):
    """The grid of each value that an operator computes: its reader's, else by what the network of real numbers says."""
    values = network.run_real(images)
    found = {"x": reader_grid(network, "x", grids)}
    for operator in network.operators:
        if moves(network, operator) or operator.kind in ("MaxPool", "Relu"):
            continue
        value = network.behind_relu(operator)
        seen = arithmetic.of_activations(values[value], arithmetic.act_bits)
        found[value_name(network, operator)] = reader_grid(network, value, grids) or seen
    return found


def integer_only(network, images, grids, values, arithmetic, rule):
    """The logits, and the integers of each layer by its name."""
    integers, known = {}, {"x": (values["x"].integers(images), values["x"])}
    for operator in network.operators:
        inputs = [known[name] for name in operator.inputs if name in known]
        q, grid = inputs[0]
        if moves(network, operator):
            moved = q if operator.kind == "Relu" else COMPUTE[operator.kind](operator.attributes, q)
            known[operator.output] = moved, grid
            continue
        # What these operators give is rounded for its reader alone.
        out = values.get(value_name(network, operator)) or reader_grid(network, operator.output, grids)
        if network.behind_relu(operator) != operator.output:
            out = out.above_zero()
        layer = network.layer(operator)
        if layer:
            found = integer_layer(layer, [q for q, _ in inputs], grids[layer.name], out, arithmetic, rule)
            integers[layer.name], y = found, found.output
        elif operator.kind in INTEGER:
            y = INTEGER[operator.kind](operator.attributes, inputs, out)
        else:
            # In f32, rounded half to even.
            reals = [grid.reals(q) for q, grid in inputs]
            reals += [network.constants[name] for name in operator.inputs if name not in known]
            y = out.integers(COMPUTE[operator.kind](operator.attributes, *reals))
        known[operator.output] = y, out
    q, grid = known[network.output]
    return grid.reals(q), integers


def integer_layer(layer, q, grids, out, arithmetic, rule):
    """A layer's integers: its bias is one too, in steps of both scales, within the accumulator."""
    x, w = grids
    q_x, shape = q[0], q[0].shape
    q_w = q[1] if len(q) > 1 else w.of_second(layer)
    step = np.float64(x.scale) * w.scale.astype(np.float64)
    bias = 0 if layer.bias is None else np.rint(layer.bias / step).astype(np.int64)
    sums = layer_sums(layer, q_x, q_w, grids, arithmetic, bias)
    if isinstance(layer, Product):
        # As other operators: in f32, rounded half to even.
        y = out.integers((sums.total * step).astype(np.float32))
    else:
        y = requantized(sums.total, layer.of_output(step / np.float64(out.scale), shape), out, rule)
    return LayerIntegers(q_x, q_w, sums, layer.shaped(sums.total, shape), layer.shaped(y, shape))


def requantized(total, factor, out, rule):
    """A sum of integers as the integer of a grid, the steps of the sum being a factor of the grid's."""
    return np.clip(rounded(total, *multiplier(factor), rule).astype(np.int64) + out.zero_point, out.low, out.high)


def added(attributes, inputs, out):
    """Both sides in 20 more bits and steps of twice the larger scale, then their sum, as TensorFlow Lite has it."""
    largest = 2 * max(np.float64(grid.scale) for _, grid in inputs)
    sides = [rounded((q - grid.zero_point) << 20, *multiplier(grid.scale / largest), "twice") for q, grid in inputs]
    return requantized(sum(sides), largest / (2**20 * np.float64(out.scale)), out, "twice")


def concatenated(attributes, inputs, out):
    """Each side on the grid of all."""
    factors = [np.float64(grid.scale) / np.float64(out.scale) for _, grid in inputs]
    parts = [requantized(q - grid.zero_point, factor, out, "twice") for (q, grid), factor in zip(inputs, factors)]
    return np.concatenate(parts, axis=attributes["axis"])


def averaged(attributes, inputs, out):
    """A sum of integers, divided once, rounded half away from zero."""
    [(q, grid)] = inputs
    steps = q - grid.zero_point
    if attributes:
        seen, count = windows(attributes, steps, 0)
        total = seen.sum(axis=-1)
    else:
        total, count = steps.sum(axis=(2, 3), keepdims=True), steps[0, 0].size
    mean = total * np.float64(grid.scale) / (count * np.float64(out.scale))
    mean = np.sign(mean) * np.floor(abs(mean) + 0.5)
    return np.clip(mean.astype(np.int64) + out.zero_point, out.low, out.high)


INTEGER = {"Add": added, "Concat": concatenated, "AveragePool": averaged, "GlobalAveragePool": averaged}
