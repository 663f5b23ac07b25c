"""stratified(): a share of every class, chosen by the seed, nothing lost and nothing twice."""

import numpy as np
import pytest

from kclassify.data.split import stratified
from kclassify.errors import DataError


def labels_of(*counts: int) -> np.ndarray:
    """Shuffled labels with so many files of class 0, 1, ..."""
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    return np.random.default_rng(1).permutation(labels)


@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("counts", [(50, 30, 20), (2, 2), (1, 5, 100), (3,), (7, 0, 9)])
def test_is_complete_disjoint_and_in_order(counts, fraction):
    labels = labels_of(*counts)
    train, val = stratified(labels, fraction, seed=3)
    assert sorted([*train, *val]) == list(range(len(labels)))
    assert list(train) == sorted(train) and list(val) == sorted(val)


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.25, 0.5])
def test_takes_the_share_of_every_class(fraction):
    counts = (100, 40, 20)
    _, val = stratified(labels_of(*counts), fraction, seed=0)
    assert [int(count) for count in np.bincount(labels_of(*counts)[val])] == [round(fraction * count) for count in counts]


@pytest.mark.parametrize("fraction", [0.001, 0.2, 0.9])
def test_tiny_classes_are_on_both_sides_where_they_can_be(fraction):
    labels = labels_of(1, 2, 3, 30)
    train, val = stratified(labels, fraction, seed=0)
    held_out, kept = np.bincount(labels[val], minlength=4), np.bincount(labels[train], minlength=4)
    assert held_out[0] == 0 and kept[0] == 1
    assert held_out[1:].min() >= 1 and kept.min() >= 1


def test_depends_on_the_seed_alone():
    labels = labels_of(60, 60)
    first, again, other = (stratified(labels, 0.2, seed)[1] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


def test_two_classes_of_one_size_are_drawn_independently():
    labels = np.repeat([0, 1], 50)
    _, val = stratified(labels, 0.2, seed=0)
    assert set(val[val < 50]) != {row - 50 for row in val[val >= 50]}


def test_one_more_class_does_not_change_the_choice_in_the_others():
    labels = np.repeat([0, 1], 40)
    small, large = (stratified(part, 0.25, seed=2)[1] for part in (labels, np.concatenate([labels, np.full(40, 2)])))
    np.testing.assert_array_equal(small, large[large < 80])


def test_every_file_can_be_chosen():
    labels = np.zeros(20, int)
    chosen = {int(row) for seed in range(60) for row in stratified(labels, 0.2, seed)[1]}
    assert chosen == set(range(20))


@pytest.mark.parametrize("labels", [np.arange(4), np.zeros(1, int), np.zeros(0, int)])
def test_nothing_to_validate_on_is_an_error(labels):
    with pytest.raises(DataError, match="--val"):
        stratified(labels, 0.2, seed=0)
