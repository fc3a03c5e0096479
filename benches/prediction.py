"""Predicted noise against measured noise, and ranking against accuracy: the tables of docs/prediction.md.

usage: python3 benches/prediction.py [APPROX_EVAL [NETWORK..]]

For every shipped approximate multiplier on every shipped network, the relative standard deviation of each layer's output
error on calibration data is measured and predicted; all are then ranked by `rank --measure-all`. Needs nothing but Python.
"""

import json
import statistics
import subprocess
import sys


def run(program, *args):
    command = [program, *args, "--format", "json", "--quiet", "--no-progress"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def noise(program, network, method, lut):
    report = run(program, "-m", network, "--mode", "noise", "--noise-from-lut", f"{method}:{lut}", "-n", "1")
    return {layer["name"]: layer["noise"] for layer in report["layers"] if layer["noise"]}


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "approx-eval"
    networks = sys.argv[2:] or ["lenet5", "resnet8", "ds_cnn", "vit_micro"]
    shipped = json.loads(subprocess.run(
        [program, "lut", "list", "--shipped", "--format", "json"], check=True, capture_output=True).stdout)
    shipped = shipped if isinstance(shipped, list) else next(part for part in shipped.values() if isinstance(part, list))
    luts = [lut["name"] for lut in shipped if not lut["name"].startswith("exact")]
    errors, rows = {}, {lut: [] for lut in luts}
    for network in networks:
        errors[network] = []
        for lut in luts:
            measured, predicted = (noise(program, network, method, lut) for method in ("measured", "predicted"))
            pairs = [(measured[name]["stdev"], predicted[name]["stdev"]) for name in measured]
            of_lut = [abs(p / m - 1) for m, p in pairs if m > 0]
            errors[network] += of_lut
            rows[lut].append(statistics.median(of_lut))
    print("| multiplier | " + " | ".join(networks) + " |")
    print("| --- |" + " ---: |" * len(networks))
    for lut, medians in rows.items():
        print(f"| {lut} | " + " | ".join(f"{100 * median:.1f} %" for median in medians) + " |")
    print("\n| network | layers x multipliers | median | within 15 % | 90th percentile |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for network, found in [*errors.items(), ("all", sum(errors.values(), []))]:
        found = sorted(found)
        within = sum(error < 0.15 for error in found) / len(found)
        print(f"| {network} | {len(found)} | {100 * statistics.median(found):.1f} % | {100 * within:.0f} % | "
              f"{100 * found[int(0.9 * len(found))]:.0f} % |")
    print("\n| network | Spearman | seconds gathering | seconds predicting |")
    print("| --- | ---: | ---: | ---: |")
    for network in networks:
        report = run(program, "rank", "-m", network, "-l", *luts, "--measure-all")
        print(f"| {network} | {report['spearman']:.3f} | {report['gathering_seconds']:.1f} | {report['predicting_seconds']:.2f} |")


main()
