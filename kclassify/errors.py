"""The error tree: what can go wrong for a user, the exit code of each kind, and hints by near names."""

import difflib
from collections.abc import Iterable


class KClassifyError(Exception):
    """Base of every error that kclassify raises on purpose; its text is written for the user.

    `exit_code` is what the command line returns when this error ends it.
    """

    exit_code = 1


class UsageError(KClassifyError):
    """A wrong option, name or value."""

    exit_code = 2


class DataError(KClassifyError):
    """A data set that cannot be used as it is."""

    exit_code = 3


class ModelError(KClassifyError):
    """A model or weights file that cannot be used."""

    exit_code = 4


class InputsFailed(KClassifyError):
    """Some of the inputs failed; the others were handled."""

    exit_code = 5


class GateError(KClassifyError):
    """A result did not meet a stated requirement (parity of an export, say)."""

    exit_code = 6


class SetupError(KClassifyError):
    """The machine lacks something: a GPU, a package, room on the disk."""

    exit_code = 7


class Interrupted(KClassifyError):
    """The run was told to stop and has saved its state; `exit_code` is 128 + the signal's number."""

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.exit_code = 128 + signal_number


def near_names(name: str, known: Iterable[str]) -> str:
    """A sentence that proposes the known name nearest to `name`, or an empty string."""
    lowered = {item.lower(): item for item in known}
    matches = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return f" Did you mean '{lowered[matches[0]]}'?" if matches else ""
