"""The learning rate range test: what it suggests, and that a training with `--lr auto` begins as if the number had been typed."""

import math
import types

import numpy as np
import pytest
import tiny
import yaml
from PIL import Image
from sklearn.datasets import load_digits

import kclassify as kc
from kclassify import config
from kclassify.console import Console
from kclassify.errors import KClassifyError, UsageError
from kclassify.training import changes, lr_chart, lr_finder


def rising(losses: list[float], *, accumulate: int = 1, images: int = 8000) -> lr_finder._Rising:
    """The callback after a `fit` with steps of 8 images that had these losses, as Keras tells them: running means."""
    task = types.SimpleNamespace(
        config=types.SimpleNamespace(accumulate=accumulate), step_images=8, images_before=lambda step: min(8 * step, images)
    )
    callback = lr_finder._Rising(task, np.geomspace(1e-5, 10, 100), Console(quiet=True), None)
    callback.set_model(types.SimpleNamespace(stop_training=False))
    for step in range(len(losses)):
        callback.on_train_batch_end(step, {"loss": np.mean(losses[: step + 1])})
        if callback.model.stop_training:
            break
    return callback


def test_losses_come_out_of_the_running_means_and_are_smoothed():
    losses = [3.0, 2.0, 4.0, 1.0]
    found = rising(losses)
    np.testing.assert_allclose(found.losses, losses)
    weights = 0.9 ** np.arange(4)[::-1]
    assert found.smoothed[-1] == pytest.approx(np.average(losses, weights=weights))
    np.testing.assert_allclose(rising(losses, accumulate=2).losses, [2.5, 2.5])


def test_a_batch_that_is_filled_up_has_the_loss_of_its_images():
    found = rising([2.0, 2.0, 0.5], images=18)  # 2 of 8 places of the last batch are images, the others count nothing
    np.testing.assert_allclose(found.losses, [2.0, 2.0, 2.0])
    np.testing.assert_allclose(found.smoothed, [2.0, 2.0, 2.0])


@pytest.mark.parametrize("last", [[1000.0] * 5, [math.nan], [math.inf]])
def test_the_test_ends_when_the_loss_diverges(last):
    found = rising([2.0] * 20 + last + [2.0] * 20)
    assert found.diverged and found.model.stop_training
    assert 20 <= len(found.losses) < 25 and np.isfinite(found.smoothed).all()


def test_losses_that_never_fall_are_an_error():
    task = types.SimpleNamespace(config=config.resolve().config)
    with pytest.raises(KClassifyError, match=r"did not fall at any learning rate from 1e-05 to .*\n.*kclassify data preview"):
        lr_finder._result(task, rising(list(np.linspace(2.0, 4.0, 60))))


def test_several_machines_need_a_number():
    with pytest.raises(UsageError, match="one machine"):
        lr_finder.find(types.SimpleNamespace(machine=types.SimpleNamespace(cluster=object())), Console(quiet=True))


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("1e-3", 0.001), ("2", 2.0)])
def test_a_learning_rate_is_a_number_or_auto(text, value):
    assert config.resolve(settings=[f"optimizer.lr={text}"]).config.optimizer.lr == value
    assert config.resolve({"optimizer.lr": text}).config.optimizer.lr == value


@pytest.mark.parametrize("text", ["fast", "-1", "true"])
def test_another_word_is_no_learning_rate(text):
    with pytest.raises(UsageError, match=r"optimizer\.lr: expected (a number or auto|0 to)"):
        config.resolve({"optimizer.lr": text})


def test_a_resumed_run_takes_a_number():
    before, after = (config.resolve({"optimizer.lr": value}).config for value in (0.1, "auto"))
    with pytest.raises(UsageError, match=r"auto is for a new run, this one was begun with 0\.1"):
        changes.check(changes.compare(before, after), "runs/x")


@pytest.fixture(scope="module", autouse=True)
def tiny_net():
    """What is around the net is tested here, not the net."""
    with pytest.MonkeyPatch.context() as patch:
        tiny.install(patch)
        yield


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """80 digits of two classes."""
    root = tmp_path_factory.mktemp("digits") / "data"
    pictures, labels = load_digits(n_class=2, return_X_y=True)
    for number, (picture, label) in enumerate(zip(pictures[:80], labels[:80], strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture.reshape(8, 8) * 15).astype("uint8")).resize((32, 32)).save(root / str(label) / f"{number}.png")
    return root


def test_auto_begins_as_if_the_number_had_been_typed(digits, tmp_path, monkeypatch):
    from kclassify.training import loop

    begun, tests = [], []
    original = lr_finder.find
    monkeypatch.setattr(lr_finder, "find", lambda *args: tests.append(original(*args)) or tests[-1])

    def fit(self, signals):
        begun.append(({name: np.array(variable) for name, variable in self.state._variables()}, self.task.rates, self.run.config()))
        raise KClassifyError("enough")

    monkeypatch.setattr(loop.Loop, "fit", fit)
    small = {"data": digits, "preset": "resnet18", "image_size": 32, "batch_size": 8, "out": tmp_path, "epochs": 2, "verbose": False}
    scaled = {"lr_scale": "linear", "reference_batch": 16}
    for lr in ("auto", None):
        with pytest.raises(KClassifyError, match="enough"):
            kc.train(**small, optimizer={"lr": lr or tests[0].lr, **scaled})
    (found, rates, recorded), (typed, same_rates, _) = begun
    assert found.keys() == typed.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], typed[name], err_msg=name)
    np.testing.assert_array_equal(rates, same_rates)
    [test] = tests
    assert recorded.optimizer.lr == test.lr and test.peak == test.lr * 0.5
    assert yaml.safe_load((tmp_path / "resnet18-data-1" / "config.yaml").read_text())["optimizer"]["lr"] == test.lr
    # The rates rise by one factor a step; the peak is a tenth of the one with the lowest smoothed loss.
    np.testing.assert_allclose(np.diff(np.log(test.rates)), math.log(1e6) / 99, rtol=1e-6)
    assert test.peak == pytest.approx(0.1 * test.rates[int(np.argmin(test.smoothed))], rel=0.06)
    assert min(test.smoothed) < test.smoothed[0] < test.smoothed[-1]
    drawn = np.asarray(lr_chart.draw(test)).astype(int)
    red = (drawn[..., 0] > 150) & (drawn[..., 1] < 80) & (drawn[..., 2] < 90)
    across = (math.log10(test.peak) + 5) / (math.log10(test.rates[-1]) + 5)
    assert np.flatnonzero(red.sum(axis=0) > 300).mean() == pytest.approx(90 + across * 840, abs=2)
