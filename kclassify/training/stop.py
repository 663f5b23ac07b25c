"""Stopping on request: SIGTERM and Ctrl-C end a run at once while there is nothing to save, later at its next step."""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from kclassify.errors import Interrupted


class StoppedEarly(BaseException):
    """Raised in the middle of whatever runs, so none of the libraries' `except Exception` may catch it."""


class StopSignals:
    """Inside the `with`, the first SIGINT or SIGTERM is for us; the second one acts as usual.

    Until `defer` is called it ends the block with Interrupted. From then on its number is in `received`, which the loop reads between two
    steps.
    """

    def __init__(self) -> None:
        self.received = 0
        self.advice = ""  # what a user types to go on, once there is a run
        self._deferred = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python allows handlers nowhere else
            self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        self._restore()
        if isinstance(error, StoppedEarly):
            done = "Stopped before a step was made; there was nothing to save."
            raise Interrupted(f"{done}\n{self.advice}".strip(), self.received) from None

    def defer(self) -> None:
        """From now on there is something to save: a signal waits for the end of the step."""
        self._deferred = True

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        self._restore()
        if not self._deferred:
            raise StoppedEarly
        os.write(2, b"Stopping after this step and saving; once more ends at once, without saving.\n")  # safe inside a handler

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
