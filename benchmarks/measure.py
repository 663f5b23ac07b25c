"""Work is measured in CPU-seconds, in rounds in which every case has its turn, so that a busy machine slows down all of them alike."""

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_BEFORE = 4  # batches that a measurement leaves out

Work = Callable[[int], None]
Measurement = tuple[int, float, float]  # images, CPU-seconds, seconds


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

    A measurement is the difference of two runs of the same work, of a few batches and of many: what making ready takes is in both, and
    a pipeline that works ahead is only given as many batches as are counted.

    Args:
        seconds: CPU-seconds of one measurement, about.
        progress: called with the number of the round (0 is the warm-up) and the name of a case.
    """
    works, images = {}, {}
    for case in cases:
        progress(0, case.name)
        works[case.name] = case.start()
        images[case.name] = _enough(works[case.name], case.batch, seconds)
    batches = {case.name: case.batch for case in cases}

    def once(names: Sequence[str]) -> list[Measurement]:
        return [(images[name], *_timed(works[name], images[name], batches[name])) for name in names]

    return in_turns([[name] for name in works], once, rounds=rounds, progress=progress)


def in_turns(
    groups: Sequence[Sequence[str]],
    once: Callable[[Sequence[str]], Sequence[Measurement]],
    *,
    rounds: int,
    progress: Callable[[int, str], None] = lambda _round, _name: None,
) -> Mapping[str, Measured]:
    """Measure groups of cases in turn, each round in the other direction; `once` measures those of a group together, by name."""
    found: dict[str, Measured] = {name: Measured([], []) for names in groups for name in names}
    for number in range(rounds):
        for names in groups if number % 2 == 0 else reversed(groups):
            progress(number + 1, " and ".join(names))
            for name, (images, cpu, wall) in zip(names, once(names), strict=True):
                found[name].per_cpu_second.append(images / cpu)
                found[name].per_second.append(images / wall)
    return found


def _enough(work: Work, batch: int, seconds: float) -> int:
    """How many images take so many CPU-seconds, when the work is warm."""
    work(batch)
    cpu, _ = _timed(work, 4 * batch, batch)
    return batch * max(1, round(4 * seconds / max(cpu, 1e-3)))


def _timed(work: Work, images: int, batch: int) -> tuple[float, float]:
    """CPU-seconds and seconds that so many images more take."""
    clocks = []
    for count in (_BEFORE * batch, _BEFORE * batch + images):
        cpu, wall = cpu_seconds(), time.perf_counter()
        work(count)
        clocks.append((cpu_seconds() - cpu, time.perf_counter() - wall))
    (cpu, wall), (cpu_more, wall_more) = clocks
    return max(cpu_more - cpu, 1e-6), max(wall_more - wall, 1e-6)
