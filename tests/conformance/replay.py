"""Replays a dump of golden vectors: computes each layer's sums and outputs from its inputs, weights and LUT.

Usage: python3 replay.py DIR. Exits with 1 where anything differs. docs/golden-vectors.md says what the files hold.
"""

import json
import pathlib
import sys

import numpy as np


def rounded(acc, m, e, rule):
    """`acc * m * 2^(e - 31)` in integers of any size, which arrays of objects hold."""
    if rule == "once":
        return (acc * m + (1 << (30 - e))) >> (31 - e)
    if rule == "truncate":
        return np.sign(acc) * (abs(acc) * m >> (31 - e))
    # Twice: to the upper half, halves up, then to the right, halves away from zero.
    left, right = np.maximum(e, 0), np.maximum(-e, 0)
    high = ((acc << left) * m + (1 << 30)) >> 31
    return np.sign(high) * ((abs(high) + ((1 << right) >> 1)) >> right)


def replay(layer, load):
    g, z_x = layer["geometry"], layer["input"]["zero_point"]
    groups, inner, transposed = g["groups"], g["channels"] // g["groups"], g["transposed"]

    def of_output(values):
        return np.broadcast_to(values, g["outputs"]).reshape(groups, -1, 1, 1)

    def source(axis, tap):
        """The input position that a tap of the kernel takes to each output position, -1 where it takes none."""
        s, p, d = (g[name][axis] for name in ("stride", "padding", "dilation"))
        at = np.arange(g["output"][axis])
        if transposed:
            at = np.where((at + p - tap * d) % s == 0, (at + p - tap * d) // s, -1)
        else:
            at = at * s + tap * d - p
        return np.where((at >= 0) & (at < g["input"][axis]), at, -1)

    def kept(acc):
        """What an accumulator keeps of a sum."""
        if layer["accumulator"] is None:
            return acc
        half = 1 << (layer["accumulator"]["bits"] - 1)
        saturates = layer["accumulator"]["overflow"] == "saturate"
        return acc.clip(-half, half - 1) if saturates else (acc + half) % (2 * half) - half

    # [images, groups, inputs of a group, height, width], and [groups, outputs of a group, inputs of a group, kernel].
    x = load(layer["input"]).astype(np.int64).reshape(-1, groups, inner, *g["input"])
    weight = load(layer["weight"]).astype(np.int64)
    weight = np.moveaxis(weight, -1, 1) if transposed else weight
    weight = weight.reshape(groups, -1, inner, *g["kernel"])
    z_w = of_output(load(layer["weight"]["zero_point"])).astype(np.int64)
    if "activation_factor" in layer:
        z_w = z_w - of_output(load(layer["activation_factor"])).astype(np.int64)
    lut = layer["lut"] and load(layer["lut"]).astype(np.int64)

    acc = np.zeros((len(x), groups, weight.shape[1], *g["output"]), np.int64)
    sum_x, sum_w, count = acc.copy(), acc.copy(), acc.copy()
    for c, ky, kx in np.ndindex(inner, *g["kernel"]):
        iy, ix = source(0, ky)[:, None], source(1, kx)[None, :]
        is_real = (iy >= 0) & (ix >= 0)
        a = np.where(is_real, x[:, :, c, iy, ix], z_x)[:, :, None]
        b = weight[None, :, :, c, ky, kx, None, None]
        products = a * b if lut is None else lut[a & 255, b & 255]
        # Padding is multiplied like anything else; a transposed convolution has none.
        used = is_real | (not transposed)
        acc = np.where(used, kept(acc + products), acc)
        sum_x, sum_w, count = sum_x + used * a, sum_w + used * b, count + used
    bias = of_output(load(layer["bias"]) if layer["bias"] else 0)
    bias_in_sums = bool(layer["bias"] and layer["bias"]["in_sums"])
    for term in (-z_w * sum_x, -z_x * sum_w, count * z_x * z_w, bias * bias_in_sums):
        acc = kept(acc + np.asarray(term, np.int64))

    scale = np.float64(np.float32(layer["input"]["scale"]))
    scale = scale * of_output(load(layer["weight"]["scale"])).astype(np.float32).astype(np.float64)
    q = layer["output"].get("requantization")
    if q is None:
        low, high = (np.float32(end) for end in layer["output"]["clip"])
        y = (acc * scale).astype(np.float32)
        y = y if bias_in_sums or not layer["bias"] else y + bias
        y = np.where(y < low, low, np.where(y > high, high, y))
    elif q["rounding"] == "real":
        y = acc * (scale / np.float64(np.float32(q["scale"])))
        y = (np.sign(y) * np.floor(abs(y) + 0.5) + q["zero_point"]).clip(q["low"], q["high"])
    else:
        m, e = (of_output(load(q[name])).astype(object) for name in ("mantissa", "exponent"))
        y = (rounded(acc.astype(object), m, e, q["rounding"]) + q["zero_point"]).clip(q["low"], q["high"])
    return acc, y


def main(folder):
    def load(stored):
        return np.load(folder / stored["files"]["npy"]) if isinstance(stored, dict) else np.asarray(stored)

    differing = 0
    for layer in json.loads((folder / "index.json").read_text())["layers"]:
        for name, found in zip(("sums", "output"), replay(layer, load)):
            expected = load(layer[name])
            wrong = int((expected != found.reshape(expected.shape)).sum())
            differing += wrong
            print(f"{layer['name']}: {name}: {wrong} of {expected.size} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
