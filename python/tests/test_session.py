"""Many questions to one session, progress, threads, and what ends an evaluation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import approx_eval
import numpy as np
import numpy.typing as npt
import pytest


def test_a_session_answers_as_evaluations_do(fashion: tuple[Any, Any], table: npt.NDArray[np.int32]) -> None:
    images, labels = fashion[0][:200], fashion[1][:200]
    session = approx_eval.Session("lenet5", images, labels, act_bits=7)
    assert session.layers == ["conv1", "conv2", "fc1", "fc2", "fc3"]
    questions: list[dict[str, Any]] = [
        {"lut": "drum-4"},
        {"lut": table},
        {"lut": table & ~255},
        {"lut": table, "set": "fc*:mode=quant"},
        {"lut": table, "act_bits": 6, "seed": 4},
        {"mode": "quant", "act_bits": None},
        {"mode": "quant", "calib": "percentile:99.9"},
        {"assign": {"conv1": table & ~255, "fc1": table}, "mode": "quant"},
        {},
    ]
    for question in questions:
        found = session.evaluate(**question)
        alone = approx_eval.evaluate("lenet5", images, labels, **{"act_bits": 7, **question})
        assert found.logits.tobytes() == alone.logits.tobytes()
        assert {**found.report, "timing": None} == {**alone.report, "timing": None}


def test_one_table_after_another_leaves_no_names(table: npt.NDArray[np.int32]) -> None:
    session = approx_eval.Session("lenet5", limit=10)
    for mask in (1, 3, 7, 15):
        found = session.evaluate(lut=table & ~mask)
        assert found.report["lut"]["name"] == "array"
    after = session.evaluate(lut=table)
    assert after.report["lut"]["mae"] == pytest.approx(np.abs(table - approx_eval.lut("exact")).mean())


def test_progress_is_told() -> None:
    steps: list[tuple[int, int]] = []
    thread = threading.get_ident()

    def progress(done: int, total: int) -> None:
        assert threading.get_ident() == thread
        steps.append((done, total))

    session = approx_eval.Session("lenet5", limit=200)
    session.evaluate(progress=progress)
    assert steps == [(0, 200), (64, 200), (128, 200), (192, 200), (200, 200)]
    steps.clear()
    session.evaluate(mode="quant", progress=progress)
    assert steps[0] == (0, 512) and (512, 512) in steps and steps[-1] == (200, 200)
    steps.clear()
    approx_eval.evaluate("lenet5", limit=64, progress=progress)
    assert steps == [(0, 64), (64, 64)]


@pytest.mark.parametrize("exception", [KeyboardInterrupt, RuntimeError, StopIteration])
@pytest.mark.parametrize("options", [{}, {"mode": "quant"}, {"mode": "noise", "noise_from_lut": "udm"}])
def test_an_exception_of_the_callback_ends_the_evaluation(exception: type[BaseException], options: dict[str, Any]) -> None:
    session = approx_eval.Session("lenet5", batch_size=1, layer_errors=True, limit=50, calib_samples=50)
    heard = 0

    def progress(done: int, total: int) -> None:
        nonlocal heard
        heard += 1
        if heard == 3:
            raise exception("enough")

    with pytest.raises(exception, match="enough"):
        session.evaluate(progress=progress, **options)
    assert heard == 3
    # The session is as it was.
    assert session.evaluate(lut="drum-4").logits.shape == (50, 10)


def test_other_threads_run_meanwhile() -> None:
    """Another thread's steps between two of the evaluation's: it cannot go on where Python's lock is held."""
    counted, counts, is_over = 0, [0], threading.Event()

    def count() -> None:
        nonlocal counted
        while not is_over.is_set():
            counted += 1

    other = threading.Thread(target=count)
    other.start()
    try:
        approx_eval.evaluate("resnet8", limit=640, progress=lambda done, total: counts.append(counted))
    finally:
        is_over.set()
        other.join()
    assert sum(after > before for before, after in zip(counts, counts[1:])) > 5


def test_threads_have_sessions_of_their_own() -> None:
    found: dict[str, bytes] = {}
    names = ("drum-3", "drum-6")

    def evaluate(name: str) -> None:
        found[name] = approx_eval.evaluate(lut=name, limit=300, threads=1).logits.tobytes()

    threads = [threading.Thread(target=evaluate, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {name: approx_eval.evaluate(lut=name, limit=300).logits.tobytes() for name in names}
    session = approx_eval.Session("lenet5", limit=300)
    refused = []

    def progress(done: int, total: int) -> None:
        try:
            session.evaluate()
        except RuntimeError as error:
            refused.append(str(error))

    session.evaluate(progress=progress)
    assert refused and "another thread" in refused[0]


INTERRUPTED = """
import approx_eval, os, sys
told = []
def progress(done, total):
    if not told:
        told.append(done)
        print("started", flush=True)
try:
    approx_eval.evaluate("resnet8", batch_size=8, threads=1, progress=progress)
except KeyboardInterrupt:
    print("interrupted", approx_eval.evaluate(limit=10).logits.shape)
    sys.exit(5)
"""


def test_ctrl_c_is_an_exception() -> None:
    child = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "started\n"
    os.kill(child.pid, signal.SIGINT)
    output, _ = child.communicate(timeout=300)
    assert (output, child.returncode) == ("interrupted (10, 10)\n", 5)
