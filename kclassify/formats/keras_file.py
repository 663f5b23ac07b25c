"""The `.keras` file as a format: the model itself, and the forward pass that every other format is compared with."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kclassify import devices
from kclassify.data.preprocess import preprocess
from kclassify.errors import ModelError
from kclassify.predictor import Predictor
from kclassify.presets.card import ModelCard


def keras_forward(model: Any, card: ModelCard) -> Callable[[np.ndarray], np.ndarray]:
    """Preprocessing and model in one traced function: uint8 [N, H, W, 3] -> float32 probabilities [N, classes]."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])
    def forward(pixels: Any) -> Any:
        return tf.cast(model(preprocess(pixels, card.preprocessing), training=False), tf.float32)

    return lambda pixels: np.asarray(forward(pixels))


def save(model: Any, card: ModelCard, path: Path) -> None:
    """Write model and card to one `.keras` file."""
    from kclassify import bundle

    bundle.save(model, card, path)


def load(path: Path) -> Predictor:
    """Open a `.keras` file that kclassify wrote; Keras insists on that suffix."""
    devices.start()
    from kclassify import bundle

    if path.suffix != ".keras":
        raise ModelError(
            f"{path}: this is a Keras file, and Keras opens it only under such a name. Rename it to: {path.with_suffix('.keras')}"
        )
    model, card = bundle.load(path)
    return Predictor(path.name, card, keras_forward(model, card))


def detect(path: Path) -> bool:
    """Whether `path` is a Keras archive: a zip with a `config.json` member."""
    if path.suffix == ".keras":
        return path.is_file()
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "config.json" in archive.namelist()
