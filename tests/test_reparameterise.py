"""Branches that are summed become one convolution of the same function."""

import keras
import numpy as np
import pytest
import reference_weights as reference

from kclassify import presets
from kclassify.models import load_state, state_dict
from kclassify.models.reparameterise import reparameterise


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


def test_a_model_without_such_sums_comes_back_equal():
    model = reference.build(presets.get("resnet18"))
    plain = reparameterise(model)
    assert plain is not model and [layer.name for layer in plain.layers] == [layer.name for layer in model.layers]
    images = reference.images_for(model)[0]
    np.testing.assert_array_equal(plain.predict_on_batch(images), model.predict_on_batch(images))
