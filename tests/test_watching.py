"""What a run tells of itself while it goes: the time it waits for images, curves and pictures for TensorBoard."""

import contextlib
import csv
import dataclasses
import importlib.util
import io
import json
import re
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image
from rich.console import Console as RichConsole
from sklearn.datasets import load_digits
from sklearn.metrics import precision_score, recall_score
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

import kclassify as kc
from kclassify import config
from kclassify.console import Console
from kclassify.data import decoded, pipeline
from kclassify.data.python_ops import python_op
from kclassify.data.stopwatch import Stopwatch
from kclassify.errors import SetupError, UsageError
from kclassify.training import epoch_report, state
from kclassify.training.input_bound import InputBound
from kclassify.training.watchers import Watchers

TRAIN, STEPS = 32, 4  # images and steps of an epoch
SMALL = {"preset": "resnet18", "image_size": 32, "batch_size": 8}


@pytest.fixture(scope="module", autouse=True)
def tiny_net():
    """What is around the net is tested here, not the net."""
    with pytest.MonkeyPatch.context() as patch:
        tiny.install(patch)
        yield


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """40 digits of two classes."""
    root = tmp_path_factory.mktemp("digits") / "data"
    pictures, labels = load_digits(n_class=2, return_X_y=True)
    for number, (picture, label) in enumerate(zip(pictures[:40], labels[:40], strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture.reshape(8, 8) * 15).astype("uint8")).resize((32, 32)).save(root / str(label) / f"{number}.png")
    return root


def slowed(batches: tf.data.Dataset, waits: list[float]) -> tf.data.Dataset:
    """The same batches, each of them so many seconds later."""

    def late(weights: np.ndarray) -> np.ndarray:
        time.sleep(sum(waits))
        return weights

    return batches.map(lambda x, y, weights: (x, y, tf.ensure_shape(python_op(late, [weights], tf.float32), weights.shape)))


def batches_of(count: int) -> tf.data.Dataset:
    x, y, weights = np.arange(count * 2, dtype="uint8").reshape(count, 2, 1), np.zeros((count, 2, 3), "f4"), np.ones((count, 2), "f4")
    return tf.data.Dataset.from_tensor_slices((x, y, weights))


def test_the_stopwatch_counts_waiting_and_nothing_else():
    starved, idle = Stopwatch(), Stopwatch()
    for _ in starved.around(slowed(batches_of(11), [0.05])):
        pass
    assert 10 * 0.05 <= starved.seconds < 10 * 0.05 + 0.4
    for _ in idle.around(slowed(batches_of(11), [0.01]).prefetch(11)):
        time.sleep(0.05)
    assert idle.seconds < 0.1


def test_the_stopwatch_changes_no_batch():
    plain, measured = batches_of(5), Stopwatch().around(batches_of(5))
    assert measured.element_spec == plain.element_spec
    for one, other in zip(plain.as_numpy_iterator(), measured.as_numpy_iterator(), strict=True):
        for expected, found in zip(one, other, strict=True):
            np.testing.assert_array_equal(found, expected)


@dataclasses.dataclass
class Watched:
    """A run of three epochs whose second one waited for images, and that was killed when the third was about to be saved, and resumed."""

    path: Path
    said: str = ""
    said_resumed: str = ""
    points_when_killed: int = 0
    saved: list[int] = dataclasses.field(default_factory=list)


class Killed(BaseException):
    """Nothing of the process survives it."""


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):

    place = tmp_path_factory.mktemp("runs")
    found, waits = Watched(place / "watched"), []
    original, commit = pipeline.train_batches, state.State.commit

    def killing(self):
        waits[:] = [0.7] if self.progress.step == STEPS else []
        if self.progress.step == 3 * STEPS:
            raise Killed  # all of the third epoch is in the event file, its end in no checkpoint
        found.saved.append(self.progress.step)
        commit(self)

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()) as errors:
        patch.setattr(pipeline, "train_batches", lambda *args, **kwargs: slowed(original(*args, **kwargs), waits))
        patch.setattr(state.State, "commit", killing)
        with pytest.raises(Killed):
            kc.train(data=digits, out=place, name="watched", epochs=3, checkpoint={"steps": 2 * STEPS + 2}, **SMALL)
    found.said, found.points_when_killed = errors.getvalue(), len(points(read_events(found.path), "step/loss"))
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        kc.resume(found.path)
    found.said_resumed = errors.getvalue()
    return found


def rows(run: Watched) -> list[dict[str, float]]:
    with (run.path / "metrics.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def test_a_run_that_waits_for_images_says_so_with_what_to_try(run):
    line = r"^input-bound: \d\d% of the epoch .* images; try --cache ram \(decoded they take .* GB\)$"
    assert len(re.findall(line, run.said, re.MULTILINE)) == 1
    assert "input-bound" not in run.said_resumed
    assert [row["waiting"] > 0.3 for row in rows(run)] == [False, True, False]


def task_of(*, side: int = 100, **settings: Any) -> Any:
    index = types.SimpleNamespace(heights=np.full(9, side), widths=np.full(9, 2 * side))
    card = types.SimpleNamespace(preprocessing=types.SimpleNamespace(size=64))
    return types.SimpleNamespace(config=config.resolve(config.flat(settings)).config, data=types.SimpleNamespace(train=index), card=card)


@pytest.mark.parametrize(
    ("task", "free", "advice"),
    [
        (task_of(), 2**40, "--cache ram"),
        (task_of(data="photos"), 1000, "--cache disk"),
        (task_of(side=200, data="photos"), 1000, "kclassify data pack photos -o packed/ --short-side 73"),
        (task_of(side=200, image_cache="ram"), 2**40, "kclassify data pack digits -o packed/ --short-side 73"),
        (task_of(image_cache="ram", augment={"ops": "augmix,cutout"}), 2**40, "fewer augmentations than augmix, cutout"),
        (task_of(image_cache="disk"), 2**40, "more processors"),
    ],
)
def test_the_advice_fits_the_run_and_comes_once(task, free, advice, capsys, monkeypatch):
    monkeypatch.setattr(decoded, "_free_memory", lambda: free)
    told = InputBound(task, Console())
    for share in (0.1, 0.45, 0.5):
        told.tell(share)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("input-bound: 45% of the epoch went into waiting for images; ") and advice in line


@pytest.fixture(scope="module")
def events(run):
    """What TensorBoard reads of the run."""
    return read_events(run.path)


def read_events(path: Any) -> EventAccumulator:
    found = EventAccumulator(str(path / "tensorboard"), size_guidance={"tensors": 0})
    found.Reload()
    return found


def points(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, tf.make_ndarray(event.tensor_proto).item()) for event in events.Tensors(tag)]


def test_curves_are_the_rows_of_metrics_and_the_steps(run, events):
    for column in ("train_loss", "val_top1", "ema_loss", "lr", "waiting"):
        expected = [(row["step"], pytest.approx(row[column], rel=1e-5)) for row in rows(run)]
        assert points(events, column.replace("_", "/", 1)) == expected
    losses = points(events, "step/loss")
    assert [step for step, _ in losses] == list(range(1, 3 * STEPS + 1))
    # The last batch of an epoch is filled up; the mean over its images is the epoch's.
    images = np.array([8, 8, 8, 8][:STEPS])
    images[-1] = TRAIN - 8 * (STEPS - 1)
    means = [np.average([loss for _, loss in losses[first : first + STEPS]], weights=images) for first in (0, STEPS, 2 * STEPS)]
    assert means == [pytest.approx(row["train_loss"], rel=1e-4) for row in rows(run)]
    assert points(events, "step/lr")[-1] == (3 * STEPS, pytest.approx(rows(run)[-1]["lr"]))


def test_the_first_images_the_weights_and_the_graph_are_there(run, events):
    [image] = events.Tensors("first images")
    width, height, encoded = image.tensor_proto.string_val
    sheet = np.asarray(Image.open(io.BytesIO(encoded)))
    assert sheet.shape[:2] == (int(height), int(width)) and len(np.unique(sheet)) > 50
    model = kc.load_model(run.path / "last.keras")
    histograms = [tag for tag in events.Tags()["tensors"] if tag.startswith("weights/")]
    assert histograms == [f"weights/{variable.path}" for variable in model.trainable_variables]
    for variable, tag in list(zip(model.trainable_variables, histograms, strict=True))[-2:]:
        drawn = tf.make_ndarray(events.Tensors(tag)[-1].tensor_proto)  # rows of left, right, count
        values = np.asarray(variable)
        assert (drawn[0, 0], drawn[-1, 1], drawn[:, 2].sum()) == (pytest.approx(values.min()), pytest.approx(values.max()), values.size)
    [graph] = events.Tensors("keras")
    nodes = keras_model_to_graph_def(json.loads(graph.tensor_proto.string_val[0])).node
    assert len(nodes) > len(model.layers) / 2 and sum(len(node.input) for node in nodes) >= len(model.layers) - 1


def test_precision_and_recall_are_scikit_learns(run, events, digits):
    from kclassify.training.run_folder import RunFolder
    from kclassify.training.setup import load_data, make_card

    settings = RunFolder.open(run.path).config()
    data = load_data(settings, Console(quiet=True))
    batches = pipeline.eval_batches(data.val, make_card(settings, data.val.class_names).preprocessing, batch_size=len(data.val))
    pixels, targets, _ = next(batches.as_numpy_iterator())
    answers = np.asarray(kc.load_model(run.path / "last.keras")(pixels.astype("f4"), training=False))
    *_, precision, recall = tf.make_ndarray(events.Tensors("validation/precision and recall/pr_curves")[-1].tensor_proto)
    for number in (20, 90, 100, 160):
        answered = (np.floor(answers * 200) >= number).ravel()
        assert precision[number] == pytest.approx(precision_score(targets.ravel() > 0, answered, zero_division=0.0), abs=1e-6)
        assert recall[number] == pytest.approx(recall_score(targets.ravel() > 0, answered), abs=1e-6)


def test_a_resumed_run_has_no_point_twice_and_none_is_missing(run, events):
    assert run.saved == [STEPS, 2 * STEPS, 2 * STEPS + 2] and run.points_when_killed == 3 * STEPS
    assert [step for step, _ in points(events, "step/lr")] == list(range(1, 3 * STEPS + 1))
    assert [step for step, _ in points(events, "val/loss")] == [STEPS, 2 * STEPS, 3 * STEPS]
    assert len(events.Tensors("first images")) == len(events.Tensors("keras")) == 1
    assert [event.step for event in events.Tensors("validation/precision and recall/pr_curves")] == [STEPS, 2 * STEPS, 3 * STEPS]


ROW = {"epoch": 2, "lr": 0.05, "images_per_second": 88.6, "train_loss": 2.3, "train_top1": 0.5, "val_loss": 1.2, "val_top1": 0.3125}
ROW |= {"ema_loss": 0.7, "ema_top1": 0.77, "train_top5": 0.9, "val_top5": 0.8, "ema_top5": 0.9}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_gets_a_table_that_fits(width):
    console, screen = Console(), io.StringIO()
    console._rich = RichConsole(file=screen, force_terminal=True, width=width, color_system=None)
    for epoch, marked in ((2, True), (3, False)):
        report = ({**ROW, "epoch": epoch}, 12, 1442 * 9)
        console.row(epoch_report.line(*report), epoch_report.cells(*report), least=epoch_report.LEAST, marked=marked)
    head, *body = screen.getvalue().splitlines()
    assert max(len(line) for line in (head, *body)) <= width
    assert [line.split()[0] for line in body] == ["2/12", "3/12"] and [line.endswith(" *") for line in body] == [True, False]
    # A value stands under the end of its column's name.
    for name, value in (("val top1", "0.3125"), ("ema top1", "0.7700")):
        assert body[0].index(value) + len(value) == head.index(name) + len(name)
    assert ("lr" in head.split()) == (width == 120)


def test_a_pipe_gets_whole_lines(capsys):
    report = (ROW, 12, 886 * 3600)
    Console().row(epoch_report.line(*report), epoch_report.cells(*report), marked=True)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("[epoch 2/12] train loss: 2.30000, top1: 0.50000, top5: 0.90000 | val loss: 1.20000, ") and line.endswith(
        "eta: 10:00:00"
    )


class StandIn(types.ModuleType):
    """MLflow and Weights & Biases in one: notes what it is told."""

    def __init__(self) -> None:
        super().__init__("stand-in")
        self.id, self.info, self.told = "abc", types.SimpleNamespace(run_id="abc"), []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def called(*values: Any, **named: Any) -> Any:
            self.told.append((name, *values, named))
            return self

        return called


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_other_places_get_settings_and_rows_and_know_a_resumed_run_again(name, tmp_path, monkeypatch):
    from kclassify.training.run_folder import RunFolder

    place = StandIn()
    monkeypatch.setitem(sys.modules, name, place)
    settings = config.resolve({"watch": name, "out": str(tmp_path), "name": "run"}).config
    run = RunFolder.create(settings)
    for _ in range(2):
        watched = Watchers(settings.watch, run, settings, Console())
        watched.write_epoch({"epoch": 1, "step": 12, "val_top1": 0.5})
        watched.close()
        run = RunFolder.open(run.path)
    assert run.facts["watched"] == {name: "abc"}
    opening = [(verb, named) for verb, *_, named in place.told if verb in ("init", "start_run")]
    key = {"wandb": "id", "mlflow": "run_id"}[name]
    assert [named[key] for _, named in opening] == [None, "abc"]
    rows = [values for verb, *values in place.told if verb in ("log", "log_metrics")]
    assert rows == 2 * [[{"epoch": 1.0, "val/top1": 0.5}, {"step": 12}]]
    assert place.told[-1][0] in ("finish", "end_run")


def test_a_place_that_fails_is_told_and_training_goes_on(tmp_path, monkeypatch, capsys):
    from kclassify.training.run_folder import RunFolder

    def failing(*_: Any, **__: Any) -> None:
        raise OSError("no route to host\nand more")

    place = StandIn()
    place.log_metrics = failing
    monkeypatch.setitem(sys.modules, "mlflow", place)
    settings = config.resolve({"out": str(tmp_path), "name": "run"}).config
    watched = Watchers(["mlflow"], RunFolder.create(settings), settings, Console())
    for _ in range(2):
        watched.write_epoch({"epoch": 1, "step": 12, "val_top1": 0.5})
    assert capsys.readouterr().err == "mlflow gets no more of this run: no route to host\n"


def test_a_place_whose_package_is_missing_is_named_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r'the package wandb is not installed\. Install it with: pip install "kclassify\[wandb\]"'):
        kc.train(watch="tensorboard,wandb", out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    with pytest.raises(UsageError, match=r"watch: expected some of tensorboard, wandb, mlflow, got 'wandbb'\. Did you mean 'wandb'"):
        kc.train(watch="wandbb")
