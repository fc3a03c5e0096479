"""The cases, by what they are about."""

import builder
from case import Case
from modes import Arithmetic
from sums import Accumulator

NETWORKS = [
    builder.plain, builder.grouped, builder.depthwise, builder.transposed, builder.one_dimensional,
    builder.perceptron, builder.wide, builder.bordered, builder.normalized, builder.residual,
]  # fmt: skip
# Each coding with each scheme that it takes.
SCHEMES = [
    ("signed", "symmetric"), ("signed", "affine"), ("sign-magnitude", "symmetric"), ("affine", "symmetric"), ("affine", "affine"),
]  # fmt: skip
RULES = ("once", "twice", "truncate")
TABLES = ("rough", "wild")


def arithmetic(coding, scheme="symmetric", **more):
    return Arithmetic(coding, act_scheme=scheme, **more)


def table(kind, coding, *bits):
    return (kind, coding == "signed", *bits)


def layers():
    """Every kind of layer under every coding, with scales from calibration and, in turn, stated ones."""
    for i, build in enumerate(NETWORKS):
        for j, (coding, scheme) in enumerate(SCHEMES):
            kind = TABLES[(i + j) % 2]
            stated = "anywhere" if (i + j) % 3 == 0 else None
            name = f"{build.__name__}-{coding}-{scheme}-{kind}" + "-stated" * bool(stated)
            yield Case(name, build, table(kind, coding), arithmetic(coding, scheme), stated=stated)


def rounding():
    """Integers between layers, by each rule."""
    for i, build in enumerate(NETWORKS):
        for j, rule in enumerate(RULES):
            coding, scheme = SCHEMES[(2 * i + j) % len(SCHEMES)]
            name = f"{rule}-{build.__name__}-{coding}-{scheme}"
            yield Case(name, build, table("rough", coding), arithmetic(coding, scheme), requantize=rule)


def floats():
    """The fp32 network, and quantized networks without a multiplier."""
    for build in (*NETWORKS, builder.attention):
        yield Case(f"base-{build.__name__}", build, modes=("base",))
    for coding, scheme in SCHEMES:
        yield Case(f"no-table-{coding}-{scheme}", builder.plain, None, arithmetic(coding, scheme), modes=("quant",))


def options():
    """Operands in the other order, one scale for all weights, percentiles."""
    for coding, scheme in SCHEMES:
        a = arithmetic(coding, scheme)
        for kind in TABLES:
            yield Case(f"swap-{coding}-{scheme}-{kind}", builder.grouped, table(kind, coding), a, swap=True)
        a = arithmetic(coding, scheme, weight_scheme="per-tensor")
        yield Case(f"per-tensor-{coding}-{scheme}", builder.plain, table("rough", coding), a)
        a = arithmetic(coding, scheme, percentile=97.5)
        yield Case(f"percentile-{coding}-{scheme}", builder.plain, table("rough", coding), a)


def narrow():
    """Fewer bits than a table has, and tables of fewer bits."""
    for i, (act_bits, weight_bits) in enumerate(((2, 2), (3, 5), (4, 4), (5, 8), (6, 3), (7, 7), (8, 2))):
        for coding, scheme in (SCHEMES[i % 5], SCHEMES[(i + 2) % 5]):
            a = arithmetic(coding, scheme, act_bits=act_bits, weight_bits=weight_bits)
            bits = f"{act_bits}x{weight_bits}-{coding}-{scheme}"
            yield Case(f"bits-{bits}", builder.plain, table("rough", coding), a)
            yield Case(f"table-{bits}", builder.depthwise, table("wild", coding, (act_bits, weight_bits)), a)


def accumulators():
    """Sums that overflow."""
    networks = (builder.plain, builder.grouped, builder.transposed, builder.perceptron)
    for i, build in enumerate(networks):
        for j, overflow in enumerate(("wrap", "saturate")):
            for rule in (None, RULES[(i + j) % 3]):
                coding, scheme = SCHEMES[(i + 2 * j + bool(rule)) % 5]
                a = arithmetic(coding, scheme, accumulator=Accumulator(16 - i, overflow))
                name = f"{overflow}-{build.__name__}-{coding}-{scheme}" + f"-{rule}" * bool(rule)
                yield Case(name, build, table(TABLES[j], coding), a, requantize=rule)


def attentions():
    """Products of two activations."""
    for i, (coding, scheme) in enumerate(SCHEMES):
        for scores in (None, "relu", "softmax"):
            name = f"attention-{coding}-{scheme}-{scores}"
            yield Case(name, attention(scores), table(TABLES[i % 2], coding), arithmetic(coding, scheme), attention=True)
        yield Case(f"attention-{coding}-{scheme}-left", attention("relu"), table("rough", coding), arithmetic(coding, scheme))


def attention(scores):
    return lambda rng: builder.attention(rng, scores)


def noises():
    """Noise, draw by draw, and none."""
    for build in (builder.plain, builder.depthwise, builder.transposed, builder.perceptron):
        for noise in ((0, 0), (0, 0.125), (0.25, 0), (0.05, -0.5)):
            name = f"noise-{build.__name__}-{noise[0]}-{noise[1]}"
            yield Case(name, build, modes=("noise",), noise=noise)


def corrected():
    """Directories of corrected networks."""
    for build in (builder.plain, builder.depthwise, builder.perceptron, builder.transposed):
        for coding, scheme in SCHEMES:
            name = f"corrected-{build.__name__}-{coding}-{scheme}"
            yield Case(name, build, table("rough", coding), arithmetic(coding, scheme), corrected=True)


def all_cases():
    for cases in (layers, rounding, floats, options, narrow, accumulators, attentions, noises, corrected):
        yield from cases()
