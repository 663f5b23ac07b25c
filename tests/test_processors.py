"""The number of processors: threads of exports and of decoding, and what resume compares."""

import os

import pytest

from kclassify.processors import processors


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system gives no process fewer processors than it has")
def test_only_those_that_may_be_used_are_counted():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert processors() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert processors() == len(allowed)


def test_a_system_without_such_limits_counts_all(monkeypatch):
    """Windows and macOS have no sched_getaffinity."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert processors() == 12
