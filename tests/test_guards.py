"""Guards: what would spoil or end a run is found early, said in one message, and the last good checkpoint always loads."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image
from sklearn.datasets import load_digits

import kclassify as kc
from kclassify.errors import KClassifyError, SetupError
from kclassify.training import checkpoint, guards
from kclassify.training.loop import Loop

LR, BAD = 0.01, 5  # the step whose loss is made not a number: the second one of the second epoch
SMALL = {"preset": "resnet18", "image_size": 32, "epochs": 2, "batch_size": 8, "weights": "none", "verbose": False, "name": "run"}
LOADED = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may mount the small disk that is filled")


@pytest.fixture(scope="module", autouse=True)
def tiny_net():
    """What is around the net is tested here, not the net."""
    with pytest.MonkeyPatch.context() as patch:
        tiny.install(patch)
        yield


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """30 digits of two classes: 24 to train on in 3 steps."""
    root = tmp_path_factory.mktemp("digits")
    pictures, labels = load_digits(n_class=2, return_X_y=True)
    for number, (picture, label) in enumerate(zip(pictures[:30], labels[:30], strict=True)):
        (root / str(label)).mkdir(exist_ok=True)
        Image.fromarray((picture.reshape(8, 8) * 15).astype("uint8")).resize((32, 32)).save(root / str(label) / f"{number}.png")
    return root


def train(digits: Path, out: Path, **values):
    constant = {"name": "constant", "warmup_epochs": 0}
    every_step = {"steps": 1, "keep": 1}
    return kc.train(
        data=digits, out=out, optimizer={"lr": LR, "lr_scale": "none"}, schedule=constant, checkpoint=every_step, **SMALL, **values
    )


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    """A run that nothing happens to."""
    return train(digits, tmp_path_factory.mktemp("whole"))


def facts(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def poison(monkeypatch, times: int) -> None:
    """The first `times` that the pipeline gives the batch of step BAD, its weights are not numbers."""
    original, left = Loop._train_batches, [times]

    def poisoned(loop, first, last):
        batches = original(loop, first, last)
        if not left[0] or not first < BAD <= last:
            return batches
        left[0] -= 1
        return batches.enumerate().map(lambda number, batch: (*batch[:2], batch[2] * tf.where(number == BAD - 1 - first, np.nan, 1.0)))

    monkeypatch.setattr(Loop, "_train_batches", poisoned)


# -- losses and weights that are no numbers -------------------------------------------------------------------------------------


def test_a_loss_that_is_not_a_number_stops_in_its_step_or_goes_back(digits, tmp_path, monkeypatch, capfd):
    """Stopping names the step, the rate and the images, and leaves the checkpoint before; going on from there by hand at half the rate ends
    in the bits of the run that went back by itself."""
    poison(monkeypatch, 1)
    with pytest.raises(KClassifyError) as caught:
        train(digits, tmp_path / "stopped")
    assert caught.value.exit_code == 1
    first, second, third = str(caught.value).splitlines()
    assert first.startswith(f"The loss of step {BAD} is nan, at learning rate 0.01. Its images: ")
    assert first.endswith("and 5 more (run.json has all).")
    assert second == f"Nothing of it was saved; the last good checkpoint is of step {BAD - 1} in {tmp_path / 'stopped' / 'run'}."
    assert third.startswith("Train anew with a lower --lr, with --precision float32, or with --on-nan rollback.")
    stopped = facts(tmp_path / "stopped" / "run")
    trained_on = {line.split(",")[1] for line in (tmp_path / "stopped/run/split.csv").read_text().splitlines() if line.startswith("train,")}
    assert stopped["status"] == "failed"
    assert len(stopped["not_finite"]["images"]) == 8
    assert set(stopped["not_finite"]["images"]) <= trained_on
    assert checkpoint.last_step(tmp_path / "stopped/run/checkpoints") == BAD - 1
    by_hand = kc.resume(tmp_path / "stopped" / "run", optimizer={"lr": LR / 2}, verbose=False)

    poison(monkeypatch, 1)
    by_itself = train(digits, tmp_path / "back", on_nan="rollback")
    [rollback] = facts(by_itself.path)["rollbacks"]
    assert (rollback["step"], rollback["back_to"], len(rollback["images"])) == (BAD, BAD - 1, 8)
    assert by_itself.last["lr"] == pytest.approx(LR / 2)
    assert facts(by_itself.path)["weights_sha256"] == facts(by_hand.path)["weights_sha256"]


def test_after_three_rollbacks_it_is_over(digits, tmp_path, monkeypatch):
    poison(monkeypatch, 99)
    with pytest.raises(KClassifyError, match=r"\n3 rollbacks did not help\. Train anew with a lower --lr"):
        train(digits, tmp_path, on_nan="rollback")
    assert len(facts(tmp_path / "run")["rollbacks"]) == guards.ROLLBACKS
    assert checkpoint.last_step(tmp_path / "run" / "checkpoints") == BAD - 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_not_saved(value):
    guards.check_arrays(3, {"a": np.ones(4, np.float32), "count": np.array(7)})
    with pytest.raises(guards.NotFinite, match="The weights after step 3 are not finite"):
        guards.check_arrays(3, {"a": np.ones(4, np.float32), "b": np.array([1, value], np.float32)})


# -- memory and disk ---------------------------------------------------------------------------------------------------------


def test_out_of_memory_proposes_a_batch_size(digits, tmp_path, monkeypatch):
    """TensorFlow's own error, from a tensor that no machine has room for."""
    monkeypatch.setattr(Loop, "after_step", lambda *_: tf.zeros((2**50,)))
    with pytest.raises(
        SetupError, match=r"Out of memory after step 0, with 8 images of 32 x 32 pixels a step\.\n.*accumulate=2$"
    ) as caught:
        train(digits, tmp_path)
    assert caught.value.exit_code == 7
    assert "--batch-size 4" in str(caught.value)


@contextlib.contextmanager
def small_disk(place: Path, kilobytes: int):
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, leave: int) -> Path:
    """A file that leaves so many bytes free."""
    filler = place / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(place).free - leave)
    return filler


@LOADED
def test_a_disk_without_room_is_found_before_the_first_step(digits, tmp_path):
    with small_disk(tmp_path / "disk", 16) as place:
        with pytest.raises(
            SetupError, match=r"the run needs 1\.\d MB for its checkpoints and models, the disk has 16\.4 kB free"
        ) as caught:
            train(digits, place)
        assert caught.value.exit_code == 7
        assert list(place.iterdir()) == []


@LOADED
@pytest.mark.parametrize("moment", ["checkpoint", "model"])
def test_a_disk_that_fills_up_loses_nothing(digits, whole, tmp_path, monkeypatch, moment):
    """After room is made the run goes on and ends in the bits of one that always had room."""
    original = Loop.after_step if moment == "checkpoint" else Loop._validate

    def filled(loop, *arguments):
        if loop.state.progress.step == (4 if moment == "checkpoint" else 6) and not (place / "filler").exists():
            fill(place, 4096)
        return original(loop, *arguments)

    with small_disk(tmp_path / "disk", 2000) as place:
        monkeypatch.setattr(Loop, "after_step" if moment == "checkpoint" else "_validate", filled)
        with pytest.raises(SetupError, match=r"^The disk is full: .* is of step \d\.\nMake room, then: kclassify resume ") as caught:
            train(digits, place)
        assert caught.value.exit_code == 7
        monkeypatch.undo()
        checkpoints = place / "run" / "checkpoints"
        assert checkpoint.last_step(checkpoints) == (4 if moment == "checkpoint" else 5)
        assert [path.name for path in checkpoints.iterdir() if path.name.endswith(".tmp")] == []
        (place / "filler").unlink()
        assert facts(kc.resume(place / "run", verbose=False).path)["weights_sha256"] == facts(whole.path)["weights_sha256"]


@LOADED
def test_a_read_only_place(digits, tmp_path):
    with small_disk(tmp_path / "disk", 2000) as place:
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        with pytest.raises(
            SetupError, match=rf"Cannot make a run folder in '{place}': '{place}' cannot be written to\. Choose another place"
        ):
            train(digits, place)
        assert list(place.iterdir()) == []


def test_one_process_a_run(tmp_path):
    """While one process holds the run another one is told so, and changes nothing."""
    from kclassify.config import RunConfig
    from kclassify.training.run_folder import RunFolder

    run = RunFolder.create(RunConfig(data=str(tmp_path), out=str(tmp_path), name="run"))
    with run.claimed():
        before = {path: path.read_bytes() for path in run.path.iterdir()}
        command = [sys.executable, "-m", "kclassify", "resume", str(run.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (7, "")
    assert f"Another process is working on {run.path}. Wait for it to end, or stop it." in done.stderr
    assert {path: path.read_bytes() for path in run.path.iterdir()} == before
