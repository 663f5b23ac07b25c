"""Real runs of the command line in processes of their own: a small residual net on a few digits, in double precision by default."""

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image
from sklearn.datasets import load_digits

PRESET = "tiny"
# Nine steps: the last of each epoch, and of each validation, is filled up by more than half, so that some devices have no picture at all.
SETTINGS = ("--preset", PRESET, "--epochs", "3", "--lr", "0.05", "--no-pretrained", "--set", "dropout=0.3", "--set", "gpus=none")


def make_digits(root: Path) -> Path:
    """93 digits of ten classes in class folders."""
    pictures, labels = load_digits(return_X_y=True)
    for number, (picture, label) in enumerate(zip(pictures[:93], labels[:93], strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture.reshape(8, 8) * 15).astype("uint8")).resize((32, 32)).save(root / str(label) / f"{number}.png")
    return root


def start(*arguments: str, devices: int = 1, backend: str = "tensorflow", double: bool = True) -> subprocess.Popen[str]:
    """Begin a command of `kclassify` that knows the preset `tiny`, on so many logical CPU devices."""
    environment = {**os.environ, "KCLASSIFY_LOGICAL_CPUS": str(devices), "KERAS_BACKEND": backend, "TINY_RUN_DOUBLE": str(int(double))}
    environment |= {"JAX_ENABLE_X64": str(int(double)), "TF_NUM_INTRAOP_THREADS": "1"}
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str], seconds: float = 1200) -> str:
    """What a command that went well had to say on stderr."""
    _, errors = process.communicate(timeout=seconds)
    assert process.returncode == 0, errors[-3000:]
    return errors


def train(out: Path, name: str, data: Path, settings: Sequence[str] = (), **machine: Any) -> Path:
    """One run to its end; returns its folder."""
    finish(start("train", "--data", data, "--out", out, "--name", name, *SETTINGS, *settings, **machine))
    return out / name


def free_nodes(count: int = 2) -> str:
    """So many addresses on loopback, as --nodes takes them."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    nodes = ",".join(f"127.0.0.1:{one.getsockname()[1]}" for one in sockets)
    for one in sockets:
        one.close()
    return nodes


def start_workers(out: Path, name: str, data: Path, settings: Sequence[str] = (), **machine: Any) -> list[subprocess.Popen[str]]:
    """The two workers of one run; the second is told to write into a folder of its own."""
    nodes = free_nodes()
    parts = [("--out", out, "--nodes", nodes, "--rank", 0), ("--out", out / "worker-1", "--nodes", nodes, "--rank", 1)]
    common = ("train", "--data", data, "--name", name, *SETTINGS, *settings)
    return [start(*common, *part, **machine) for part in parts]


def train_on_two(out: Path, name: str, data: Path, settings: Sequence[str] = (), **machine: Any) -> Path:
    """One run in two processes to its end; returns its folder."""
    for worker in start_workers(out, name, data, settings, **machine):
        finish(worker)
    return out / name


def metrics(run: Path) -> list[dict[str, float]]:
    """metrics.csv without what is different every time."""
    timed = ("images_per_second", "waiting")
    with (run / "metrics.csv").open() as file:
        return [{key: float(value) for key, value in row.items() if key not in timed} for row in csv.DictReader(file)]


def facts(run: Path) -> dict[str, Any]:
    """run.json."""
    return json.loads((run / "run.json").read_text())


def largest_difference(run: Path, other: Path) -> float:
    """Of all values in two metrics.csv that have the same rows."""
    rows, others = metrics(run), metrics(other)
    assert len(rows) == len(others) and [row.keys() for row in rows] == [row.keys() for row in others]
    return max(abs(row[key] - other[key]) for row, other in zip(rows, others, strict=True) for key in row)


def _main() -> None:
    from kclassify.cli import run
    from kclassify.presets.models import MODELS

    small = replace(MODELS["resnet18"].preprocessing, size=32)
    MODELS[PRESET] = replace(MODELS["resnet18"], name=PRESET, config={"depths": (1,), "bottleneck": False}, preprocessing=small, aliases=())
    if os.environ["TINY_RUN_DOUBLE"] == "1":
        _compute_in_double_precision()
    run()


def _compute_in_double_precision() -> None:
    """Every layer, the head too, which is float32 under all policies of the command line."""
    from kclassify import devices

    devices.start()
    import keras

    from kclassify.models import head

    def double(kind: str) -> Any:
        return lambda *positional, **named: getattr(keras.layers, kind)(*positional, **{**named, "dtype": "float64"})

    top_k = keras.metrics.top_k_categorical_accuracy
    keras.metrics.top_k_categorical_accuracy = lambda targets, logits, k: top_k(targets, keras.ops.cast(logits, "float32"), k=k)
    head.layers = SimpleNamespace(**{kind: double(kind) for kind in ("Rescaling", "Dropout", "Dense", "Activation")})
    keras.config.set_floatx("float64")
    devices.POLICIES["float32"] = "float64"


if __name__ == "__main__":
    _main()
