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

    To be given as `weighted_metrics`, so that filled-up samples of weight 0 do not count. Of wider outputs the first `classes` are meant.
    """
    k = min(5, classes)

    def top1(targets: Any, outputs: Any) -> Any:
        return keras.metrics.categorical_accuracy(targets, outputs[:, :classes])

    def top5(targets: Any, outputs: Any) -> Any:
        return keras.metrics.top_k_categorical_accuracy(targets, outputs[:, :classes], k=k)

    def ce(targets: Any, outputs: Any) -> Any:
        return keras.losses.categorical_crossentropy(targets, outputs[:, :classes], from_logits=True)

    return [keras.metrics.MeanMetricWrapper(function, name=function.__name__, dtype="float32") for function in (top1, top5, ce)]
