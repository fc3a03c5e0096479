"""A small network as an ONNX file, encoded by hand so that tests need neither onnx nor torch."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def _varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _fields(number: int, values: Iterable[int | str | bytes]) -> bytes:
    return b"".join(_field(number, value) for value in values)


def _tensor(name: str, values: npt.NDArray[np.float32]) -> bytes:
    return _fields(1, values.shape) + _field(2, 1) + _field(8, name) + _field(9, values.astype("<f4").tobytes())


def _node(kind: str, inputs: list[str], output: str, **attributes: int | list[int]) -> bytes:
    encoded = _fields(1, inputs) + _field(2, output) + _field(3, f"/{output}") + _field(4, kind)
    for name, value in attributes.items():
        is_list = isinstance(value, list)
        content = _fields(8, value) if isinstance(value, list) else _field(3, value)
        encoded += _field(5, _field(1, name) + content + _field(20, 7 if is_list else 2))
    return encoded


def _value(name: str, sizes: list[int | str]) -> bytes:
    dims = [_field(1, size) if isinstance(size, int) else _field(2, size) for size in sizes]
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, _fields(1, dims))))


def onnx_file(seed: int = 0) -> bytes:
    """Convolution, ReLU and a linear layer, on one channel of 12 x 12, to 4 classes."""
    rng = np.random.default_rng(seed)
    weights = {
        "conv.weight": rng.normal(size=(3, 1, 3, 3)),
        "conv.bias": rng.normal(size=3),
        "fc.weight": rng.normal(size=(4, 300)) / 10,
        "fc.bias": rng.normal(size=4),
    }
    nodes = [
        _node("Conv", ["images", "conv.weight", "conv.bias"], "conv", kernel_shape=[3, 3]),
        _node("Relu", ["conv"], "relu"),
        _node("Flatten", ["relu"], "flat", axis=1),
        _node("Gemm", ["flat", "fc.weight", "fc.bias"], "logits", transB=1),
    ]
    graph = _fields(1, nodes) + _field(2, "net")
    graph += _fields(5, [_tensor(name, value.astype(np.float32)) for name, value in weights.items()])
    graph += _field(11, _value("images", ["batch", 1, 12, 12])) + _field(12, _value("logits", ["batch", 4]))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 17))


def safetensors(**arrays: npt.NDArray[np.generic]) -> bytes:
    """A safetensors file of these arrays, by its definition."""
    import json

    types = {"float32": "F32", "uint8": "U8", "int8": "I8", "int64": "I64", "float64": "F64"}
    header, data = {}, b""
    for name, array in arrays.items():
        start, data = len(data), data + array.tobytes()
        header[name] = {"dtype": types[array.dtype.name], "shape": array.shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data
