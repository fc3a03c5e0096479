"""A case: a network, data, a multiplier and parameters, what the program is told of them, and what it must compute."""

import zlib
from dataclasses import dataclass, field, replace

import numpy as np
from reference.correction import mapped_weights
from reference.integer_only import integer_only, value_grids
from reference.modes import Arithmetic, calibrate, quantized
from reference.multipliers import random_multiplier
from reference.networks import fold
from reference.quantization import LEAST_SCALE, Grid

SEED = 5
SAMPLES = 3
# Of which the command `correct` fits on three quarters.
CALIBRATION = 8


@dataclass
class Case:
    name: str
    build: object
    # The multiplier's kind, whether it is signed, and its widths.
    table: tuple | None = None
    arithmetic: Arithmetic = field(default_factory=Arithmetic)
    modes: tuple = ("quant", "approx")
    # Where scales and zero points come from: found from calibration samples, or as STATED has them.
    scales: str = "found"
    # Whether the network's file states them.
    in_file: bool = False
    swap: bool = False
    # Whether products of two activations are multiplied like the rest.
    attention: bool = False
    requantize: str | None = None
    # Standard deviation and mean.
    noise: tuple | None = None
    is_corrected: bool = False

    def __post_init__(self):
        # Random numbers go by the name, so that cases do not depend on one another.
        rng = np.random.RandomState(zlib.crc32(self.name.encode()))
        a = self.arithmetic
        self.network = self.build(rng)
        self.folded = fold(self.network)
        self.images, self.calibration = (images(rng, n, self.network.shape) for n in (SAMPLES, CALIBRATION))
        self.multiplier = self.table and random_multiplier(rng, *self.table)
        self.grids = calibrate(self.folded, self.calibration, a)
        if self.scales != "found":
            self.grids = {name: STATED[self.scales](rng, a, *pair) for name, pair in self.grids.items()}
        if self.requantize:
            self.grids = of_values(self.folded, self.grids)
        self.values = value_grids(self.folded, self.calibration, self.grids, a) if self.requantize else {}
        self.corrections = corrections(rng, self.folded) if self.is_corrected else {}

    def options(self, mode):
        """The options that say the same to the program."""
        a = self.arithmetic
        options = [] if mode == "correct" else ["--mode", mode]
        options += ["--act-scheme", a.act_scheme, "--weight-scheme", a.weight_scheme]
        if self.multiplier:
            kind = "signed-numeric" if self.multiplier.signed else "unsigned"
            options += ["--lut", "table.safetensors", "--lut-format", f"i32-{kind}"]
        if self.swap:
            options += ["--swap-operands"]
        if self.multiplier or a.coding != "signed":
            options += ["--coding", a.coding]
        if not self.multiplier or self.multiplier.bits != [a.act_bits, a.weight_bits]:
            options += ["--act-bits", str(a.act_bits), "--weight-bits", str(a.weight_bits)]
        if self.scales != "found":
            options += [] if self.in_file else ["--qparams", "qparams.json"]
        elif not self.is_corrected:
            options += ["--calib-data", "calibration.safetensors"]
        if a.percentile:
            options += ["--calib", f"percentile:{a.percentile}"]
        if a.accumulator.bits:
            options += ["--acc-bits", str(a.accumulator.bits), "--acc-overflow", a.accumulator.overflow]
        if self.attention:
            options += ["--attention", mode]
        if self.requantize:
            options += ["--requantize", self.requantize]
        if mode == "correct":
            return ["correct", *options, "--parts", "map"]
        if self.noise:
            std, mean = self.noise
            return [*options, "--noise-std", str(std), "--noise-mean", str(mean), "--seed", str(SEED)]
        # Nothing else depends on the batch size.
        return [*options, "--batch-size", str(SAMPLES - 1)]

    def expected(self, mode):
        """By name: the logits, integers and counts of each layer, and the scales and zero points that are found."""
        network, a = self.folded, self.arithmetic
        if mode == "base":
            return {"logits": network.run_real(self.images)[network.output]}
        if self.is_corrected:
            factors = {name: parts["activation_factor"] for name, parts in self.corrections.items()}
            network, a = replace(network, corrections=self.corrections), replace(a, factors=factors)
        if mode == "correct":
            images = self.calibration[: CALIBRATION * 3 // 4]
            found = mapped_weights(network, images, self.grids, replace(a, multiplier=self.multiplier))
            return {f"{name}/mapped": weight for name, weight in found.items()}
        if mode == "approx":
            a = replace(a, multiplier=self.multiplier.transposed() if self.swap else self.multiplier)
        grids = {name: tuple(grid.shifted(a.coding) for grid in pair) for name, pair in self.grids.items()}
        if self.requantize:
            logits, integers = integer_only(network, self.images, grids, self.values, a, self.requantize)
        else:
            noise = (*self.noise, SEED) if self.noise else None
            logits, integers = quantized(network, self.images, grids, a, self.attention, noise)
        expected = {"logits": logits}
        layers = [layer.name for operator, layer in network.layers() if operator.inputs[1] in network.constants]
        for name, found in integers.items():
            products, overflowed = found.sums.products, found.sums.overflowed
            expected[f"{name}/products"] = np.array([products.sum() // SAMPLES, products.max()])
            if a.accumulator.bits:
                expected[f"{name}/overflows"] = np.array([(overflowed > 0).sum(), overflowed.sum()])
            # Layers with weights are dumped, in these modes.
            if name in layers and mode != "noise":
                arrays = {"input": found.input, "weight": found.weight, "sums": found.totals, "output": found.output}
                expected |= {f"{name}/{part}": array for part, array in arrays.items()}
        return expected if self.scales != "found" else expected | self.parameters()

    def labels(self):
        """What the network says of the calibration samples: a correction that changes it is not kept."""
        return quantized(self.folded, self.calibration, self.grids, self.arithmetic)[0].argmax(axis=1)

    def parameters(self):
        """All scales, zero points and ranges, by name."""
        grids = dict(self.values)
        for name, (x, w) in self.grids.items():
            grids |= {f"{name}.input": x, f"{name}.weight": w}
        return {f"{name}/{part}": array for name, grid in grids.items() for part, array in parts_of(grid).items()}


def parts_of(grid):
    """A grid as arrays, one scale and zero point or one for each channel."""
    scale, zero_point = np.asarray(grid.scale, np.float32), np.asarray(grid.zero_point, np.int64)
    return {"scale": scale.reshape(-1), "zero_point": zero_point.reshape(-1), "q_min": grid.low, "q_max": grid.high}


def images(rng, count, shape):
    """Images with 8 bits behind the point, so that some are halfway between integers of a grid."""
    return (np.rint(rng.uniform(-1.5, 2, (count, *shape)) * 256) / 256).astype(np.float32)


def stated(rng, grid, low, high):
    """Smaller scales, so that some values are clamped, and zero points around the middle; dead channels have 1e-9."""
    scale = (grid.scale * rng.uniform(0.5, 1.1, np.shape(grid.scale))).astype(np.float32)
    scale = np.where(grid.scale == LEAST_SCALE, np.float32(1e-9), scale)
    middle = (low + high + 1) // 2
    zero_point = rng.randint(middle - 60, middle + 61, np.shape(scale))
    return Grid(scale, np.asarray(zero_point, np.int64), low, high)


def anywhere(rng, arithmetic, x, w):
    """Zero points anywhere in the coding's whole range, where it takes any."""
    if arithmetic.coding == "sign-magnitude":
        return tuple(replace(grid, scale=stated(rng, grid, 0, 255).scale) for grid in (x, w))
    ends = (-128, 127) if arithmetic.coding == "signed" else (0, 255)
    return stated(rng, x, *ends), stated(rng, w, *ends)


def elsewhere(rng, arithmetic, x, w):
    """Ranges of another coding, as files that were quantized elsewhere have them."""
    ends = (-128, 127) if arithmetic.coding == "affine" else (0, 255)
    found = stated(rng, x, *ends), stated(rng, w, *ends)
    if arithmetic.coding == "sign-magnitude":
        # Which takes no zero points but those that become zero.
        is_positive = x.low == 0
        found = tuple(replace(grid, zero_point=np.full_like(grid.zero_point, 128)) for grid in found)
        if is_positive:
            found = replace(found[0], zero_point=found[0].zero_point - 256, low=-128, high=127), found[1]
    return found


STATED = {"anywhere": anywhere, "elsewhere": elsewhere}


def of_values(network, grids):
    """The same grids for all layers that read a value, which is integers of one grid."""
    found = {}
    for operator, layer in network.layers():
        x, w = grids[layer.name]
        x = found.setdefault(operator.inputs[0], x)
        grids = grids | {layer.name: (x, w)}
    return grids


def corrections(rng, network):
    """Other weights and biases of each layer, and a factor of the sum of its activations."""

    def of(layer):
        weight = (layer.weight * rng.uniform(0.7, 1.2, layer.weight.shape)).astype(np.float32)
        bias = rng.uniform(-1, 1, len(weight)).astype(np.float32)
        return {"weight": weight, "bias": bias, "activation_factor": rng.randint(-20, 21, len(weight)).astype(np.int32)}

    return {layer.name: of(layer) for _, layer in network.layers()}
