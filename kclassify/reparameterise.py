"""Makes one convolution of branches that are summed: what RepVGG learns with several it computes with one (arXiv 2101.03697)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from kclassify.models.blocks import Tensor, convolution

Branch = tuple[layers.BatchNormalization, layers.Conv2D | None]


def reparameterise(model: keras.Model) -> keras.Model:
    """A model of the same function, for prediction: a sum of BatchNorms of an input and of its convolutions becomes one convolution.

    It is called "NAME-reparam_conv", as in timm. A model without such sums is given back as it is.
    """
    sums = {layer.name: found for layer in model.layers if isinstance(layer, layers.Add) and (found := _branches(layer))}
    if not sums:
        return model
    fused = {f"{name.removesuffix('-add')}-reparam_conv": branches for name, branches in sums.items()}

    def call(layer: Any, *args: Any, **kwargs: Any) -> Tensor:
        if layer.name not in sums:
            return layer(*args, **kwargs)
        source = _unwind(_maker(args[0][0]).input)[1]
        like = max((conv for _, conv in sums[layer.name] if conv), key=lambda conv: conv.kernel_size)
        name = f"{layer.name.removesuffix('-add')}-reparam_conv"
        return convolution(source, like.filters, like.kernel_size, like.strides[0], groups=like.groups, bias=True, name=name)

    plain = keras.models.clone_model(model, call_function=call)
    for layer in plain.layers:
        if layer.name in fused:
            layer.set_weights(_fuse(fused[layer.name], layer.kernel.shape))
        elif layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return plain


def _maker(tensor: Tensor) -> Any:
    """The layer or operation whose output this is."""
    return tensor._keras_history.operation


def _unwind(tensor: Tensor) -> tuple[layers.Conv2D | None, Tensor]:
    """The convolution that made `tensor`, or None, and the input of both."""
    conv = _maker(tensor)
    if not isinstance(conv, layers.Conv2D):
        return None, tensor
    before = _maker(conv.input)
    return conv, before.input if isinstance(before, layers.ZeroPadding2D) else conv.input


def _branches(total: layers.Add) -> list[Branch]:
    """The (BatchNorm, convolution or None) that are summed, or nothing if they are of different inputs or of another kind."""
    branches, sources = [], set()
    for tensor in total.input:
        norm = _maker(tensor)
        if not isinstance(norm, layers.BatchNormalization):
            return []
        conv, source = _unwind(norm.input)
        branches.append((norm, conv))
        sources.add(id(source))
    return branches if len(sources) == 1 and all(conv is None or not conv.use_bias for _, conv in branches) else []


def _fuse(branches: Sequence[Branch], shape: tuple[int, int, int, int]) -> list[np.ndarray]:
    """The kernel [H, W, C / groups, channels] and bias [channels] of the sum."""
    kernel, bias, (height, width, inputs, channels) = np.zeros(shape), np.zeros(shape[-1]), shape
    for norm, conv in branches:
        gamma, beta, mean, variance = (np.asarray(weight, "float64") for weight in norm.get_weights())
        factor = gamma / np.sqrt(variance + norm.epsilon)
        own = np.zeros((1, 1, inputs, channels))
        own[0, 0, np.arange(channels) % inputs, np.arange(channels)] = 1  # each channel as it is
        own = own if conv is None else conv.get_weights()[0]
        top, left = (height - own.shape[0]) // 2, (width - own.shape[1]) // 2
        kernel[top : top + own.shape[0], left : left + own.shape[1]] += own * factor
        bias += beta - mean * factor
    return [kernel, bias]
