"""Models of keras.applications as presets: the same answers as Keras' own, weights by their own way, errors that say what there is."""

import gc

import h5py
import keras
import numpy as np
import pytest
import reference_weights as reference
from keras.src.legacy.saving import legacy_h5_format
from loopback_server import Loopback

from kclassify import presets
from kclassify.errors import ModelError, UsageError
from kclassify.models import create_model, load_state, state_dict
from kclassify.presets.applications import TABLE
from kclassify.reference import find
from kclassify.screen.models import where

MODULES = {  # whose preprocess_input belongs to a name
    **{"VGG16": "vgg16", "VGG19": "vgg19", "Xception": "xception", "InceptionV3": "inception_v3", "MobileNet": "mobilenet"},
    **{"MobileNetV2": "mobilenet_v2", "InceptionResNetV2": "inception_resnet_v2"},
    **dict.fromkeys(("ResNet50", "ResNet101", "ResNet152"), "resnet"),
    **dict.fromkeys(("ResNet50V2", "ResNet101V2", "ResNet152V2"), "resnet_v2"),
    **dict.fromkeys(("NASNetMobile", "NASNetLarge"), "nasnet"),
    **dict.fromkeys(("DenseNet121", "DenseNet169", "DenseNet201"), "densenet"),
}
INSIDE = ("MobileNetV3", "EfficientNetV2")  # these normalise inside the model


def check(name: str) -> None:
    row = presets.get(f"ka:{name}")
    ours = create_model(row.name, activation=None)
    assert create_model(row.name).output_shape == (None, 1000)
    state = reference.draw_state({key: tensor.shape for key, tensor in state_dict(ours).items()})
    load_state(ours, state, source="drawn")
    pixels = reference.draw_images(shapes=[(row.preprocessing.size,) * 2])[0]
    if name.startswith("EfficientNetV2"):
        settle(ours, pixels)
    theirs = getattr(keras.applications, name)(weights=None, classifier_activation=None)
    theirs.set_weights(ours.get_weights()) if not name.startswith(INSIDE) else set_inside(theirs, ours)
    prepared = pixels if name.startswith(INSIDE) else getattr(keras.applications, MODULES[name]).preprocess_input(pixels.copy())
    assert reference.largest_difference(ours.predict_on_batch(pixels), theirs.predict_on_batch(prepared)) < reference.TOLERANCE


def settle(model, pixels) -> None:
    """Give BatchNorm the statistics of these pictures: with drawn ones these gates saturate, and rounding grows."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(pixels, training=True)


def set_inside(theirs, ours) -> None:
    """Weights of ours for Keras' own model, whose first layers may hold its mean and variance."""
    layers = [layer for layer in theirs.layers if layer.weights and type(layer).__name__ != "Normalization"]
    values = iter(ours.get_weights())
    for layer in layers:
        layer.set_weights([next(values) for _ in layer.weights])
    assert next(values, None) is None


@pytest.mark.parametrize(
    "name", [name if name in ("MobileNet", "MobileNetV3Small") else pytest.param(name, marks=pytest.mark.zoo) for name in TABLE]
)
def test_the_answers_are_those_of_keras_own(name):
    check(name)
    keras.backend.clear_session()
    gc.collect()  # as in test_zoo.py


def test_published_weights_come_by_keras_own_way(tmp_path, monkeypatch):
    theirs = keras.applications.MobileNet(weights=None, alpha=1.0)
    theirs.set_weights([np.random.default_rng(3).normal(0, 0.1, array.shape) ** 2 for array in theirs.get_weights()])
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, theirs)
    with Loopback({"/mobilenet_1_0_224_tf.h5": (tmp_path / "weights.h5").read_bytes()}) as server:
        monkeypatch.setattr("keras.src.applications.mobilenet.BASE_WEIGHT_PATH", f"{server.url}/")
        monkeypatch.setenv("NO_PROXY", "*")
        monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path / "keras"))
        ours = create_model("ka:MobileNet", weights="pretrained", input_shape=(64, 64, 3))
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# Their layers have the numbers that Keras gives; NASNet's graph takes long to build.
@pytest.mark.parametrize("name", ["ka:InceptionV3", pytest.param("ka:NASNetMobile", marks=pytest.mark.zoo)])
def test_two_models_of_a_name_have_the_same_layers(tmp_path, name):
    one, other = (create_model(name, num_classes=3, input_shape=(75, 75, 3)) for _ in range(2))
    assert [layer.name for layer in one.layers] == [layer.name for layer in other.layers]
    load_state(other, state_dict(one), source="the first")
    one.save(tmp_path / "one.keras")
    pixels = reference.draw_images(shapes=[(75, 75)])[0]
    back = keras.models.load_model(tmp_path / "one.keras")
    np.testing.assert_array_equal(back.predict_on_batch(pixels), other.predict_on_batch(pixels))


def test_where_weights_are_is_told():
    found = {name: where(presets.get(name)) for name in ("ka:VGG16", "efficientnet_lite0", "efficientnet_lite1", "resnet18", "alexnet")}
    assert list(found.values()) == ["keras", "installed", "package", "hub", "address"]


def test_what_keras_does_not_have_is_said():
    with pytest.raises(UsageError, match=r"no 'NasNetMobile'.*Did you mean 'NASNetMobile'\?"):
        presets.get("ka:NasNetMobile")


@pytest.mark.parametrize(("name", "near"), [("ka:NasNetMobile", "NASNetMobile"), ("keras_hub:resnet_5_imagenet", "resnet_50_imagenet")])
def test_a_model_of_another_package_that_is_not_there_is_told_with_the_nearest(name, near):
    with pytest.raises(ModelError, match=f"Did you mean '{near}'"):
        find(name)
