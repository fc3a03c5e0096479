"""The networks of the comparison as ONNX files with random weights, batch normalization folded.

Layers and shapes are those of the program's own architectures of the same names. Weights are He's (normal, of variance
2 / fan-in), halved where a branch is added to another, so that activations neither vanish nor grow with depth.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# The first operator set with Gelu.
OPSET = 20


class Builder:
    """Nodes and weights of a network in the making; methods return the names of their outputs."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.nodes = []
        self.weights = []
        # Channels of each value.
        self.channels = {"images": 3}

    def node(self, kind: str, inputs: Iterable[str], channels: int | None = None, **attributes) -> str:
        inputs = list(inputs)
        output = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        self.channels[output] = channels or self.channels[inputs[0]]
        return output

    def constant(self, values: np.ndarray) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def normal(self, *shape: int, std: float) -> str:
        return self.constant(self.random.normal(0, std, shape).astype(np.float32))

    def conv(self, x: str, outputs: int, kernel: int, stride: int = 1, groups: int = 1, gain: float = 1.0) -> str:
        """A convolution with a bias, that pads for the output size `input / stride`."""
        inputs = self.channels[x] // groups
        std = gain * np.sqrt(2 / (inputs * kernel * kernel))
        weight, bias = self.normal(outputs, inputs, kernel, kernel, std=std), self.normal(outputs, std=0.1)
        pads = [(kernel - 1) // 2] * 4
        attributes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": pads, "group": groups}
        return self.node("Conv", [x, weight, bias], outputs, **attributes)

    def relu(self, x: str) -> str:
        return self.node("Relu", [x])

    def relu6(self, x: str) -> str:
        return self.node("Clip", [x, self.constant(np.array(0, np.float32)), self.constant(np.array(6, np.float32))])

    def add(self, x: str, y: str) -> str:
        return self.node("Add", [x, y])

    def linear(self, x: str, outputs: int, gain: float = 1.0) -> str:
        """A linear layer over the last axis of tokens."""
        inputs = self.channels[x]
        weight = self.normal(inputs, outputs, std=gain * np.sqrt(1 / inputs))
        x = self.node("MatMul", [x, weight], outputs)
        return self.node("Add", [x, self.normal(outputs, std=0.1)])

    def classifier(self, x: str, classes: int) -> str:
        x = self.node("Flatten", [self.node("GlobalAveragePool", [x])], axis=1)
        return self.gemm(x, classes)

    def gemm(self, x: str, classes: int) -> str:
        inputs = self.channels[x]
        weight, bias = self.normal(classes, inputs, std=np.sqrt(1 / inputs)), self.normal(classes, std=0.1)
        return self.node("Gemm", [x, weight, bias], classes, transB=1)

    def model(self, size: int, classes: int, output: str) -> onnx.ModelProto:
        self.nodes[-1].output[0] = "logits"
        assert output == self.nodes[-1].name
        images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, size, size])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes])
        graph = helper.make_graph(self.nodes, "network", [images], [logits], self.weights)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=9, producer_name="benches/peers")
        onnx.checker.check_model(model)
        return model


def basic_block(net: Builder, x: str, outputs: int, stride: int) -> str:
    y = net.relu(net.conv(x, outputs, 3, stride))
    y = net.conv(y, outputs, 3, gain=0.5)
    if stride > 1 or net.channels[x] != outputs:
        x = net.conv(x, outputs, 1, stride)
    return net.relu(net.add(y, x))


def bottleneck(net: Builder, x: str, outputs: int, stride: int) -> str:
    y = net.relu(net.conv(x, outputs // 4, 1))
    y = net.relu(net.conv(y, outputs // 4, 3, stride))
    y = net.conv(y, outputs, 1, gain=0.5)
    if stride > 1 or net.channels[x] != outputs:
        x = net.conv(x, outputs, 1, stride)
    return net.relu(net.add(y, x))


def stages(net: Builder, x: str, block: Callable, blocks: list[tuple[int, int]]) -> str:
    """Stages of blocks, all but the first of which halve the size."""
    for stage, (outputs, count) in enumerate(blocks):
        for i in range(count):
            x = block(net, x, outputs, 2 if stage > 0 and i == 0 else 1)
    return x


def stem(net: Builder) -> str:
    x = net.relu(net.conv("images", 64, 7, 2))
    return net.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


def resnet20(net: Builder) -> str:
    x = net.relu(net.conv("images", 16, 3))
    return net.classifier(stages(net, x, basic_block, [(16, 3), (32, 3), (64, 3)]), 10)


def resnet18(net: Builder) -> str:
    return net.classifier(stages(net, stem(net), basic_block, [(64, 2), (128, 2), (256, 2), (512, 2)]), 1000)


def resnet50(net: Builder) -> str:
    return net.classifier(stages(net, stem(net), bottleneck, [(256, 3), (512, 4), (1024, 6), (2048, 3)]), 1000)


def mobilenet_v2(net: Builder) -> str:
    x = net.relu6(net.conv("images", 32, 3, 2))
    # Expansion, outputs, blocks, stride of the first, as the paper's table 2 has them.
    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, outputs, blocks, first_stride in table:
        for i in range(blocks):
            stride, hidden = (first_stride if i == 0 else 1), expansion * net.channels[x]
            is_residual = stride == 1 and net.channels[x] == outputs
            y = net.relu6(net.conv(x, hidden, 1)) if expansion > 1 else x
            y = net.relu6(net.conv(y, hidden, 3, stride, groups=hidden))
            y = net.conv(y, outputs, 1, gain=0.5 if is_residual else 1.0)
            x = net.add(y, x) if is_residual else y
    return net.classifier(net.relu6(net.conv(x, 1280, 1)), 1000)


def vit_b_16(net: Builder) -> str:
    width, heads, tokens = 768, 12, 197
    shape = lambda *dims: net.constant(np.array(dims, np.int64))
    ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
    norm = lambda x: net.node("LayerNormalization", [x, net.constant(ones), net.constant(zeros)], axis=-1, epsilon=1e-6)
    patch = net.normal(width, 3, 16, 16, std=np.sqrt(1 / 768))
    x = net.node("Conv", ["images", patch, net.normal(width, std=0.1)], width, kernel_shape=[16, 16], strides=[16, 16])
    x = net.node("Transpose", [net.node("Reshape", [x, shape(0, width, -1)])], perm=[0, 2, 1])
    # The class token is a row of zeros, to which its row of the positions adds it.
    x = net.node("Pad", [x, shape(0, 1, 0, 0, 0, 0)])
    x = net.node("Add", [x, net.normal(1, tokens, width, std=0.5)])
    for _ in range(12):
        y = norm(x)
        split = lambda of, perm: net.node(
            "Transpose", [net.node("Reshape", [net.linear(of, width), shape(0, tokens, heads, width // heads)])], perm=perm
        )
        query, key, value = split(y, [0, 2, 1, 3]), split(y, [0, 2, 3, 1]), split(y, [0, 2, 1, 3])
        scores = net.node("Mul", [net.node("MatMul", [query, key]), net.constant(np.array((width // heads) ** -0.5, np.float32))])
        y = net.node("MatMul", [net.node("Softmax", [scores], axis=-1), value])
        y = net.node("Reshape", [net.node("Transpose", [y], perm=[0, 2, 1, 3]), shape(0, tokens, width)], width)
        x = net.add(x, net.linear(y, width, gain=0.5))
        y = net.node("Gelu", [net.linear(norm(x), 4 * width)])
        x = net.add(x, net.linear(y, width, gain=0.5))
    x = net.node("Gather", [norm(x), net.constant(np.array(0, np.int64))], axis=1)
    return net.gemm(x, 1000)


@dataclass(frozen=True)
class Network:
    """A network of the comparison."""

    build: Callable[[Builder], str]
    size: int
    classes: int
    batch: int
    # Batches of a measurement.
    batches: int
    # Operators that are quantized for onnxruntime; all that it can where there are none.
    quantized: tuple[str, ...] = ()
    has_attention: bool = False

    def write(self, path: Path) -> None:
        """Writes it with the same weights each time."""
        net = Builder(seed=1)
        onnx.save(net.model(self.size, self.classes, self.build(net)), path)


NETWORKS = {
    "resnet20": Network(resnet20, 32, 10, 64, 40),
    "mobilenet_v2": Network(mobilenet_v2, 224, 1000, 16, 32),
    "resnet18": Network(resnet18, 224, 1000, 16, 20),
    "resnet50": Network(resnet50, 224, 1000, 16, 8),
    # Quantized element-wise operators slow transformers down, so that those around attention stay in fp32.
    "vit_b_16": Network(vit_b_16, 224, 1000, 16, 2, ("Conv", "Gemm", "MatMul"), has_attention=True),
}
