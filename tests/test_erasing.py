"""Erased parts of images against their papers' definitions: shares, shapes, places and fills, over thousands of draws."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from kclassify.data import order
from kclassify.data.augment.erasing import ERASINGS, erase
from kclassify.presets.augmentations import Cutout, GridMask, HideAndSeek, RandomErasing

MEAN = (1, 2, 3)
COUNT = 2000
SIGNIFICANT = 1e-3  # seeds are fixed: a test that passes once passes always


def whole(value: int):
    """A number of a batch, as the pipeline has it."""
    return tf.constant(value, tf.int64)


def erased(ops, *, count=COUNT, size=32, seed=0, number=0, epoch=0) -> np.ndarray:
    """A batch of one grey, 200 everywhere, with parts taken away: uint8 [count, size, size, 3]."""
    pixels = tf.fill([count, size, size, 3], tf.constant(200, tf.uint8))
    return erase(pixels, ops, seed=seed, number=whole(number), epoch=whole(epoch), mean=MEAN).numpy()


def gone(ops, **where) -> np.ndarray:
    """Which pixels were taken away: bool [count, size, size]."""
    return (erased(ops, **where) != 200).any(axis=-1)


def chosen(name, settings, *, count=COUNT, size=1000, epoch=0, seed=0) -> dict[str, np.ndarray]:
    """The places that are drawn for images of a size at which rounding does not show."""
    random = order.uniforms(seed, whole(0), count, table=name, columns=ERASINGS[name].draws(settings))
    found = ERASINGS[name].choose(random, settings, size, whole(epoch))
    return {key: value.numpy() for key, value in found.items()}


def is_uniform(values, low, high) -> bool:
    return stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > SIGNIFICANT


def test_what_is_erased_depends_on_seed_and_sample_alone():
    ops = [
        ("cutout", Cutout()),
        ("random_erasing", RandomErasing()),
        ("hide_and_seek", HideAndSeek()),
        ("gridmask", GridMask(ramp_epochs=0)),
    ]
    for op in ops:
        all_at_once, later = erased([op], count=12), erased([op], count=5, number=7)
        np.testing.assert_array_equal(all_at_once[7:], later)
        first, other = ({image.tobytes() for image in gone([op], count=12, seed=seed)} for seed in (0, 1))
        assert len(other - first) >= 4  # the rest are those that stay whole
    together = gone(ops, count=12)
    np.testing.assert_array_equal(together, np.any([gone([op], count=12) for op in ops], axis=0))


def test_what_stays_keeps_its_pixels_and_what_goes_becomes_the_mean_colour():
    pixels = np.random.default_rng(0).integers(10, 256, (64, 20, 20, 3), np.uint8)
    found = erase(tf.constant(pixels), [("cutout", Cutout())], seed=0, number=whole(0), epoch=whole(0), mean=MEAN).numpy()
    away = gone([("cutout", Cutout())], count=64, size=20)
    assert away.any(axis=(1, 2)).all() and not away.all(axis=(1, 2)).any()
    np.testing.assert_array_equal(found, np.where(away[..., None], np.array(MEAN, np.uint8), pixels))


def covered(size: int, length: int) -> np.ndarray:
    """Of every place on a line, how probable it is that a stretch of a length around a uniform centre, cut off at the ends, covers it."""
    starts = np.arange(size)[:, None] - length // 2
    return ((np.arange(size) >= starts) & (np.arange(size) < starts + length)).mean(axis=0)


@pytest.mark.parametrize(("length", "holes"), [(0.5, 1), (0.28, 1), (0.5, 3)])
def test_cutout_takes_squares_around_uniform_centres(length, holes):
    """DeVries & Taylor, arXiv:1708.04552: the expected share is that of the line, squared."""
    away = gone([("cutout", Cutout(length, holes))])
    line = covered(32, round(length * 32))
    expected = 1 - (1 - np.outer(line, line)) ** holes  # [32, 32]
    shares = away.mean(axis=(1, 2))
    assert abs(shares.mean() - expected.mean()) < 4 * shares.std() / np.sqrt(COUNT)
    assert np.abs(away.mean(axis=0) - expected).max() < 5 * np.sqrt(0.25 / COUNT)
    if holes == 1:
        rows, columns = away.any(axis=2).sum(1), away.any(axis=1).sum(1)
        np.testing.assert_array_equal(away.sum(axis=(1, 2)), rows * columns)  # a rectangle
        assert max(rows.max(), columns.max()) == round(length * 32) and rows.min() <= round(length * 32) // 2 + 1


def sides(settings, **where) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Top left corners [k, 2] and sides [k, 2] of the rectangles at size 1000, and which of the images have one."""
    boxes = chosen("random_erasing", settings, **where)["boxes"][:, 0]
    side = boxes[:, 2:] - boxes[:, :2]
    applied = side.prod(axis=1) > 0
    return boxes[applied, :2], side[applied], applied


def test_random_erasing_draws_area_aspect_and_place_uniformly():
    """Zhong et al., arXiv:1708.04896. With these settings every rectangle fits, so that nothing is drawn again."""
    low, high = 0.3, 1 / 0.3
    corner, side, applied = sides(RandomErasing(probability=0.6, area=(0.02, 0.2)), count=5000)
    assert abs(applied.mean() - 0.6) < 4 * np.sqrt(0.24 / 5000)
    assert is_uniform(side.prod(axis=1) / 1000**2, 0.02, 0.2)
    assert is_uniform(side[:, 0] / side[:, 1], low, high)
    assert abs(np.corrcoef(side.prod(axis=1), side[:, 0] / side[:, 1])[0, 1]) < 0.08
    assert corner.min() >= 0 and (corner + side).max() <= 1000
    for axis in range(2):
        assert is_uniform((corner[:, axis] + 0.5) / (1001 - side[:, axis]), 0, 1)
    _, side, _ = sides(RandomErasing(probability=1.0, area=(0.02, 0.2), log_aspect=True))
    assert is_uniform(np.log(side[:, 0] / side[:, 1]), np.log(low), np.log(high))


def test_random_erasing_draws_again_until_a_rectangle_fits():
    """With the paper's settings some draws are longer than the image; both sides are then drawn anew."""
    _, side, applied = sides(RandomErasing(probability=1.0), count=4000)
    assert applied.all() and side.max() < 1000
    dice = np.random.default_rng(1)
    area, aspect = dice.uniform(0.02, 0.4, 40_000), dice.uniform(0.3, 1 / 0.3, 40_000)
    expected = np.sqrt(np.stack([area * aspect, area / aspect], axis=1))
    expected = expected[(expected < 1).all(axis=1)]
    assert len(expected) < 39_000
    for axis in range(2):
        assert stats.ks_2samp(side[:, axis] / 1000, expected[:, axis]).pvalue > SIGNIFICANT


def test_random_erasing_takes_the_rectangle_that_was_drawn():
    settings = RandomErasing(probability=1.0, mode="const")
    boxes = chosen("random_erasing", settings, size=32, count=300)["boxes"][:, 0]
    away = gone([("random_erasing", settings)], count=300)
    for (top, left, bottom, right), mask in zip(boxes, away, strict=True):
        assert mask.sum() == (bottom - top) * (right - left) > 0 and mask[top:bottom, left:right].all()
    assert (boxes[:, :2] == 0).any(axis=0).all() and (boxes[:, 2:] == 32).any(axis=0).all()  # every rim is reached


def test_random_erasing_with_the_mean_or_one_colour_a_rectangle():
    settings = {"probability": 1.0, "area": (0.1, 0.2)}
    found = erased([("random_erasing", RandomErasing(mode="const", **settings))], count=50)
    assert {tuple(pixel) for pixel in found.reshape(-1, 3)} == {MEAN, (200, 200, 200)}
    found = erased([("random_erasing", RandomErasing(mode="random", **settings))])
    away = (found != 200).any(axis=-1)
    colours = np.array([image[mask][0] for image, mask in zip(found, away, strict=True)])
    assert all((image[mask] == colour).all() for image, mask, colour in zip(found, away, colours, strict=True))
    for channel in range(3):
        assert stats.chisquare(np.bincount(colours[:, channel] // 16, minlength=16)).pvalue > SIGNIFICANT
    assert len(np.unique(colours, axis=0)) > 0.99 * COUNT and np.abs(np.corrcoef(colours.T) - np.eye(3)).max() < 0.1


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """In standard deviations of that of independent numbers."""
    return abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) * np.sqrt(first.size)


def test_random_erasing_with_noise_is_independent_uniform_noise():
    settings = RandomErasing(probability=1.0, area=(0.9, 0.9), aspect=(1.0, 1.0))  # 30 of 32 pixels a side
    found = erased([("random_erasing", settings)], count=300).astype(int)
    boxes = chosen("random_erasing", settings, size=32, count=300)["boxes"][:, 0]
    noise = np.stack([image[top:bottom, left:right] for image, (top, left, bottom, right) in zip(found, boxes, strict=True)])
    assert noise.shape == (300, 30, 30, 3)
    for channel in range(3):
        assert stats.chisquare(np.bincount(noise[..., channel].ravel(), minlength=256)).pvalue > SIGNIFICANT
    pairs = {
        "rows": (noise[:, 1:], noise[:, :-1]),
        "columns": (noise[:, :, 1:], noise[:, :, :-1]),
        "images": (noise[1:], noise[:-1]),
        "red and green": (noise[..., 0], noise[..., 1]),
        "green and blue": (noise[..., 1], noise[..., 2]),
        "red and blue": (noise[..., 0], noise[..., 2]),
    }
    assert {name: value for name, pair in pairs.items() if (value := correlation(*pair)) > 4} == {}
    later = erased([("random_erasing", settings)], count=300, number=300)
    assert correlation(found[:, 2:-2, 2:-2], later[:, 2:-2, 2:-2]) < 4


@pytest.mark.parametrize("hide", [0.5, 0.2])
def test_hide_and_seek_hides_every_square_on_its_own(hide):
    """Singh et al., arXiv:1811.02545: the number of hidden squares is binomial, whatever the neighbours do."""
    away = gone([("hide_and_seek", HideAndSeek(hide=hide, grid=(4,)))]).reshape(COUNT, 4, 8, 4, 8)
    cells = away[:, :, 0, :, 0]
    assert (away == cells[:, :, None, :, None]).all()
    counts, edges = np.bincount(cells.sum(axis=(1, 2)), minlength=17), np.arange(17)
    expected = stats.binom(16, hide).pmf(edges) * COUNT
    often = expected > 5
    observed, wanted = np.append(counts[often], counts[~often].sum()), np.append(expected[often], expected[~often].sum())
    assert stats.chisquare(observed, wanted).pvalue > SIGNIFICANT
    assert np.abs(cells.mean(axis=0) - hide).max() < 4.5 * np.sqrt(hide * (1 - hide) / COUNT)
    assert correlation(cells[:, 1:], cells[:, :-1]) < 4 and correlation(cells[:, :, 1:], cells[:, :, :-1]) < 4


def test_hide_and_seek_draws_the_grid_and_leaves_some_images_whole():
    found = chosen("hide_and_seek", HideAndSeek(), size=224)
    grids = dict(zip(*np.unique(found["cell"].max(axis=1) + 1, return_counts=True), strict=True))
    assert set(grids) == {1, 14, 7, 5, 4} and stats.chisquare(list(grids.values())).pvalue > SIGNIFICANT
    for cells in (14, 7, 5, 4):  # the first square is hidden in half of the images, whatever the grid
        first = found["bits"][found["cell"].max(axis=1) + 1 == cells, 0] & 1
        assert abs(first.mean() - 0.5) < 4 * np.sqrt(0.25 / len(first))
    widths = {len(set(row)): set(np.bincount(row)) for row in found["cell"]}
    assert widths[14] == {16} and widths[7] == {32} and widths[4] == {56} and widths[5] == {44, 45}  # pixels of 224, as in the paper
    whole_images = ~gone([("hide_and_seek", HideAndSeek(probability=0.7))]).any(axis=(1, 2))
    assert abs(whole_images.mean() - (1 - 0.7 * 0.8)) < 4 * np.sqrt(0.25 / COUNT)
    away = erased([("hide_and_seek", HideAndSeek(grid=(4,)))], count=20)
    assert {tuple(pixel) for pixel in away.reshape(-1, 3)} == {MEAN, (200, 200, 200)}


def gridmask(**settings) -> list:
    return [("gridmask", GridMask(**{"probability": 1.0, "ramp_epochs": 0.0, **settings}))]


@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75])
def test_gridmask_takes_squares_of_the_rest_of_each_period(ratio):
    """Chen et al., arXiv:2001.04086: with period d, squares of side (1 - ratio) d go."""
    away = gone(gridmask(period=(0.5, 0.5), rotate=0.0, ratio=ratio), count=500)
    rows, columns = away.any(axis=2), away.any(axis=1)
    np.testing.assert_array_equal(away, rows[:, :, None] & columns[:, None, :])
    for line in (rows, columns):
        assert (line[:, :16] == line[:, 16:]).all()  # period 16 of 32
        assert (line[:, :16].sum(axis=1) == 16 * (1 - ratio)).all()
        assert ((line != np.roll(line, 1, axis=1)).sum(axis=1) == 4).all()  # one stretch a period, whose place is anywhere:
        assert stats.chisquare((line & ~np.roll(line, 1, axis=1))[:, :16].sum(axis=0)).pvalue > SIGNIFICANT
    turned = gone(gridmask(ratio=ratio)).mean(axis=(1, 2))
    assert abs(turned.mean() - (1 - ratio) ** 2) < 4 * turned.std() / np.sqrt(COUNT)


def test_gridmask_turns_and_scales_the_grid_at_random():
    settings = GridMask(probability=1.0, ramp_epochs=0.0)
    cosine, sine = chosen("gridmask", settings)["grid"][:, :2].T / 65536
    assert is_uniform(np.arctan2(sine, cosine) % (2 * np.pi), 0, 2 * np.pi)
    assert is_uniform(1 / np.hypot(cosine, sine), 1000 * 96 / 224, 1000)
    grid = chosen("gridmask", settings, size=48, count=200)["grid"] / 65536
    away = gone([("gridmask", settings)], size=48, count=200)
    row, column = np.mgrid[:48, :48]
    for (cosine, sine, down, right, kept), mask in zip(grid, away, strict=True):
        squares = ((row * cosine + column * sine + down) % 1 >= kept) & ((column * cosine - row * sine + right) % 1 >= kept)
        assert (squares != mask).mean() < 0.01


def test_the_probability_of_gridmask_rises_in_a_line():
    for epoch, expected in ((0, 0.0), (3, 0.2), (6, 0.4), (12, 0.8), (50, 0.8)):
        kept = chosen("gridmask", GridMask(ramp_epochs=12.0), size=32, epoch=epoch, seed=epoch)["grid"][:, 4]
        assert abs((kept < 65536).mean() - expected) <= 4 * np.sqrt(expected * (1 - expected) / COUNT)
    assert not gone([("gridmask", GridMask())], count=200).any()  # the first epoch
    late = gone([("gridmask", GridMask())], count=500, epoch=1000).any(axis=(1, 2)).mean()
    assert abs(late - 0.8) < 4 * np.sqrt(0.16 / 500)
