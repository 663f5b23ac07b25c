"""Image classifiers by preset name, in stock Keras layers, for every backend of Keras."""

import logging
from collections.abc import Callable
from pathlib import Path

import keras

from kclassify import presets
from kclassify.errors import UsageError
from kclassify.models import head, inverted, resnet
from kclassify.models.blocks import Tensor
from kclassify.models.weights import LoadReport, load_state, load_weights, state_dict

__all__ = ["LoadReport", "create_model", "load_state", "load_weights", "state_dict"]

FAMILIES: dict[str, Callable[..., Tensor]] = {"inverted": inverted.build, "resnet": resnet.build}
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
) -> keras.Model:
    """The preset `name` as a functional model: float32 RGB 0..255 [N, H, W, 3] -> float32 [N, num_classes].

    The input is called "image" and is normalised inside. `input_shape` is (H, W, 3), by default the preset's size; (None, None, 3) is any.
    The output is probabilities for activation "softmax", or "sigmoid" for each class by itself, and logits for None. `weights` is None
    (random), "pretrained" (the preset's own source) or a .safetensors, .pth or .keras file; a file with another number of classes gives
    everything but the head (`load_weights` reports that). `dropout` is the rate before the head, by default the preset's.

    Raises UsageError for an unknown name or value and ModelError for weights that are missing or do not fit.
    Sources: MobileNetV3 arXiv 1905.02244, ResNet arXiv 1512.03385, EfficientNet arXiv 1905.11946 (Lite: its authors' variant for phones).
    """
    row = presets.get(name)
    if num_classes < 1:
        raise UsageError(f"Unusable num_classes: {num_classes}. Expected 1 or more.")
    if activation not in ACTIVATIONS:
        raise UsageError(f"Unknown activation '{activation}'. Expected 'softmax', 'sigmoid' or None.")
    rate = row.dropout if dropout is None else dropout
    if not 0 <= rate < 1:
        raise UsageError(f"Unusable dropout: {rate}. Expected 0 <= dropout < 1.")
    size = row.preprocessing.size
    shape = (size, size, 3) if input_shape is None else tuple(input_shape)
    if len(shape) != 3 or shape[-1] != 3:
        raise UsageError(f"Unusable input_shape: {shape}. Expected (height, width, 3).")
    image = keras.Input(shape, dtype="float32", name="image")  # [N, H, W, 3]
    features = FAMILIES[row.family](head.normalise(image, row.preprocessing), **row.config)  # [N, C]
    outputs = head.classify(features, num_classes, name=row.head, dropout=rate, activation=activation)  # [N, num_classes]
    model = keras.Model(image, outputs, name=row.name)
    if weights is not None:
        report = load_weights(model, weights, row=row)
        LOG.info("%s: %d tensors loaded, %d left out", report.source, report.tensors, len(report.left_out))
    return model
