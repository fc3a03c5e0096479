"""The cases, by what they are about."""

import builder
from case import Case
from reference.modes import Arithmetic
from reference.sums import Accumulator

NETWORKS = (
    builder.plain,
    builder.grouped,
    builder.depthwise,
    builder.transposed,
    builder.one_dimensional,
    builder.perceptron,
    builder.wide,
    builder.bordered,
    builder.normalized,
    builder.residual,
)
# Each coding with each scheme that it takes.
SCHEMES = (
    ("signed", "symmetric"),
    ("signed", "affine"),
    ("sign-magnitude", "symmetric"),
    ("affine", "symmetric"),
    ("affine", "affine"),
)
RULES = ("once", "twice", "truncate")
TABLES = ("rough", "wild")


def case(prefix, build, scheme, kind="rough", bits=(), arithmetic={}, **more):
    """A case called by the first name, its network and its scheme."""
    coding, act_scheme = SCHEMES[scheme % len(SCHEMES)]
    table = kind and (kind, coding == "signed", *bits)
    name = f"{prefix}-{build.__name__}-{coding}-{act_scheme}"
    return Case(name, build, table, Arithmetic(coding, act_scheme, **arithmetic), **more)


def layers():
    """Every kind of layer under every coding."""
    for i, build in enumerate(NETWORKS):
        for scheme in range(len(SCHEMES)):
            scales = "anywhere" if (i + scheme) % 3 == 0 else "found"
            kind = TABLES[(i + scheme) % 2]
            yield case(f"{kind}-{scales}", build, scheme, kind, scales=scales)


def elsewhere():
    """Operands in a range that the coding does not take, which are shifted."""
    for i, build in enumerate((builder.plain, builder.transposed, builder.perceptron)):
        for scheme in (0, 2, 3):
            yield case("elsewhere", build, scheme, TABLES[i % 2], scales="elsewhere")


def files():
    """Scales that the network's file states, as in QDQ format."""
    for build in (builder.plain, builder.grouped, builder.depthwise, builder.perceptron, builder.residual):
        for scheme in (1, 4):
            yield case("file", build, scheme, scales="anywhere", in_file=True)


def rounding():
    """Integers between layers, by each rule."""
    for i, build in enumerate(NETWORKS):
        for j, rule in enumerate(RULES):
            scales = "anywhere" if j == i % 3 else "found"
            yield case(rule, build, 2 * i + j, requantize=rule, scales=scales)


def floats():
    """The fp32 network."""
    for build in (*NETWORKS, builder.attention):
        yield case("base", build, 0, None, modes=("base",))


def options():
    """Operands in the other order, one scale for all weights, percentiles, an exact multiplier, and none."""
    for scheme in range(len(SCHEMES)):
        yield case("swapped", builder.grouped, scheme, TABLES[scheme % 2], swap=True)
        yield case("per-tensor", builder.plain, scheme, arithmetic={"weight_scheme": "per-tensor"})
        yield case("percentile", builder.plain, scheme, arithmetic={"percentile": 97.5})
        yield case("exact", builder.grouped, scheme, "exact")
        yield case("no-table", builder.plain, scheme, None, modes=("quant",))


def narrow():
    """Fewer bits than a table has, and tables of fewer bits."""
    for i, bits in enumerate(((2, 2), (3, 5), (4, 4), (5, 8), (6, 3), (7, 7), (8, 2))):
        arithmetic = dict(zip(("act_bits", "weight_bits"), bits))
        by = "{}x{}".format(*bits)
        yield case(f"bits-{by}", builder.plain, i, arithmetic=arithmetic)
        yield case(f"table-{by}", builder.depthwise, i + 2, "wild", [bits], arithmetic=arithmetic)


def accumulators():
    """Sums that overflow."""
    for i, build in enumerate((builder.plain, builder.grouped, builder.transposed, builder.perceptron)):
        for j, overflow in enumerate(("wrap", "saturate")):
            arithmetic = {"accumulator": Accumulator(17 - i, overflow)}
            yield case(overflow, build, i + 2 * j, TABLES[j], arithmetic=arithmetic)
            rule = RULES[(i + j) % 3]
            yield case(f"{overflow}-{rule}", build, i + 2 * j + 1, TABLES[j], arithmetic=arithmetic, requantize=rule)


def products():
    """Products of two activations. A softmax has no exact definition, so that no scale is found behind one."""
    networks = (builder.attention, builder.attention_relu, builder.attention_softmax)
    for scheme in range(len(SCHEMES)):
        for i, build in enumerate(networks):
            scales = "anywhere" if build is builder.attention_softmax else "found"
            kind, rule = TABLES[scheme % 2], RULES[(scheme + i) % 3]
            yield case("products", build, scheme, kind, attention=True, scales=scales)
            if (scheme + i) % 2:
                yield case(rule, build, scheme, attention=True, requantize=rule, scales=scales)
        yield case("left-real", builder.attention_relu, scheme)
    yield case("wrap", builder.attention, 1, attention=True, arithmetic={"accumulator": Accumulator(15)})


def noises():
    """Noise, draw by draw, and none."""
    for i, build in enumerate((builder.plain, builder.depthwise, builder.transposed, builder.perceptron)):
        for j, noise in enumerate(((0, 0), (0, 0.125), (0.25, 0), (0.05, -0.5))):
            if (i + j) % 2 == 0:
                yield case("noise-{}-{}".format(*noise), build, j, None, modes=("noise",), noise=noise)


def corrected():
    """Directories of corrected networks, and the weights that `correct` finds."""
    for i, build in enumerate((builder.plain, builder.depthwise, builder.perceptron, builder.transposed)):
        for scheme in (i, i + 2):
            yield case("corrected", build, scheme, is_corrected=True)
        for scheme in (i, i + 2, i + 4):
            yield case("map", build, scheme, "mixed-up", modes=("correct",))


def all_cases():
    layers_alone = (layers, elsewhere, files, narrow, options, floats)
    for cases in (*layers_alone, rounding, accumulators, products, noises, corrected):
        yield from cases()
