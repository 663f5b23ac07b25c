"""Curves for TensorBoard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_row(folder: Path, row: Mapping[str, Any]) -> None:
    """Add an epoch's numbers as scalars at its step: train/loss, val/top1, lr ..."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(step=row["step"]):
        for key, value in row.items():
            if key not in ("epoch", "step"):
                tf.summary.scalar(key.replace("_", "/", 1), value)
    writer.close()
