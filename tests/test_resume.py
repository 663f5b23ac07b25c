"""Resuming with other settings: each is either exact from its step on, or refused in one line that names both values."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image
from sklearn.datasets import load_digits

import kclassify as kc
from kclassify.config import ScheduleConfig
from kclassify.data import pipeline
from kclassify.errors import DataError, Interrupted, UsageError
from kclassify.training.changes import place_after
from kclassify.training.schedules import learning_rates, plateau_factor

LR = 0.01
SMALL = {"preset": "resnet18", "image_size": 32, "batch_size": 8, "weights": "none", "verbose": False, "name": "run"}


def write_digits(root: Path, count: int = 30, classes: int = 2) -> Path:
    pictures, labels = load_digits(n_class=classes, return_X_y=True)
    for number, (picture, label) in enumerate(zip(pictures[:count], labels[:count], strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture.reshape(8, 8) * 15).astype("uint8")).resize((32, 32)).save(root / str(label) / f"{number}.png")
    return root


def train(folder: Path, data: Path, *, epochs: int, schedule: str = "constant", **values):
    return kc.train(
        data=data,
        out=folder,
        epochs=epochs,
        optimizer={"lr": LR, "lr_scale": "none"},
        schedule={"name": schedule, "warmup_epochs": 0},
        **SMALL,
        **values,
    )


@pytest.fixture(scope="module", autouse=True)
def tiny_net():
    """What is around the net is tested here, not the net."""
    with pytest.MonkeyPatch.context() as patch:
        tiny.install(patch)
        yield


@pytest.fixture(scope="module")
def one_epoch(tmp_path_factory) -> Path:
    """A finished run of one epoch of 24 images in 3 steps, at a constant learning rate."""
    folder = tmp_path_factory.mktemp("resume")
    train(folder, write_digits(folder / "data"), epochs=1)
    return folder


@pytest.fixture
def run(one_epoch, tmp_path) -> Path:
    """A copy of the run."""
    return Path(shutil.copytree(one_epoch / "run", tmp_path / "run"))


def facts(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def rows(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def everything(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != ".lock"}


# -- exact -------------------------------------------------------------------------------------------------------------------


def test_more_epochs_at_another_rate_are_a_piecewise_schedule(run, one_epoch, tmp_path, capfd):
    """A finished run that goes on at half the learning rate is, to the bit, one whose schedule halves it there."""
    kc.resume(run, epochs=2, optimizer={"lr": LR / 2}, verbose=True)
    told = capfd.readouterr().err
    assert "changed: epochs 2 instead of 1, optimizer.lr 0.005 instead of 0.01" in told
    assert "learning rate of the next step: 0.005 instead of 0 (constant over 2 epochs)" in told
    whole = train(
        tmp_path / "whole", one_epoch / "data", epochs=2, schedule="piecewise", settings=["schedule.milestones=[1.0]", "schedule.gamma=0.5"]
    )
    assert facts(run)["weights_sha256"] == facts(whole.path)["weights_sha256"]
    assert [row["lr"] for row in rows(run)] == pytest.approx([LR, LR / 2])
    [noted] = facts(run)["changes"]
    assert (noted["step"], noted["values"]) == (3, {"epochs": [1, 2], "optimizer.lr": [LR, LR / 2]})
    assert "epochs: 2" in (run / "config.yaml").read_text()


def test_a_curve_is_drawn_anew_and_never_zero(run):
    """Cosine instead of constant, four epochs instead of one and twice the batch: steps, rates and the best are those of the new plan."""
    before = facts(run)["best"]
    kc.resume(run, epochs=4, batch_size=16, schedule={"name": "cosine"}, verbose=False)
    expected = learning_rates(ScheduleConfig("cosine", warmup_epochs=0), LR, total_steps=8, steps_per_epoch=2)
    assert [row["step"] for row in rows(run)] == [3, 5, 7, 9]
    assert [row["lr"] for row in rows(run)[1:]] == pytest.approx(list(expected[[3, 5, 7]]))
    assert min(row["lr"] for row in rows(run)) > 0
    best = facts(run)["best"]
    assert [best["top1"], -best["loss"]] >= [before["top1"], -before["loss"]]
    assert [row["first"] for row in facts(run)["learning_rates"]] == pytest.approx(list(expected[::2]))


def test_bfloat16_from_here_on(run, one_epoch, tmp_path):
    kc.resume(run, epochs=2, precision="bfloat16", verbose=False)
    whole = train(tmp_path / "whole", one_epoch / "data", epochs=2)
    assert rows(run)[1]["train_loss"] == pytest.approx(rows(whole.path)[1]["train_loss"], rel=0.05)
    assert facts(run)["weights_sha256"] != facts(whole.path)["weights_sha256"]


@pytest.mark.slow
def test_two_devices_from_here_on(run, one_epoch, tmp_path):
    """A run of one device goes on with two: its next epoch is that of one device, as near as sums in another order come."""
    command = [sys.executable, Path(__file__).with_name("noted_steps.py"), "resume", run, "--epochs", "2"]
    environment = {**os.environ, "KCLASSIFY_LOGICAL_CPUS": "2", "STEPS_LOG": str(tmp_path / "steps")}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert "device: 2 " in done.stderr
    whole = train(tmp_path / "whole", one_epoch / "data", epochs=2)
    two, one = rows(run)[1], rows(whole.path)[1]
    assert two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-4)
    assert two["val_loss"] == pytest.approx(one["val_loss"], rel=1e-3)
    assert two["step"] == one["step"] == 6


@pytest.mark.parametrize("before", [4, 8, 12])
@pytest.mark.parametrize("after", [2, 4, 6, 8, 16])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_another_batch_size_sees_the_rest_of_the_epoch(before, after, accumulate):
    """Wherever the run stands: together the old and the new batches hold every image of the epoch once, or the change is refused."""
    samples, seed, epoch = 41, 3, 2
    per_epoch = [-(-samples // size) * accumulate for size in (before, after)]
    accepted = 0

    def images(size: int, steps: range) -> list[int]:
        left = max(0, samples - steps.start % per_epoch[size == after] * size // accumulate)  # what fills up the last batch is not counted
        return list(pipeline.rows_of_steps(samples, size // accumulate, seed, steps, 1, accumulate))[:left] if steps else []

    for inside in range(per_epoch[0]):
        stood = epoch * per_epoch[0] + inside
        try:
            place = place_after(stood, before=before, after=after, accumulate=accumulate, samples=samples)
        except UsageError as error:
            assert inside, "at an epoch's end every batch size will do"
            assert f"images with {before}, which {after} does not divide" in str(error)
            continue
        accepted += 1
        seen = images(before, range(epoch * per_epoch[0], stood)) + images(after, range(place, (epoch + 1) * per_epoch[1]))
        assert sorted(seen) == list(range(samples))
    assert accepted


# -- refused -----------------------------------------------------------------------------------------------------------------

REFUSED = [
    ({"image_size": 40}, r"image_size: the run was begun with 32 and cannot go on with 40\."),
    ({"preset": "resnet50"}, r"preset: the run was begun with resnet18 and cannot go on with resnet50\."),
    ({"seed": 7}, r"seed: the run was begun with 0 and cannot go on with 7\."),
    ({"optimizer": {"name": "adamw"}}, r"optimizer\.name: the run was begun with sgd and cannot go on with adamw\."),
    ({"optimizer": {"ema": 0}}, r"optimizer\.ema: the run was begun with 0\.99 and cannot go on with 0\.0\."),
    ({"precision": "float16"}, r"precision: the run was begun with float32 and cannot go on with float16\."),
    ({"accumulate": 2}, r"accumulate: the run was begun with 1 and cannot go on with 2\."),
    ({"val_fraction": 0.5}, r"val_fraction: the run was begun with 0\.2 and cannot go on with 0\.5\."),
]


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=[next(iter(values)) for values, _ in REFUSED])
def test_what_would_make_another_run_is_refused(run, values, message):
    before = everything(run)
    with pytest.raises(UsageError, match=message) as caught:
        kc.resume(run, **values)
    assert "\n" not in str(caught.value)
    assert everything(run) == before


@pytest.mark.parametrize("change", ["class", "image", "content"])
def test_other_data_is_refused(run, one_epoch, tmp_path, change):
    data = Path(shutil.copytree(one_epoch / "data", tmp_path / "data"))
    if change == "class":
        write_digits(data, count=40, classes=3)
        message = r"the run has 2 classes, the data now has 3\."
    elif change == "image":
        next((data / "1").iterdir()).unlink()
        message = r"images \([0-9a-f]{12}\).*images \([0-9a-f]{12}\)"
    else:
        first = min((data / "0").iterdir())
        Image.new("RGB", (50, 20)).save(first)
        message = r"\([0-9a-f]{12}\).*\([0-9a-f]{12}\)"
    before = everything(run)
    with pytest.raises(DataError, match=message):
        kc.resume(run, epochs=2, data=str(data), verbose=False)
    assert everything(run) == before


def test_the_same_data_in_another_place_is_the_same(run, one_epoch, tmp_path):
    shutil.copytree(one_epoch / "data", tmp_path / "moved")
    resumed = kc.resume(run, epochs=2, data=str(tmp_path / "moved"), verbose=False)
    assert resumed.last["epoch"] == 2


@pytest.mark.parametrize("file", ["run.json", "manifest.json"])
def test_a_newer_format_is_refused(run, file):
    path = run / file if file == "run.json" else max((run / "checkpoints").iterdir()) / file
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"schema_version" if file == "run.json" else "format": 99}))
    before = everything(run)
    with pytest.raises(UsageError, match=r"its format is 99, this kclassify reads up to 1\. Update with: "):
        kc.resume(run, epochs=2, verbose=False)
    assert everything(run) == before


# -- ends --------------------------------------------------------------------------------------------------------------------


def test_a_run_without_progress_ends(run, capfd):
    """Without a learning rate nothing gets better: two epochs after the best one it is over, and more patience takes it up again."""
    kc.resume(run, epochs=9, optimizer={"lr": 1e-12}, stop={"patience": 2}, settings=["loss.label_smoothing=0.5"], verbose=True)
    ended = facts(run)
    assert ended["status"] == "finished"
    assert ended["last"]["epoch"] == ended["best"]["epoch"] + 2 < 9
    assert "no better model for 2 epochs" in capfd.readouterr().err


def test_other_surroundings_are_told(run, capfd):
    """TensorFlow divides sums among processors, so another number of them changes the last digits."""
    kc.resume(run, epochs=2, verbose=True)
    assert "here:" not in capfd.readouterr().err
    begun = facts(run)
    begun["versions"]["keras"] = "3.0"
    (run / "run.json").write_text(json.dumps(begun | {"processors": 4096}))
    kc.resume(run, epochs=3, verbose=True)
    told = next(line for line in capfd.readouterr().err.splitlines() if line.startswith("here:"))
    assert "keras 3" in told and "instead of 3.0, processors " in told and " instead of 4096; " in told and "tensorflow" not in told


def test_a_run_that_knows_of_no_surroundings_goes_on(run, capfd):
    begun = facts(run)
    del begun["processors"], begun["versions"]
    (run / "run.json").write_text(json.dumps(begun))
    kc.resume(run, epochs=2, verbose=True)
    assert "here:" not in capfd.readouterr().err


@pytest.mark.slow
def test_a_time_limit_stops_and_the_rest_follows(one_epoch, tmp_path, capfd):
    with pytest.raises(
        Interrupted, match=r"The time limit of 1s is over; the state is saved at step \d+ of 600\.\nGo on with: kclassify resume"
    ) as caught:
        train(tmp_path, one_epoch / "data", epochs=200, stop={"time_limit": "1s"})
    assert caught.value.exit_code == 143
    assert facts(tmp_path / "run")["status"] == "interrupted"


def test_plateau_cuts_after_epochs_without_progress():
    config = ScheduleConfig("plateau", plateau_epochs=2, gamma=0.1)
    assert [plateau_factor([3, 2, *[2.5] * count], config) for count in range(5)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_plateau_in_a_run(run):
    """Validation losses do not fall at a rate of next to nothing, so from the third epoch on it is a tenth, also after the resume."""
    kc.resume(run, epochs=3, schedule={"name": "plateau", "plateau_epochs": 1}, optimizer={"lr": 1e-12}, verbose=False)
    losses = [row["val_loss"] for row in rows(run)]
    factors = [plateau_factor(losses[:count], ScheduleConfig("plateau", plateau_epochs=1)) for count in range(3)]
    assert [row["lr"] for row in rows(run)][1:] == pytest.approx([1e-12 * factor for factor in factors[1:]], rel=1e-3)


def test_rates_of_an_optimizer_follow_its_batch():
    """The printed rate and the table are Goyal et al.'s: linear in the batch; sqrt and none are its square root and itself."""
    from kclassify.config import OptimizerConfig
    from kclassify.training.setup import peak_learning_rate

    rates = [peak_learning_rate(OptimizerConfig(lr=0.1, reference_batch=256, lr_scale=scale), 1024) for scale in ("linear", "sqrt", "none")]
    assert rates == pytest.approx([0.4, 0.2, 0.1])
    assert np.isfinite(rates).all()
