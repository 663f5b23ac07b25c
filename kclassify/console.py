"""What a person sees while something runs: lines and a progress bar on stderr, plain text where it is not a terminal."""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_STAR = " *"
_BESIDE_NOTE = 36  # letters of the bar's line that are neither bar nor note: epoch 100/300, 1000/5000, 0:00:00
_REFRESH = 0.2  # seconds between two readings of the metrics, which cost a wait for the device


def to_json(document: Any, **layout: Any) -> str:
    """JSON that every parser reads: what is not a number becomes null, and names that are not UTF-8 are escaped."""
    return json.dumps(_finite(document), allow_nan=False, **layout)


def _column(name: str) -> int:
    """How wide a column of a table is, the gap before it among that."""
    return max(len(name), 7) + 2


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Console:
    """Shows a run. `quiet` shows nothing at all."""

    def __init__(self, *, quiet: bool = False):
        self._rich = RichConsole(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._next = 0.0
        self._head: list[str] = []
        self._bar_width = 0

    def line(self, text: str) -> None:
        """One line of text."""
        self._rich.print(text, markup=False)

    def row(self, text: str, cells: Mapping[str, str], *, least: Sequence[str] = (), marked: bool = False) -> None:
        """A row of a table on a terminal, under a head where its columns are new; `text` elsewhere.

        Args:
            cells: by the names of their columns, in order.
            least: columns that are left out, the first one first, until the row fits.
            marked: in bold, with a star.
        """
        if not self._rich.is_terminal:
            return self.line(text)
        names = list(cells)
        for name in least:
            if name in names and sum(_column(name) for name in names) > self._rich.width - len(_STAR):
                names.remove(name)
        if names != self._head:
            self._head = names
            self._rich.print("".join(name.rjust(_column(name)) for name in names), style="dim")
        line = "".join(cells[name].rjust(_column(name)) for name in names)
        self._rich.print(line + (_STAR if marked else ""), markup=False, style="bold" if marked else None)

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator["Console"]:
        """A bar on a terminal, nothing elsewhere; `advance` moves it."""
        if not self._rich.is_terminal or self._rich.quiet:
            yield self
            return
        self._bar_width = max(5, min(30, self._rich.width - 70))
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(self._bar_width),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=self._rich, transient=True) as self._bar:
            self._bar.add_task(title, total=total, note="")
            yield self
        self._bar = None

    def advance(self, done: int, values: Mapping[str, Any], **changes: Any) -> None:
        """Set the bar to `done`, at most five times a second, as `values` are read only then; `changes` are rich's."""
        now = time.monotonic()
        if self._bar is None or now < self._next:
            return
        self._next = now + _REFRESH
        room, note = self._rich.width - _BESIDE_NOTE - self._bar_width, ""
        for part in (f" {name} {float(value):.4g}" for name, value in values.items()):
            note += part if len(note + part) <= room else ""
        self._bar.update(self._bar.task_ids[0], completed=done, note=note, **changes)
