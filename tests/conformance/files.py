"""The files that the program reads and writes: tensors in safetensors, networks in ONNX.

Both formats are so small that these few lines are all that the cases need of them.
"""

import json
import struct

import numpy as np

DTYPES = {"F32": np.float32, "I8": np.int8, "U8": np.uint8, "I32": np.int32, "I64": np.int64}


def write_tensors(path, tensors, metadata=None):
    """Writes named arrays: the length of a header, the header, and the numbers."""
    names = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, array in tensors.items():
        numbers = np.ascontiguousarray(array).tobytes()
        ends = [len(data), len(data) + len(numbers)]
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": ends}
        data += numbers
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_tensors(path):
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)

    def tensor(entry):
        first, end = entry["data_offsets"]
        return np.frombuffer(data[start + first : start + end], DTYPES[entry["dtype"]]).reshape(entry["shape"])

    return {name: tensor(entry) for name, entry in header.items()}


def varint(number):
    """A protocol buffer's integer: 7 bits a byte, the lowest first; negative ones as 64 bits."""
    number &= (1 << 64) - 1
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number, value):
    """A field of a message: an integer, text, bytes, or a message as a list of its fields."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else b"".join(value) if isinstance(value, list) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    """An AttributeProto: an integer, a real number, a text or several integers."""
    if isinstance(value, (tuple, list)):
        return [field(1, name), *(field(8, int(i)) for i in value), field(20, 7)]
    number, kind = {int: (3, 2), float: (2, 1), str: (4, 3)}[type(value)]
    return [field(1, name), field(number, value), field(20, kind)]


def constant(name, array):
    """A TensorProto."""
    kind = {"float32": 1, "uint8": 2, "int8": 3}[str(array.dtype)]
    return [*(field(1, size) for size in array.shape), field(2, kind), field(8, name), field(9, array.tobytes())]


def value(name, shape):
    """A ValueInfoProto of float32 whose first axis is the batch."""
    sizes = [field(1, [field(2, "N")]), *(field(1, [field(1, size)]) for size in shape)]
    return [field(1, name), field(2, [field(1, [field(1, 1), field(2, [b"".join(sizes)])])])]


def write_network(path, network):
    """Writes a network as a ModelProto of operator set 17."""

    def node(operator):
        attributes = [field(5, attribute(*pair)) for pair in operator.attributes.items()]
        inputs = [field(1, name) for name in operator.inputs]
        return [*inputs, field(2, operator.output), field(3, operator.name), field(4, operator.kind), *attributes]

    graph = [field(1, node(operator)) for operator in network.operators]
    graph += [field(2, "graph")]
    graph += [field(5, constant(*pair)) for pair in network.constants.items()]
    graph += [field(11, value("x", network.shape)), field(12, value(network.output, [network.classes]))]
    path.write_bytes(b"".join([field(1, 8), field(8, [field(1, ""), field(2, 17)]), field(7, graph)]))
