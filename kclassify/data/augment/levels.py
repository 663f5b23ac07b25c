"""From levels to magnitudes: the tables of presets/policies.py for whole batches."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kclassify.data.augment.image_ops import NUMBER
from kclassify.presets.policies import Span


def drawn(uniforms: tf.Tensor, count: int) -> tf.Tensor:
    """Numbers 0 to `count` - 1, each as likely: int32, in the shape of `uniforms`."""
    return tf.minimum(tf.cast(uniforms * count, tf.int32), count - 1)


@dataclass(frozen=True)
class Space:
    """The operations that a policy draws from; an entry is a place in `names`."""

    names: tuple[str, ...]
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, table: Mapping[str, Span]) -> "Space":
        """The space of a table of presets/policies.py."""
        return cls(tuple(table), tuple(table.values()))

    def operations(self, entries: tf.Tensor) -> tf.Tensor:
        """The numbers of the operations at `entries`: int32, in the shape of `entries`."""
        return tf.gather(tf.constant([NUMBER[name] for name in self.names]), entries)

    def magnitudes(self, entries: tf.Tensor, levels: tf.Tensor, highest: float, signs: tf.Tensor, size: int) -> tf.Tensor:
        """The magnitudes of `entries` at `levels` of 0 to `highest`, for images of `size` pixels a side.

        Args:
            signs: uniform in [0, 1); below one half the magnitude of a signed operation is turned round.

        Returns:
            float32, in the shape of `entries`.
        """
        start, end, whole, signed, base, unit = (tf.gather(column, entries) for column in self._columns(size))
        way = (end - start) * levels / highest
        way = tf.where(whole > 0, tf.cast(tf.cast(way, tf.int32), tf.float32), way)
        sign = tf.where((signed > 0) & (signs < 0.5), -1.0, 1.0)
        return base + sign * (start + way) * unit

    def _columns(self, size: int) -> np.ndarray:
        rows = [(s.start, s.end, s.whole, s.signed, s.base, size if s.of_side else 1) for s in self.spans]
        return np.array(rows, np.float32).T  # [6, names]
