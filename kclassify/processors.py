"""How many processors there are to compute on."""

import os


def processors() -> int:
    """Those that this process may use, of one that was given fewer than the machine has; without such limits (Windows, macOS) all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
