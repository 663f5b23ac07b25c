"""The layers that train give what Keras' own give: outputs, gradients and moving statistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kclassify.training.replicas import DirectConvolution, DirectDepthwise, WholeBatchNormalization, for_training

SHAPE = (4, 9, 11, 8)
CASES = [
    (layers.Conv2D, DirectConvolution, {"filters": 6, "kernel_size": 3, "padding": "same"}),
    (layers.Conv2D, DirectConvolution, {"filters": 8, "kernel_size": 3, "groups": 4, "strides": 2}),
    (layers.DepthwiseConv2D, DirectDepthwise, {"kernel_size": 5, "padding": "same", "use_bias": False}),
    (layers.DepthwiseConv2D, DirectDepthwise, {"kernel_size": 3, "padding": "same"}),
    (layers.DepthwiseConv2D, DirectDepthwise, {"kernel_size": 3, "strides": 2, "use_bias": False}),
    (layers.DepthwiseConv2D, DirectDepthwise, {"kernel_size": 4, "padding": "same", "use_bias": False}),
    (layers.BatchNormalization, WholeBatchNormalization, {"epsilon": 1e-3}),
]


@pytest.mark.parametrize(("stock", "ours", "settings"), CASES)
def test_a_layer_that_trains_gives_what_keras_gives(stock, ours, settings):
    images = np.random.default_rng(0).normal(1.0, 2.0, SHAPE).astype(np.float32)
    expected, found = stock(**settings), ours(**settings)
    expected.build(SHAPE)
    found.build(SHAPE)
    found.set_weights(expected.get_weights())
    for one, other in zip(_step(expected, images), _step(found, images), strict=True):
        np.testing.assert_allclose(other, one, rtol=2e-5, atol=2e-5 * np.abs(one).max())


def test_what_does_not_train_is_keras_own():
    """Frozen statistics, and a validation, are those that were learnt."""
    images = np.random.default_rng(0).normal(1.0, 2.0, SHAPE).astype(np.float32)
    layer = WholeBatchNormalization()
    plain = layers.BatchNormalization()
    layer.trainable = plain.trainable = False
    for training in (True, False):
        np.testing.assert_array_equal(layer(images, training=training), plain(images, training=training))
    assert not layer.moving_mean.numpy().any()


def test_a_model_for_training_has_the_weights_and_the_names_of_its_origin():
    inputs = keras.Input(SHAPE[1:])
    x = layers.DepthwiseConv2D(3, name="depthwise")(layers.Conv2D(4, 1, name="conv")(inputs))
    model = keras.Model(inputs, layers.BatchNormalization(name="bn")(x))
    clone = for_training(model)
    assert [layer.name for layer in clone.layers[1:]] == [layer.name for layer in model.layers[1:]]
    assert [type(layer) for layer in clone.layers[1:]] == [DirectConvolution, DirectDepthwise, WholeBatchNormalization]
    for one, other in zip(model.get_weights(), clone.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def _step(layer: keras.Layer, images: np.ndarray) -> list[np.ndarray]:
    """Outputs, gradients by the inputs and by the weights, and what does not train."""
    with tf.GradientTape() as tape:
        inputs = tf.constant(images)
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        total = tf.reduce_sum(outputs**3)
    gradients = tape.gradient(total, [inputs, *(variable.value for variable in layer.trainable_variables)])
    return [np.asarray(value) for value in (outputs, *gradients, *layer.non_trainable_variables)]
