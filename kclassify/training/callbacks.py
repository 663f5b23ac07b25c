"""Where `model.fit` hands over: after each step, after each epoch, and between the batches of a validation."""

import time
from collections.abc import Mapping
from typing import Any

import keras


class StopRequested(Exception):
    """Raised between two batches after a stop signal; the loop saves and ends."""


def _told_to_stop(loop: Any, signals: Any) -> bool:
    """Whether a signal came, to this worker or to another one: all stop after the same step."""
    return bool(loop.task.machine.any_worker(bool(signals.received)))


class StopBetweenBatches(keras.callbacks.Callback):
    """Ends a validation soon after a stop signal, because a large one takes minutes."""

    def __init__(self, loop: Any, signals: Any):
        super().__init__()
        self.loop, self.signals = loop, signals

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Read the flag."""
        if _told_to_stop(self.loop, self.signals):
            raise StopRequested

    on_predict_batch_end = on_test_batch_end


class AfterStep(keras.callbacks.Callback):
    """Counts steps, saves when due, moves the bar, and stops on a signal: after every step, because a step is what must not be lost."""

    def __init__(self, loop: Any, signals: Any, bar: Any):
        super().__init__()
        self.loop, self.signals, self.bar = loop, signals, bar

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """From here on the speed is measured."""
        self.began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Hand the step to the loop."""
        logs = logs or {}
        self.signals.defer()
        at_end = self.loop.after_step(logs)
        shown = {name: logs[name] for name in self.loop.train_metrics[:2] if name in logs}
        shown["images/s"] = (batch + 1) * self.loop.task.step_images / (time.monotonic() - self.began)
        if self.loop.state.progress.best:
            shown["best"] = self.loop.state.progress.best[self.loop.task.card.metrics[0]]
        done = (self.loop.state.place - 1) % self.loop.task.steps_per_epoch + 1
        self.bar.advance(done, shown, description=self.loop.title())
        if not at_end and (_told_to_stop(self.loop, self.signals) or time.monotonic() > self.loop.deadline):
            self.loop.note_metrics(logs)
            raise StopRequested


class AfterEpoch(keras.callbacks.Callback):
    """Has the loop validate and report: at the end of an epoch, with Keras' own means over it."""

    def __init__(self, loop: Any, signals: Any):
        super().__init__()
        self.loop, self.signals = loop, signals

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Close the epoch; a signal that came with its last step stops before the validation."""
        self.loop.note_metrics(logs or {})
        if _told_to_stop(self.loop, self.signals):
            raise StopRequested
        self.loop.end_epoch(self.signals)
        self.model.stop_training = self.loop.out_of_patience()
