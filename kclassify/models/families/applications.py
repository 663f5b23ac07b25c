"""Models of keras.applications inside ours: their layers on our input, up to what their classifier takes."""

import inspect
import re
from typing import Any

import keras
from keras import ops

from kclassify.models.blocks import Tensor, fixed_size
from kclassify.presets.applications import HEAD


def build(x: Tensor, *, name: str, flip: bool) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> the last map of each size and what the classifier takes, [N, C] or [N, 1, 1, C]; `flip` RGB to BGR."""
    theirs = original(name, (*fixed_size(x), x.shape[-1]), weights=None)
    made: list[Tensor] = []
    features: list[Tensor] = []

    def call(layer: Any, *inputs: Any, **named: Any) -> Any:
        if layer.name == HEAD:
            features.append(inputs[0])
        made.append(layer(*inputs, **named))
        return made[-1]

    keras.models.clone_model(theirs, ops.flip(x, axis=-1) if flip else x, clone_function=Renamed(classifier_of(theirs)), call_function=call)
    return pyramid_of(made, x.shape[1]), features[0]


def original(name: str, shape: tuple[int, ...], *, weights: str | None) -> keras.Model:
    """Keras' own model with logits at its end, for pixels that are normalised."""
    make = getattr(keras.applications, name)
    more = {"include_preprocessing": False} if "include_preprocessing" in inspect.signature(make).parameters else {}
    return make(weights=weights, input_shape=shape, classifier_activation=None, **more)


def renamed(theirs: keras.Model) -> keras.Model:
    """Keras' own model, weights too, with the names of layers that `build` gives."""
    copy = keras.models.clone_model(theirs, clone_function=Renamed(classifier_of(theirs)))
    copy.set_weights(theirs.get_weights())
    return copy


def classifier_of(theirs: keras.Model) -> str:
    """The name of the last layer that has weights."""
    return [layer.name for layer in theirs.layers if layer.weights][-1]


def pyramid_of(made: list[Tensor], height: int) -> list[Tensor]:
    """The last map of each height, largest first."""
    maps = {tensor.shape[1]: tensor for tensor in made if len(tensor.shape) == 4 and 1 < tensor.shape[1] < height}
    return [maps[side] for side in sorted(maps, reverse=True)]


class Renamed:
    """Copies layers; those that Keras named count from 1 in every model, so that all models of a name have the same paths."""

    def __init__(self, classifier: str) -> None:
        self.classifier = classifier
        self.counts: dict[str, int] = {}

    def __call__(self, layer: Any) -> Any:
        """A layer of the same settings, without its numbers."""
        config, base = layer.get_config(), re.sub(r"_\d+$", "", layer.name)
        if base.replace("_", "") == type(layer).__name__.lower():
            self.counts[base] = self.counts.get(base, 0) + 1
            config["name"] = f"{base}-{self.counts[base]}"
        if layer.name == self.classifier:
            config["name"] = HEAD
        return type(layer).from_config(config)
