"""Time of a sweep beside the same evaluations one by one: 24 multipliers in three networks, on all test images.

With a release build, from the root of the repository; it needs no packages:

    cargo build --release
    python3 benches/studies/run.py

The sweep is one command. The same evaluations are then run as a shell loop would run them, one process each, and every
top-1 accuracy must be equal. It takes about ten minutes on two quiet cores; `--scopes all` takes two.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ["lenet5", "resnet8", "ds_cnn"]
LUTS = [
    "drum-{3..7}", "mitchell", "etm", "roba", "udm", "exact", "truncated-{4..8}", "mul8s_1L2H", "mul8s_1KVA", "mul8s_1KR3",
    "mul8s_1KX2", "operand-truncation-a1-b1", "operand-truncation-a2-b2", "recursive-loa-6", "tosam-h1-t5", "dadda-momeni-7",
]  # fmt: skip


def run(binary: Path, arguments: list[str]) -> str:
    done = subprocess.run([binary, *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"approx-eval {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def alone(row: dict[str, str]) -> list[str]:
    """The evaluation of a row of the sweep's table."""
    arguments = ["--model", row["model"], "--lut", row["lut"], "--quiet", "--no-progress", "--format", "json"]
    if row["scope"] == "each":
        arguments += ["--mode", "quant", "--set", f"{row['layer']}:mode=approx"]
    return arguments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "approx-eval")
    parser.add_argument("--scopes", nargs="+", default=["all", "each"])
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--every", type=int, default=1, help="evaluate every Nth job one by one, and scale its time")
    args = parser.parse_args()
    grid = [word for model in args.models for word in ("--model", model)]
    grid += [word for lut in LUTS for word in ("--lut", lut)]
    grid += [word for scope in args.scopes for word in ("--scope", scope)]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        run(args.binary, ["sweep", "run", "--output", f"{folder}/study", *grid, "--quiet", "--no-progress"])
        swept = time.perf_counter() - started
        rows = list(csv.DictReader(run(args.binary, ["sweep", "merge", f"{folder}/study", "--format", "csv"]).splitlines()))
    seconds = 0.0
    for row in rows[:: args.every]:
        started = time.perf_counter()
        report = json.loads(run(args.binary, alone(row)))
        seconds += time.perf_counter() - started
        if float(row["top1"]) != report["accuracy"]["top1"]:
            sys.exit(f"{row['model']} {row['lut']} {row['scope']} {row['layer']}: {row['top1']}, {report['accuracy']['top1']} alone")
    seconds *= len(rows) / len(rows[:: args.every])
    luts = len({row["lut"] for row in rows})
    print(f"{luts} multipliers, {len(args.models)} networks, scopes {', '.join(args.scopes)}: {len(rows)} jobs")
    print(f"sweep {swept:.1f} s, one by one {seconds:.1f} s, ratio {swept / seconds:.3f}; all accuracies equal")


if __name__ == "__main__":
    main()
