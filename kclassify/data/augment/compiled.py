"""How an operation on pixels is compiled: once per size, so that it gives the same bytes wherever it is called."""

import sys
from collections.abc import Callable
from typing import Any

import tensorflow as tf

XLA = sys.platform != "win32"  # TensorFlow for Windows may come without it; the operations are then plain graphs
PIXELS = tf.TensorSpec([None, None, 3], tf.uint8)
MAGNITUDE = tf.TensorSpec([], tf.float32)

Compiled = Callable[..., Any]


def compiled(*signature: tf.TensorSpec) -> Callable[[Callable[..., Any]], Compiled]:
    """Decorate a function of tensors of these types, or of any; it is compiled when it is first called with an image of a new size."""

    def decorate(function: Callable[..., Any]) -> Compiled:
        return tf.function(function, input_signature=signature or None, jit_compile=XLA or None, autograph=False)

    return decorate
