"""The package's types: complete, and those of what is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import approx_eval

TYPED = """
import approx_eval
import numpy as np

table = approx_eval.lut("drum-4")
reveal_type(table)
session = approx_eval.Session(b"", np.zeros((1, 1, 8, 8)), [0], mean=[0.5], calib_data=np.zeros((1, 1, 8, 8)))
found = session.evaluate(lut=table, assign={"conv1": table}, progress=lambda done, total: None)
reveal_type(found.logits)
report, logits = found
reveal_type(found.accuracy)
session.evaluate(limit=3)  # wrong
approx_eval.evaluate(act_bits="6")  # wrong
approx_eval.lut("drum-4", order="reverse")  # wrong
"""


def mypy(*arguments: str, module: str = "mypy") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True)


def test_types_are_complete(tmp_path: Path) -> None:
    package = Path(approx_eval.__file__).parent
    assert (package / "py.typed").exists()
    done = mypy("--strict", "--cache-dir", str(tmp_path), "-p", "approx_eval")
    assert done.returncode == 0, done.stdout


def test_stubs_are_of_the_module() -> None:
    done = mypy("approx_eval._native", module="mypy.stubtest")
    assert done.returncode == 0, done.stdout


def test_callers_see_types(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(TYPED)
    done = mypy("--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path / "caller.py"))
    lines = [line for line in done.stdout.splitlines() if ": " in line]
    revealed = [line for line in lines if "Revealed type" in line]
    assert "int32" in revealed[0] or "signedinteger" in revealed[0]
    assert ("float32" in revealed[1] or "floating" in revealed[1]) and "float" in revealed[2]
    wrong = {number for number, line in enumerate(TYPED.splitlines(), 1) if "# wrong" in line}
    errors = {int(line.split(":")[1]) for line in lines if ": error:" in line}
    assert errors == wrong, done.stdout
