"""One model of each family from end to end: it learns the digits, comes back from its file as it was, and answers alike in ONNX."""

import gc
import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import keras
import numpy as np
import onnxruntime
import pytest
import reference_weights as reference
from sklearn.datasets import load_digits
from test_zoo import SMALLEST

from kclassify import presets
from kclassify.formats import onnx
from kclassify.models import create_model, load_state, state_dict

pytestmark = pytest.mark.zoo
EACH = pytest.mark.parametrize("row", [presets.get(name) for name in SMALLEST], ids=lambda row: row.family)


@pytest.fixture(autouse=True)
def _nothing_stays():
    """A graph is a ring, and holds the numbers of its model: forty of them would fill the memory."""
    yield
    keras.backend.clear_session()
    gc.collect()


def small(row, **options):
    """The row's model of 10 classes at 64 pixels, unless its windows or dense layers need more or its last map would be one place."""
    side = {"swin": 224, "cswin": 224, "alexnet": 224, "vgg": 224, "levit": 128}.get(row.family, 64)
    return create_model(row.name, num_classes=10, input_shape=(side, side, 3), **options)


def drawn(row, **options):
    """The same with the numbers by which the references are compared: fresh ones would leave many branches near nothing."""
    model = small(row, **options)
    load_state(model, reference.draw_state({name: tensor.shape for name, tensor in state_dict(model).items()}), source="drawn")
    return model


def twenty_losses(name):
    """Five times through the same 32 digits, 8 at a time."""
    keras.utils.set_random_seed(1)
    model = small(presets.get(name), activation=None)
    side = model.input_shape[1]
    pictures, labels = load_digits(return_X_y=True)
    pixels = keras.ops.image.resize(pictures[:32].reshape(-1, 8, 8, 1).repeat(3, axis=-1) * 15, (side, side))
    pixels, labels = keras.ops.convert_to_numpy(pixels).reshape(4, 8, side, side, 3), labels[:32].reshape(4, 8)
    kinds = {type(layer) for layer in model.layers}
    attentive = keras.layers.LayerNormalization in kinds and keras.layers.BatchNormalization not in kinds
    # Without a warm-up these jump far away at the higher rate, timm's as well: transformers, and 4,096 units that nothing normalises.
    rate = 1e-4 if attentive or name in ("alexnet", "vgg11") else 2e-3
    loss, optimizer = keras.losses.SparseCategoricalCrossentropy(from_logits=True), keras.optimizers.AdamW(rate, clipnorm=1.0)
    model.compile(optimizer, loss, jit_compile=False)
    losses = []
    for step in range(20):
        losses.append(float(model.train_on_batch(pixels[step % 4], labels[step % 4], return_dict=True)["loss"]))
        model.reset_metrics()
    return losses


@EACH
def test_twenty_steps_on_the_digits_lower_the_loss(row):
    # In a process of its own: TensorFlow gives back little of what training took, up to 0.9 GB a model: forty filled 24 GiB.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
        losses = alone.submit(twenty_losses, row.name).result()
    first, last = np.mean(losses[:4]), np.mean(losses[-4:])
    print(f"{row.name}: {first:.2f} the first time, {last:.2f} the last time")
    assert last < 0.95 * first  # the narrowest nets come to 0.92; one that does not learn stays


LOAD = """
import sys, keras, numpy as np
folder = sys.argv[1]
model = keras.models.load_model(f"{folder}/model.keras")
np.save(f"{folder}/found.npy", model.predict_on_batch(np.load(f"{folder}/pixels.npy")))
np.savez(f"{folder}/weights.npz", *[keras.ops.convert_to_numpy(variable) for variable in model.weights])
if any(name.startswith("kclassify") for name in sys.modules):
    sys.exit("kclassify was imported")
"""


@EACH
def test_a_saved_model_is_the_same_in_plain_keras(row, tmp_path):
    model = drawn(row)
    pixels = reference.draw_images(shapes=[model.input_shape[1:3]])[0]
    np.save(tmp_path / "pixels.npy", pixels)
    model.save(tmp_path / "model.keras")
    # Another process in another folder: it cannot import kclassify by accident, and nothing registered here helps it.
    command = [sys.executable, "-I", "-c", LOAD, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "weights.npz") as weights:
        for variable, name in zip(model.weights, weights, strict=True):
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), weights[name])
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), model.predict_on_batch(pixels))


@EACH
def test_onnx_answers_as_keras(row):
    model = drawn(row, activation=None)
    side = model.input_shape[1]
    pixels = reference.draw_images(shapes=[(side, side)])[0]
    session = onnxruntime.InferenceSession(onnx.convert(model, side).SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"image": pixels.transpose(0, 3, 1, 2)})[0]
    difference = reference.largest_difference(found, model.predict_on_batch(pixels))
    print(f"{row.name}: largest difference in parts of the largest logit {difference:.1e}")
    assert difference < 1e-4
