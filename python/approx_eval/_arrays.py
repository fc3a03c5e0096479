"""Arrays as the native module takes them, and back. numpy is imported where it is used: the command needs none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array: TypeAlias = tuple[str, tuple[int, ...], memoryview]

_KINDS = {"u": "U", "i": "I", "f": "F"}
_WIDTHS = {"u": (1, 2, 4, 8), "i": (1, 2, 4, 8), "f": (2, 4, 8)}


def numbers(value: Any, name: str) -> Array:
    """The type's name, the dimensions and the bytes of an array or what numpy makes one of, as a tensor."""
    import numpy as np

    array = np.asarray(value)
    kind, width = array.dtype.kind, array.dtype.itemsize
    if width not in _WIDTHS.get(kind, ()):
        raise TypeError(f"{name} is an array of {array.dtype}, expected integers, float16, float32 or float64")
    native = array.astype(array.dtype.newbyteorder("<"), copy=False)
    flat = np.ascontiguousarray(native).reshape(-1).view(np.uint8)
    return f"{_KINDS[kind]}{8 * width}", array.shape, flat.data


def table_file(value: Any, name: str) -> bytes:
    """The .npy file of a multiplier's table."""
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} is an array of {array.dtype}, expected a table of numbers")
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def from_bytes(data: bytearray, dtype: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """The array of these bytes, which it keeps."""
    import numpy as np

    return np.frombuffer(data, dtype=dtype).reshape(shape)
