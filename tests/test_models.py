"""Every model row: its size, its equality with timm, saving, learning, and weights that fit or are refused."""

import json
import math
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import reference_weights as reference

from kclassify import presets
from kclassify.errors import ModelError, UsageError
from kclassify.models import create_model, load_state, load_weights, state_dict

ROWS = pytest.mark.parametrize("row", presets.MODELS.values(), ids=lambda row: row.name)
ANY_SIZE = (None, None, 3)
# Keras 3.15 saves TensorFlow variables through an __array__ of TensorFlow 2.21's that NumPy 2 warns of; the numbers are right.


def shapes_of(model):
    return {name: tensor.shape for name, tensor in state_dict(model).items()}


def small(name="mobilenetv3_small", **options):
    return create_model(name, **{"num_classes": 3, "input_shape": (32, 32, 3), **options})


@ROWS
def test_size_and_layout_are_the_published_ones(row):
    model = create_model(row.name)
    published = json.loads(reference.REFERENCE_FILE.read_text())["models"][row.name]
    assert sum(math.prod(variable.shape) for variable in model.trainable_variables) == row.params
    assert reference.layout_digest(shapes_of(model)) == published["layout_sha256"]
    assert (model.name, model.input.name, model.input.dtype) == (row.name, "image", "float32")
    assert model.input.shape == (None, row.preprocessing.size, row.preprocessing.size, 3)
    assert model.output.shape == (None, 1000)
    assert isinstance(model.layers[1], keras.layers.Rescaling) and model.layers[-1].name == "probabilities"


@ROWS
def test_logits_equal_timms(row):
    published = json.loads(reference.REFERENCE_FILE.read_text())["models"][row.name]
    model = create_model(row.name, num_classes=reference.NUM_CLASSES, input_shape=ANY_SIZE, activation=None)
    state = reference.draw_state(shapes_of(model))
    assert load_state(model, state, source="drawn").tensors == len(state)
    for images, expected in zip(reference.draw_images(), published["logits"], strict=True):
        logits = keras.ops.convert_to_numpy(model(images, training=False))
        assert reference.largest_difference(logits, np.array(expected)) < reference.TOLERANCE
    back = state_dict(model)
    assert back.keys() == state.keys() and all(np.array_equal(back[name], state[name]) for name in state)


LOAD = """
import sys, keras, numpy as np
inputs = np.load(sys.argv[1] + "/inputs.npz")
for name in inputs:
    model = keras.models.load_model(f"{sys.argv[1]}/{name}.keras")
    np.save(f"{sys.argv[1]}/{name}.npy", keras.ops.convert_to_numpy(model(inputs[name], training=False)))
if any(name.startswith("kclassify") for name in sys.modules):
    sys.exit("kclassify was imported")
"""


def test_saved_models_load_in_plain_keras(tmp_path):
    inputs, expected = {}, {}
    for row in presets.MODELS.values():
        model = small(row.name)
        load_state(model, reference.draw_state(shapes_of(model)), source="drawn")
        inputs[row.name] = reference.draw_images(shapes=[(32, 32)])[0]
        expected[row.name] = keras.ops.convert_to_numpy(model(inputs[row.name], training=False))
        model.save(tmp_path / f"{row.name}.keras")
    np.savez(tmp_path / "inputs.npz", **inputs)
    # Another process in another folder: it cannot import kclassify by accident, and nothing registered here helps it.
    result = subprocess.run([sys.executable, "-I", "-c", LOAD, str(tmp_path)], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for name, probabilities in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), probabilities, rtol=0, atol=1e-6)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@ROWS
def test_training_lowers_the_loss(row):
    keras.utils.set_random_seed(1)
    model = small(row.name, activation=None, dropout=0.0)
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200]], "float32")
    labels = np.arange(12) % 3
    noise = np.random.default_rng(0).uniform(0, 50, (12, 32, 32, 3))
    images = (colours[labels][:, None, None] + noise).astype("float32")
    # Eager: tracing these graphs takes longer than four steps.
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    first, *_, last = [model.train_on_batch(images, labels) for _ in range(4)]
    assert abs(first - math.log(3)) < 0.3  # the head starts near zero, so all classes are equally likely
    assert last < 0.7 * first


@ROWS
def test_every_variable_gets_a_gradient_and_starts_at_a_sane_size(row):
    model = create_model(row.name, num_classes=3, input_shape=(64, 64, 3), activation=None)
    features = keras.Model(model.input, model.get_layer(row.head).input)
    values = keras.ops.convert_to_numpy(features(reference.draw_images(shapes=[(64, 64)])[0], training=True))
    assert np.isfinite(values).all() and 0.01 < values.std() < 10
    names = [layer.name for layer in model.layers]
    assert len(set(names)) == len(names) and not any(re.search(r"_\d+$", name) for name in names)  # a second model has the same names


def test_the_real_weights_know_real_photographs():
    skimage_data = pytest.importorskip("skimage.data")
    image_module = pytest.importorskip("PIL.Image")
    row = presets.get("efficientnet_lite0")
    model, names = create_model(row.name, weights="pretrained"), presets.imagenet_class_names()
    guesses = {}
    for photo in ("cat", "coffee", "rocket"):
        image = image_module.fromarray(getattr(skimage_data, photo)()).convert("RGB")
        scale, size = row.preprocessing.resize_short / min(image.size), row.preprocessing.size
        image = image.resize([round(side * scale) for side in image.size], image_module.Resampling.BICUBIC)
        left, top = (image.width - size) // 2, (image.height - size) // 2
        pixels = np.asarray(image.crop((left, top, left + size, top + size)), "float32")[None]
        probabilities = keras.ops.convert_to_numpy(model(pixels, training=False))[0]
        guesses[photo] = [(names[index], float(probabilities[index])) for index in np.argsort(-probabilities)[:3]]
    # The network shares the cat between three kinds of cat; which one leads depends on the last digit of the resize.
    assert {name for name, _ in guesses["cat"]} == {"tiger cat", "Egyptian cat", "tabby"}
    assert sum(probability for _, probability in guesses["cat"]) > 0.8
    assert guesses["coffee"][0][0] == "espresso" and guesses["coffee"][0][1] > 0.8
    assert guesses["rocket"][0][0] == "missile"


def write_safetensors(path, state):
    header, offset = {}, 0
    for name, tensor in state.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *(tensor.tobytes() for tensor in state.values())]))
    return path


@pytest.mark.parametrize("suffix", ["safetensors", "keras"])
def test_a_file_of_our_own_loads_with_and_without_its_head(tmp_path, suffix):
    source = small()
    state = reference.draw_state(shapes_of(source))
    load_state(source, state, source="drawn")
    path = tmp_path / f"weights.{suffix}"
    source.save(path) if suffix == "keras" else write_safetensors(path, state_dict(source))

    same = state_dict(small(weights=path))
    assert all(np.array_equal(same[name], state[name]) for name in state)

    model = small(num_classes=5)
    before = state_dict(model)
    report = load_weights(model, path, row=presets.get("mobilenetv3_small"))
    after = state_dict(model)
    assert sorted(report.left_out) == ["classifier.bias", "classifier.weight"] and report.tensors == len(state) - 2
    assert all(np.array_equal(after[name], (before if name.startswith("classifier.") else state)[name]) for name in state)


def without(name):
    return lambda state: {key: tensor for key, tensor in state.items() if key != name}


CHANGES = {
    "missing": (without("blocks.1.0.conv_dw.weight"), "lacks 'blocks.1.0.conv_dw.weight'"),
    "unused": (lambda state: state | {"extra.weight": np.zeros(1, "f4")}, "has no 'extra.weight'"),
    "shape": (lambda state: state | {"bn1.bias": np.zeros(17, "f4")}, r"'bn1.bias' is float32 \[17\], expected float \[16\]"),
    "layout": (
        lambda state: state | {"conv_stem.weight": np.zeros((3, 3, 3, 16), "f4")},
        r"\[3, 3, 3, 16\], expected float \[16, 3, 3, 3\]",
    ),
    "type": (lambda state: state | {"bn1.bias": np.zeros(16, "i4")}, "'bn1.bias' is int32"),
    "headless": (without("classifier.bias"), "lacks 'classifier.bias'"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_weights_that_do_not_fit_are_refused_and_change_nothing(tmp_path, change, message):
    model = small()
    before = state_dict(model)
    path = write_safetensors(tmp_path / "other.safetensors", before)
    with pytest.raises(ModelError, match=message) as error:
        load_state(model, change(before), source=str(path))
    assert str(path) in str(error.value) and str(error.value).count("\n") <= 2
    after = state_dict(model)
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_weights_that_are_not_there_say_what_to_type(tmp_path):
    with pytest.raises(ModelError, match=r"^resnet18: no pretrained weights.*--weights FILE starts from timm's 'resnet18'") as error:
        small("resnet18", weights="pretrained")
    assert error.value.exit_code == 4
    with pytest.raises(ModelError, match=r"none\.pth: no such weights file"):
        small(weights=tmp_path / "none.pth")
    for name in ("broken.keras", "broken.pth", "broken.safetensors", "notes.txt"):
        (tmp_path / name).write_text("not weights")
        with pytest.raises(ModelError, match=re.escape(name)):
            small(weights=tmp_path / name)


def test_values_that_make_no_model_are_refused():
    for options in ({"num_classes": 0}, {"activation": "tanh"}, {"dropout": 1.0}, {"input_shape": (32, 32, 1)}, {"name": "resnet"}):
        with pytest.raises(UsageError):
            create_model(**{"name": "resnet18", **options})


def test_half_precision_keeps_float32_at_both_ends():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = small()
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("normalise").compute_dtype == model.get_layer("classifier").compute_dtype == model.output.dtype == "float32"
    assert model.get_layer("conv_stem").compute_dtype == "float16"
