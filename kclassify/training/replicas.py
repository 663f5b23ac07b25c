"""A model for several replicas that computes what one device would: statistics and dropout masks of the whole batch."""

from typing import Any

import keras
from keras import ops

from kclassify import devices


class WholeBatchDropout(keras.layers.Dropout):
    """Dropout whose mask is drawn for the whole batch; each replica takes its own rows of it.

    Why: under MirroredStrategy every replica has the same random state, so that plain Dropout gives all of them one and the same mask.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Inputs [n, ...] of this replica; the mask has [n * replicas, ...] rows."""
        number, replicas = devices.replica()
        if not training or not self.rate or replicas == 1:
            return super().call(inputs, training=training)
        shape = inputs.shape
        rows = shape[0] if shape[0] is not None else ops.shape(inputs)[0]
        ones = ops.ones((rows * replicas, *shape[1:]), inputs.dtype)
        mask = keras.random.dropout(ones, self.rate, seed=self.seed_generator)
        return inputs * ops.slice(mask, (number * rows, *[0] * (len(shape) - 1)), (rows, *shape[1:]))


def for_replicas(model: keras.Model) -> keras.Model:
    """The same model, weights included, with synchronized BatchNorm and dropout for the whole batch."""

    def convert(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            return keras.layers.BatchNormalization.from_config({**config, "synchronized": True})
        if type(layer) is keras.layers.Dropout:
            return WholeBatchDropout.from_config(config)
        return type(layer).from_config(config)

    clone = keras.models.clone_model(model, clone_function=convert)
    clone.set_weights(model.get_weights())
    return clone
