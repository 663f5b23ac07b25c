"""Classifiers of keras_hub inside ours: their layers on our input, up to what their classifier takes."""

from typing import Any

import keras
from keras import layers

from kclassify.errors import ModelError, SetupError, UsageError
from kclassify.models.blocks import Tensor
from kclassify.models.families.applications import Renamed, pyramid_of
from kclassify.presets.kerashub import HEAD

END = "end"  # marks what a model gives


def build(x: Tensor, *, folder: str) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> the last map of each size, as far as they are seen, and what the classifier takes, [N, C]."""
    theirs = original(folder, load_weights=False)
    if any(side not in (None, given) for side, given in zip(theirs.input_shape[1:], x.shape[1:], strict=True)):
        raise UsageError(f"Unusable input_shape: {x.shape[1:]}. This model of keras_hub is for {theirs.input_shape[1:]}.")
    flat = Flat()
    flat.run(theirs, x)
    if flat.features is None:
        raise ModelError(f"{folder}: its classifier is not a last layer named {flat.classifier}, as keras_hub's are.")
    return pyramid_of(flat.made, x.shape[1] or 1 << 30) or [flat.features], flat.features


def original(folder: str, *, load_weights: bool) -> keras.Model:
    """keras_hub's own classifier, from a folder whose JSON was looked at."""
    try:
        import keras_hub
    except ImportError as error:
        raise SetupError(f'{folder}: keras_hub is not installed. Install it with: pip install "kclassify[keras-hub]"') from error
    try:
        return keras_hub.models.ImageClassifier.from_preset(folder, load_weights=load_weights)
    except Exception as error:  # keras_hub raises many kinds for a damaged folder
        raise ModelError(f"{folder}: keras_hub cannot load it ({' '.join(str(error).split())[:200]}).") from error


def renamed(theirs: keras.Model) -> keras.Model:
    """keras_hub's own model, weights too, with the layers and names that `build` gives."""
    flat, image = Flat(), keras.Input(theirs.input_shape[1:])
    logits = flat.run(theirs, image)
    for layer, copy in flat.pairs:
        copy.set_weights(layer.get_weights())
    return keras.Model(image, logits)


class Flat(Renamed):
    """Copies of layers, those of models inside too; `pairs` are (theirs, ours). A model with layers that Keras lacks stays whole."""

    def __init__(self) -> None:
        super().__init__("predictions")  # as all classifiers of keras_hub call it
        self.pairs: list[tuple[Any, Any]] = []
        self.made: list[Tensor] = []
        self.features: Tensor = None

    def __call__(self, layer: Any) -> Any:
        """A layer of the same settings; operations, which have no weights, and models as they are."""
        if isinstance(layer, keras.Model) or not isinstance(layer, layers.Layer):
            return layer
        self.pairs.append((layer, super().__call__(layer)))
        return self.pairs[-1][1]

    def run(self, model: keras.Model, x: Tensor) -> Any:
        """What the model gives for x, with copies of its layers."""
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                x = self._call(self(layer), x)
            return x
        ends: list[Any] = []

        def call(layer: Any, *inputs: Any, **named: Any) -> Any:
            if layer.name.startswith(END):
                ends.append(inputs[0])
                return inputs[0]
            return self._call(layer, *inputs, **named)

        marked = keras.Model(model.inputs[0], layers.Identity(name=END)(model.output))
        keras.models.clone_model(marked, x, clone_function=self, call_function=call)
        return ends[0]

    def _call(self, layer: Any, *inputs: Any, **named: Any) -> Any:
        if layer.name == HEAD:
            self.features = inputs[0]
        if layer.name.endswith("output_dropout"):  # ours is before the head
            return inputs[0]
        stock = isinstance(layer, keras.Model) and all(type(part).__module__.startswith("keras.") for part in layer.layers)
        y = self.run(layer, inputs[0]) if stock else layer(*inputs, **named)
        self.made += [tensor for tensor in (y if isinstance(y, list) else [y]) if hasattr(tensor, "shape")]
        return y
