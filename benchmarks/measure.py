"""Work is measured in CPU-seconds, in rounds in which every case has its turn, so that a busy machine slows down all of them alike."""

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_QUIET = 0.05  # seconds between two looks at whether threads in the background are still at work
_LOOKS = 4  # that must find them at rest: on a busy machine a thread may have to wait for its turn
_IDLE = 0.1  # the share of a core below which they are at rest
_GIVE_UP = 10.0  # seconds


Work = Callable[[int], None]


@dataclass(frozen=True)
class Case:
    """Something that loads images. `start()` makes ready and gives a function that loads n of them, a multiple of `batch`."""

    name: str
    start: Callable[[], Work]
    batch: int


@dataclass(frozen=True)
class Measured:
    """Of one case: images per CPU-second and per second, one number a round."""

    per_cpu_second: list[float]
    per_second: list[float]


def cpu_seconds() -> float:
    """CPU time of this process with all its threads, and of its children."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def measure(
    cases: Sequence[Case], *, rounds: int, seconds: float, progress: Callable[[int, str], None] = lambda _round, _name: None
) -> Mapping[str, Measured]:
    """Measure all cases in turn, each round in the other direction.

    Every case is first warmed up, which keeps compiling, starting threads and filling buffers out of the figures. The pipelines of
    tf.data work ahead; the clock stops when their buffers are full again, as they were when it started.

    Args:
        seconds: CPU-seconds of one measurement, about.
        progress: called with the number of the round (0 is the warm-up) and the name of a case.
    """
    found: dict[str, Measured] = {case.name: Measured([], []) for case in cases}
    works, images = {}, {}
    for case in cases:
        progress(0, case.name)
        works[case.name] = case.start()
        images[case.name] = _enough(works[case.name], case.batch, seconds)
    for number in range(rounds):
        for case in cases if number % 2 == 0 else reversed(cases):
            progress(number + 1, case.name)
            cpu, wall = _timed(works[case.name], images[case.name])
            found[case.name].per_cpu_second.append(images[case.name] / cpu)
            found[case.name].per_second.append(images[case.name] / wall)
    return found


def _enough(work: Work, batch: int, seconds: float) -> int:
    """How many images take so many CPU-seconds, when the work is warm."""
    _timed(work, batch)
    cpu, _ = _timed(work, 2 * batch)
    return batch * max(1, round(2 * seconds / cpu))


def _timed(work: Work, images: int) -> tuple[float, float]:
    """CPU-seconds and seconds until so many images are loaded and nothing works in the background any more."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    work(images)
    ended = time.perf_counter()
    give_up, quiet = ended + _GIVE_UP, 0
    while quiet < _LOOKS and time.perf_counter() < give_up:
        before = cpu_seconds()
        time.sleep(_QUIET)
        quiet += 1
        if cpu_seconds() - before > _IDLE * _QUIET:
            ended, quiet = time.perf_counter(), 0
    return cpu_seconds() - cpu, ended - wall
