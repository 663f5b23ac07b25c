"""Stopping on request: SIGTERM and Ctrl-C become a flag that the loop reads between two steps."""

import os
import signal
import threading
from types import FrameType
from typing import Any, Self


class StopSignals:
    """Inside the `with`, the first SIGINT or SIGTERM sets `received` to its number; the second one acts as usual."""

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python allows handlers nowhere else
            self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        self._restore()
        os.write(2, b"Stopping after this step and saving; once more ends at once, without saving.\n")  # safe inside a handler

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
