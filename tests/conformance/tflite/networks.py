"""Small networks of every operator, each as float, int8 and uint8 where TensorFlow Lite has kernels for it.

All end in a RESHAPE to two axes, so that what they compute is the logits of one image."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType, Padding
from writer import F32, I32, Network, Type

IMAGE = (1, 8, 8, 4)
NONE, RELU, RELU6 = ActivationFunctionType.NONE, ActivationFunctionType.RELU, ActivationFunctionType.RELU6
SAME, VALID = Padding.SAME, Padding.VALID
DTYPES = {"f32": np.float32, "int8": np.int8, "uint8": np.uint8}


@dataclass(frozen=True)
class Case:
    """A network by its name, and how to add its operators to a graph."""

    name: str
    build: Callable
    dtypes: tuple = ("f32", "int8", "uint8")
    shape: tuple = IMAGE
    # The scale and the zero point of the input, the latter as of int8.
    scale: float = 0.047
    zero_point: int = -7


class Builder:
    """The operators of one network; `element` makes its types of a scale and a zero point."""

    def __init__(self, case, dtype, rng):
        self.dtype, self.rng = dtype, rng
        self.network = Network(case.shape, self.element(case.scale, case.zero_point))
        self.input = self.network.input

    @property
    def version(self):
        """The operators' version: most came with uint8 and float, and took int8 in the second."""
        return 2 if self.dtype == np.int8 else 1

    def element(self, scale, zero_point):
        """Numbers of that scale and that zero point, given as of int8."""
        if self.dtype == np.float32:
            return F32
        return Type(self.dtype, scale, zero_point + 128 * (self.dtype == np.uint8))

    def like(self, tensor):
        """The element type of a tensor."""
        return self.network.elements[tensor]

    def shape(self, tensor):
        return self.network.shape(tensor)

    def add(self, operator, inputs, shape, element, options=None, version=None, **attributes):
        version = self.version if version is None else version
        return self.network.add(operator, inputs, shape, element, options, version, **attributes)

    def numbers(self, shape, element):
        """Random constants over the whole range of a type."""
        if element.dtype == np.float32:
            return self.rng.normal(0, 0.5, shape).astype(np.float32)
        return self.rng.integers(element.least, element.largest + 1, shape)

    def constant(self, name, shape, element):
        return self.network.constant(name, self.numbers(shape, element), element)

    def integers(self, name, values):
        return self.network.constant(name, values, I32)

    def weights(self, shape, scale, axis):
        """Weights: symmetric by channels or in one scale as int8, of one scale and zero point as uint8."""
        if self.dtype == np.float32:
            return self.constant("weights", shape, F32)
        if self.dtype == np.uint8:
            scale = scale if np.isscalar(scale) else scale[0]
            return self.constant("weights", shape, Type(np.uint8, scale, 131))
        element = Type(np.int8, scale if np.isscalar(scale) else tuple(scale), 0, axis)
        return self.network.constant("weights", self.rng.integers(-127, 128, shape), element)

    def bias(self, count, x, weights):
        if self.dtype == np.float32:
            return self.constant("bias", (count,), F32)
        scale = np.float32(self.like(x).scale) * np.atleast_1d(np.float32(self.like(weights).scale))
        element = Type(np.int32, tuple(scale) if scale.size > 1 else scale[0])
        return self.network.constant("bias", self.rng.integers(-9000, 9000, count), element)


def output_size(size, kernel, stride, dilation, padding):
    return -(-size // stride) if padding == SAME else (size - (kernel - 1) * dilation - 1) // stride + 1


def channel_scales(count, least=0.002):
    return [least * 1.37**i for i in range(count)]


def convolution(channels, kernel, stride=1, dilation=1, padding=SAME, fused=NONE, scale=None, y=(0.31, 4)):
    def build(b):
        x = b.input
        _, height, width, depth = b.shape(x)
        weights = b.weights((channels, *kernel, depth), scale or channel_scales(channels), 0)
        bias = b.bias(channels, x, weights)
        sizes = [output_size(n, k, stride, dilation, padding) for n, k in zip((height, width), kernel)]
        return b.add(
            "CONV_2D", [x, weights, bias], (1, *sizes, channels), b.element(*y), "Conv2DOptions",
            version=3 if b.dtype == np.int8 else 1, padding=padding, strideW=stride, strideH=stride,
            dilationWFactor=dilation, dilationHFactor=dilation, fusedActivationFunction=fused,
        )

    return build


def depthwise(multiplier, kernel, stride=1, dilation=1, padding=SAME, fused=NONE, scale=None, y=(0.11, -3)):
    def build(b):
        x = b.input
        _, height, width, depth = b.shape(x)
        channels = depth * multiplier
        weights = b.weights((1, *kernel, channels), scale or channel_scales(channels), 3)
        bias = b.bias(channels, x, weights)
        sizes = [output_size(n, k, stride, dilation, padding) for n, k in zip((height, width), kernel)]
        return b.add(
            "DEPTHWISE_CONV_2D", [x, weights, bias], (1, *sizes, channels), b.element(*y), "DepthwiseConv2DOptions",
            version=3 if b.dtype == np.int8 else 2, padding=padding, strideW=stride, strideH=stride,
            dilationWFactor=dilation, dilationHFactor=dilation, depthMultiplier=multiplier,
            fusedActivationFunction=fused,
        )

    return build


def fully_connected(outputs, fused=NONE, with_bias=True, scale=0.004, y=(0.37, 2)):
    def build(b):
        x = b.add("RESHAPE", [b.input, b.integers("shape", [1, -1])], (1, 256), b.like(b.input), version=1)
        weights = b.weights((outputs, 256), scale, 0)
        inputs = [x, weights, b.bias(outputs, x, weights)] if with_bias else [x, weights, -1]
        return b.add(
            "FULLY_CONNECTED", inputs, (1, outputs), b.element(*y), "FullyConnectedOptions",
            version=4 if b.dtype == np.int8 else 1, fusedActivationFunction=fused,
        )

    return build


def transpose_convolution(channels, kernel, stride, padding, with_bias=True, y=(0.23, 5)):
    def build(b):
        x = b.input
        _, height, width, depth = b.shape(x)
        weights = b.weights((channels, *kernel, depth), channel_scales(channels), 0)
        grow = lambda n, k: n * stride if padding == SAME else (n - 1) * stride + k
        shape = (1, grow(height, kernel[0]), grow(width, kernel[1]), channels)
        inputs = [b.integers("output_shape", shape), weights, x]
        if with_bias:
            inputs.append(b.bias(channels, x, weights))
        return b.add(
            "TRANSPOSE_CONV", inputs, shape, b.element(*y), "TransposeConvOptions",
            version=3 if with_bias else (2 if b.dtype == np.int8 else 1),
            padding=padding, strideW=stride, strideH=stride,
        )

    return build


def binary(operator, other, scale=(0.083, 11), y=(0.12, -20), fused=NONE, swap=False):
    """An operator on the input and on `other`: its transpose of another scale, or a constant of that shape."""

    def build(b):
        x, element = b.input, b.element(*scale)
        if other == "activation":
            order = b.integers("order", [0, 2, 1, 3])
            second = b.add("TRANSPOSE", [x, order], b.shape(x), b.like(x), "TransposeOptions")
            if b.dtype != np.float32:
                second = b.add("QUANTIZE", [second], b.shape(x), element, "QuantizeOptions", version=2)
        else:
            second = b.constant("constant", other, element)
        inputs = [second, x] if swap else [x, second]
        options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}[operator]
        return b.add(operator, inputs, b.shape(x), b.element(*y), options, fusedActivationFunction=fused)

    return build


def pool(operator, kernel, stride, padding, fused=NONE):
    def build(b):
        x = b.input
        _, height, width, depth = b.shape(x)
        sizes = [output_size(n, k, stride, 1, padding) for n, k in zip((height, width), kernel)]
        return b.add(
            operator, [x], (1, *sizes, depth), b.like(x), "Pool2DOptions", padding=padding, strideW=stride,
            strideH=stride, filterWidth=kernel[1], filterHeight=kernel[0], fusedActivationFunction=fused,
        )

    return build


def mean(axes, keep, y):
    def build(b):
        shape = b.shape(b.input)
        kept = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
        element = b.element(*y) if y else b.like(b.input)
        return b.add("MEAN", [b.input, b.integers("axes", axes)], kept, element, "ReducerOptions", keepDims=keep)

    return build


def table(operator, y=None, options=None, version=None, **attributes):
    """An operator on every number alone."""

    def build(b):
        element = b.element(*y) if y else b.like(b.input)
        return b.add(operator, [b.input], b.shape(b.input), element, options, version=version, **attributes)

    return build


def softmax(beta=1.0, shape=None):
    def build(b):
        x = b.input
        if shape:
            x = b.add("RESHAPE", [x, b.integers("shape", shape)], shape, b.like(x), version=1)
        return b.add("SOFTMAX", [x], b.shape(x), b.element(1 / 256, -128), "SoftmaxOptions", beta=beta)

    return build


def pad(amounts):
    def build(b):
        x = b.input
        shape = [n + before + after for n, (before, after) in zip(b.shape(x), amounts)]
        return b.add("PAD", [x, b.integers("paddings", amounts)], shape, b.like(x), "PadOptions")

    return build


def concatenation(axis, scale=None, y=None, fused=NONE):
    """The input, its transpose and, of unequal scales, both as other integers."""

    def build(b):
        x = b.input
        order = b.integers("order", [0, 2, 1, 3])
        second = b.add("TRANSPOSE", [x, order], b.shape(x), b.like(x), "TransposeOptions")
        if scale and b.dtype != np.float32:
            second = b.add("QUANTIZE", [second], b.shape(x), b.element(*scale), "QuantizeOptions", version=2)
        shape = list(b.shape(x))
        shape[axis] *= 2
        element = b.element(*y) if y else b.like(x)
        return b.add(
            "CONCATENATION", [x, second], shape, element, "ConcatenationOptions", axis=axis,
            fusedActivationFunction=fused,
        )

    return build


def reshape(b):
    return b.add("RESHAPE", [b.input, b.integers("shape", [1, 4, 64])], (1, 4, 64), b.like(b.input), version=1)


def transpose(order):
    def build(b):
        shape = [b.shape(b.input)[i] for i in order]
        return b.add("TRANSPOSE", [b.input, b.integers("order", order)], shape, b.like(b.input), "TransposeOptions")

    return build


def resize(height, width, align_corners=False, half_pixel=False):
    def build(b):
        x = b.input
        shape = (1, height, width, b.shape(x)[3])
        return b.add(
            "RESIZE_NEAREST_NEIGHBOR", [x, b.integers("size", [height, width])], shape, b.like(x),
            "ResizeNearestNeighborOptions", version=3 if half_pixel else None, alignCorners=align_corners,
            halfPixelCenters=half_pixel,
        )

    return build


def quantize(dtype, scale, zero_point):
    def build(b):
        element = Type(dtype, scale, zero_point)
        version = 1 if b.dtype == np.float32 else 2
        return b.add("QUANTIZE", [b.input], b.shape(b.input), element, "QuantizeOptions", version=version)

    return build


def dequantize(b):
    return b.add("DEQUANTIZE", [b.input], b.shape(b.input), F32, "DequantizeOptions")


def several(b):
    """Operators in a row, as of a small MobileNet: images stay images between them."""
    x = b.input
    weights = b.weights((6, 3, 3, 4), channel_scales(6), 0)
    x = b.add(
        "CONV_2D", [x, weights, b.bias(6, x, weights)], (1, 8, 8, 6), b.element(0.05, -128), "Conv2DOptions",
        version=3 if b.dtype == np.int8 else 1, padding=SAME, strideW=1, strideH=1, dilationWFactor=1,
        dilationHFactor=1, fusedActivationFunction=RELU6,
    )
    weights = b.weights((6, 1, 1, 6), channel_scales(6, 0.004), 0)
    y = b.add(
        "CONV_2D", [x, weights, b.bias(6, x, weights)], (1, 8, 8, 6), b.element(0.09, 3), "Conv2DOptions",
        version=3 if b.dtype == np.int8 else 1, padding=VALID, strideW=1, strideH=1, dilationWFactor=1,
        dilationHFactor=1, fusedActivationFunction=NONE,
    )
    x = b.add("ADD", [x, y], (1, 8, 8, 6), b.element(0.1, -11), "AddOptions", fusedActivationFunction=RELU)
    x = b.add(
        "AVERAGE_POOL_2D", [x], (1, 4, 4, 6), b.like(x), "Pool2DOptions", padding=VALID, strideW=2, strideH=2,
        filterWidth=2, filterHeight=2, fusedActivationFunction=NONE,
    )
    x = b.add("MEAN", [x, b.integers("axes", [1, 2])], (1, 6), b.element(0.05, -100), "ReducerOptions", keepDims=False)
    weights = b.weights((10, 6), 0.0031, 0)
    x = b.add(
        "FULLY_CONNECTED", [x, weights, b.bias(10, x, weights)], (1, 10), b.element(0.04, 9),
        "FullyConnectedOptions", version=4 if b.dtype == np.int8 else 1, fusedActivationFunction=NONE,
    )
    return b.add("SOFTMAX", [x], (1, 10), b.element(1 / 256, -128), "SoftmaxOptions", beta=1.0)


INTEGERS = ("int8", "uint8")
# Scales that are powers of two make ties of every rounding.
HALVES = {"scale": 0.0625, "zero_point": 0}

CASES = [
    Case("conv_2d_same", convolution(6, (3, 3))),
    Case("conv_2d_same_even", convolution(5, (2, 4), fused=RELU, y=(0.2, -30))),
    Case("conv_2d_valid_stride", convolution(6, (3, 2), stride=2, padding=VALID, fused=RELU6, y=(0.03, -100))),
    Case("conv_2d_same_stride", convolution(6, (3, 3), stride=2, y=(0.2, 0))),
    Case("conv_2d_dilated", convolution(4, (3, 3), dilation=2, y=(0.17, 3))),
    Case("conv_2d_dilated_valid", convolution(4, (3, 3), dilation=3, padding=VALID, y=(0.17, 3))),
    Case("conv_2d_one_scale", convolution(6, (1, 1), scale=0.0123, y=(0.13, 3))),
    Case("conv_2d_ties", convolution(8, (1, 1), scale=2.0**-7, y=(0.125, 0)), **HALVES),
    Case("conv_2d_enlarging", convolution(4, (1, 1), scale=0.004, y=(0.00009, -5)), INTEGERS),
    Case("depthwise_conv_2d", depthwise(1, (3, 3))),
    Case("depthwise_conv_2d_two", depthwise(2, (3, 3), stride=2, fused=RELU, y=(0.2, -40))),
    Case("depthwise_conv_2d_valid", depthwise(1, (2, 3), padding=VALID, fused=RELU6, y=(0.03, -128))),
    Case("depthwise_conv_2d_dilated", depthwise(2, (3, 3), dilation=2, y=(0.15, 10))),
    Case("depthwise_conv_2d_ties", depthwise(2, (1, 1), scale=2.0**-6, y=(0.125, 0)), **HALVES),
    Case("depthwise_conv_2d_one_scale", depthwise(1, (3, 3), scale=0.0077)),
    Case("fully_connected", fully_connected(96)),
    Case("fully_connected_relu", fully_connected(96, fused=RELU, with_bias=False)),
    Case("fully_connected_relu6", fully_connected(64, fused=RELU6, y=(0.031, -60))),
    Case("fully_connected_ties", fully_connected(128, scale=2.0**-7, y=(0.5, 0)), **HALVES),
    Case("fully_connected_per_axis", fully_connected(40, scale=tuple(channel_scales(40, 0.0001))), ("int8",)),
    Case("transpose_conv_same", transpose_convolution(3, (3, 3), 2, SAME)),
    Case("transpose_conv_valid", transpose_convolution(3, (2, 3), 2, VALID, with_bias=False)),
    Case("transpose_conv_stride_1", transpose_convolution(5, (3, 3), 1, SAME, with_bias=False)),
    Case("add", binary("ADD", "activation")),
    Case("add_relu", binary("ADD", "activation", fused=RELU, y=(0.09, -41))),
    Case("add_ties", binary("ADD", "activation", scale=(0.125, 3), y=(0.25, 0)), **HALVES),
    Case("add_channels", binary("ADD", (1, 1, 1, 4))),
    Case("add_scalar", binary("ADD", (1,))),
    Case("add_constant", binary("ADD", IMAGE, y=(0.05, 3))),
    Case("sub", binary("SUB", "activation", y=(0.09, 5))),
    Case("sub_swapped", binary("SUB", (8, 1, 4), swap=True)),
    Case("sub_relu6", binary("SUB", "activation", fused=RELU6, y=(0.033, -90))),
    Case("sub_ties", binary("SUB", "activation", scale=(0.125, 3), y=(0.25, 0)), **HALVES),
    Case("mul", binary("MUL", "activation", y=(0.3, 7))),
    Case("mul_channels", binary("MUL", (1, 1, 1, 4), y=(0.2, 7))),
    Case("mul_rows", binary("MUL", (1, 8, 1, 1), y=(0.2, 7), swap=True, fused=RELU)),
    Case("mul_scalar", binary("MUL", (1,), y=(0.2, 7))),
    Case("mul_ties", binary("MUL", "activation", scale=(0.125, 3), y=(0.25, 0)), **HALVES),
    Case("average_pool_2d_same", pool("AVERAGE_POOL_2D", (3, 3), 1, SAME)),
    Case("average_pool_2d_even", pool("AVERAGE_POOL_2D", (2, 2), 2, VALID)),
    Case("average_pool_2d_same_stride", pool("AVERAGE_POOL_2D", (3, 4), 2, SAME, fused=RELU)),
    Case("average_pool_2d_all", pool("AVERAGE_POOL_2D", (8, 8), 1, VALID)),
    Case("max_pool_2d_same", pool("MAX_POOL_2D", (3, 3), 2, SAME)),
    Case("max_pool_2d_valid", pool("MAX_POOL_2D", (2, 3), 2, VALID, fused=RELU6)),
    Case("mean_positions", mean([1, 2], False, (0.011, 12)), shape=(1, 4, 4, 16)),
    Case("mean_positions_kept", mean([1, 2], True, None), shape=(1, 3, 3, 32)),
    Case("mean_channels", mean([3], False, (0.05, -9))),
    Case("mean_channels_same_scale", mean([3], True, None)),
    Case("mean_rows", mean([1], False, (0.033, 20)), shape=(1, 7, 5, 8)),
    Case("reshape", reshape),
    Case("softmax", softmax(shape=(1, 256)), scale=0.021),
    Case("softmax_channels", softmax(), shape=(1, 8, 4, 10), scale=0.11),
    Case("softmax_two", softmax(), shape=(1, 8, 16, 2), scale=0.06),
    Case("softmax_steep", softmax(beta=2.0, shape=(1, 16, 16)), scale=0.31),
    Case("logistic", table("LOGISTIC", (1 / 256, -128))),
    Case("logistic_wide", table("LOGISTIC", (1 / 256, -128)), scale=0.0731, zero_point=19),
    Case("hard_swish", table("HARD_SWISH", (0.031, -116), "HardSwishOptions", version=1)),
    Case("hard_swish_fine", table("HARD_SWISH", (0.0119, -97), "HardSwishOptions", version=1), scale=0.013),
    Case("hard_swish_coarse", table("HARD_SWISH", (0.6, -120), "HardSwishOptions", version=1), scale=0.61),
    Case("relu", table("RELU", (0.031, -128))),
    Case("relu_same_scale", table("RELU")),
    Case("relu_ties", table("RELU", (0.125, -100)), **HALVES),
    Case("relu6", table("RELU6", (6 / 255, -128))),
    Case("relu6_coarse", table("RELU6", (0.05, 3))),
    Case("leaky_relu", table("LEAKY_RELU", (0.043, -60), "LeakyReluOptions", alpha=0.1)),
    Case("leaky_relu_ties", table("LEAKY_RELU", (0.125, 0), "LeakyReluOptions", alpha=0.25), **HALVES),
    Case("pad", pad([[0, 0], [1, 2], [3, 0], [0, 0]])),
    Case("pad_channels", pad([[0, 0], [0, 0], [0, 0], [2, 1]])),
    Case("concatenation_channels", concatenation(3)),
    Case("concatenation_rows", concatenation(1)),
    Case("concatenation_unequal", concatenation(3, (0.083, 11), (0.09, -5)), ("uint8",)),
    Case("concatenation_ties", concatenation(3, (0.125, 3), (0.25, 0)), ("uint8",), **HALVES),
    Case("transpose", transpose([0, 3, 1, 2])),
    Case("transpose_rows", transpose([0, 2, 1, 3]), shape=(1, 4, 16, 4)),
    Case("resize_nearest_neighbor", resize(16, 16)),
    Case("resize_nearest_neighbor_odd", resize(11, 5)),
    Case("resize_nearest_neighbor_half_pixel", resize(13, 16, half_pixel=True)),
    Case("resize_nearest_neighbor_corners", resize(15, 10, align_corners=True)),
    Case("quantize_finer", quantize(np.int8, 0.031, 5), ("int8",)),
    Case("quantize_coarser", quantize(np.int8, 0.25, 5), ("int8",), **HALVES),
    Case("quantize_to_uint8", quantize(np.uint8, 0.041, 101), ("int8",)),
    Case("quantize_shift", quantize(np.uint8, 0.047, 121), ("int8",)),
    Case("quantize_to_int8", quantize(np.int8, 0.061, -30), ("uint8",)),
    Case("quantize_shift_back", quantize(np.int8, 0.047, -7), ("uint8",)),
    Case("quantize_float", quantize(np.int8, 0.0625, -3), ("f32",)),
    Case("quantize_float_to_uint8", quantize(np.uint8, 0.047, 90), ("f32",)),
    Case("dequantize", dequantize, INTEGERS),
    Case("several", several),
]
