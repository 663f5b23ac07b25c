"""The gate of every export: its answers on photographs must be those of the Keras model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from kclassify.errors import GateError
from kclassify.presets.card import Preprocessing

Forward = Callable[[np.ndarray], np.ndarray]

LIMIT = 1e-4  # largest absolute difference of a probability
SHARE = 0.01  # the same as a share of the largest probability, which is the stricter one when a thousand classes are nearly equal
# A resize by a factor that is no power of two tips a few of 150,000 values to the next grey level, since two libraries round differently
# in float32. A trained network turns four such values into a difference of up to 4e-4 (EfficientNet-Lite0, 42 pictures).
ROUNDING = 50


@dataclass(frozen=True)
class Agreement:
    """How near two forward passes came: the largest absolute difference of a probability, over so many pictures."""

    max_difference: float
    images: int


def check(format_name: str, spec: Preprocessing, reference: Forward, exported: Forward) -> Agreement:
    """Compare two forward passes on photographs; raise GateError at the first batch where they disagree.

    Both map uint8 [N, H, W, 3] to probabilities [N, classes]. They agree if no probability differs by more than LIMIT (or SHARE of the
    batch's largest one) and every clear winner stays: one that leads the second by more than SHARE of itself. Where the resize is inexact,
    the limit is ROUNDING times as large, and a winner is clear at ten times the lead.
    """
    worst, images = 0.0, 0
    for pixels, exact in sample_batches(spec.resize_short):
        expected, found = reference(pixels), exported(pixels)
        if found.shape != expected.shape:
            raise GateError(f"{format_name}: the export answers with shape {found.shape}, the Keras model with {expected.shape}.")
        difference = float(np.max(np.abs(found - expected)))
        limit = float(min(LIMIT, SHARE * np.max(expected))) * (1 if exact else ROUNDING)
        picture = f"on a {pixels.shape[2]}x{pixels.shape[1]} photograph"
        if not difference <= limit:  # written so that NaN fails
            raise GateError(
                f"{format_name}: a probability differs from the Keras model by {difference:.2g} {picture}, the limit is {limit:.2g}."
            )
        if np.any(clear_winner(expected, SHARE if exact else 10 * SHARE) & (expected.argmax(1) != found.argmax(1))):
            raise GateError(f"{format_name}: another class wins {picture} (largest difference {difference:.2g}, the limit is {limit:.2g}).")
        worst, images = max(worst, difference), images + len(pixels)
    return Agreement(worst, images)


def clear_winner(probabilities: np.ndarray, share: float) -> np.ndarray:
    """Whether the first class leads the second by more than `share` of itself: [N, classes] -> bool [N]."""
    ranked = np.sort(probabilities, axis=1)[:, -2:]
    return ranked[:, -1] - ranked[:, 0] > share * ranked[:, -1]


def sample_batches(short: int) -> Iterator[tuple[np.ndarray, bool]]:
    """scikit-learn's two photographs as (uint8 [N, H, W, 3], whether a resize to the short side `short` is exact in float32).

    Exact are the factors 1, 1/2 and 2: a batch of two, landscape, portrait, one to enlarge. Inexact: landscape, portrait, a small crop.
    """
    from sklearn.datasets import load_sample_images

    china, flower = load_sample_images().images  # [427, 640, 3] each
    yield np.stack([window(china, short, short + 60), window(flower, short, short + 60)]), True
    yield window(china, 2 * short, 2 * short + 120, frame=8)[None], True
    yield window(flower, 2 * short + 120, 2 * short, frame=8)[None], True
    if short % 2 == 0:
        yield window(china, short // 2, short // 2 + 31, frame=4)[None], True
    yield china[None], False
    yield np.ascontiguousarray(flower.transpose(1, 0, 2))[None], False
    yield china[150:211, 200:283][None], False


def window(photo: np.ndarray, height: int, width: int, *, frame: int = 0) -> np.ndarray:
    """The middle of a photograph in a given size in pixels, mirrored where it is too small, with a black frame.

    The frame is as wide as the pixels that weigh on a border: there the weights are sevenths and the like, inexact in float32.
    """
    spare = [max(0, wanted - had) for wanted, had in zip((height, width), photo.shape[:2], strict=True)]
    padded = np.pad(photo, [*((extra // 2, extra - extra // 2) for extra in spare), (0, 0)], mode="symmetric")
    top, left = (padded.shape[0] - height) // 2, (padded.shape[1] - width) // 2
    inner = padded[top + frame : top + height - frame, left + frame : left + width - frame]
    return np.pad(inner, [(frame, frame), (frame, frame), (0, 0)])
