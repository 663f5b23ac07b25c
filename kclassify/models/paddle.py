"""PaddlePaddle's names and layouts as torch's: BatchNorm's statistics are called otherwise, and a Linear is not transposed."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import layers

State = Mapping[str, np.ndarray]

STATISTICS = {"_mean": "running_mean", "_variance": "running_var"}


def to_torch(state: State, model: keras.Model) -> dict[str, np.ndarray]:
    """A state dict of Paddle's under torch's names, for a model whose layers carry Paddle's paths."""
    return _renamed(state, model, STATISTICS)


def from_torch(state: State, model: keras.Model) -> dict[str, np.ndarray]:
    """The other way round: what PaddleClas' model of the same paths takes."""
    return _renamed(state, model, {torch: paddle for paddle, torch in STATISTICS.items()})


def _renamed(state: State, model: keras.Model, leaves: Mapping[str, str]) -> dict[str, np.ndarray]:
    linear = {layer.name.replace("-", ".") for layer in model.layers if isinstance(layer, layers.Dense)}
    renamed = {}
    for name, tensor in state.items():
        path, dot, leaf = name.replace("/", ".").rpartition(".")  # no layer's name holds "/"
        transposed = path in linear and leaf == "weight"
        renamed[f"{path}{dot}{leaves.get(leaf, leaf)}"] = tensor.T if transposed else tensor
    return renamed
