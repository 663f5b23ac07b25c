"""Order and random numbers as functions: permutations, independence of how a range is cut, and the statistics of both."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from kclassify.data import order

SIZES = pytest.mark.parametrize("samples", [1, 2, 3, 7, 100, 4096])


def epoch_order(seed: int, epoch: int, samples: int) -> np.ndarray:
    return order.shuffled(seed, tf.constant(epoch, tf.int64), tf.range(samples, dtype=tf.int64), samples).numpy()


def table(seed: int, first: int, count: int) -> np.ndarray:
    return order.uniforms(seed, tf.constant(first, tf.int64), count).numpy()


@SIZES
@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (0, 1), (1, 0), (2**31 - 1, 99_999)])
def test_shuffled_is_a_permutation(samples, seed, epoch):
    assert sorted(epoch_order(seed, epoch, samples)) == list(range(samples))


@SIZES
def test_shuffled_gives_a_position_the_same_sample_however_it_is_asked(samples):
    whole = epoch_order(4, 2, samples)
    asked = np.random.default_rng(0).permutation(samples)[:50]
    found = order.shuffled(4, tf.constant(2, tf.int64), tf.constant(asked, tf.int64), samples).numpy()
    np.testing.assert_array_equal(found, whole[asked])


def test_shuffled_is_another_order_for_every_seed_and_epoch():
    orders = {epoch_order(seed, epoch, 100).tobytes() for seed in range(6) for epoch in range(6)}
    assert len(orders) == 36
    assert epoch_order(3, 5, 100).tobytes() == epoch_order(3, 5, 100).tobytes()


def test_shuffled_gives_all_orders_of_three():
    seen = {tuple(epoch_order(0, epoch, 3).tolist()) for epoch in range(100)}
    assert len(seen) == 6


@pytest.mark.parametrize("lag", [1, 2])
def test_neighbours_in_the_order_are_not_correlated(lag):
    orders = [epoch_order(seed, epoch, 4096) for seed in range(4) for epoch in range(8)]
    correlations = [np.corrcoef(values[:-lag], values[lag:])[0, 1] for values in orders]
    assert abs(np.mean(correlations)) < 0.012  # 4 standard deviations of the mean of 32 true permutations
    assert np.abs(correlations).max() < 0.07


def test_consecutive_epochs_are_not_correlated():
    orders = [epoch_order(0, epoch, 4096) for epoch in range(9)]
    correlations = [np.corrcoef(before, after)[0, 1] for before, after in itertools.pairwise(orders)]
    assert np.abs(correlations).max() < 0.07


@pytest.mark.parametrize("first", [0, 1, 1000, 2**31 + 5, 2**40])
def test_uniforms_do_not_depend_on_how_the_range_is_cut(first):
    whole = table(7, first, 9)
    parts = [table(7, first, 1), table(7, first + 1, 5), table(7, first + 6, 3)]
    assert whole.tobytes() == np.concatenate(parts).tobytes()
    assert whole.shape == (9, order.COLUMNS) and whole.dtype == np.float32


@pytest.mark.parametrize("columns", [1, 5, 32, 33, 198])
def test_tables_of_any_width_do_not_depend_on_how_the_range_is_cut(columns):
    whole, *parts = (
        order.uniforms(7, tf.constant(first, tf.int64), count, table="cutout", columns=columns).numpy()
        for first, count in ((11, 7), (11, 2), (13, 5))
    )
    assert whole.shape == (7, columns) and np.concatenate(parts).tobytes() == whole.tobytes()
    assert len(np.unique(whole)) > 0.99 * whole.size  # rows do not overlap


def test_tables_of_other_names_are_independent():
    names = ("", "mixing", "cutout", "gridmask")
    tables = np.stack([order.uniforms(0, tf.constant(0, tf.int64), 500, table=name).numpy().ravel() for name in names])
    assert np.abs(np.corrcoef(tables) - np.eye(4)).max() < 0.04
    assert len(np.unique(tables)) > 0.99 * tables.size


def test_uniforms_differ_by_seed_and_row():
    rows = {row.tobytes() for seed in (0, 1, 2**31 - 1) for row in table(seed, 0, 200)}
    assert len(rows) == 600


def test_every_column_is_uniform():
    values = np.sort(table(11, 0, 4096), axis=0)
    assert values.min() >= 0 and values.max() < 1
    distance = np.abs(values - (np.arange(4096)[:, None] + 0.5) / 4096).max(axis=0)  # Kolmogorov-Smirnov, per column
    assert distance.max() < 2.0 / np.sqrt(4096)


def test_columns_and_rows_are_not_correlated():
    values = table(12, 0, 4096)
    between_columns = np.corrcoef(values.T) - np.eye(order.COLUMNS)
    assert np.abs(between_columns).max() < 0.075
    between_rows = [np.corrcoef(values[:-1, column], values[1:, column])[0, 1] for column in range(order.COLUMNS)]
    assert np.abs(between_rows).max() < 0.075


def test_seeds_are_not_shifts_of_one_another():
    first, second = table(0, 0, 300), table(1, 0, 300)
    assert np.isin(first[:, 0], second).mean() < 0.01
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05


def test_both_are_the_same_inside_a_dataset():
    def plan(number):
        return order.uniforms(3, number, 2), order.shuffled(3, number, tf.range(5, dtype=tf.int64), 5)

    for number, (random, rows) in enumerate(tf.data.Dataset.range(3).map(plan, num_parallel_calls=4)):
        assert random.numpy().tobytes() == table(3, number, 2).tobytes()
        np.testing.assert_array_equal(rows, epoch_order(3, number, 5))
