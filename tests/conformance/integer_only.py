"""Inference without real numbers between layers (`--requantize`): every value is integers on a grid of its own."""

import numpy as np
from modes import layer_sums
from networks import Layer, windows
from quantization import of_activations
from rescale import multiplier, rounded

# These keep the grid of what they read.
MOVES = ("Relu", "Flatten")


def half_away(x):
    return np.sign(x) * np.floor(abs(x) + 0.5)


def value_name(network, operator):
    """What files of parameters call the value of an operator."""
    layer = network.layer(operator)
    return layer.name if layer else operator.output


def reader_grid(network, value, grids):
    """The grid of the layer that reads a value, directly or moved, if there is one."""
    for operator in network.operators:
        if value in operator.inputs:
            layer = network.layer(operator)
            if layer:
                return grids[layer.name][operator.inputs.index(value)]
            if operator.kind in MOVES:
                found = reader_grid(network, operator.output, grids)
                if found:
                    return found
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

    def requantized(total, factor, grid, low, rule):
        found = rounded(total, *multiplier(factor), rule).astype(np.int64) + grid.zero_point
        return found.clip(low, grid.high)

    for operator in network.operators:
        inputs = [known[name] for name in operator.inputs if name in known]
        (q, grid), kind = inputs[0], operator.kind
        if kind == "Relu":
            # Of a value that was clamped where it was computed.
            known[operator.output] = q, grid
        elif kind == "Flatten":
            known[operator.output] = q.reshape(len(q), -1), grid
        else:
            out = values[value_name(network, operator)]
            is_clamped = network.behind_relu(operator.output) != operator.output
            low = max(out.low, int(out.zero_point)) if is_clamped else out.low
            layer = network.layer(operator)
            if isinstance(layer, Layer):
                weight = grids[layer.name][1]
                q_w = weight.along(4).integers(layer.weight)
                scale = np.float64(grid.scale) * weight.scale.astype(np.float64)
                # The bias is an integer in steps of both scales.
                bias = np.int64(0) if layer.bias is None else np.rint(layer.bias / scale).astype(np.int64)
                sums = layer_sums(layer, q, q_w, grids[layer.name], arithmetic, bias)
                factor = layer.geometry(q.shape).of_output(scale / np.float64(out.scale))
                y = layer.shaped(requantized(sums, factor, out, low, rule), q.shape)
                sums = layer.shaped(sums, q.shape)
                integers[layer.name] = {"input": q, "weight": q_w, "sums": sums, "output": y}
            elif kind == "Add":
                largest = 2 * max(np.float64(grid.scale) for _, grid in inputs)
                sides = [rounded((q - g.zero_point) << 20, *multiplier(g.scale / largest), "twice") for q, g in inputs]
                y = requantized(sum(sides), largest / (2**20 * np.float64(out.scale)), out, low, "twice")
            elif kind == "Concat":
                factors = [np.float64(g.scale) / np.float64(out.scale) for _, g in inputs]
                parts = [requantized(q - g.zero_point, f, out, low, "twice") for (q, g), f in zip(inputs, factors)]
                y = np.concatenate(parts, axis=operator.attributes["axis"])
            elif kind == "MaxPool":
                largest = windows(operator.attributes, q, -1000)[0].max(axis=-1)
                y = out.integers((largest - grid.zero_point).astype(np.float32) * grid.scale)
            else:
                y = averaged(operator, q, grid, out, low)
            known[operator.output] = y, out
    q, grid = known[network.output]
    logits = (q - grid.zero_point).astype(np.float32) * grid.scale
    return logits, integers


def averaged(operator, q, grid, out, low):
    """Averages of integers, rounded once, half away from zero."""
    steps = q - grid.zero_point
    if operator.kind == "GlobalAveragePool":
        total, count = steps.sum(axis=(2, 3), keepdims=True), steps[0, 0].size
    else:
        seen, count = windows(operator.attributes, steps, 0)
        total = seen.sum(axis=-1)
    mean = total * np.float64(grid.scale) / (count * np.float64(out.scale))
    return np.clip(half_away(mean).astype(np.int64) + out.zero_point, low, out.high)
