"""Kills at random moments: a run that was killed and resumed ends in the bits of one that was not."""

import contextlib
import csv
import itertools
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits

INTERVAL = 2  # steps between two checkpoints
SETTINGS = [
    "--preset",
    "resnet18",
    "--image-size",
    "32",
    "--epochs",
    "4",
    "--batch-size",
    "8",
    "--no-pretrained",
    "-o",
    "dropout=0.2",
    "-q",
]
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


def start(folder: Path, data: Path, name: str, **environment: str) -> subprocess.Popen[bytes]:
    """Begin the run `name`, or go on with it if it has begun."""
    run = folder / name
    begin = ["train", "--data", str(data), "--out", str(folder), "--name", name, "--set", f"checkpoint.steps={INTERVAL}", *SETTINGS]
    arguments = ["resume", str(run), "-q"] if (run / "run.json").is_file() else begin
    environment = {**os.environ, "STEPS_LOG": str(folder / f"{name}.steps"), **environment}
    return subprocess.Popen([sys.executable, RUNNER, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def metrics(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open() as file:
        return [
            {key: float(value) for key, value in row.items() if key not in ("images_per_second", "waiting")} for row in csv.DictReader(file)
        ]


@dataclass
class Reference:
    """The run that nothing ended: what all others are compared with."""

    folder: Path
    data: Path
    devices: str
    seconds: float
    save_events: int

    def start(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        return start(self.folder, self.data, name, KCLASSIFY_LOGICAL_CPUS=self.devices, **environment)

    def check(self, name: str, redone_at_most: int) -> None:
        """A run that has come to its end ended in the same bits, with the same rows, and did no step more often than it had to."""
        reference = json.loads((self.folder / "reference" / "run.json").read_text())
        ended = json.loads((self.folder / name / "run.json").read_text())
        assert (ended["status"], ended["weights_sha256"]) == ("finished", reference["weights_sha256"])
        expected = [pytest.approx(row, rel=1e-5, abs=1e-5) for row in metrics(self.folder / "reference")]
        assert metrics(self.folder / name) == expected
        seen = [int(line) for line in (self.folder / f"{name}.steps").read_text().split()]
        redone = [before - after + 1 for before, after in itertools.pairwise(seen) if after <= before]
        assert max(redone, default=0) <= redone_at_most, seen
        assert sorted(set(seen)) == list(range(1, reference["last"]["step"] + 1))
        files = {path.name for path in (self.folder / name).rglob("*") if path.is_file() and path.parent.name != "tensorboard"}
        assert not {name for name in files if name.endswith(".tmp") or (name.startswith(".") and name != ".lock")}


def make_reference(folder: Path, data: Path, devices: str) -> Reference:
    began, log = time.monotonic(), folder / "events"
    process = start(folder, data, "reference", KCLASSIFY_LOGICAL_CPUS=devices, SAVE_LOG=str(log))
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return Reference(folder, data, devices, time.monotonic() - began, int(log.read_text()))


def check_kills(reference: Reference, wanted: int) -> None:
    """Every second kill falls inside a save, at one of its file events; the others at any moment."""
    dice, kills, runs = random.Random(), Counter(), 0
    while kills.total() < wanted:
        name, done = f"run{runs}", False
        runs += 1
        while not done:
            moment = (
                None
                if kills.total() >= wanted or dice.random() < 0.15
                else ("in a save" if kills["in a save"] <= kills["anywhere"] else "anywhere")
            )
            last = str(dice.randrange(1, reference.save_events * 2 // 3))
            began = time.monotonic()
            process = reference.start(name, **({"DIE_IN_SAVE": last} if moment == "in a save" else {}))
            if moment == "anywhere":
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=dice.uniform(0.35, 1) * reference.seconds)
                process.kill()
            _, errors = process.communicate()
            assert process.returncode in (0, -9), errors.decode()
            done = process.returncode == 0
            if done:  # the machine may be faster or slower than it was
                reference.seconds = time.monotonic() - began
            if not done:
                kills[moment] += 1
        reference.check(name, redone_at_most=INTERVAL)
        shutil.rmtree(reference.folder / name)
    print(f"{reference.devices} devices: kills {dict(kills)} in {runs} runs, all bit-identical to the uninterrupted run")


def test_two_kills(tmp_path, digits):
    check_kills(make_reference(tmp_path, digits, "1"), 2)


@pytest.mark.slow
@pytest.mark.parametrize("devices", ["1", "2"])
def test_fifty_kills(tmp_path, digits, devices):
    check_kills(make_reference(tmp_path, digits, devices), 50)


@pytest.mark.slow
def test_sigterm_in_every_phase(tmp_path, digits):
    """Within 10 s it has ended as one that was stopped, and no step is made twice."""
    reference = make_reference(tmp_path, digits, "1")
    for phase in (
        "indexing",
        "building",
        "restoring",
        "first step",
        "middle of an epoch",
        "checkpoint",
        "validation",
        "best.keras",
        "last row",
    ):
        name, log = phase.replace(" ", "-"), tmp_path / f"{phase.replace(' ', '-')}.steps.terminated"
        process = reference.start(name, TERM_AT=phase)
        while not log.exists() and process.poll() is None:
            time.sleep(0.05)
        began = time.monotonic()
        _, errors = process.communicate()
        seconds = time.monotonic() - began
        print(f"{phase}: ended after {seconds:.1f} s with {process.returncode}: {errors.decode().splitlines()[-1]}")
        assert process.returncode == 143, errors.decode()
        assert seconds < 10
        _, errors = reference.start(name).communicate()
        reference.check(name, redone_at_most=0)


@pytest.mark.slow
def test_ckpt_chaos(tmp_path, digits):
    """An outside tool ends `kclassify train` at each file event of its saves: by a kill, by a torn file, by SIGTERM."""
    program = [sys.executable, str(RUNNER.with_name("tiny_cli.py"))]  # hundreds of starts: the net is a small one
    train = [*program, "train", "--data", str(digits), "--out", "{out}", "--name", "run", *SETTINGS[:-1]]
    train += ["--epochs", "2", "-o", "checkpoint.steps=4", "-o", "checkpoint.keep=99"]
    resume = f"{shlex.join(program)} resume {{out}}/run"
    begun = f"if [ -f {{out}}/run/run.json ]; then {resume}; else {shlex.join(train)}; fi"
    mark = "import json, sys; print(json.load(open(sys.argv[1]))['weights_sha256'])"
    options = {
        "--work": str(tmp_path / "work"),
        "--max-points": "24",
        "--modes": "before,torn,term",
        "--step-regex": r"(?:resuming|finished) at step (\d+)",
        "--checkpoint-glob": "{out}/run/checkpoints/step-????????",
        "--result-cmd": shlex.join([sys.executable, "-c", mark, "{out}/run/run.json"]),
        "--resume-cmd": shlex.join(["sh", "-c", begun]),
        "--fail-on": "HARD_FAIL,SILENT_DIVERGENCE,LOST_WORK",
    }
    command = [sys.executable, "-m", "ckpt_chaos", "run", "--ckpt-ignore-size", *itertools.chain(*options.items()), "--", *train]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
