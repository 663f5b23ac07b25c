"""JAX and PyTorch beside TensorFlow: one run on each, what they save, how they stop, and JAX on several devices and in two processes.

Needs an environment with all three: make test-backends.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_cluster import check_death
from tiny_run import SETTINGS, facts, finish, largest_difference, make_digits, metrics, start, train, train_on_two

pytestmark = pytest.mark.slow

# The backends draw other dropout masks from the same seed, so there is none here.
SAME = ["--set", "dropout=0", "--set", "optimizer.clip_norm=1", "--set", "optimizer.ema=0.9", "--set", "accumulate=2"]
BACKENDS = ("tensorflow", "jax", "torch")
READ = """
import json, sys
import keras, numpy
model = keras.models.load_model(sys.argv[1])
pixels = numpy.random.default_rng(0).integers(0, 256, (4, *model.input_shape[1:])).astype("float32")
print(json.dumps(numpy.asarray(keras.ops.convert_to_numpy(model(pixels)), "float64").tolist()))
"""


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    return make_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, digits) -> dict[str, Path]:
    """The same run in double precision on every backend."""
    out = tmp_path_factory.mktemp("runs")
    return {backend: train(out, backend, digits, SAME, backend=backend) for backend in BACKENDS}


@pytest.fixture(scope="module")
def single(tmp_path_factory, digits) -> dict[str, Path]:
    """The same in single precision, as a user would train it."""
    out = tmp_path_factory.mktemp("single")
    return {backend: train(out, backend, digits, SAME, backend=backend, double=False) for backend in BACKENDS}


def check(one: Path, other: Path, what: str, tolerance: float) -> None:
    difference = largest_difference(one, other)
    print(f"{what}: largest difference {difference:.1e} in {len(metrics(one))} epochs")
    assert difference < tolerance


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_run_is_the_same_on_every_backend(runs, backend):
    check(runs["tensorflow"], runs[backend], f"{backend} and tensorflow, double precision", 1e-5)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_run_in_single_precision_is_nearly_the_same(single, backend):
    check(single["tensorflow"], single[backend], f"{backend} and tensorflow, single precision", 1e-3)


def test_resnet18_is_nearly_the_same_on_every_backend(tmp_path, digits):
    """A preset that people train, ten times as deep; JAX compiles it for minutes on a CPU."""
    settings = ["--preset", "resnet18", "--set", "dropout=0", "--lr", "0.0005"]
    runs = {backend: train(tmp_path, backend, digits, settings, backend=backend, double=False) for backend in BACKENDS}
    for backend in ("jax", "torch"):
        check(runs["tensorflow"], runs[backend], f"{backend} and tensorflow, resnet18 in single precision", 1e-3)


@pytest.mark.parametrize("machine", ["4 devices", "2 processes"])
def test_jax_on_several_devices(tmp_path, digits, runs, machine):
    if machine == "2 processes":
        several = train_on_two(tmp_path, "jax", digits, SAME, backend="jax")
        assert not list((tmp_path / "worker-1").rglob("*"))
    else:
        several = train(tmp_path, "jax", digits, SAME, backend="jax", devices=4)
    check(runs["tensorflow"], several, f"jax on {machine} and tensorflow on one device", 1e-5)


def probabilities(model: Path, backend: str) -> np.ndarray:
    environment = {"KERAS_BACKEND": backend, "PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", READ, model], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return np.array(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("trained_on", BACKENDS)
def test_a_model_file_is_the_same_on_every_backend(single, trained_on):
    """Opened by plain Keras."""
    found = {backend: probabilities(single[trained_on] / "best.keras", backend) for backend in BACKENDS}
    differences = {backend: np.abs(found[backend] - found[trained_on]).max() for backend in BACKENDS}
    print(f"best.keras of {trained_on}: {', '.join(f'{backend} {difference:.1e}' for backend, difference in differences.items())}")
    assert max(differences.values()) < 1e-4
    assert np.ptp(found[trained_on]) > 1e-3


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path, digits, backend):
    """Told to stop in the middle of an epoch, dropout and all."""
    settings = ["--epochs", "6"]
    whole = train(tmp_path, "whole", digits, settings, backend=backend)
    process = start("train", "--data", digits, "--out", tmp_path, "--name", "stopped", *SETTINGS, *settings, backend=backend)
    until, run = time.monotonic() + 240, tmp_path / "stopped"
    while not (run / "metrics.csv").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors[-2000:]
    stopped_at = int(errors.split("the state is saved at step ")[1].split()[0])
    finish(start("resume", run, backend=backend))
    assert facts(run)["weights_sha256"] == facts(whole)["weights_sha256"]
    print(f"{backend}: stopped at step {stopped_at}; largest difference in metrics.csv {largest_difference(whole, run):.1e}")
    assert largest_difference(whole, run) < 1e-6


@pytest.mark.parametrize("dead", [0, 1])
def test_a_dead_worker_ends_the_other_one(tmp_path, digits, dead):
    check_death(tmp_path, digits, dead, "jax")


@pytest.fixture(scope="module")
def timm():
    sys.path.append(str(Path(__file__).parents[1] / "tools"))
    from timm_on_cpu import import_timm

    return import_timm()


def torch_logits(model, row, pixels: np.ndarray) -> np.ndarray:
    """Of a timm model for pixels [N, H, W, C] in 0..255, of one channel (the mean of the row's numbers) or three."""
    import torch

    mean, std = (
        np.array(values if pixels.shape[-1] == 3 else [sum(values) / 3]) for values in (row.preprocessing.mean, row.preprocessing.std)
    )
    normal = ((pixels / 255 - mean) / std).transpose(0, 3, 1, 2).astype("float32")
    with torch.no_grad():
        return model.eval()(torch.from_numpy(normal)).numpy()


@pytest.mark.parametrize("channels", [3, 1])
def test_timm_opens_an_export_and_answers_alike(tmp_path, timm, channels):
    """In PyTorch, from the folder of `export --format timm`: the logits of the Keras model, of one that sees grey too."""
    from kclassify import formats, presets
    from kclassify.models import create_model, head
    from kclassify.presets.card import ModelCard
    from kclassify.training.initial import draw_weights

    row = presets.get("mobilenetv3_small")
    card = ModelCard(row.name, tuple(f"class {number}" for number in range(7)), row.preprocessing)
    model = create_model(row.name, num_classes=7, in_channels=channels, input_shape=(224, 224, 3))
    draw_weights(model, 3)
    formats.export_model(model, card, "timm", tmp_path / "out")
    theirs = timm.create_model(f"local-dir:{tmp_path / 'out'}", pretrained=True)
    pixels = np.random.default_rng(1).integers(0, 256, (2, 224, 224, 3)).astype("float32")
    logits = torch_logits(theirs, row, pixels if channels == 3 else pixels @ np.array([[0.299], [0.587], [0.114]], "float32"))
    ours = head.logits_model(model).predict_on_batch([pixels])
    assert np.abs(ours - logits).max() < 2e-5 * np.abs(logits).max()
    assert theirs.num_classes == 7 and theirs.pretrained_cfg["label_names"] == list(card.class_names)


# One of each way to keep weights: convolutions with BatchNorm, tokens and positions, relative positions, layer scale, two heads.
PUBLISHED = ("resnet18", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "convnext_tiny", "deit_tiny_distilled_patch16_224")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_file_that_timm_wrote_comes_through_a_hub(tmp_path, monkeypatch, timm, name):
    """timm's model, saved by timm, served under the row's own source, loaded as --weights pretrained: the same logits."""
    import torch
    from loopback_server import Loopback
    from safetensors.torch import save

    from kclassify import presets
    from kclassify.models import create_model

    torch.manual_seed(5)
    row = presets.get(name)
    theirs = timm.create_model(row.timm, num_classes=1000)
    file = save({key: tensor.contiguous() for key, tensor in theirs.state_dict().items()})
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("KCLASSIFY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with Loopback({f"/{row.sources[0]}/resolve/main/model.safetensors": file}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        ours = create_model(name, weights="pretrained", activation=None)
    size = row.preprocessing.size
    pixels = np.random.default_rng(1).integers(0, 256, (2, size, size, 3)).astype("float32")
    logits, expected = ours.predict_on_batch(pixels), torch_logits(theirs, row, pixels)
    difference = np.abs(logits - expected).max() / np.abs(expected).max()
    print(f"{name}: {row.sources[0]} through a hub, largest difference in parts of the largest logit {difference:.1e}")
    assert difference < 2e-5
