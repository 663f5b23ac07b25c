"""What training minimises: cross-entropy, a binary cross-entropy a class, or focal loss, with class weights and a teacher if asked."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kclassify.config import DistillConfig, LossConfig


class ClassificationLoss(keras.losses.Loss):
    """The loss of logits [n, classes] against targets [n, classes] that may be soft; the mean over the batch's places.

    `class_weights` float [classes] multiply a sample by the weight of its class (of a mixed one by the mixture of weights). With a teacher
    the outputs are wider: the student's logits, then those of the teacher, then the cosine of their features; see `with_teacher`.
    """

    def __init__(self, config: LossConfig, classes: int, *, class_weights: np.ndarray | None = None, distill: DistillConfig | None = None):
        super().__init__(name="loss", reduction="sum_over_batch_size")
        self.config, self.classes, self.distill = config, classes, distill
        self.class_weights = class_weights

    def call(self, targets: Any, outputs: Any) -> Any:
        """Loss of each sample: [n]."""
        outputs = ops.cast(outputs, "float32" if outputs.dtype != "float64" else "float64")
        targets, logits = ops.cast(targets, outputs.dtype), outputs[:, : self.classes]
        hints = outputs[:, self.classes :]
        found = _LOSSES[self.config.name](_smoothed(targets, self.config), logits, self.config)
        if self.class_weights is not None:
            found = found * ops.matmul(targets, ops.cast(self.class_weights, targets.dtype))
        if self.distill and self.distill.teacher and self.distill.weight:
            taught = _distillation(logits, hints[:, : self.classes], self.distill.temperature)
            found = (1.0 - self.distill.weight) * found + self.distill.weight * taught
        if self.distill and self.distill.teacher and self.distill.features:
            found = found + self.distill.features * (1.0 - hints[:, -1])
        return found


def balanced_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weights with which every class counts the same and the mean over the samples is 1 (scikit-learn's `balanced`): float32 [classes]."""
    counts = np.bincount(labels, minlength=classes)
    present = (counts > 0).sum()
    return (len(labels) / (present * np.maximum(counts, 1))).astype(np.float32)


def _smoothed(targets: Any, config: LossConfig) -> Any:
    """(1 - e) y + e / K for one label a picture; for one decision a class, (1 - e) y + e / 2, of y that may be cut at a threshold."""
    amount = config.label_smoothing
    if config.name == "bce" and config.target_threshold:
        targets = ops.cast(targets > config.target_threshold, targets.dtype)
    if not amount:
        return targets
    even = 0.5 if config.name == "bce" else 1.0 / targets.shape[-1]
    return targets * (1.0 - amount) + amount * even


def _cross_entropy(targets: Any, logits: Any, _config: LossConfig) -> Any:
    return -ops.sum(targets * ops.log_softmax(logits, axis=-1), axis=-1)


def _bce(targets: Any, logits: Any, _config: LossConfig) -> Any:
    """Summed over the classes, so that its size does not shrink with their number."""
    return ops.sum(ops.relu(logits) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits))), axis=-1)


def _focal(targets: Any, logits: Any, config: LossConfig) -> Any:
    log_probabilities = ops.log_softmax(logits, axis=-1)
    return -ops.sum(targets * (1.0 - ops.exp(log_probabilities)) ** config.gamma * log_probabilities, axis=-1)


_LOSSES = {"cross_entropy": _cross_entropy, "bce": _bce, "focal": _focal}


def _distillation(student: Any, teacher: Any, temperature: float) -> Any:
    """Cross-entropy to the teacher's probabilities at a temperature, times its square to keep the gradients' size (arXiv:1503.02531)."""
    probabilities = ops.softmax(teacher / temperature, axis=-1)
    return -(temperature**2) * ops.sum(probabilities * ops.log_softmax(student / temperature, axis=-1), axis=-1)
