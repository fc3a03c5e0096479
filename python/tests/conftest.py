"""The command as the wheel installs it, and data that it and the module are both given."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("approx-eval")


def run(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs the console script."""
    line = [str(COMMAND), *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, **options)


def report(*arguments: Any) -> dict[str, Any]:
    """The report that the command prints as JSON."""
    done = run(*arguments, "--format", "json", "-q")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a safetensors file, read by their definition."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    types = {"F32": "<f4", "U8": "u1", "I8": "i1", "I32": "<i4", "I64": "<i8", "U32": "<u4"}
    found = {}
    for name, info in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in info["data_offsets"])
            found[name] = np.frombuffer(data[start:end], types[info["dtype"]]).reshape(info["shape"])
    return found


@pytest.fixture(scope="session")
def fashion() -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
    """Byte images and labels: the shipped calibration set of lenet5."""
    data = tensors(ROOT / "models/lenet5/calibration.safetensors")
    return data["images"], data["labels"]


@pytest.fixture(scope="session")
def table() -> npt.NDArray[np.int32]:
    """Unsigned products without their four lowest bits."""
    a = np.arange(256, dtype=np.int32)
    return np.multiply.outer(a, a) & ~15
