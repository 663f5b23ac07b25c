"""Image classifiers by preset name, in stock Keras layers, for every backend of Keras."""

import importlib
import inspect
import logging
from pathlib import Path

import keras

from kclassify import presets
from kclassify.errors import UsageError
from kclassify.models import head
from kclassify.models.blocks import Tensor
from kclassify.models.weights import LoadReport, load_state, load_weights, state_dict
from kclassify.presets import ModelRow
from kclassify.remote import kerashub

__all__ = ["LoadReport", "create_model", "load_state", "load_weights", "state_dict"]

ACTIVATIONS = ("softmax", "sigmoid", None)
POOLINGS = ("avg", "max", None)
RGB = 3  # channels of a picture as everything here reads it
LOG = logging.getLogger(__name__)


def create_model(  # noqa: PLR0913 - the settings of a model
    name: str,
    *,
    num_classes: int = 1000,
    input_shape: tuple[int | None, int | None, int] | None = None,
    in_channels: int | None = None,
    weights: str | Path | None = None,
    activation: str | None = "softmax",
    dropout: float | None = None,
    drop_path: float | None = None,
    include_top: bool = True,
    pooling: str | None = None,
    features: bool = False,
) -> keras.Model:
    """The preset `name` as a functional model: float32 RGB 0..255 [N, H, W, 3] -> float32 [N, num_classes].

    The input is called "image" and is normalised inside. `input_shape` is (H, W, 3), by default the preset's size; (None, None, 3) is any,
    for models that can (convolutional ones). Of another number of channels, such as (H, W, 1), the first convolution takes so many; so it
    does with `in_channels` 1 of RGB pictures, which then become grey inside. The output is probabilities for activation "softmax", or
    "sigmoid" for each class by itself, and logits for None. `weights` is None (random), "pretrained" (the preset's own source, downloaded
    once), a .safetensors, .pth, .pdparams or .keras file, an address or a hub id; weights for other classes give everything but the head
    (`load_weights` reports that), those for RGB are adapted to the channels. `dropout` is the rate before the head, by default the
    preset's; `drop_path` that of stochastic depth at the last block, for models that have it.

    As a backbone: `num_classes` 0 gives what the head would take, [N, C] (or [N, 1, 1, C]; of two heads the mean); `include_top` False the
    last map, [N, H/32, W/32, C] of most models, or for `pooling` "avg" or "max" its mean or largest value over the picture, [N, C];
    `features` a list of the last maps of each size, [N, H/2, W/2, C] to [N, H/32, W/32, C] (some families begin at H/4).

    Raises UsageError for an unknown name or value and ModelError for weights that are missing or do not fit.
    Sources: the row's `paper`, an arXiv id.
    """
    row = presets.get(kerashub.fetch(name))
    label = presets.short(row.name).replace(":", ".")  # TensorFlow takes no colon in a name
    rate = row.dropout if dropout is None else dropout
    _check(num_classes, activation, rate, pooling if not include_top else None)
    if pooling is not None and include_top:
        raise UsageError(f"Unusable pooling: '{pooling}' is for a model without its head. Add include_top=False.")
    image, x = _normalised(row, input_shape, in_channels)
    pyramid, last = _build(row, x, drop_path)
    # Without a head too: weights are those of the whole model, and what is not asked for is left out at the end.
    outputs = head.classify(last, num_classes or 1000, names=row.heads, dropout=rate, activation=activation)  # [N, num_classes]
    model = keras.Model(image, outputs, name=label)
    if weights is not None:
        report = load_weights(model, weights, row=row)
        LOG.info("%s: %d tensors loaded, %d left out", report.source, report.tensors, len(report.left_out))
    if features:
        return keras.Model(image, pyramid, name=label)
    if not include_top:
        return keras.Model(image, head.pool(pyramid[-1], pooling), name=label)
    return model if num_classes else keras.Model(image, head.mean(last), name=label)


def _normalised(row: ModelRow, input_shape: tuple[int | None, int | None, int] | None, in_channels: int | None) -> tuple[Tensor, Tensor]:
    """(input, the same as the first convolution takes it), both [N, H, W, channels]."""
    size = row.preprocessing.size
    shape = (size, size, in_channels if in_channels and in_channels > 1 else RGB) if input_shape is None else tuple(input_shape)
    if len(shape) != 3 or not shape[-1] or shape[-1] < 1:
        raise UsageError(f"Unusable input_shape: {shape}. Expected (height, width, channels).")
    channels = in_channels or shape[-1]
    if channels not in (1, shape[-1]) or (channels == 1 and shape[-1] not in (1, RGB)):
        raise UsageError(f"Unusable in_channels: {in_channels}. Of an input_shape {shape} expected {shape[-1]}, or 1 of RGB.")
    image = keras.Input(shape, dtype="float32", name="image")  # [N, H, W, C]
    x = head.grey(image) if channels < shape[-1] else image
    return image, head.normalise(x, row.preprocessing)


def _build(row: ModelRow, x: Tensor, drop_path: float | None) -> tuple[list[Tensor], Tensor]:
    """Run the builder of the row's family on normalised pixels."""
    build = importlib.import_module(f"{__name__}.families.{row.family}").build
    config = dict(row.config)
    if drop_path is not None:
        if "drop_path" not in inspect.signature(build).parameters:
            raise UsageError(f"Unusable drop_path: {row.name} has no stochastic depth. Leave it out.")
        if not 0 <= drop_path < 1:
            raise UsageError(f"Unusable drop_path: {drop_path}. Expected 0 <= drop_path < 1.")
        config["drop_path"] = drop_path
    pyramid: list[Tensor]
    pyramid, last = build(x, **config)
    return pyramid, last


def _check(num_classes: int, activation: str | None, dropout: float, pooling: str | None) -> None:
    if num_classes < 0:
        raise UsageError(f"Unusable num_classes: {num_classes}. Expected 1 or more, or 0 for a model without its head.")
    if pooling not in POOLINGS:
        raise UsageError(f"Unknown pooling '{pooling}'. Expected 'avg', 'max' or None.")
    if activation not in ACTIVATIONS:
        raise UsageError(f"Unknown activation '{activation}'. Expected 'softmax', 'sigmoid' or None.")
    if not 0 <= dropout < 1:
        raise UsageError(f"Unusable dropout: {dropout}. Expected 0 <= dropout < 1.")
