"""Several devices, and several processes, compute what one device computes; tried on logical CPU devices, by real runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_run import largest_difference, make_digits, metrics, train, train_on_two

from kclassify import devices
from kclassify.errors import SetupError, UsageError

# What could be computed in another way on several devices, each by itself and all together. Everything has synchronized BatchNorm, dropout,
# and a last batch that is filled up. In double precision, where a rounded bit is not amplified into a difference that could hide another.
CASES = {
    "plain": ["--set", "optimizer.ema=0"],
    "ema": ["--set", "optimizer.ema=0.9"],
    "accumulate": ["--set", "accumulate=2", "--set", "optimizer.ema=0"],
    "clip_norm": ["--set", "optimizer.clip_norm=0.05", "--set", "optimizer.ema=0"],
    "clip_agc": ["--set", "optimizer.clip_agc=0.01", "--set", "optimizer.ema=0"],
    "adamw": ["--set", "optimizer.name=adamw", "--lr", "0.002", "--set", "optimizer.ema=0"],
    "mixtures": ["--augment", "randaugment,random_erasing,mixup,cutmix", "--set", "optimizer.ema=0"],
    "all": ["--set", "accumulate=2", "--set", "optimizer.clip_norm=0.05", "--set", "optimizer.ema=0.9", "--augment", "random_erasing"],
}
# In the precisions that users train in; single precision at a low learning rate, for these nets triple a difference in the last bit at
# every step, on one device too.
ROUNDED = {
    "float32": (["--lr", "0.0005"], 1e-5),
    "bfloat16": (["--precision", "bfloat16", "--lr", "0.0005"], 1e-2),
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    return make_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def one_device(tmp_path_factory, digits):
    """A function of a case's name that gives its run on one device, made once."""
    out, made = tmp_path_factory.mktemp("one"), {}

    def run(name: str, settings: list[str], **machine) -> Path:
        if name not in made:
            made[name] = train(out, name, digits, settings, **machine)
        return made[name]

    return run


def on(machine: str, out: Path, name: str, data: Path, settings: list[str], **how) -> Path:
    if machine == "2 processes":
        return train_on_two(out, name, data, settings, **how)
    return train(out, name, data, settings, devices=int(machine[0]), **how)


def check(one: Path, several: Path, what: str, tolerance: float) -> None:
    difference = largest_difference(one, several)
    print(f"{what}: largest difference {difference:.1e} in {len(metrics(one))} epochs")
    assert difference < tolerance


def test_two_devices_compute_what_one_does(tmp_path, digits, one_device):
    """BatchNorm, dropout, a filled-up batch, accumulation, clipping and averages at once."""
    check(one_device("all", CASES["all"]), train(tmp_path, "two", digits, CASES["all"], devices=2), "all on 2 devices", 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["2 devices", "4 devices", "2 processes"])
@pytest.mark.parametrize("case", CASES)
def test_metrics_are_those_of_one_device(tmp_path, digits, one_device, case, machine):
    one = one_device(case, CASES[case])
    if case != "plain":  # a setting that changes nothing would prove nothing
        plain = {(row["train_loss"], row["val_loss"]) for row in metrics(one_device("plain", CASES["plain"]))}
        assert case == "ema" or not plain & {(row["train_loss"], row["val_loss"]) for row in metrics(one)}
    check(one, on(machine, tmp_path, case, digits, CASES[case]), f"{case} on {machine}", 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["2 devices", "4 devices", "2 processes"])
@pytest.mark.parametrize("precision", ROUNDED)
def test_metrics_are_those_of_one_device_in_other_precisions(tmp_path, digits, one_device, precision, machine):
    settings, tolerance = ROUNDED[precision]
    one = one_device(precision, settings, double=False)
    check(one, on(machine, tmp_path, precision, digits, settings, double=False), f"{precision} on {machine}", tolerance)


@pytest.mark.slow
def test_scores_of_several_labels_are_those_of_one_device(tmp_path, digits, one_device):
    """Validation gathers them from all devices, in order, without those of filled-up places."""
    settings = ["--multi-label", "--set", "optimizer.ema=0.9"]
    check(one_device("labels", settings), train(tmp_path, "four", digits, settings, devices=4), "several labels on 4 devices", 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["4 devices", "2 processes"])
def test_resnet18_in_single_precision(tmp_path, digits, one_device, machine):
    """A preset that people train, as it is: ten times as deep."""
    settings = ["--preset", "resnet18", "--lr", "0.0001"]
    one = one_device("resnet18", settings, double=False)
    check(one, on(machine, tmp_path, "resnet18", digits, settings, double=False), f"resnet18 in float32 on {machine}", 1e-5)


def test_each_replica_draws_its_own_dropout_mask():
    """Together they are the mask that one device draws for the whole batch."""
    import keras
    import numpy as np
    import tensorflow as tf

    from kclassify.training.replicas import WholeBatchDropout

    masks = []
    for number, replicas in ((0, 1), (0, 2), (1, 2)):
        layer = WholeBatchDropout(0.5, seed=3)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(devices, "replica", lambda number=number, replicas=replicas: (tf.constant(number), replicas))
            masks.append(np.asarray(layer(keras.ops.ones((16 // replicas, 8)), training=True)))
    whole, first, second = masks
    assert (first != second).any()
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)


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


@pytest.mark.parametrize(("wish", "used"), [(None, True), ("0", False)])
def test_convolutions_are_those_of_onednn_unless_the_user_says_no(wish, used):
    """On every x86 processor; by itself TensorFlow leaves them out where there is no AVX512-VNNI, and takes twice as long."""
    code = """
from kclassify import devices
devices.start()
import tensorflow as tf
tf.function(lambda images, kernel: tf.nn.conv2d(images, kernel, 1, "SAME"))(tf.ones([1, 8, 8, 3]), tf.ones([3, 3, 3, 4]))
"""
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"} | {"ONEDNN_VERBOSE": "1"}
    environment |= {"TF_ENABLE_ONEDNN_OPTS": wish} if wish else {}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert ("cpu,convolution," in told.stdout) == used
