"""Preprocessing layers of Keras and KerasCV as augmentations, named with their arguments: `keras:RandomContrast(factor=0.2)`."""

import ast
import functools
import importlib
from typing import Any

import tensorflow as tf

from kclassify.errors import SetupError, UsageError, near_names

_PACKAGES = {"keras": "keras.layers", "keras_cv": "keras_cv.layers"}
_TRIED = (1, 37, 41, 3)  # a size that no layer makes of another one
NOTE = "is a layer whose random numbers depend on timing: this run cannot be repeated to the bit"


def apply_layer(text: str, pixels: tf.Tensor) -> tf.Tensor:
    """A batch, uint8 [n, size, size, 3], through the layer, rounded to whole grey levels."""
    result = make_layer(text)(tf.cast(pixels, tf.float32), training=True)
    return tf.ensure_shape(tf.cast(tf.clip_by_value(tf.round(result), 0.0, 255.0), tf.uint8), pixels.shape)


@functools.cache
def make_layer(text: str) -> Any:
    """The layer that a text such as `keras_cv:RandAugment(value_range=[0, 255])` describes.

    Its arguments are literals; nothing in the text is executed.

    Raises:
        UsageError: no such layer, or arguments that it does not take.
        SetupError: KerasCV is not installed.
    """
    package, _, call = text.partition(":")
    name, arguments = _parse(text, call)
    try:
        layers = importlib.import_module(_PACKAGES[package])
    except ImportError as error:
        raise SetupError(f'{text}: {package} is not installed. Install it with: pip install "kclassify[cv]"') from error
    known = [item for item in dir(layers) if _is_augmentation(getattr(layers, item))]
    if name not in known:
        raise UsageError(f"{text}: {package} has no augmentation layer '{name}'.{near_names(name, known)}")
    try:
        with tf.init_scope():  # its random states belong to no graph
            layer = getattr(layers, name)(**arguments)
            shape = layer(tf.zeros(_TRIED), training=True).shape
    except (TypeError, ValueError) as error:
        raise UsageError(f"{text}: {str(error).splitlines()[0]}") from error
    if shape != _TRIED:
        raise UsageError(f"{text}: changes the size of images. Expected an augmentation that keeps it; see --image-size.")
    return layer


def _is_augmentation(item: Any) -> bool:
    return isinstance(item, type) and any(
        "BaseImage" in base.__name__ or "BaseImagePreprocessing" in base.__name__ for base in item.__mro__
    )


def _parse(text: str, call: str) -> tuple[str, dict[str, Any]]:
    try:
        node = ast.parse(call.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, {}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args and all(word.arg for word in node.keywords):
            return node.func.id, {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}
    except (SyntaxError, ValueError):
        pass
    raise UsageError(f"{text}: expected a layer with named arguments, such as keras:RandomContrast(factor=0.2)")
