"""Learning rates over a run: a table of one value a step, drawn up before the first one."""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from kclassify.config import ScheduleConfig

Curve = Callable[[np.ndarray, np.ndarray, ScheduleConfig], np.ndarray]


class Table(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of every step; after the last one it stays."""

    def __init__(self, values: np.ndarray):
        self.values = np.asarray(values, np.float32)
        self._on_device = ops.convert_to_tensor(self.values)

    def __call__(self, step: object) -> object:
        """The learning rate of a step, counted from 0."""
        return ops.take(self._on_device, ops.minimum(ops.cast(step, "int32"), len(self.values) - 1))

    def get_config(self) -> dict[str, object]:
        """The table."""
        return {"values": self.values.tolist()}


def learning_rates(config: ScheduleConfig, lr: float, *, total_steps: int, steps_per_epoch: int) -> np.ndarray:
    """The learning rate of every step of a run: float64 [total_steps].

    A linear rise from `warmup_lr` x `lr` to `lr` over the warm-up, then the curve that the config names. A run shorter than its warm-up
    only rises. Sources: cosine and its restarts arXiv:1608.03983, warm-up arXiv:1706.02677, one-cycle arXiv:1708.07120.
    """
    step = np.arange(total_steps, dtype=float)
    warmup = min(math.ceil(config.warmup_epochs * steps_per_epoch), total_steps - 1)
    progress = (step - warmup) / max(1, total_steps - warmup)  # 0 where the curve begins, below 1 at the last step
    shares = _CURVES[config.name](np.clip(progress, 0.0, 1.0), step / steps_per_epoch, config)
    if warmup:
        rise = config.warmup_lr + (1.0 - config.warmup_lr) * step / warmup
        shares = np.where(step < warmup, rise, shares)
    return lr * shares


def _cosine(progress: np.ndarray, _epochs: np.ndarray, config: ScheduleConfig) -> np.ndarray:
    within = np.where(progress < 1, progress * config.cycles % 1.0, 1.0)
    return config.min_lr + (1 - config.min_lr) * (1 + np.cos(np.pi * within)) / 2


def _polynomial(progress: np.ndarray, _epochs: np.ndarray, config: ScheduleConfig) -> np.ndarray:
    power = 1.0 if config.name == "linear" else config.power
    return config.min_lr + (1 - config.min_lr) * (1 - progress) ** power


def _step(_progress: np.ndarray, epochs: np.ndarray, config: ScheduleConfig) -> np.ndarray:
    return config.gamma ** np.floor(epochs / config.step_epochs)


def _piecewise(_progress: np.ndarray, epochs: np.ndarray, config: ScheduleConfig) -> np.ndarray:
    return config.gamma ** np.searchsorted(np.sort(config.milestones), epochs, side="right").astype(float)


def _onecycle(progress: np.ndarray, _epochs: np.ndarray, config: ScheduleConfig) -> np.ndarray:
    """From the peak down to `min_lr`, or to a hundred-thousandth of it where that is 0."""
    lowest = config.min_lr or 1e-5
    return lowest + (1 - lowest) * (1 + np.cos(np.pi * progress)) / 2


def _constant(progress: np.ndarray, _epochs: np.ndarray, _config: ScheduleConfig) -> np.ndarray:
    return np.ones_like(progress)


_CURVES: dict[str, Curve] = {
    "cosine": _cosine,
    "linear": _polynomial,
    "polynomial": _polynomial,
    "step": _step,
    "piecewise": _piecewise,
    "onecycle": _onecycle,
    "constant": _constant,
    "plateau": _constant,
}


def rates_by_epoch(rates: np.ndarray, epochs: int) -> list[dict[str, float]]:
    """The learning rates of a run for its record: of each epoch the first, the highest and the last."""
    return [
        {"epoch": number, "first": float(part[0]), "highest": float(part.max()), "last": float(part[-1])}
        for number, part in enumerate(np.split(rates, epochs), 1)
    ]


def plateau_factor(losses: Sequence[float], config: ScheduleConfig) -> float:
    """What the plateau schedule multiplies the learning rate by after epochs with these validation losses: a power of `gamma`.

    A fall counts from a ten-thousandth of the lowest loss on, as in PyTorch's ReduceLROnPlateau; after a cut the count begins anew.
    """
    lowest, waited, cuts = math.inf, 0, 0
    for loss in losses:
        if loss < lowest * (1 - 1e-4):
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= config.plateau_epochs:
            waited, cuts = 0, cuts + 1
    return config.gamma**cuts
