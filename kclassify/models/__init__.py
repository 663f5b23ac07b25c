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

__all__ = ["LoadReport", "create_model", "load_state", "load_weights", "state_dict"]

ACTIVATIONS = ("softmax", "sigmoid", None)
LOG = logging.getLogger(__name__)


def create_model(
    name: str,
    *,
    num_classes: int = 1000,
    input_shape: tuple[int | None, int | None, int] | None = None,
    weights: str | Path | None = None,
    activation: str | None = "softmax",
    dropout: float | None = None,
    drop_path: float | None = None,
    features: bool = False,
) -> keras.Model:
    """The preset `name` as a functional model: float32 RGB 0..255 [N, H, W, 3] -> float32 [N, num_classes].

    The input is called "image" and is normalised inside. `input_shape` is (H, W, 3), by default the preset's size; (None, None, 3) is any,
    for models that can (convolutional ones). The output is probabilities for activation "softmax", or "sigmoid" for each class by itself,
    and logits for None. `weights` is None (random), "pretrained" (the preset's own source, downloaded once), a .safetensors, .pth,
    .pdparams or .keras file, an address or a hub id; weights for other classes give everything but the head (`load_weights` reports
    that). `dropout` is the rate before the head, by default the preset's; `drop_path` that of stochastic depth at the last block, for
    models that have it.

    With `features` the outputs are instead the last maps of each size, [N, H/2, W/2, C] to [N, H/32, W/32, C], for use as a backbone (some
    families begin at H/4).

    Raises UsageError for an unknown name or value and ModelError for weights that are missing or do not fit.
    Sources: the row's `paper`, an arXiv id.
    """
    row = presets.get(name)
    rate = row.dropout if dropout is None else dropout
    _check(num_classes, activation, rate)
    size = row.preprocessing.size
    shape = (size, size, 3) if input_shape is None else tuple(input_shape)
    if len(shape) != 3 or shape[-1] != 3:
        raise UsageError(f"Unusable input_shape: {shape}. Expected (height, width, 3).")
    image = keras.Input(shape, dtype="float32", name="image")  # [N, H, W, 3]
    pyramid, last = _build(row, head.normalise(image, row.preprocessing), drop_path)
    outputs = head.classify(last, num_classes, names=row.heads, dropout=rate, activation=activation)  # [N, num_classes]
    model = keras.Model(image, outputs, name=row.name)
    if weights is not None:
        report = load_weights(model, weights, row=row)
        LOG.info("%s: %d tensors loaded, %d left out", report.source, report.tensors, len(report.left_out))
    return keras.Model(image, pyramid, name=row.name) if features else model


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


def _check(num_classes: int, activation: str | None, dropout: float) -> None:
    if num_classes < 1:
        raise UsageError(f"Unusable num_classes: {num_classes}. Expected 1 or more.")
    if activation not in ACTIVATIONS:
        raise UsageError(f"Unknown activation '{activation}'. Expected 'softmax', 'sigmoid' or None.")
    if not 0 <= dropout < 1:
        raise UsageError(f"Unusable dropout: {dropout}. Expected 0 <= dropout < 1.")
