"""Branches that are summed become one convolution of the same function."""

import dataclasses
from collections import Counter

import keras
import onnx
import pytest
import reference_weights as reference

from kclassify import formats, presets
from kclassify.models import create_model, load_state, state_dict
from kclassify.presets.card import ModelCard
from kclassify.reparameterise import reparameterise
from kclassify.statefiles import safetensor


@pytest.mark.parametrize("name", ["repvgg_a0", pytest.param("repvgg_b1g4", marks=pytest.mark.zoo)])
def test_one_convolution_a_block_gives_the_same_logits(name):
    row = presets.get(name)
    model = reference.build(row)
    load_state(model, reference.draw_state({key: tensor.shape for key, tensor in state_dict(model).items()}), source="drawn")
    plain = reparameterise(model)
    kinds = [type(layer).__name__ for layer in plain.layers]
    assert kinds.count("Conv2D") == 1 + sum(row.config["depths"]) and not {"BatchNormalization", "Add"} & set(kinds)
    assert set(state_dict(plain)) > {"stem.reparam_conv.weight", "stages.0.1.reparam_conv.bias", "head.fc.weight"}
    for images in reference.images_for(model):
        expected = keras.ops.convert_to_numpy(model(images, training=False))
        assert reference.largest_difference(keras.ops.convert_to_numpy(plain(images, training=False)), expected) < 1e-5


def test_a_model_without_such_sums_comes_back_as_it_is():
    model = reference.build(presets.get("resnet18"))
    assert reparameterise(model) is model


def test_an_export_has_one_convolution_a_block_and_a_file_to_train_on_has_all(tmp_path):
    row = presets.get("repvgg_a0")
    model = create_model(row.name, num_classes=3, input_shape=(64, 64, 3))
    card = ModelCard(row.name, ("cat", "coffee", "rocket"), dataclasses.replace(row.preprocessing, size=64))
    assert formats.export_model(model, card, "onnx", tmp_path / "net.onnx").max_difference < 1e-4
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node)
    assert kinds["Conv"] == 1 + sum(row.config["depths"])
    report = formats.export_model(model, card, "timm", tmp_path / "net")
    assert set(safetensor.read(next(report.path.glob("*.safetensors")))) == set(state_dict(model))
