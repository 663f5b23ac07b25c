"""Several devices compute what one computes; tried on logical CPU devices."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from kclassify import devices
from kclassify.errors import SetupError, UsageError

RUNNER = Path(__file__).with_name("first_steps.py")


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """100 digits of three classes: 80 to train on, so that of three batches of 32 the last one is filled up."""
    root = tmp_path_factory.mktemp("digits")
    pictures, labels = load_digits(n_class=3, return_X_y=True)
    for number, (picture, label) in enumerate(zip(pictures[:100], labels[:100], strict=True)):
        (root / str(label)).mkdir(exist_ok=True)
        Image.fromarray((picture.reshape(8, 8) * 15).astype("uint8")).resize((64, 64)).save(root / str(label) / f"{number}.png")
    return root


def losses(count: int, precision: str, *settings: str) -> np.ndarray:
    environment = {**os.environ, devices.LOGICAL_CPUS: str(count)}
    done = subprocess.run([sys.executable, RUNNER, precision, *settings], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def test_two_devices_compute_what_one_does(digits):
    """BatchNorm, dropout and a filled-up last batch included; in double precision, where rounding cannot hide or feign a difference."""
    settings = (f"data={digits}", "preset=resnet18", "dropout=0.3", "image_size=32", "epochs=1", "optimizer.lr=0.002")
    one, two = losses(1, "float64", *settings), losses(2, "float64", *settings)
    assert len(one) == 3 and one[-1] < 0.9 * one[0]  # 16 of its 32 places count
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize(
    ("precision", "preset", "steps", "tolerance"),
    [("float32", "resnet18", 10, 1e-5), ("float64", "resnet18", 23, 1e-5)],
)
def test_loss_curves_on_the_built_in_digits(count, precision, preset, steps, tolerance):
    """Single precision over ten steps only: these nets amplify a difference in the last bit, on one device too, about threefold a step."""
    settings = ("data=digits", f"preset={preset}", "epochs=1", "batch_size=64", "optimizer.lr=0.0005")
    one, several = (losses(number, precision, *settings)[:steps] for number in (1, count))
    print(f"{preset} {precision} on {count} devices: largest difference {np.abs(several - one).max():.1e} over {steps} steps")
    np.testing.assert_allclose(several, one, rtol=0, atol=tolerance)


def test_a_gpu_that_is_not_there(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(SetupError, match="GPU 0 is not there; this machine has no GPU"):
        devices.select("0,1,2,3")
    assert devices.select(None).text == "CPU (no GPU found)"
    assert devices.select("none").replicas == 1


@pytest.mark.parametrize("text", ["0,0", "a", "-1", "0;1"])
def test_gpus_that_are_no_numbers(text):
    with pytest.raises(UsageError, match="--gpus: expected different numbers"):
        devices.select(text)
