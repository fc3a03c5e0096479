"""Replays a dump of golden vectors: computes each layer's sums and outputs from its inputs, weights and LUT.

Usage: python3 replay.py DIR. Exits with 1 where anything differs. docs/golden-vectors.md says what the files hold.
"""

import json
import pathlib
import sys

import numpy as np
from reference.rescale import rounded
from reference.sums import Accumulator, Geometry, integer_sums


def replay(layer, load):
    g = layer["geometry"]
    names = ("input", "kernel", "output", "stride", "padding", "dilation", "groups", "transposed")
    geometry = Geometry(**{name: g[name] for name in names})

    def of_output(values, dtype=None):
        return geometry.of_output(np.asarray(values, dtype))

    x, weight = (load(layer[name]).astype(np.int64) for name in ("input", "weight"))
    weight = np.moveaxis(weight, -1, 1) if geometry.transposed else weight
    weight = weight.reshape(g["outputs"], g["channels"] // geometry.groups, *geometry.kernel)
    z_x, z_w = layer["input"]["zero_point"], of_output(load(layer["weight"]["zero_point"]), np.int64)
    if "activation_factor" in layer:
        z_w = z_w - of_output(load(layer["activation_factor"]), np.int64)
    terms = layer["lut"] and load(layer["lut"]).astype(np.int64)
    bias = of_output(load(layer["bias"]) if layer["bias"] else np.zeros(1, np.int64))
    bias_in_sums = layer["bias"] is None or layer["bias"]["in_sums"]
    accumulator = Accumulator(**(layer["accumulator"] or {}))
    taps = geometry.taps(x, weight, z_x)
    sums = integer_sums(taps, z_x, z_w, terms, accumulator, bias.astype(np.int64) if bias_in_sums else 0).total

    scale = np.float64(np.float32(layer["input"]["scale"]))
    scale = scale * of_output(load(layer["weight"]["scale"]), np.float32).astype(np.float64)
    q = layer["output"].get("requantization")
    if q is None:
        low, high = (np.float32(end) for end in layer["output"]["clip"])
        y = (sums * scale).astype(np.float32)
        y = y if bias_in_sums else y + bias
        y = np.where(y < low, low, np.where(y > high, high, y))
    elif q["rounding"] == "real":
        y = sums * (scale / np.float64(np.float32(q["scale"])))
        y = (np.sign(y) * np.floor(abs(y) + 0.5) + q["zero_point"]).clip(q["low"], q["high"])
    else:
        m, e = (of_output(load(q[name])) for name in ("mantissa", "exponent"))
        y = (rounded(sums, m, e, q["rounding"]) + q["zero_point"]).clip(q["low"], q["high"])
    return sums, y


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
