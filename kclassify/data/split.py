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
        val.append(np.random.default_rng([seed, int(label)]).permutation(rows)[: _share(fraction, len(rows))])
    chosen = np.sort(np.concatenate(val)) if val else np.zeros(0, int)
    if not len(chosen):
        raise DataError("Every class has a single image: nothing is left to validate on. Add images, or name a validation set with --val.")
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen


def stratified_by_class(labels: np.ndarray, table: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The same where an image may have several classes or none: the rarest class is shared out first, then the rarest of the others.

    What is decided for an image stands for all of its classes (Sechidis et al. 2011, iterative stratification). A class whose images have
    rarer ones too may therefore come to a little more than its share.

    Args:
        labels: int [n], rows of `table`, uint8 [labels, classes], which has a 1 for each class that a label stands for.

    Raises:
        DataError: nothing is left to validate on.
    """
    undecided, in_val = np.ones(len(labels), bool), np.zeros(len(labels), bool)
    counts = np.bincount(labels, minlength=len(table)) @ table.astype(np.int64)
    without_class = table.sum(axis=1) == 0
    columns = [*(table[:, number] > 0 for number in np.argsort(counts, kind="stable")), without_class]
    for number, column in enumerate(columns):
        own = column[labels]
        missing = _share(fraction, own.sum()) - (own & in_val).sum()
        rows = np.flatnonzero(own & undecided)
        in_val[np.random.default_rng([seed, number]).permutation(rows)[: max(0, missing)]] = True
        undecided &= ~own
    if not in_val.any():
        raise DataError("Every class has a single image: nothing is left to validate on. Add images, or name a validation set with --val.")
    return np.flatnonzero(~in_val), np.flatnonzero(in_val)


def _share(fraction: float, images: int) -> int:
    """How many images of a class go to validation: at least one of two or more, and never all."""
    return int(min(max(1, round(fraction * images)), images - 1))
