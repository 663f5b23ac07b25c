"""Layers by the backend's own best operation, where Keras composes many small ones or copies more than it must."""

from typing import Any

from kclassify.devices.replicas import backend


def batch_norm(inputs: Any, scale: Any, offset: Any, epsilon: float) -> tuple[Any, Any, Any] | None:
    """BatchNorm by the batch's own statistics over all axes but the last.

    Args:
        inputs: [n, height, width, channels]; scale and offset float32 [channels].

    Returns:
        the normalised inputs in their own precision, and float32 [channels] mean and variance (that of the batch, divided by n); None where
        there is nothing better than Keras': XLA fuses by itself.
    """
    if len(inputs.shape) != 4:
        return None
    if backend() == "tensorflow" and inputs.dtype != "float64":
        import tensorflow as tf

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, scale, offset, epsilon=epsilon, is_training=True)
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), variance.dtype)
        return outputs, mean, variance * tf.where(count > 1, (count - 1) / count, 1.0)  # TensorFlow's is divided by n - 1
    if backend() == "torch":
        import torch

        found = torch.native_batch_norm(_channels_first(inputs), scale, offset, None, None, True, 0.0, epsilon)
        outputs, mean, deviation = found
        return outputs.permute(0, 2, 3, 1), mean.detach(), deviation.detach() ** -2 - epsilon
    return None


def convolution(inputs: Any, kernel: Any, stride: int, padding: str) -> Any | None:
    """Convolution of [n, height, width, channels] with [height, width, channels / groups, filters]; None where Keras' is as good."""
    if backend() != "torch" or len(inputs.shape) != 4 or (padding == "same" and not _is_symmetric(kernel, stride)):
        return None
    import torch

    around = kernel.shape[0] // 2 if padding == "same" else 0
    groups = inputs.shape[-1] // kernel.shape[2]
    filters = kernel.permute(3, 2, 0, 1)
    outputs = torch.nn.functional.conv2d(_channels_first(inputs), filters, stride=stride, padding=around, groups=groups)
    return outputs.permute(0, 2, 3, 1)


def depthwise(inputs: Any, kernel: Any, stride: int, padding: str) -> Any | None:
    """Convolution of each channel by itself, the kernel being [height, width, channels, 1]; None where Keras' is as good."""
    if len(inputs.shape) != 4 or kernel.shape[3] != 1:
        return None
    if backend() == "torch":
        return convolution(inputs, kernel.permute(0, 1, 3, 2), stride, padding)
    if backend() != "tensorflow" or padding != "same" or not _is_symmetric(kernel, stride):
        return None
    import tensorflow as tf

    @tf.custom_gradient
    def convolved(inputs: Any, kernel: Any) -> Any:
        def gradient(pulled: Any) -> tuple[Any, Any]:
            # TensorFlow's own gradient by the inputs takes three times as long as the convolution that it is.
            to_inputs = tf.nn.depthwise_conv2d(pulled, tf.reverse(kernel, [0, 1]), [1, 1, 1, 1], "SAME")
            to_kernel = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
                input=inputs, filter_sizes=tf.shape(kernel), out_backprop=pulled, strides=[1, 1, 1, 1], padding="SAME"
            )
            return to_inputs, to_kernel

        return tf.nn.depthwise_conv2d(inputs, kernel, [1, 1, 1, 1], "SAME"), gradient

    return convolved(inputs, tf.convert_to_tensor(kernel))


def _is_symmetric(kernel: Any, stride: int) -> bool:
    """Whether "same" means the same number of zeros on both sides, for images of any size."""
    return stride == 1 and kernel.shape[0] == kernel.shape[1] and kernel.shape[0] % 2 == 1


def _channels_first(inputs: Any) -> Any:
    """A view in the order of axes that PyTorch wants; in memory the channels stay last."""
    return inputs.permute(0, 3, 1, 2)
