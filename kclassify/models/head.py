"""The two ends that all models share: pixels to normalised input, features to logits or probabilities."""

from collections.abc import Sequence

import keras
from keras import layers, ops

from kclassify.models.blocks import LAYOUT, Tensor, layer_name
from kclassify.presets.card import Preprocessing


def grey(x: Tensor) -> Tensor:
    """RGB [N, H, W, 3] in 0..255 -> its luma [N, H, W, 1] in 0..255 (ITU-R BT.601, as Pillow's mode L)."""
    return ops.sum(layers.Rescaling([0.299, 0.587, 0.114], dtype="float32", name="grey")(x), axis=-1, keepdims=True)


def normalise(x: Tensor, preprocessing: Preprocessing) -> Tensor:
    """[N, H, W, C] in 0..255 -> the same shape, (x / 255 - mean) / std per channel.

    The card has the numbers of R, G and B: one channel takes their mean, and more than three take them in turn (as timm does).
    `Rescaling`, not `keras.layers.Normalization`: that one breaks the ONNX export. float32, so that half precision loses no grey level.
    """
    mean, std = (_for_channels(values, x.shape[-1]) for values in (preprocessing.mean, preprocessing.std))
    scale = [1 / (255 * value) for value in std]
    offset = [-middle / value for middle, value in zip(mean, std, strict=True)]
    return layers.Rescaling(scale, offset, dtype="float32", name="normalise")(x)


def _for_channels(values: Sequence[float], channels: int) -> list[float]:
    return [sum(values) / len(values)] if channels == 1 else [values[number % len(values)] for number in range(channels)]


def pool(x: Tensor, pooling: str | None) -> Tensor:
    """[N, H, W, C] -> its mean ("avg") or largest value ("max") over the picture [N, C], or for None as it is."""
    kinds = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}
    return x if pooling is None else kinds[pooling](data_format=LAYOUT, name="pooling")(x)


def mean(features: Tensor | list[Tensor]) -> Tensor:
    """The features, or the mean of those of two heads."""
    return layers.Average(name="average")(features) if isinstance(features, list) else features


def classify(features: Tensor | list[Tensor], num_classes: int, *, names: Sequence[str], dropout: float, activation: str | None) -> Tensor:
    """[N, C] -> float32 [N, num_classes]: probabilities for activation "softmax" or "sigmoid", logits for None.

    `names` are the torch paths of the classifiers: one, or two for two features whose logits are averaged (distilled models). Of features
    [N, 1, 1, C] the classifier is a 1x1 convolution, as torch keeps it; of a larger map its answers pass a ReLU before they are averaged
    over the picture (SqueezeNet, arXiv 1602.07360).
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
    if x.shape[1] != 1:
        x = layers.Activation("relu", dtype="float32", name=layer_name(f"{name}.activation"))(x)
    return layers.GlobalAveragePooling2D(data_format=LAYOUT, dtype="float32", name="logits")(x)  # [N, num_classes]


def logits_model(model: keras.Model) -> keras.Model:
    """The same model without the softmax or sigmoid at its end, if it has one: for a loss that is exact for confident answers."""
    last, ends = model.layers[-1], (keras.activations.softmax, keras.activations.sigmoid)
    has_end = isinstance(last, keras.layers.Activation) and last.activation in ends
    return keras.Model(model.inputs, last.input, name=model.name) if has_end else model
