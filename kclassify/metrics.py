"""What a classifier is judged by."""

from collections.abc import Mapping
from typing import Any

import keras


def results(logs: Mapping[str, Any], samples: int) -> dict[str, float]:
    """Loss, top1 and top5 of `training_metrics` over so many samples; the shares as exact fractions, which Keras' float32 means are not."""
    shares = {name: round(float(logs[name]) * samples) / samples for name in ("top1", "top5")}
    return {"loss": float(logs["ce"]), **shares}


def training_metrics(classes: int) -> list[Any]:
    """Keras metrics on logits and one-hot targets: top1, top5 (of all classes where there are fewer) and ce, the plain cross-entropy.

    To be given as `weighted_metrics`, so that filled-up samples of weight 0 do not count.
    """
    return [
        keras.metrics.CategoricalAccuracy(name="top1", dtype="float32"),
        keras.metrics.TopKCategoricalAccuracy(k=min(5, classes), name="top5", dtype="float32"),
        keras.metrics.CategoricalCrossentropy(name="ce", from_logits=True, dtype="float32"),
    ]
