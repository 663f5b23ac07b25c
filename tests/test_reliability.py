"""Kills at random moments: a run that was killed and resumed ends in the bits of one that was not."""

import csv
import itertools
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits

INTERVAL = 2  # steps between two checkpoints
SETTINGS = ["--preset", "mobilenetv3_small", "--image-size", "32", "--epochs", "4", "--batch-size", "8", "--no-pretrained", "-q"]
RUNNER = Path(__file__).with_name("noted_steps.py")


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """70 digits of three classes."""
    root = tmp_path_factory.mktemp("digits")
    pictures, labels = load_digits(n_class=3, return_X_y=True)
    for number, (picture, label) in enumerate(zip(pictures[:70], labels[:70], strict=True)):
        (root / str(label)).mkdir(exist_ok=True)
        Image.fromarray((picture.reshape(8, 8) * 15).astype("uint8")).resize((32, 32)).save(root / str(label) / f"{number}.png")
    return root


def start(folder: Path, data: Path, name: str) -> subprocess.Popen[bytes]:
    """Begin the run `name`, or go on with it if it has begun."""
    run = folder / name
    begin = ["train", "--data", str(data), "--out", str(folder), "--name", name, "--set", f"checkpoint.steps={INTERVAL}", *SETTINGS]
    arguments = ["resume", str(run), "-q"] if (run / "run.json").is_file() else begin
    environment = {**os.environ, "STEPS_LOG": str(folder / f"{name}.steps")}
    return subprocess.Popen([sys.executable, RUNNER, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def metrics(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open() as file:
        return [{key: float(value) for key, value in row.items() if key != "images_per_second"} for row in csv.DictReader(file)]


def check_kills(folder: Path, data: Path, wanted: int) -> None:
    began = time.monotonic()
    process = start(folder, data, "reference")
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    duration = time.monotonic() - began
    reference = json.loads((folder / "reference" / "run.json").read_text())
    expected, steps = metrics(folder / "reference"), reference["last"]["step"]
    dice, kills, runs = random.Random(), 0, 0
    while kills < wanted:
        name, done = f"run{runs}", False
        runs += 1
        while not done:
            process = start(folder, data, name)
            if kills < wanted and dice.random() < 0.85:
                try:
                    process.wait(timeout=dice.uniform(0.35 * duration, duration))
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
            _, errors = process.communicate()
            assert process.returncode in (0, -9), errors.decode()
            done = process.returncode == 0
        ended = json.loads((folder / name / "run.json").read_text())
        assert (ended["status"], ended["weights_sha256"]) == ("finished", reference["weights_sha256"])
        assert metrics(folder / name) == [pytest.approx(row, rel=1e-5, abs=1e-5) for row in expected]
        seen = [int(line) for line in (folder / f"{name}.steps").read_text().split()]
        redone = [before - after + 1 for before, after in itertools.pairwise(seen) if after <= before]
        assert max(redone, default=0) <= INTERVAL, seen
        assert sorted(set(seen)) == list(range(1, steps + 1))
    print(f"{kills} kills in {runs} runs of {steps} steps: all bit-identical to the uninterrupted run")


def test_two_kills(tmp_path, digits):
    check_kills(tmp_path, digits, 2)


@pytest.mark.slow
def test_twenty_kills(tmp_path, digits):
    check_kills(tmp_path, digits, 20)
