"""The two ends that all models share: pixels to normalised input, features to logits or probabilities."""

import keras
from keras import layers

from kclassify.models.blocks import Tensor, layer_name
from kclassify.presets.card import Preprocessing


def normalise(x: Tensor, preprocessing: Preprocessing) -> Tensor:
    """[N, H, W, 3] in 0..255 -> the same shape, (x / 255 - mean) / std per channel.

    `Rescaling`, not `keras.layers.Normalization`: that one breaks the ONNX export. float32, so that half precision loses no grey level.
    """
    scale = [1 / (255 * std) for std in preprocessing.std]
    offset = [-mean / std for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True)]
    return layers.Rescaling(scale, offset, dtype="float32", name="normalise")(x)


def classify(x: Tensor, num_classes: int, *, name: str, dropout: float, activation: str | None) -> Tensor:
    """[N, C] -> float32 [N, num_classes]: probabilities for activation "softmax" or "sigmoid", logits for None.

    float32 under every precision policy: top-k metrics and the loss need it.
    """
    if dropout:
        # The seed is drawn anew for a run. Without one Keras on PyTorch takes its masks from where no checkpoint sees them.
        x = layers.Dropout(dropout, seed=0, name="dropout")(x)
    start = keras.initializers.RandomNormal(stddev=0.01)  # near-equal probabilities at the first step
    x = layers.Dense(num_classes, kernel_initializer=start, dtype="float32", name=layer_name(name))(x)  # [N, num_classes]
    return x if activation is None else layers.Activation(activation, dtype="float32", name="probabilities")(x)
