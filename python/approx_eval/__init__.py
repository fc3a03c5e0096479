"""Evaluate neural networks on approximate multipliers, bit for bit.

    >>> import approx_eval
    >>> found = approx_eval.evaluate("lenet5", lut="drum-4", limit=1000)
    >>> found.report["accuracy"]["top1"], found.logits.shape
    (0.888, (1000, 10))

`evaluate` answers one question, a `Session` many of one network on one data set, from memory. Both take the options of
the command `approx-eval` by their long names: `--act-bits 6` is `act_bits=6`. `lut` returns a multiplier's table, and
`luts` the names that there are. What cannot be used raises `Error`, with the command's message.
"""

from ._evaluation import Evaluation, Session, evaluate
from ._multipliers import lut, luts
from ._native import Error, __version__
from ._options import EvaluationOptions, LayerOptions, Rule

__all__ = [
    "Error",
    "Evaluation",
    "EvaluationOptions",
    "LayerOptions",
    "Rule",
    "Session",
    "__version__",
    "evaluate",
    "lut",
    "luts",
]
