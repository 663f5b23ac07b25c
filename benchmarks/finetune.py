"""What real weights are worth by the default recipes, beside random ones on the same budget: `make bench-finetune`."""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from report import machine, save, told_machine

PRESET = "efficientnet_lite0"
FLAGS = {"real": [], "random": ["--weights", "none"]}


def main() -> None:
    """Train everything, print the table; with --save keep it."""
    options = _options()
    runs: list[dict[str, Any]] = []
    for seed in range(options.splits):
        for epochs in options.epochs:
            for weights in FLAGS:
                runs.append(_train(weights, epochs, seed))
                print("split {seed}, {epochs} epochs, {weights} weights: top1 {best:.4f}".format(**runs[-1]), file=sys.stderr, flush=True)
    results = {"machine": machine(("tensorflow", "keras")), "preset": PRESET, "splits": options.splits, "runs": runs}
    print(table(results))
    if options.save:
        save("finetune", results, table(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 3, 0], metavar="N", help="budgets; 0: no flag (default 1 3 0)")
    parser.add_argument("--splits", type=int, default=3, metavar="N", help="splits into training and validation images (default 3)")
    parser.add_argument("--save", action="store_true", help="write results/finetune.json and the table of README.md")
    return parser.parse_args()


def _train(weights: str, epochs: int, seed: int) -> dict[str, Any]:
    """One `kclassify train` on the digits, as it is typed, and what its run.json says."""
    command = [sys.executable, "-m", "kclassify", "train", "--preset", PRESET, *FLAGS[weights], "--seed", str(seed)]
    command += ["--epochs", str(epochs)] if epochs else []
    with TemporaryDirectory() as folder:
        subprocess.run([*command, "--out", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        [record] = Path(folder).glob("*/run.json")
        told = json.loads(record.read_text(encoding="utf-8"))
    return {
        "weights": weights,
        "epochs": told["last"]["epoch"],
        "seed": seed,
        "best": told["best"]["top1"],
        "best_loss": told["best"]["loss"],
        "last": told["last"]["val_top1"],
        "last_loss": told["last"]["val_loss"],
        "images": told["data"]["val"]["images"],
    }


def table(results: Mapping[str, Any]) -> str:
    """A line for each budget and start, over all splits together, in Markdown."""
    images = sum({run["seed"]: run["images"] for run in results["runs"]}.values())
    lines = [
        f"{told_machine(results['machine'])} "
        f"{results['preset']} on the digits, {results['splits']} splits, {images:,} validation images in all.",
        "",
        "| epochs | weights | top1 of best.keras | loss | top1 after the last epoch | loss |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for epochs, weights in dict.fromkeys((run["epochs"], run["weights"]) for run in results["runs"]):
        rows = [run for run in results["runs"] if (run["epochs"], run["weights"]) == (epochs, weights)]
        cells = [_mean(rows, name) for name in ("best", "best_loss", "last", "last_loss")]
        lines.append(f"| {epochs} | {weights} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _mean(rows: list[dict[str, Any]], name: str) -> str:
    values = [row[name] for row in rows]
    return f"{mean(values):.4f} ({min(values):.4f} to {max(values):.4f})"


if __name__ == "__main__":
    main()
