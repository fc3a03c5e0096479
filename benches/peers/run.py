"""Images a second beside onnxruntime: the same networks in one run, one way after the other, in rounds.

A virtual environment with what this needs, a release build, and the run itself, from the root of the repository:

    python3 -m venv target/peers/venv
    target/peers/venv/bin/pip install -r benches/peers/requirements.txt
    cargo build --release
    target/peers/venv/bin/python benches/peers/run.py

It takes about ten minutes on two cores. `--networks resnet20` runs one network, `--binary old=PATH --binary new=PATH`
compares builds within the run, `--kernel avx2` forces a kernel, `-h` has all options. Judge by ratios: the machine's
clock drifts, and ratios are of neighbors in a round, of which the median over all rounds is printed. The rates of all
rounds stay in `target/peers/NETWORK/rates.json`.

Both sides read the same ONNX files (`networks.py`), with random weights and images. onnxruntime runs them in fp32, and
as `quantize_static` quantizes them to int8: QDQ format, one scale a channel of weights, activations of U8, ranges by
minimum and maximum. approx-eval runs the fp32 file in each mode, with scales from as many images, and reports the rate
of its evaluation loop, into which it reads and prepares images. Products of two activations (attention) are in the mode
of the layers, as onnxruntime's int8 has them.
"""

import argparse
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from networks import NETWORKS, Network
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

ROOT = Path(__file__).resolve().parents[2]
CALIBRATION_IMAGES = 8
FP32, INT8 = "ort fp32", "ort int8"


@dataclass(frozen=True)
class Way:
    """A way in which approx-eval computes, with the options that ask for it."""

    name: str
    options: tuple[str, ...]

    @property
    def is_quantized(self) -> bool:
        return self.name != "base"


# Tables by how they factor: a random one has no short sum of products. EvoApproxLib's 1L2H is (a & ~1) * (b & ~1), and DRUM-4
# one product of mapped operands; UDM is a sum of two, 1KVA one of three.
ANY, RANK1, DRUM, UDM, RANK3 = "any table", "1L2H (rank 1)", "DRUM-4 (rank 1)", "UDM (rank 2)", "1KVA (rank 3)"


def ways(folder: Path) -> list[Way]:
    table = folder / "any.bin"
    np.random.default_rng(3).integers(0, 1 << 16, 1 << 16).astype("<u2").tofile(table)
    approx = {
        ANY: ("--lut", str(table), "--lut-format", "bin-u16-unsigned"),
        RANK1: ("--lut", "mul8s_1L2H"),
        DRUM: ("--lut", "drum-4"),
        UDM: ("--lut", "udm"),
        RANK3: ("--lut", "mul8s_1KVA"),
    }
    exact = [Way("base", ("--mode", "base")), Way("quant", ("--mode", "quant"))]
    return exact + [Way(name, ("--mode", "approx", *options)) for name, options in approx.items()]


# What is printed of each network: a ratio's name, and the two rates.
RATIOS = [
    ("base / ort fp32", "base", FP32),
    ("quant / ort int8", "quant", INT8),
    ("any table / ort fp32", ANY, FP32),
    ("1L2H / quant", RANK1, "quant"),
    ("DRUM-4 / quant", DRUM, "quant"),
    ("UDM / quant", UDM, "quant"),
    ("1KVA / quant", RANK3, "quant"),
    ("1L2H / ort fp32", RANK1, FP32),
    ("DRUM-4 / ort fp32", DRUM, FP32),
    ("UDM / ort fp32", UDM, FP32),
    ("ort int8 / ort fp32", INT8, FP32),
]


def images(network: Network, count: int, seed: int) -> np.ndarray:
    """Numbers as those of normalized photographs: of both signs, and neighbors alike."""
    random, size = np.random.default_rng(seed), network.size
    coarse = random.normal(0, 1, (count, 3, size // 8, size // 8))
    smooth = coarse.repeat(8, axis=2).repeat(8, axis=3)
    return (smooth + 0.3 * random.normal(0, 1, smooth.shape)).astype(np.float32)


class Images(CalibrationDataReader):
    """Images one by one, for onnxruntime's quantizer."""

    def __init__(self, images: np.ndarray):
        self.batches = iter(images[:, None])

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"images": batch}


class Onnxruntime:
    """A network in onnxruntime."""

    def __init__(self, path: Path, threads: int):
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # Else its threads still wait for work when the next way has begun.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 3
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def rate(self, images: np.ndarray, batch: int) -> float:
        """Images a second, after one batch that is not counted."""
        self.session.run(None, {"images": images[:batch]})
        started = time.perf_counter()
        for first in range(0, len(images), batch):
            self.session.run(None, {"images": images[first : first + batch]})
        return len(images) / (time.perf_counter() - started)


class ApproxEval:
    """A build of approx-eval."""

    def __init__(self, name: str, path: Path, threads: int, kernel: str | None):
        self.name, self.path = name, path
        self.options = ["--threads", str(threads), "--quiet", "--no-progress", "--format", "json"]
        self.options += ["--kernel", kernel] if kernel else []

    def run(self, options: list[str]) -> dict:
        command = [str(self.path), *options, *self.options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr.strip()}")
        return json.loads(done.stdout)

    def rate(self, options: list[str]) -> float:
        return self.run(options)["timing"]["images_per_second"]


def write_set(path: Path, images: np.ndarray) -> None:
    np.savez(path, images=images, labels=np.arange(len(images)) % 10)


def measure(name: str, network: Network, args: argparse.Namespace) -> dict[str, list[float]]:
    """The rates of all ways, round by round."""
    folder = args.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    float_path, int_path = folder / "fp32.onnx", folder / "int8.onnx"
    network.write(float_path)
    evaluated, calibrated = images(network, network.batch * network.batches, 1), images(network, CALIBRATION_IMAGES, 2)
    write_set(folder / "images.npz", evaluated)
    write_set(folder / "calibration.npz", calibrated)
    settings = {"op_types_to_quantize": list(network.quantized)} if network.quantized else {}
    quantize_static(
        float_path,
        int_path,
        Images(calibrated),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        **settings,
    )
    peers = {FP32: Onnxruntime(float_path, args.threads), INT8: Onnxruntime(int_path, args.threads)}
    common = ["--model", str(float_path), "--data", str(folder / "images.npz"), "--batch-size", str(network.batch)]
    # Scales are found once by each build, so that no measurement calibrates.
    calls = {}
    for binary in args.binary:
        for way in ways(args.folder):
            options = [*common, *way.options]
            if way.is_quantized:
                if network.has_attention:
                    options += ["--attention", "quant" if way.name == "quant" else "approx"]
                scales = str(folder / f"{binary.name}-{way.name.split()[0]}.json")
                calibration = ["--calib-data", str(folder / "calibration.npz"), "--save-qparams", scales]
                binary.run([*options, *calibration, "--limit", "1"])
                options += ["--qparams", scales]
            calls[label(args, binary, way.name)] = (binary, options)
    rates = {way: [] for way in [*peers, *calls]}
    for round in range(args.rounds):
        for way, peer in peers.items():
            rates[way].append(peer.rate(evaluated, network.batch))
        for way, (binary, options) in calls.items():
            rates[way].append(binary.rate(options))
        (folder / "rates.json").write_text(json.dumps(rates, indent=1))
        print(f"{name}: round {round + 1} of {args.rounds}", file=sys.stderr, flush=True)
    return rates


def label(args: argparse.Namespace, binary: ApproxEval, way: str) -> str:
    """A way's name, with the build's where there are several."""
    return way if len(args.binary) == 1 else f"{binary.name}: {way}"


def ratio(rates: dict[str, list[float]], over: str, under: str) -> float:
    return statistics.median(a / b for a, b in zip(rates[over], rates[under]))


def number(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.1f}"


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(args: argparse.Namespace, measured: dict[str, dict[str, list[float]]]) -> str:
    names = list(measured)
    headings = [f"{name}, batch {NETWORKS[name].batch}" for name in names]
    rows = [
        [way, *(number(statistics.median(measured[name][way])) for name in names)] for way in measured[names[0]]
    ]
    parts = [f"{environment(args)}\n\nImages a second, medians of {args.rounds} rounds:", table(["", *headings], rows)]
    for binary in args.binary:
        of = lambda way: way if way in (FP32, INT8) else label(args, binary, way)
        rows = [
            [title, *(f"{ratio(measured[name], of(over), of(under)):.2f}" for name in names)]
            for title, over, under in RATIOS
        ]
        title = "Ratios" if len(args.binary) == 1 else f"Ratios of {binary.name}"
        parts += [f"{title}, medians over the rounds:", table(["", *headings], rows)]
    first = args.binary[0]
    for binary in args.binary[1:]:
        rows = [
            [
                way.name,
                *(f"{ratio(measured[n], label(args, binary, way.name), label(args, first, way.name)):.2f}" for n in names),
            ]
            for way in ways(args.folder)
        ]
        parts += [f"{binary.name} over {first.name}:", table(["", *headings], rows)]
    return "\n\n".join(parts)


def environment(args: argparse.Namespace) -> str:
    """What the figures are of."""
    processor = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        models = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        processor = models[0] if models else processor
    kernel = f", kernel {args.kernel}" if args.kernel else ""
    return f"{processor}, {os.cpu_count()} processors, {args.threads} threads{kernel}, onnxruntime {ort.__version__}"


def options() -> argparse.Namespace:
    described, details = __doc__.split("\n\n", 1)
    parser = argparse.ArgumentParser(
        description=described, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS), metavar="NAME",
                        help=f"which of {', '.join(NETWORKS)} (default: all)")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which medians are taken (default: 5)")
    parser.add_argument("--binary", action="append", metavar="[NAME=]PATH",
                        help="a build of approx-eval; may be given more than once (default: target/release/approx-eval)")  # fmt: skip
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (default: 2)")
    parser.add_argument("--kernel", help="approx-eval's kernel (default: the fastest)")
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "peers",
                        help="where networks and images are written (default: target/peers)")  # fmt: skip
    args = parser.parse_args()
    builds = []
    for given in args.binary or [str(ROOT / "target" / "release" / "approx-eval")]:
        name, _, path = given.rpartition("=")
        if not os.access(path, os.X_OK):
            parser.error(f"--binary: no program {path}: build it with 'cargo build --release'")
        builds.append(ApproxEval(name or Path(path).name, Path(path).resolve(), args.threads, args.kernel))
    if len({build.name for build in builds}) < len(builds):
        parser.error("--binary: two builds of one name; tell them apart by NAME=PATH")
    if args.rounds < 1 or args.threads < 1:
        parser.error("--rounds and --threads are 1 or more")
    args.binary = builds
    return args


def main() -> None:
    # That files could be prepared further before they are quantized.
    logging.getLogger().setLevel(logging.ERROR)
    args = options()
    measured = {name: measure(name, NETWORKS[name], args) for name in args.networks}
    print(report(args, measured))


if __name__ == "__main__":
    main()
