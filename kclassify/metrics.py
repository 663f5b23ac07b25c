"""What a classifier is judged by; of several labels a picture the scores of all images together."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


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


def multi_label_results(targets: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Loss, map and f1 of scores for several labels a picture: [n, classes] each, targets 0 or 1.

    `loss` is the binary cross-entropy, summed over the classes and averaged over the images. `map` is the mean of the classes' average
    precisions (scikit-learn's definition), `f1` of their F1 scores with the answer yes from a probability of 0.5 on, both over the classes
    that occur.
    """
    from sklearn.metrics import average_precision_score, f1_score

    logits, wanted = logits.astype(np.float64), targets > 0
    with np.errstate(over="ignore", invalid="ignore"):  # weights that are no good any more give a loss that is no number
        losses = np.logaddexp(0.0, logits) - np.where(wanted, logits, 0.0)
    occur = wanted.any(axis=0)
    scores = np.nan_to_num(logits)  # scikit-learn refuses what is no number
    # Class by class: a table of one column would be taken for two classes, yes and no.
    columns = list(zip(wanted[:, occur].T, scores[:, occur].T, strict=True))
    return {
        "loss": float(losses.sum(axis=1).mean()),
        "map": float(np.mean([average_precision_score(*column) for column in columns])),
        "f1": float(np.mean([f1_score(own, found >= 0.0, zero_division=0.0) for own, found in columns])),
    }
