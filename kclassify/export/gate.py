"""The gate of every export: its answers on photographs must be those of the Keras model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from kclassify.errors import GateError

Forward = Callable[[np.ndarray], np.ndarray]

LIMIT = 1e-4  # largest absolute difference of a probability
SHARE = 0.01  # the same as a share of the largest probability, which is the stricter one when a thousand classes are nearly equal


@dataclass(frozen=True)
class Agreement:
    """How near two forward passes came: the largest absolute difference of a probability, over so many pictures."""

    max_difference: float
    images: int


def check(format_name: str, reference: Forward, exported: Forward) -> Agreement:
    """Compare two forward passes on photographs; raise GateError at the first batch where they disagree.

    Both map uint8 [N, H, W, 3] to probabilities [N, classes]. They agree if no probability differs by more than LIMIT (or SHARE of the
    batch's largest one) and every clear winner stays: one that leads the second by more than SHARE of itself.
    """
    worst, images = 0.0, 0
    for pixels in sample_batches():
        expected, found = reference(pixels), exported(pixels)
        if found.shape != expected.shape:
            raise GateError(f"{format_name}: the export answers with shape {found.shape}, the Keras model with {expected.shape}.")
        difference, limit = float(np.max(np.abs(found - expected))), float(min(LIMIT, SHARE * np.max(expected)))
        picture = f"on a {pixels.shape[2]}x{pixels.shape[1]} photograph"
        if not difference <= limit:  # written so that NaN fails
            raise GateError(
                f"{format_name}: a probability differs from the Keras model by {difference:.2g} {picture}, the limit is {limit:.2g}."
            )
        if np.any(clear_winner(expected) & (expected.argmax(1) != found.argmax(1))):
            raise GateError(f"{format_name}: another class wins {picture} (largest difference {difference:.2g}, the limit is {limit:.2g}).")
        worst, images = max(worst, difference), images + len(pixels)
    return Agreement(worst, images)


def clear_winner(probabilities: np.ndarray) -> np.ndarray:
    """Whether the first class leads the second by more than SHARE of itself: [N, classes] -> bool [N]."""
    ranked = np.sort(probabilities, axis=1)[:, -2:]
    return ranked[:, -1] - ranked[:, 0] > SHARE * ranked[:, -1]


def sample_batches() -> Iterator[np.ndarray]:
    """scikit-learn's two photographs as uint8 [N, H, W, 3]: landscape, portrait, a crop to enlarge, a narrow strip, a batch of two."""
    from sklearn.datasets import load_sample_images

    china, flower = load_sample_images().images  # [427, 640, 3] each
    yield china[None]
    yield np.ascontiguousarray(flower.transpose(1, 0, 2))[None]
    yield china[150:211, 200:283][None]
    yield flower[:, 250:390][None]
    yield np.stack([china, flower])
