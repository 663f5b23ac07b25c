"""The learning rate range test: the rate rises step by step until the loss diverges; where the loss was lowest says which rate to take."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kclassify.console import Console
from kclassify.data import pipeline
from kclassify.errors import Interrupted, KClassifyError, UsageError
from kclassify.training.setup import Task, compile_model, peak_learning_rate

STEPS, LOWEST, HIGHEST = 100, 1e-5, 10.0
RULE = "a tenth of the rate at which the smoothed loss was lowest"
_SHARE = 0.1  # of that rate: the smoothed loss is lowest a little after training has become unstable
_SMOOTHING = 0.9
_DIVERGED = 4.0  # times the lowest smoothed loss
_FALLING = 10  # steps that the loss has to fall for at least, or nothing was learnt at any rate


@dataclass(frozen=True)
class RangeTest:
    """What a range test came to: the peak learning rate to train with, the same as --lr takes it, and the steps' rates and losses."""

    lr: float
    peak: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    diverged: bool

    @property
    def rule(self) -> str:
        """How `peak` follows from the losses."""
        return RULE

    @property
    def best(self) -> int:
        """The step with the lowest smoothed loss, from 0."""
        return int(np.argmin(self.smoothed))

    def to_json(self) -> dict[str, Any]:
        """The result as `kclassify lr-find --json` prints it."""
        return {"schema_version": 1, "rule": RULE, "lowest_at": self.rates[self.best], **dataclasses.asdict(self)}


def find(task: Task, console: Console, signals: Any = None) -> RangeTest:
    """Run the test (Smith, arXiv:1506.01186) on the batches that a training would see, and leave the model's variables as they were.

    The model must be compiled again before it trains. `signals` are a StopSignals whose flag ends the test.

    Raises:
        KClassifyError: no rate made the loss fall; Interrupted by `signals`; UsageError for a run on several machines.
    """
    if task.machine.cluster:
        raise UsageError("The learning rate is looked for on one machine. Expected --lr with a number, or no --nodes.")
    rates = LOWEST * (HIGHEST / LOWEST) ** (np.arange(STEPS) / (STEPS - 1))
    before = [ops.convert_to_numpy(variable) for variable in task.model.variables]
    unfrozen = dataclasses.replace(task.config, finetune=dataclasses.replace(task.config.finetune, freeze_epochs=0))
    compile_model(task.model, unfrozen, task.data, task.machine, rates)
    with console.progress("looking for a learning rate", STEPS) as bar:
        rising = _Rising(task, rates, bar, signals)
        task.model.fit(
            _batches(task), epochs=1, steps_per_epoch=STEPS * task.config.accumulate, callbacks=[rising], shuffle=False, verbose=0
        )
    for variable, value in zip(task.model.variables, before, strict=True):
        variable.assign(value)
    if signals and signals.received:
        raise Interrupted("Stopped while a learning rate was looked for; nothing was begun.", signals.received)
    return _result(task, rising)


def with_found_rate(task: Task, console: Console, signals: Any = None) -> Task:
    """A task whose config says `lr: auto`, with the rate of a range test in its place; any other as it is."""
    if task.config.optimizer.lr != "auto":
        return task
    found = find(task, console, signals)
    optimizer = dataclasses.replace(task.config.optimizer, lr=found.lr)
    config = dataclasses.replace(task.config, optimizer=optimizer)
    console.line(f"learning rate: {found.lr:g} by a range test of {len(found.rates)} steps, {RULE}")
    return dataclasses.replace(task, config=config, rates=compile_model(task.model, config, task.data, task.machine))


def _batches(task: Task) -> Any:
    config = task.config
    sizes: dict[str, Any] = {"batch_size": task.step_images, "accumulate": config.accumulate}
    span: dict[str, Any] = {"first_step": 0, "last_step": STEPS * config.accumulate}
    return pipeline.train_batches(task.data.train, task.transform, **sizes, **span, seed=config.seed, decoded=task.decoded)


def _result(task: Task, rising: "_Rising") -> RangeTest:
    rates = rising.rates[: len(rising.losses)]
    if int(np.argmin(rising.smoothed or [0.0])) < _FALLING:
        raise KClassifyError(
            f"The loss did not fall at any learning rate from {LOWEST:g} to {rates[-1] if len(rates) else LOWEST:g}.\n"
            "Look at what the model is given with: kclassify data preview"
        )
    best = float(rates[int(np.argmin(rising.smoothed))])
    one = peak_learning_rate(dataclasses.replace(task.config.optimizer, lr=1.0), task.config.batch_size)
    lr = float(f"{_SHARE * best / one:.2g}")
    return RangeTest(lr, lr * one, tuple(map(float, rates)), tuple(rising.losses), tuple(rising.smoothed), rising.diverged)


class _Rising(keras.callbacks.Callback):
    """Notes the loss of each change of the weights, smoothed too, and ends the test when it diverges."""

    def __init__(self, task: Task, rates: np.ndarray, bar: Console, signals: Any):
        super().__init__()
        self.task, self.rates, self.bar, self.signals = task, rates, bar, signals
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self.diverged = False
        self._total = self._average = self._weight = 0.0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Take the loss out of Keras' running mean over all places of the batches; an epoch's last batch may have few images."""
        accumulate = self.task.config.accumulate
        if (batch + 1) % accumulate:
            return
        before, self._total = self._total, float((logs or {})["loss"]) * (batch + 1) * self.task.step_images
        images = self.task.images_before(batch + 1) - self.task.images_before(batch + 1 - accumulate)
        self._average = _SMOOTHING * self._average + self._total - before
        self._weight = _SMOOTHING * self._weight + images
        smoothed = self._average / self._weight
        self.diverged = not math.isfinite(smoothed) or smoothed > _DIVERGED * min(self.smoothed, default=smoothed)
        if math.isfinite(smoothed):
            self.losses.append((self._total - before) / images)
            self.smoothed.append(smoothed)
        self.bar.advance(len(self.losses), {"loss": smoothed, "lr": self.rates[len(self.losses) - 1]})
        self.model.stop_training = self.diverged or bool(self.signals and self.signals.received)
