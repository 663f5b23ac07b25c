"""`--batch-size auto`: the largest power of two that a GPU's memory takes, or on a CPU, whose speed hardly depends on it, a usual one."""

from collections.abc import Callable

from kclassify.errors import SetupError

_CPU_BATCH = 32
_FIRST = 8  # images of a part that are tried first
_STEPS = 8  # an epoch has at least so many, as far as its images go


def for_cpu(images: int, parts: int) -> int:
    """32, or so much less that an epoch of `images` has 8 steps; a multiple of `parts` in any case."""
    size = _CPU_BATCH
    while size > 1 and size * _STEPS > images:
        size //= 2
    return -(-size // parts) * parts


def largest(images: int, parts: int, fits: Callable[[int], bool]) -> int:
    """The largest power of two times `parts` that `fits`, and with which an epoch of `images` has 8 steps.

    Raises:
        SetupError: not even one image for each part fits.
    """
    size = _FIRST * parts
    if fits(size):
        while 2 * size * _STEPS <= images and fits(2 * size):
            size *= 2
        return size
    while size > parts:
        size //= 2
        if fits(size):
            return size
    raise SetupError("Out of memory with one image on a device. Try a smaller --image-size or --preset, or --precision bfloat16.")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says so, by whatever library it was raised."""
    names = ("ResourceExhaustedError", "OutOfMemoryError")
    return isinstance(error, MemoryError) or type(error).__name__ in names or "RESOURCE_EXHAUSTED" in str(error)
