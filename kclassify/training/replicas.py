"""The layers of the model that trains: fast, and on several replicas with the statistics and dropout masks of the whole batch."""

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
    """BatchNorm whose statistics are those of the whole batch, over all replicas; on one device in one operation where there is one.

    Why not Keras' `synchronized=True`: it takes the variance as E(x^2) - E(x)^2, which in float32 loses three of seven digits where the
    mean is large. This is the mean of squared differences, in two reductions instead of three, as on one device.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Inputs [n, ..., channels]; see Keras'."""
        alone = training and self.trainable and mask is None and devices.replica()[1] == 1
        found = devices.batch_norm(inputs, self.gamma, self.beta, self.epsilon) if alone else None
        if found is None:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = found
        for variable, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            variable.assign(variable * self.momentum + ops.cast(value, variable.dtype) * (1.0 - self.momentum))
        return outputs

    def _moments(self, inputs: Any, mask: Any) -> tuple[Any, Any]:
        if devices.replica()[1] == 1:
            return super()._moments(inputs, mask)
        mean = devices.mean_over_replicas(ops.mean(inputs, self._reduction_axes, keepdims=True))
        squares = ops.square(inputs - ops.stop_gradient(mean))
        variance = devices.mean_over_replicas(ops.mean(squares, self._reduction_axes))
        return ops.squeeze(mean, self._reduction_axes), variance


class DirectConvolution(keras.layers.Conv2D):
    """Conv2D by the backend's own operation.

    Why: Keras on PyTorch copies the inputs of every convolution twice, from channels last to first and back.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Inputs [n, height, width, channels]."""
        plain = self.dilation_rate == (1, 1) and self.strides[0] == self.strides[1] and self.data_format == "channels_last"
        values = ops.convert_to_tensor(kernel)
        found = devices.convolution(inputs, values, self.strides[0], self.padding) if plain else None
        return super().convolution_op(inputs, kernel) if found is None else found


class DirectDepthwise(keras.layers.DepthwiseConv2D):
    """DepthwiseConv2D by the backend's own operation; on TensorFlow with a gradient that takes a third of the time."""

    def call(self, inputs: Any) -> Any:
        """Inputs [n, height, width, channels]."""
        plain = self.dilation_rate == (1, 1) and self.strides[0] == self.strides[1] and self.data_format == "channels_last"
        plain = plain and not self.use_bias and self.activation is keras.activations.linear
        kernel = ops.convert_to_tensor(self.kernel)
        found = devices.depthwise(inputs, kernel, self.strides[0], self.padding) if plain else None
        return super().call(inputs) if found is None else found


_MADE_FOR_TRAINING: dict[type, Any] = {
    keras.layers.BatchNormalization: WholeBatchNormalization,
    keras.layers.Conv2D: DirectConvolution,
    keras.layers.DepthwiseConv2D: DirectDepthwise,
    keras.layers.Dropout: WholeBatchDropout,
}


def for_training(model: keras.Model) -> keras.Model:
    """The same model, weights and random states included, of layers that are made for training."""
    clone = keras.models.clone_model(
        model, clone_function=lambda layer: _MADE_FOR_TRAINING.get(type(layer), type(layer)).from_config(layer.get_config())
    )
    clone.set_weights(model.get_weights())
    for layer in clone.layers:
        if isinstance(layer, WholeBatchDropout) and layer.rate:
            layer.seed_generator.state.assign(model.get_layer(layer.name).seed_generator.state)
    return clone
