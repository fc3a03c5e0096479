"""A case: a network, data, a multiplier and parameters, what the program is told of them, and what it must compute."""

import zlib
from dataclasses import dataclass, field, replace

import numpy as np
from integer_only import integer_only, value_grids
from modes import Arithmetic, calibrate, quantized
from multipliers import random_multiplier
from networks import fold
from quantization import Grid

SEED = 5


@dataclass
class Case:
    name: str
    build: object
    # The multiplier's kind, whether it is signed, and its widths.
    table: tuple | None = None
    arithmetic: Arithmetic = field(default_factory=Arithmetic)
    modes: tuple = ("quant", "approx")
    # How scales and zero points are stated; else they are found from calibration samples.
    stated: str | None = None
    swap: bool = False
    # Whether products of two activations are multiplied like the rest.
    attention: bool = False
    requantize: str | None = None
    # Standard deviation and mean.
    noise: tuple | None = None
    corrected: bool = False
    samples: int = 3

    def __post_init__(self):
        # Random numbers go by the name, so that cases do not depend on one another.
        rng = np.random.RandomState(zlib.crc32(self.name.encode()))
        self.network = self.build(rng)
        self.folded = fold(self.network)
        self.images, self.calibration = (images(rng, n, self.network.shape) for n in (self.samples, 5))
        self.multiplier = self.table and random_multiplier(rng, *self.table)
        self.grids = calibrate(self.folded, self.calibration, self.arithmetic)
        if self.stated:
            self.grids = {name: STATED[self.stated](rng, pair, self.arithmetic) for name, pair in self.grids.items()}
        self.values = None
        if self.requantize:
            self.values = value_grids(self.folded, self.calibration, self.grids, self.arithmetic)
        self.corrections = corrections(rng, self.folded) if self.corrected else {}

    def options(self, mode):
        """The options that say the same to the program."""
        a = self.arithmetic
        options = ["--mode", mode, "--act-scheme", a.act_scheme, "--weight-scheme", a.weight_scheme]
        if self.multiplier:
            kind = "signed-numeric" if self.multiplier.signed else "unsigned"
            options += ["--lut", "table.safetensors", "--lut-format", f"i32-{kind}"]
        if self.swap:
            options.append("--swap-operands")
        if self.multiplier or a.coding != "signed":
            options += ["--coding", a.coding]
        if not self.multiplier or self.multiplier.bits != [a.act_bits, a.weight_bits]:
            options += ["--act-bits", str(a.act_bits), "--weight-bits", str(a.weight_bits)]
        if self.stated:
            options += ["--qparams", "qparams.json"]
        elif not self.corrected:
            options += ["--calib-data", "calibration.safetensors"]
        if a.percentile:
            options += ["--calib", f"percentile:{a.percentile}"]
        if a.accumulator.bits:
            options += ["--acc-bits", str(a.accumulator.bits), "--acc-overflow", a.accumulator.overflow]
        if self.attention:
            options += ["--attention", mode]
        if self.requantize:
            options += ["--requantize", self.requantize]
        if self.noise:
            options += ["--noise-std", str(self.noise[0]), "--noise-mean", str(self.noise[1]), "--seed", str(SEED)]
        return options

    def expected(self, mode):
        """By name: the logits, the integers of each layer, and the scales and zero points that are found."""
        network, arithmetic = self.folded, self.arithmetic
        if mode == "base":
            return {"logits": network.run(self.images, lambda layer, *inputs: layer.real(*inputs))[network.output]}
        if self.corrected:
            factors = {name: parts["activation_factor"] for name, parts in self.corrections.items()}
            network, arithmetic = replace(network, corrections=self.corrections), replace(arithmetic, factors=factors)
        if mode == "approx":
            multiplier = self.multiplier.transposed() if self.swap else self.multiplier
            arithmetic = replace(arithmetic, multiplier=multiplier)
        if self.requantize:
            logits, integers = integer_only(network, self.images, self.grids, self.values, arithmetic, self.requantize)
        else:
            noise = (*self.noise, SEED) if self.noise else None
            logits, integers = quantized(network, self.images, self.grids, arithmetic, self.attention, noise)
        found = {"logits": logits}
        for name, arrays in integers.items():
            overflowed = arrays.pop("overflowed")
            if arithmetic.accumulator.bits:
                found[f"{name}/overflows"] = np.array([(overflowed > 0).sum(), overflowed.sum()])
            # Layers alone are dumped, and not in mode noise.
            if mode != "noise" and "output" in arrays:
                found |= {f"{name}/{part}": array for part, array in arrays.items()}
        return found if self.stated else found | self.parameters()

    def parameters(self):
        """All scales, zero points and ranges, by name."""
        grids = dict(self.values or {})
        for name, (x, w) in self.grids.items():
            grids |= {f"{name}.input": x, f"{name}.weight": w}
        return {f"{name}/{part}": array for name, grid in grids.items() for part, array in parts(grid).items()}


def parts(grid):
    """A grid as arrays, one scale and zero point or one for each channel."""
    ends = {"q_min": grid.low, "q_max": grid.high}
    scale, zero_point = np.asarray(grid.scale, np.float32), np.asarray(grid.zero_point, np.int64)
    return {"scale": scale.reshape(-1), "zero_point": zero_point.reshape(-1), **ends}


def images(rng, count, shape):
    """Images with 8 bits behind the point, so that some are halfway between integers of a grid."""
    return (np.rint(rng.uniform(-1.5, 2, (count, *shape)) * 256) / 256).astype(np.float32)


def rescaled(rng, grid):
    """Another scale, and some that dead channels have."""
    scale = np.asarray(grid.scale)
    return (scale * rng.uniform(0.5, 1.1, scale.shape)).astype(np.float32)


def anywhere(rng, grids, arithmetic):
    """Zero points anywhere in the coding's whole range, where it takes any."""
    low, high = {"signed": (-128, 127), "affine": (0, 255)}.get(arithmetic.coding, (0, 0))

    def stated(grid):
        if arithmetic.coding == "sign-magnitude":
            return replace(grid, scale=rescaled(rng, grid))
        middle = (low + high + 1) // 2
        zero_point = rng.randint(middle - 60, middle + 61, np.shape(grid.scale))
        return Grid(rescaled(rng, grid), np.asarray(zero_point, np.int64), low, high)

    return tuple(stated(grid) for grid in grids)


STATED = {"anywhere": anywhere}


def corrections(rng, network):
    """Other weights and biases of each layer, and a factor of the sum of its activations."""
    found = {}
    for operator in network.operators:
        layer = network.layer(operator)
        if layer:
            found[layer.name] = {
                "weight": (layer.weight * rng.uniform(0.7, 1.2, layer.weight.shape)).astype(np.float32),
                "bias": rng.uniform(-1, 1, len(layer.weight)).astype(np.float32),
                "activation_factor": rng.randint(-20, 21, len(layer.weight)).astype(np.int32),
            }
    return found
