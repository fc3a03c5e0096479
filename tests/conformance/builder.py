"""The networks of the cases: small ones with random constants, of each kind of layer."""

from dataclasses import replace

import numpy as np
from reference.networks import Network, Operator


class Builder:
    """Adds operators to a network, each to the output of the one before unless `of` names others."""

    def __init__(self, rng, *shape):
        self.rng, self.network, self.last = rng, Network(shape), "x"

    def add(self, kind, name="", of=None, constants=(), **attributes):
        of = [self.last] if of is None else of
        self.last = f"value{len(self.network.operators)}"
        operator = Operator(kind, name, [*of, *constants], self.last, attributes)
        self.network.operators.append(operator)
        return self.last

    def random(self, name, *shape):
        """Numbers with 12 bits behind the point: some are halfway between integers of a grid."""
        numbers = self.rng.uniform(-1, 1, shape) * self.rng.uniform(0.5, 1)
        self.network.constants[name] = (np.rint(numbers * 4096) / 4096).astype(np.float32)
        return name

    def layer(self, kind, name, weight, outputs, of=None, bias=True, **attributes):
        constants = [self.random(f"{name}.weight", *weight)]
        if bias:
            constants.append(self.random(f"{name}.bias", outputs))
        return self.add(kind, name, of, constants, **attributes)

    def conv(self, name, inputs, outputs, *kernel, group=1, **options):
        weight = (outputs, inputs // group, *kernel)
        return self.layer("Conv", name, weight, outputs, group=group, kernel_shape=kernel, **options)

    def transposed(self, name, inputs, outputs, *kernel, group=1, **options):
        weight = (inputs, outputs // group, *kernel)
        return self.layer("ConvTranspose", name, weight, outputs, group=group, kernel_shape=kernel, **options)

    def linear(self, name, inputs, outputs, **options):
        return self.layer("Gemm", name, (outputs, inputs), outputs, transB=1, **options)

    def ends(self, name, inputs, classes, **options):
        """Flattens, and ends in a linear layer."""
        self.add("Flatten", axis=1)
        self.linear(name, inputs, classes, **options)
        return self.done(classes)

    def done(self, classes):
        self.network.classes = classes
        return self.network


def with_quantization(network, grids):
    """The network as QDQ files have it: layers dequantize the integers that they read. Not of transposed layers."""
    operators, constants = [], dict(network.constants)

    def pair(value, grid, *kinds, **attributes):
        """Operators of a value, its scale and its zero point."""
        kind = np.int8 if grid.low < 0 else np.uint8
        names = [f"{value} {part} {len(operators)}" for part in ("scale", "zero point")]
        constants.update(zip(names, (np.asarray(grid.scale, np.float32), np.asarray(grid.zero_point).astype(kind))))
        for i, operator in enumerate(kinds):
            result = f"{value} {operator} {len(operators)}"
            operators.append(Operator(operator, "", [value, *names], result, attributes))
            value = result
        return value

    for operator in network.operators:
        layer, inputs = network.layer(operator), list(operator.inputs)
        if layer:
            x, w = grids[layer.name]
            inputs[0] = pair(inputs[0], x, "QuantizeLinear", "DequantizeLinear")
            shape, axis = constants[inputs[1]].shape, 0
            constants[inputs[1]] = w.of_second(layer).reshape(shape).astype(np.int8 if w.low < 0 else np.uint8)
            inputs[1] = pair(inputs[1], w, "DequantizeLinear", axis=axis)
        operators.append(replace(operator, inputs=inputs))
    return replace(network, operators=operators, constants=constants)


def plain(rng):
    net = Builder(rng, 3, 9, 8)
    net.conv("conv1", 3, 6, 3, 3, pads=[1, 1, 1, 1])
    net.add("Relu")
    net.conv("conv2", 6, 5, 3, 3, strides=[2, 2], bias=False)
    # A channel that training left dead has the least scale.
    net.network.constants["conv2.weight"][1] = 0
    net.add("Relu")
    return net.ends("fc", 5 * 4 * 3, 4)


def grouped(rng):
    """Groups, and strides, padding and dilation that differ by axis and by side."""
    net = Builder(rng, 4, 9, 8)
    net.conv("a", 4, 6, 3, 2, group=2, strides=[2, 1], pads=[2, 0, 1, 3], dilations=[1, 2])
    net.add("Relu")
    net.conv("b", 6, 9, 2, 3, group=3, strides=[1, 3], pads=[0, 2, 1, 0], dilations=[3, 1])
    return net.ends("fc", 9 * 3 * 3, 5)


def depthwise(rng):
    """Depthwise convolutions, one of them with two outputs for each channel, between pointwise ones."""
    net = Builder(rng, 5, 8, 7)
    net.conv("dw1", 5, 10, 3, 3, group=5, pads=[1, 1, 1, 1])
    net.add("Relu")
    net.conv("pw1", 10, 7, 1, 1)
    net.add("Relu")
    net.conv("dw2", 7, 7, 5, 3, group=7, pads=[2, 1, 2, 1], strides=[2, 2])
    net.add("GlobalAveragePool")
    return net.ends("fc", 7, 6)


def transposed(rng):
    """Transposed convolutions: with groups, gaps, crops and rows that no input reaches."""
    net = Builder(rng, 4, 4, 5)
    options = {"strides": [2, 3], "pads": [1, 0, 0, 2], "output_padding": [1, 0], "dilations": [2, 1]}
    net.transposed("up1", 4, 6, 3, 2, group=2, **options)
    net.add("Relu")
    net.transposed("up2", 6, 3, 2, 2, pads=[1, 1, 1, 1], bias=False)
    net.add("GlobalAveragePool")
    return net.ends("fc", 3, 4)


def one_dimensional(rng):
    net = Builder(rng, 3, 23)
    net.conv("a", 3, 6, 5, strides=[2], pads=[3, 1], dilations=[2])
    net.add("Relu")
    net.conv("b", 6, 6, 3, group=6, pads=[1, 1])
    net.transposed("c", 6, 4, 3, strides=[2], pads=[1, 0], output_padding=[1])
    return net.ends("fc", 4 * 21, 3)


def perceptron(rng):
    """Linear layers with more inputs and outputs than a kernel takes at a time."""
    net = Builder(rng, 300)
    net.linear("fc1", 300, 67)
    net.add("Relu")
    net.linear("fc2", 67, 35, bias=False)
    net.add("Relu")
    net.linear("fc3", 35, 10)
    return net.done(10)


def wide(rng):
    """Sizes just above those of registers and tiles."""
    net = Builder(rng, 17, 17, 17)
    net.conv("a", 17, 33, 1, 1)
    net.add("Relu")
    net.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    net.conv("b", 33, 19, 3, 3, pads=[1, 1, 1, 1])
    net.add("GlobalAveragePool")
    return net.ends("fc", 19, 11)


def bordered(rng):
    """More padding than image."""
    net = Builder(rng, 2, 3, 2)
    net.conv("a", 2, 5, 5, 6, pads=[4, 5, 4, 5])
    net.conv("b", 5, 4, 3, 3, pads=[2, 2, 2, 2], dilations=[2, 2], strides=[3, 3])
    return net.ends("fc", 4 * 3 * 3, 4)


def normalized(rng):
    """Batch normalization behind convolutions, with a bias and without."""
    net = Builder(rng, 3, 7, 7)
    for name, inputs, bias in (("conv1", 3, True), ("conv2", 6, False)):
        net.conv(name, inputs, 6, 3, 3, pads=[1, 1, 1, 1], bias=bias)
        constants = [net.random(f"{name}.bn.{part}", 6) for part in ("weight", "bias", "mean", "var")]
        for constant in constants:
            net.network.constants[constant] /= np.float32(3)
        net.network.constants[constants[3]] = abs(net.network.constants[constants[3]]) + np.float32(0.25)
        net.add("BatchNormalization", constants=constants, epsilon=1e-5)
        net.add("Relu")
    net.add("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    return net.ends("fc", 6 * 4 * 4, 5)


def residual(rng):
    """Branches that are added and concatenated, and pools."""
    net = Builder(rng, 3, 8, 8)
    net.conv("stem", 3, 6, 3, 3, pads=[1, 1, 1, 1])
    stem = net.add("Relu")
    net.conv("conv1", 6, 6, 3, 3, pads=[1, 1, 1, 1])
    net.add("Relu")
    branch = net.conv("conv2", 6, 6, 3, 3, pads=[1, 1, 1, 1])
    net.add("Add", of=[branch, stem])
    added = net.add("Relu")
    side = net.conv("side", 6, 4, 1, 1, of=[added])
    net.add("Concat", of=[added, side], axis=1)
    net.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    net.conv("conv3", 10, 7, 1, 1)
    net.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    return net.ends("fc", 7 * 2 * 2, 5)


def attention(rng, *between):
    """Queries by keys, which are read transposed, and what becomes of these by values."""
    tokens, width = 6, 8
    net, of = Builder(rng, tokens, width), {}
    for name in ("query", "key", "value"):
        of[name] = net.add("MatMul", name, ["x"], [net.random(f"{name}.weight", width, width)])
    keys = net.add("Transpose", of=[of["key"]], perm=[0, 2, 1])
    net.add("MatMul", "scores", [of["query"], keys])
    for kind, attributes in between:
        net.add(kind, **attributes)
    net.add("MatMul", "mixed", [net.last, of["value"]])
    return net.ends("fc", tokens * width, 4)


def attention_relu(rng):
    return attention(rng, ("Relu", {}))


def attention_softmax(rng):
    """With a factor of the scores, as of 1 / sqrt(d). Products beside a softmax have names of their own."""
    factor = np.array(0.25, np.float32)
    network = attention(rng, ("Mul", {"constants": ["factor"]}), ("Softmax", {"axis": -1}))
    network.constants["factor"] = factor
    network.products.update(scores="scores.qk", mixed="mixed.av")
    return network
