"""What a run tells of itself while it goes: the time it waits for images, curves and pictures for TensorBoard."""

import csv
import io
import re
import sys
import time
import types
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_digits

import kclassify as kc
from kclassify import config
from kclassify.console import Console
from kclassify.data import decoded, pipeline
from kclassify.data.python_ops import python_op
from kclassify.data.stopwatch import Stopwatch
from kclassify.training.input_bound import InputBound

SMALL = {"preset": "resnet18", "image_size": 32, "batch_size": 8}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """40 digits of two classes."""
    root = tmp_path_factory.mktemp("digits") / "data"
    pictures, labels = load_digits(n_class=2, return_X_y=True)
    for number, (picture, label) in enumerate(zip(pictures[:40], labels[:40], strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture.reshape(8, 8) * 15).astype("uint8")).resize((32, 32)).save(root / str(label) / f"{number}.png")
    return root


def slowed(batches: tf.data.Dataset, seconds: float) -> tf.data.Dataset:
    """The same batches, each of them so much later."""

    def late(weights: np.ndarray) -> np.ndarray:
        time.sleep(seconds)
        return weights

    return batches.map(lambda x, y, weights: (x, y, tf.ensure_shape(python_op(late, [weights], tf.float32), weights.shape)))


def batches_of(count: int) -> tf.data.Dataset:
    x, y, weights = np.arange(count * 2, dtype="uint8").reshape(count, 2, 1), np.zeros((count, 2, 3), "f4"), np.ones((count, 2), "f4")
    return tf.data.Dataset.from_tensor_slices((x, y, weights))


def test_the_stopwatch_counts_waiting_and_nothing_else():
    starved, idle = Stopwatch(), Stopwatch()
    for _ in starved.around(slowed(batches_of(11), 0.05)):
        pass
    assert 10 * 0.05 <= starved.seconds < 10 * 0.05 + 0.4
    for _ in idle.around(slowed(batches_of(11), 0.01).prefetch(11)):
        time.sleep(0.05)
    assert idle.seconds < 0.1


def test_the_stopwatch_changes_no_batch():
    plain, measured = batches_of(5), Stopwatch().around(batches_of(5))
    assert measured.element_spec == plain.element_spec
    for one, other in zip(plain.as_numpy_iterator(), measured.as_numpy_iterator(), strict=True):
        for expected, found in zip(one, other, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):
    """Two epochs, and what they said."""
    errors = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", errors)
        found = kc.train(data=digits, out=tmp_path_factory.mktemp("runs"), epochs=2, **SMALL)
    return found, errors.getvalue()


def waiting(run: Any) -> list[float]:
    with (run.path / "metrics.csv").open() as file:
        return [float(row["waiting"]) for row in csv.DictReader(file)]


def test_a_run_that_computes_is_not_called_input_bound(run):
    found, said = run
    assert "input-bound" not in said
    assert [share < 0.3 for share in waiting(found)] == [True, True]


def test_a_run_that_waits_for_images_says_so_with_what_to_try(digits, tmp_path, monkeypatch, capsys):
    original = pipeline.train_batches
    monkeypatch.setattr(pipeline, "train_batches", lambda *args, **kwargs: slowed(original(*args, **kwargs), 2.0))
    found = kc.train(data=digits, out=tmp_path, epochs=1, **SMALL)
    assert re.search(r"^input-bound: \d\d% .* images; try --cache ram \(decoded they take .* GB\)$", capsys.readouterr().err, re.MULTILINE)
    assert waiting(found)[0] > 0.3


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
