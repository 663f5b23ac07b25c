"""Where a data set brings no validation part: a stratified split that depends on the seed and the labels alone."""

import numpy as np

from kclassify.errors import DataError


def stratified(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers for training and for validation, both in rising order.

    Of every class the share `fraction` goes to validation, at least one file where the class has two or more.

    Args:
        labels: int [n].

    Raises:
        DataError: no class has two files, so that nothing is left to validate on.
    """
    val: list[np.ndarray] = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = min(max(1, round(fraction * len(rows))), len(rows) - 1)
        val.append(np.random.default_rng([seed, int(label)]).permutation(rows)[:count])
    chosen = np.sort(np.concatenate(val)) if val else np.zeros(0, int)
    if not len(chosen):
        raise DataError("Every class has a single image: nothing is left to validate on. Add images, or name a validation set with --val.")
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen
