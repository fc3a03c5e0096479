"""Inference without real numbers between layers (`--requantize`): every value is integers on a grid of its own."""

import numpy as np
from modes import layer_sums, operands
from networks import COMPUTE, Layer, windows
from quantization import of_activations
from rescale import multiplier, rounded

# These give the integers that they read.
MOVES = ("Relu", "Flatten", "Transpose")


def value_name(network, operator):
    """What files of parameters call the value of an operator."""
    layer = network.layer(operator)
    return layer.name if layer else operator.output


def reader_grid(network, value, grids):
    """The grid of the layer that reads a value, directly or moved, if there is one."""
    for operator in network.operators:
        if value in operator.inputs and network.layer(operator):
            return grids[network.layer(operator).name][operator.inputs.index(value)]
        if value in operator.inputs and operator.kind in MOVES:
            return reader_grid(network, operator.output, grids)
    return None


def value_grids(network, images, grids, arithmetic):
    """The grid of each value that an operator computes: its reader's, else by what the network of real numbers says."""
    a = arithmetic
    values = network.run(images, lambda layer, *inputs: layer.real(*inputs))
    found = {"x": reader_grid(network, "x", grids)}
    for operator in network.operators:
        if operator.kind not in MOVES:
            value = network.behind_relu(operator.output)
            seen = of_activations(values[value], a.act_bits, a.coding, a.act_scheme, a.percentile)
            found[value_name(network, operator)] = reader_grid(network, value, grids) or seen
    return found


def integer_only(network, images, grids, values, arithmetic, rule):
    """The logits, and by layer the integers of its operands, its sums and its output."""
    integers, known = {}, {"x": (values["x"].integers(images), values["x"])}
    for operator in network.operators:
        inputs = [known[name] for name in operator.inputs if name in known]
        q, grid = inputs[0]
        if operator.kind == "Relu":
            # The value before is clamped already.
            known[operator.output] = q, grid
            continue
        if operator.kind in MOVES:
            known[operator.output] = COMPUTE[operator.kind](operator.attributes, q), grid
            continue
        out = values[value_name(network, operator)]
        if network.behind_relu(operator.output) != operator.output:
            out = out.above_zero()
        layer = network.layer(operator)
        if layer:
            integers[layer.name], y = integer_layer(layer, [q for q, _ in inputs], grids[layer.name], out, arithmetic, rule)
        elif operator.kind in INTEGER:
            y = INTEGER[operator.kind](operator.attributes, inputs, out)
        else:
            # In f32, rounded half to even.
            reals = [known[name][1].reals(known[name][0]) if name in known else network.constants[name] for name in operator.inputs]
            y = out.integers(COMPUTE[operator.kind](operator.attributes, *reals))
        known[operator.output] = y, out
    q, grid = known[network.output]
    return grid.reals(q), integers


def integer_layer(layer, q, grids, out, arithmetic, rule):
    """A layer's integers: its bias is one too, in steps of both scales, within the accumulator."""
    x, w = grids
    q_w = w.along(4).integers(layer.weight) if isinstance(layer, Layer) else q[1]
    step = np.float64(x.scale) * w.scale.astype(np.float64)
    bias = np.int64(0) if layer.bias is None else np.rint(layer.bias / step).astype(np.int64)
    found = layer_sums(layer, q[0], q_w, grids, arithmetic, bias)
    factor = layer.of_output(step / np.float64(out.scale), q[0].shape)
    y = layer.shaped(requantized(found["sums"], factor, out, rule), q[0].shape)
    found["sums"] = layer.shaped(found["sums"], q[0].shape)
    if isinstance(layer, Layer):
        found |= {"input": q[0], "weight": q_w, "output": y}
    return found, y


def requantized(total, factor, out, rule):
    """A sum of integers as the integer of a grid whose steps are a factor of the sum's."""
    return np.clip(rounded(total, *multiplier(factor), rule).astype(np.int64) + out.zero_point, out.low, out.high)


def added(attributes, inputs, out):
    """Both sides on a grid of 20 more bits and of twice the larger scale, then their sum, as TensorFlow Lite has it."""
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
    if not attributes:
        total, count = steps.sum(axis=(2, 3), keepdims=True), steps[0, 0].size
    else:
        seen, count = windows(attributes, steps, 0)
        total = seen.sum(axis=-1)
    mean = total * np.float64(grid.scale) / (count * np.float64(out.scale))
    mean = np.sign(mean) * np.floor(abs(mean) + 0.5)
    return np.clip(mean.astype(np.int64) + out.zero_point, out.low, out.high)


INTEGER = {"Add": added, "Concat": concatenated, "AveragePool": averaged, "GlobalAveragePool": averaged}
