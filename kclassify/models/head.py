"""The two ends that all models share: pixels to normalised input, features to logits or probabilities."""

from collections.abc import Sequence

import keras
from keras import layers

from kclassify.models.blocks import LAYOUT, Tensor, layer_name
from kclassify.presets.card import Preprocessing


def normalise(x: Tensor, preprocessing: Preprocessing) -> Tensor:
    """[N, H, W, 3] in 0..255 -> the same shape, (x / 255 - mean) / std per channel.

    `Rescaling`, not `keras.layers.Normalization`: that one breaks the ONNX export. float32, so that half precision loses no grey level.
    """
    scale = [1 / (255 * std) for std in preprocessing.std]
    offset = [-mean / std for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True)]
    return layers.Rescaling(scale, offset, dtype="float32", name="normalise")(x)


def classify(features: Tensor | list[Tensor], num_classes: int, *, names: Sequence[str], dropout: float, activation: str | None) -> Tensor:
    """[N, C] -> float32 [N, num_classes]: probabilities for activation "softmax" or "sigmoid", logits for None.

    `names` are the torch paths of the classifiers: one, or two for two features whose logits are averaged (distilled models). Of features
    [N, H, W, C] the classifier is a 1x1 convolution, then the mean over the picture, as torch keeps it.
    float32 under every precision policy: top-k metrics and the loss need it.
    """
    several = features if isinstance(features, list) else [features]
    logits = [
        _logits(x, num_classes, name=name, dropout=dropout, number=number)
        for number, (x, name) in enumerate(zip(several, names, strict=True))
    ]
    x = logits[0] if len(logits) == 1 else layers.Average(dtype="float32", name="average")(logits)
    return x if activation is None else layers.Activation(activation, dtype="float32", name="probabilities")(x)


def _logits(x: Tensor, num_classes: int, *, name: str, dropout: float, number: int) -> Tensor:
    if dropout:
        # The seed is drawn anew for a run. Without one Keras on PyTorch takes its masks from where no checkpoint sees them.
        x = layers.Dropout(dropout, seed=0, name=f"dropout{number or ''}")(x)
    start = keras.initializers.RandomNormal(stddev=0.01)  # near-equal probabilities at the first step
    if len(x.shape) == 2:
        return layers.Dense(num_classes, kernel_initializer=start, dtype="float32", name=layer_name(name))(x)  # [N, num_classes]
    x = layers.Conv2D(num_classes, 1, kernel_initializer=start, data_format=LAYOUT, dtype="float32", name=layer_name(name))(x)
    return layers.GlobalAveragePooling2D(data_format=LAYOUT, dtype="float32", name="logits")(x)  # [N, num_classes]
