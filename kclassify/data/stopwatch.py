"""How long training waits for its batches: a clock at the very end of the pipeline, where the next batch is asked for and handed over."""

import time
from typing import Any

import numpy as np
import tensorflow as tf

from kclassify.data.python_ops import as_written, python_op


class Stopwatch:
    """Measures a dataset of batches: `seconds` grows by the time between asking for a batch and having it.

    The first batch of a dataset does not count: it waits for the pipeline to start. Several replicas fetch one batch ahead: with them
    it is the fetching that is measured, more than what is waited for where both are slow.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._asked = 0.0

    def around(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """The same batches, (pixels, targets, weights), with every wait for one measured."""
        # TensorFlow's own clock is refused where ops must be deterministic, and a function with a state would end all reading ahead.
        numbers = tf.data.Dataset.range(np.iinfo(np.int64).max).map(as_written(lambda number: python_op(self._start, [number], tf.int64)))

        @as_written
        def measured(number: tf.Tensor, batch: Any) -> Any:
            pixels, targets, weights = batch
            stopped = python_op(self._stop, [number, weights], tf.float32)
            return pixels, targets, tf.ensure_shape(stopped, weights.shape)

        options = tf.data.Options()
        options.experimental_optimization.inject_prefetch = False  # whoever reads ahead does not wait
        options.experimental_optimization.map_parallelization = False
        return tf.data.Dataset.zip(numbers, batches).map(measured).with_options(options)

    def _start(self, number: np.ndarray) -> np.ndarray:
        self._asked = time.monotonic()
        return number

    def _stop(self, number: np.ndarray, weights: np.ndarray) -> np.ndarray:
        if number:
            self.seconds += time.monotonic() - self._asked
        return weights
