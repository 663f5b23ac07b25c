"""Classifiers of keras_hub as presets: the same answers, files alone like every model's, no code from a folder, no socket offline."""

import importlib.util
import json
import socket
import sys
import types

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import kclassify as kc
from kclassify import presets
from kclassify.cli import app
from kclassify.errors import ModelError, SetupError, UsageError
from kclassify.presets.kerashub import CACHE, FILES, TABLE
from kclassify.remote import kerashub

needs_keras_hub = pytest.mark.skipif(
    importlib.util.find_spec("keras_hub") is None, reason='needs keras_hub: make test-hub, or pip install "kclassify[keras-hub]"'
)
SIDE = 64


def serialised(name, **config):
    return {"module": "keras_hub.src.models", "class_name": name, "registered_name": f"keras_hub>{name}", "config": config}


def documents():
    """task.json and config.json as save_to_preset writes them, without weights that fit."""
    converter = serialised("ResNetImageConverter", image_size=[SIDE, SIDE], scale=[0.5, 0.25, 0.125], offset=[-1, -2, -3])
    preprocessor = serialised("ResNetImageClassifierPreprocessor", image_converter=converter)
    backbone = serialised("ResNetBackbone", image_shape=[None, None, 3])
    task = serialised("ResNetImageClassifier", num_classes=3, preprocessor=preprocessor, backbone=backbone, dropout=0.2)
    return {"task.json": task, "config.json": backbone}


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_text(json.dumps(files.get(name, "")), encoding="utf-8")
    return f"keras_hub:{folder}"


def resnet():
    import keras_hub

    converter = keras_hub.layers.ResNetImageConverter(image_size=(SIDE, SIDE), scale=(0.017, 0.018, 0.019), offset=(-2.1, -2.0, -1.8))
    backbone = keras_hub.models.ResNetBackbone([64], [3], [64, 16], [1, 1], [1, 2], "basic_block")
    preprocessor = keras_hub.models.ResNetImageClassifierPreprocessor(image_converter=converter)
    return keras_hub.models.ResNetImageClassifier(backbone, 3, preprocessor=preprocessor)


def vit():
    import keras_hub

    converter = keras_hub.layers.ViTImageConverter(image_size=(SIDE, SIDE), scale=1 / 127.5, offset=-1)
    backbone = keras_hub.models.ViTBackbone((SIDE, SIDE, 3), patch_size=16, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32)
    preprocessor = keras_hub.models.ViTImageClassifierPreprocessor(image_converter=converter)
    return keras_hub.models.ViTImageClassifier(backbone, 3, preprocessor=preprocessor, dropout=0.1)


@pytest.fixture(params=[resnet, vit], ids=["flat", "whole"])
def saved(request, tmp_path):
    """(keras_hub's own model with drawn weights, the name of its folder)."""
    theirs, random = request.param(), np.random.default_rng(3)
    theirs.set_weights([np.abs(random.normal(0.1, 0.2, array.shape)) for array in theirs.get_weights()])
    theirs.save_to_preset(str(tmp_path / "preset"))
    return theirs, f"keras_hub:{tmp_path / 'preset'}"


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def cli(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    return result, result.exception if result.exit_code else None


@needs_keras_hub
def test_the_answers_are_those_of_keras_hub(saved, tmp_path, monkeypatch):
    theirs, name = saved
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a socket was opened"))
    monkeypatch.setenv("KCLASSIFY_OFFLINE", "1")
    pixels = np.random.default_rng(1).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    wanted = softmax(theirs.predict_on_batch(pixels.astype("float32")))  # their preprocessor runs inside
    ours = kc.create_model(name, num_classes=3, weights="pretrained")
    np.testing.assert_allclose(ours.predict_on_batch(pixels.astype("float32")), wanted, atol=2e-5)
    assert [layer.name for layer in ours.layers].count("normalise") == 1
    ours.save(tmp_path / "ours.keras")
    back = keras.models.load_model(tmp_path / "ours.keras")
    np.testing.assert_array_equal(back.predict_on_batch(pixels), ours.predict_on_batch(pixels))
    Image.fromarray(pixels[0]).save(tmp_path / "one.png")
    result, _ = cli("predict", str(tmp_path / "one.png"), "--model", name, "--json", "--topk", "3")
    assert result.exit_code == 0, result.output
    found = kc.predict([tmp_path / "one.png"], model=name, topk=3)[0]
    assert found.error is None
    assert str(np.argmax(wanted[0])) in result.stdout


@needs_keras_hub
def test_another_number_of_classes_is_a_new_head(saved):
    _, name = saved
    one = kc.create_model(name, num_classes=7, weights="pretrained")
    assert one.output_shape == (None, 7)


@needs_keras_hub
def test_a_picture_of_another_size_is_refused_where_it_must_be(tmp_path):
    vit().save_to_preset(str(tmp_path))
    with pytest.raises(UsageError, match="This model of keras_hub is for"):
        kc.create_model(f"keras_hub:{tmp_path}", input_shape=(32, 32, 3))


def test_the_row_says_how_pictures_are_prepared(tmp_path):
    row = presets.get(write(tmp_path / "my preset", documents()))
    spec = row.preprocessing
    assert (spec.size, spec.crop_pct, row.classes, row.dropout) == (SIDE, 1.0, 3, 0.2)
    grey = np.array([100.0, 100.0, 100.0])
    np.testing.assert_allclose((grey / 255 - spec.mean) / spec.std, grey * [0.5, 0.25, 0.125] + [-1, -2, -3])
    assert presets.short(row.name) == "keras_hub:my-preset"


def test_without_the_extra_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(SetupError, match=r'pip install "kclassify\[keras-hub\]"') as caught:
        kc.create_model(write(tmp_path, documents()))
    assert caught.value.exit_code == 7
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    monkeypatch.setenv(CACHE, str(tmp_path / "empty"))
    monkeypatch.delenv("KCLASSIFY_OFFLINE", raising=False)
    with pytest.raises(SetupError, match=r'pip install "kclassify\[keras-hub\]"'):
        kerashub.fetch("keras_hub:resnet_50_imagenet")


def test_a_wrong_name_gives_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'resnet_50_imagenet'"):
        presets.get("keras_hub:resnet_50_imagenett")
    assert cli("presets", "show", "keras_hub:nothing-like-it")[0].exit_code != 0


HOSTILE = {
    "a class of Keras": {"module": "keras.layers", "class_name": "Lambda", "registered_name": None, "config": {}},
    "a function by name": {"module": "builtins", "class_name": "function", "config": "system", "registered_name": "function"},
    "a lambda": {"class_name": "__lambda__", "config": {"value": ["4wEA", None, None]}},
    "another package": {"module": "os", "class_name": "system", "registered_name": "keras_hub>system", "config": {}},
    "a package like it": {
        "module": "keras_hubs.x",
        "class_name": "EvilBackbone",
        "registered_name": "keras_hubs>EvilBackbone",
        "config": {},
    },
    "a registered stranger": {"module": "keras_hub.x", "class_name": "OneBackbone", "registered_name": "mine>OneBackbone", "config": {}},
    "a tokenizer": serialised("BytePairTokenizer", vocabulary="/etc/passwd"),
}


@pytest.mark.parametrize("entry", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("place", FILES[:2])
def test_what_is_not_of_keras_hub_is_refused_before_it_is_loaded(entry, place, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", types.SimpleNamespace())  # whose use would be an AttributeError
    files = json.loads(json.dumps(documents()))
    files[place]["config"]["deep"] = [{"down": entry}]
    with pytest.raises(ModelError, match="It is not loaded"):
        kc.create_model(write(tmp_path, files))


def test_what_is_no_classifier_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"has no config\.json"):
        presets.get(f"keras_hub:{tmp_path}")
    name = write(tmp_path, documents() | {"task.json": serialised("ResNetBackbone")})
    with pytest.raises(ModelError, match="keras_hub calls ImageClassifier"):
        presets.get(name)


def test_offline_a_name_that_is_not_here_opens_no_socket(tmp_path, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a socket was opened"))
    monkeypatch.setenv(CACHE, str(tmp_path))
    monkeypatch.setenv("KCLASSIFY_OFFLINE", "1")
    with pytest.raises(SetupError, match="KCLASSIFY_OFFLINE"):
        kc.create_model("keras_hub:resnet_50_imagenet")
    with pytest.raises(SetupError, match="kclassify presets show keras_hub:resnet_50_imagenet"):
        presets.get("keras_hub:resnet_50_imagenet")


def test_a_name_is_downloaded_once_by_kagglehub(tmp_path, monkeypatch):
    asked = []

    def model_download(handle):
        asked.append(handle)
        write(tmp_path / "models" / handle, documents())
        return str(tmp_path / "models" / handle)

    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(model_download=model_download))
    monkeypatch.setenv(CACHE, str(tmp_path))
    monkeypatch.delenv("KCLASSIFY_OFFLINE", raising=False)
    for _ in range(2):
        assert cli("presets", "show", "keras_hub:resnet_50_imagenet")[0].exit_code == 0
    assert asked == ["keras/resnetv1/keras/resnet_50_imagenet/3"]
    assert presets.get("keras_hub:resnet_50_imagenet").name == "keras_hub:resnet_50_imagenet"


@needs_keras_hub
def test_the_names_are_keras_hubs():
    import keras_hub

    theirs = keras_hub.models.ImageClassifier.presets
    assert {name: f"kaggle://{handle}" for name, handle in TABLE.items()} == {name: theirs[name]["kaggle_handle"] for name in TABLE}
