"""The cases: networks under a coding, a multiplier and parameters, each by a name that seeds its random numbers."""

import zlib
from dataclasses import dataclass, field, replace

import builder
import numpy as np
from integer_only import integer_only, value_grids
from modes import Arithmetic, calibrate, quantized
from multipliers import random_multiplier
from networks import fold
from quantization import Grid
from sums import Accumulator

NETWORKS = [
    builder.plain, builder.grouped, builder.depthwise, builder.transposed, builder.one_dimensional,
    builder.perceptron, builder.wide, builder.bordered, builder.normalized, builder.residual,
]  # fmt: skip


@dataclass
class Case:
    """What is run, and as options of the program."""

    name: str
    build: object
    # The multiplier's kind, whether it is signed, and its widths.
    table: tuple | None = None
    # Scales and zero points: stated at random, or found from calibration samples.
    stated: bool = False
    swap: bool = False
    # Whether products of two activations are multiplied like the rest.
    attention: bool = False
    requantize: str | None = None
    arithmetic: Arithmetic = field(default_factory=Arithmetic)
    samples: int = 3

    def __post_init__(self):
        rng = np.random.RandomState(zlib.crc32(self.name.encode()))
        self.network = self.build(rng)
        self.folded = fold(self.network)
        self.images, self.calibration = (images(rng, n, self.network.shape) for n in (self.samples, 5))
        self.multiplier = self.table and random_multiplier(rng, *self.table)
        self.grids = calibrate(self.folded, self.calibration, self.arithmetic)
        if self.stated:
            self.grids = {name: state(rng, pair, self.arithmetic) for name, pair in self.grids.items()}
        self.values = None
        if self.requantize:
            self.values = value_grids(self.folded, self.calibration, self.grids, self.arithmetic)

    @property
    def modes(self):
        return ("quant", "approx") if self.multiplier else ("quant",)

    def options(self):
        """The options that say the same to the program."""
        a, options = self.arithmetic, []
        options += ["--attention", "MODE"] if self.attention else []
        options += ["--requantize", self.requantize] if self.requantize else []
        if self.multiplier:
            options += ["--lut", "table.safetensors"] + ["--swap-operands"] * self.swap
        if self.multiplier or a.coding != "signed":
            options += ["--coding", a.coding]
        options += ["--qparams", "qparams.json"] if self.stated else ["--calib-data", "calibration.safetensors"]
        options += ["--act-scheme", a.act_scheme, "--weight-scheme", a.weight_scheme]
        options += ["--act-bits", str(a.act_bits), "--weight-bits", str(a.weight_bits)]
        if a.percentile:
            options += ["--calib", f"percentile:{a.percentile}"]
        if a.accumulator.bits:
            options += ["--acc-bits", str(a.accumulator.bits), "--acc-overflow", a.accumulator.overflow]
        return options

    def expected(self, mode):
        """The logits of a mode, and the integers of each layer."""
        arithmetic = self.arithmetic
        if mode == "approx":
            multiplier = self.multiplier.transposed() if self.swap else self.multiplier
            arithmetic = replace(arithmetic, multiplier=multiplier)
        if self.requantize:
            known = self.grids, self.values, arithmetic, self.requantize
            logits, integers = integer_only(self.folded, self.images, *known)
        else:
            logits, integers = quantized(self.folded, self.images, self.grids, arithmetic, self.attention)
        found = {f"{name}/{part}": array for name, parts in integers.items() for part, array in parts.items()}
        return {"logits": logits, **found}


def images(rng, count, shape):
    """Images with 8 bits behind the point, so that some are halfway between integers of a grid."""
    return (np.rint(rng.uniform(-1.5, 2, (count, *shape)) * 256) / 256).astype(np.float32)


def state(rng, grids, arithmetic):
    """Both grids of a layer with other scales and, where the coding takes them, any zero points."""

    def stated(grid):
        scale = (grid.scale * rng.uniform(0.5, 1.1, grid.scale.shape)).astype(np.float32)
        if arithmetic.coding == "sign-magnitude":
            return replace(grid, scale=scale)
        low, high = (-128, 127) if arithmetic.coding == "signed" else (0, 255)
        middle = (low + high + 1) // 2
        zero_point = rng.randint(middle - 60, middle + 61, grid.scale.shape)
        return Grid(scale, np.int64(zero_point), low, high)

    return tuple(stated(grid) for grid in grids)


def arithmetics():
    """Each coding with each scheme that it takes, and the tables that fit it."""
    for coding, signed in (("signed", True), ("sign-magnitude", False), ("affine", False)):
        for scheme in ("symmetric", "affine"):
            if (coding, scheme) != ("sign-magnitude", "affine"):
                yield f"{coding}-{scheme}", Arithmetic(coding, act_scheme=scheme), signed


def all_cases():
    for build in NETWORKS:
        for name, arithmetic, signed in arithmetics():
            yield Case(f"{build.__name__}-{name}", build, ("rough", signed), arithmetic=arithmetic)
    for build in NETWORKS:
        for name, arithmetic, signed in arithmetics():
            for rule in ("once", "twice", "truncate"):
                yield Case(f"{build.__name__}-{name}-{rule}", build, ("rough", signed), arithmetic=arithmetic, requantize=rule)
