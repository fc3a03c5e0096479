"""The examples of docs/python.md, in order."""

from __future__ import annotations

import importlib.util
import re

import pytest

from conftest import ROOT

BLOCKS = re.findall(r"^```python([^\n]*)\n(.*?)^```", (ROOT / "docs/python.md").read_text(), re.MULTILINE | re.DOTALL)


def test_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    examples = [code for kind, code in BLOCKS if not kind]
    assert len(examples) == 5
    for code in examples:
        exec(compile(code, "docs/python.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "multiplier 'drum-44'" in shown and "(1000, 10) float32" in shown


PYTORCH = """
import approx_eval, numpy as np, torch
model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(400, 10))
images, train_images, labels = torch.rand(8, 1, 12, 12), torch.rand(8, 1, 12, 12), torch.arange(8)
"""


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_a_table_meets_a_pytorch_model() -> None:
    names: dict[str, object] = {}
    (example,) = [code for kind, code in BLOCKS if kind.strip() == "torch"]
    assert len(example.splitlines()) == 5
    exec(compile(PYTORCH + example, "docs/python.md", "exec"), names)
