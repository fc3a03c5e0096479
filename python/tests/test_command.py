"""The console script: exit codes, signals and pipes of the program, and options that the module has, too."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import approx_eval
from conftest import COMMAND, run


def test_exit_codes(tmp_path: Path) -> None:
    assert run("--limit", "10").returncode == 0
    assert run("--limit", "100", "--min-accuracy", "1").returncode == 1
    refused = run("--lut", "nothing")
    assert refused.returncode == 2 and refused.stdout == "" and refused.stderr.startswith("error: ")
    unknown = run("--limt", "10")
    assert unknown.returncode == 2 and "--limit" in unknown.stderr and "Traceback" not in unknown.stderr
    assert run("--help").returncode == 0
    assert run("lut", "list", "drum").stdout.count("drum-") > 3
    module = subprocess.run([sys.executable, "-m", "approx_eval", "--limit", "10"], capture_output=True, text=True)
    assert module.returncode == 0 and "top-1" in module.stdout
    # Text without a newline at its end is not kept back.
    assert run("completions", "bash").stdout.startswith("_approx__eval()")
    output = tmp_path / "names \udcff.json"
    assert run("--limit", "10", "--output", output).returncode == 0 and output.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_and_leave_nothing(number: signal.Signals, tmp_path: Path) -> None:
    line = [COMMAND, "--model", "resnet8", "--lut", "mitchell", "--threads", "1", "-b", "1", "--output", "report.json"]
    child = subprocess.Popen([*line, "-vv"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stderr is not None
    while not list(tmp_path.iterdir()):
        assert child.poll() is None
    child.send_signal(number)
    output, errors = child.communicate(timeout=300)
    assert child.returncode == -number
    assert output == b"" and b"Traceback" not in errors and not list(tmp_path.iterdir())


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    line = [str(COMMAND), "--limit", "300", "--model", "resnet8", "--output", "report.json"]
    child = subprocess.Popen(line, cwd=tmp_path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN) and None)
    while not list(tmp_path.iterdir()):
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=300) == 0


def test_a_closed_pipe_is_no_error() -> None:
    shell = f"'{COMMAND}' completions bash | head -c 10; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert done.stdout.endswith("0\n") and done.stderr == ""


def test_it_starts_without_numpy() -> None:
    code = "import sys; sys.modules['numpy'] = None; import approx_eval._command; assert 'json' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONSAFEPATH": "1"})


#: What the module returns instead, or has in other forms.
OF_THE_COMMAND = {
    *("alpha", "baseline", "max-drop", "min-accuracy"),
    *("color", "no-progress", "quiet", "verbose", "help", "version", "file", "format", "output"),
    *("confusion", "logits", "predictions", "save-qparams", "dump", "dump-format", "dump-samples"),
    *("model", "data"),
}


def test_the_module_has_the_options_of_the_command() -> None:
    options = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", run("--help").stdout, re.MULTILINE))
    keys = {key.replace("_", "-") for key in approx_eval.EvaluationOptions.__annotations__}
    assert keys - {"luts"} == options - OF_THE_COMMAND
    listed = re.search(r"Keys: ([^.]*)\.", " ".join(run("--help").stdout.split()))
    assert listed and {*listed[1].split(", "), "layers"} == set(approx_eval.Rule.__annotations__)
