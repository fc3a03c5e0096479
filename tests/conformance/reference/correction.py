"""Corrections: which integer stands best in a weight's place, for a multiplier that errs."""

from dataclasses import replace

import numpy as np

from .modes import quantized
from .multipliers import terms


def mapped_weights(network, images, grids, arithmetic):
    """The integers of each layer's weights, by name, over the activations in a network of exact products."""
    exact = quantized(network, images, grids, replace(arithmetic, multiplier=None))[1]
    layers = [layer for _, layer in network.layers()]
    return {layer.name: mapped(layer, exact[layer.name], grids[layer.name], arithmetic) for layer in layers}


def mapped(layer, integers, grids, arithmetic):
    """`w` becomes the `v` with the least sum of `(T[x, v] - z_x v - (x - z_x) w)^2`, over what its position meets."""
    x, w = grids
    table = terms(arithmetic.multiplier, arithmetic.coding, x, w)
    weight, v = integers.weight.copy(), np.arange(w.low, w.high + 1)
    positions = np.ndindex(weight.shape[1:])
    outputs = len(weight) // layer.groups
    for position, (a, _, used) in zip(positions, layer.taps(integers.input, weight, x.zero_point)):
        for group in range(layer.groups):
            met, count = np.unique(a[:, group, 0][:, used], return_counts=True)
            approximate = table[met[:, None] & 255, v & 255] - x.zero_point * v
            for output in range(group * outputs, (group + 1) * outputs):
                old = weight[(output, *position)]
                exact = (met - x.zero_point) * old
                error = count @ (approximate - exact[:, None]) ** 2
                # The nearest of equals.
                best = np.flatnonzero(error == error.min())
                weight[(output, *position)] = v[best][np.argmin(abs(v[best] - old))]
    return weight
