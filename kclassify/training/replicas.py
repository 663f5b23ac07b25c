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


class WholeBatchNormalization(keras.layers.BatchNormalization):
    """BatchNorm whose statistics are those of the whole batch, over all replicas.

    Why not Keras' `synchronized=True`: it takes the variance as E(x^2) - E(x)^2, which in float32 loses three of seven digits where the
    mean is large. This is the mean of squared differences, in two reductions instead of three, as on one device.
    """

    def _moments(self, inputs: Any, mask: Any) -> tuple[Any, Any]:
        if devices.replica()[1] == 1:
            return super()._moments(inputs, mask)
        mean = devices.mean_over_replicas(ops.mean(inputs, self._reduction_axes, keepdims=True))
        squares = ops.square(inputs - ops.stop_gradient(mean))
        variance = devices.mean_over_replicas(ops.mean(squares, self._reduction_axes))
        return ops.squeeze(mean, self._reduction_axes), variance


def for_replicas(model: keras.Model) -> keras.Model:
    """The same model, weights and random states included, that counts statistics and masks over all replicas."""
    whole: dict[type, Any] = {keras.layers.BatchNormalization: WholeBatchNormalization, keras.layers.Dropout: WholeBatchDropout}
    clone = keras.models.clone_model(
        model, clone_function=lambda layer: whole.get(type(layer), type(layer)).from_config(layer.get_config())
    )
    clone.set_weights(model.get_weights())
    for layer in clone.layers:
        if isinstance(layer, WholeBatchDropout) and layer.rate:
            layer.seed_generator.state.assign(model.get_layer(layer.name).seed_generator.state)
    return clone
