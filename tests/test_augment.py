"""The training transform against its definition: torchvision's random resized crop row by row, its statistics, the flip, the resize."""

import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kclassify.data import order
from kclassify.data.augment import crop

SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)


def draws(count: int, seed: int = 5) -> np.ndarray:
    return order.uniforms(seed, tf.constant(0, tf.int64), count).numpy()


def windows(random: np.ndarray, height: int, width: int, scale=SCALE, ratio=RATIO) -> np.ndarray:
    sides = (np.full(len(random), side, np.int32) for side in (height, width))
    return crop.crop_windows(random, *sides, scale=scale, ratio=ratio).numpy()


def mirrored(random: np.ndarray, probability: float) -> np.ndarray:
    return crop.flips(tf.constant(random), probability).numpy()


def torchvision_size(random: np.ndarray, height: int, width: int, scale, ratio) -> tuple[tuple[int, int], bool]:
    """Height and width of torchvision's RandomResizedCrop.get_params for these random numbers, and whether a draw fitted."""
    for share, position in zip(random[crop.AREA], random[crop.ASPECT], strict=True):
        area = height * width * (scale[0] + float(share) * (scale[1] - scale[0]))
        aspect = math.exp(math.log(ratio[0]) + float(position) * (math.log(ratio[1]) - math.log(ratio[0])))
        drawn = round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))
        if 0 < drawn[0] <= height and 0 < drawn[1] <= width:
            return drawn, True
    if width / height < ratio[0]:
        return (round(width / ratio[0]), width), False
    if width / height > ratio[1]:
        return (height, round(height * ratio[1])), False
    return (height, width), False


@pytest.mark.parametrize("scale", [SCALE, (0.7, 1.0), (1.0, 1.0)], ids=str)
@pytest.mark.parametrize("shape", [(375, 500), (500, 375), (64, 64), (60, 300), (300, 60)], ids=str)
def test_sizes_are_torchvision_s(shape, scale):
    random = draws(1000)
    found = windows(random, *shape, scale)[:, 2:]
    expected = np.array([torchvision_size(row, *shape, scale, RATIO)[0] for row in random])
    assert (found != expected).any(axis=1).mean() < 0.005  # float32 against float64 at a rounding edge or at the rim
    assert (np.abs(found - expected).max(axis=1) > 1).mean() < 0.005


@pytest.mark.parametrize("ratio", [RATIO, (1.0, 1.0), (0.01, 100.0)], ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (1, 1000), (1000, 1), (2, 3), (7, 5), (480, 640), (30, 4000)], ids=str)
def test_windows_are_always_inside(shape, ratio):
    for scale in (SCALE, (1e-6, 1e-5), (1.0, 1.0)):
        found = windows(draws(1000), *shape, scale, ratio)
        assert found.dtype == np.int32
        assert found[:, :2].min() >= 0 and found[:, 2:].min() >= 1
        assert (found[:, 0] + found[:, 2]).max() <= shape[0] and (found[:, 1] + found[:, 3]).max() <= shape[1]


def distance_to_uniform(values: np.ndarray, low: float, high: float) -> float:
    """Kolmogorov-Smirnov distance to the uniform distribution from low to high."""
    share = (np.sort(values) - low) / (high - low)
    return float(np.abs(share - (np.arange(len(values)) + 0.5) / len(values)).max())


def test_area_is_uniform_and_aspect_log_uniform():
    found = windows(draws(3000), 2000, 2000, (0.1, 0.4), RATIO)  # small enough that every first draw fits
    heights, widths = found[:, 2].astype(float), found[:, 3].astype(float)
    limit = 1.7 / math.sqrt(3000)
    assert distance_to_uniform(heights * widths / 2000**2, 0.1, 0.4) < limit
    assert distance_to_uniform(np.log(widths / heights), math.log(RATIO[0]), math.log(RATIO[1])) < limit
    assert abs(np.corrcoef(heights * widths, widths / heights)[0, 1]) < 0.07


def test_aspect_is_not_uniform_in_the_plain_scale():
    found = windows(draws(3000), 2000, 2000, (0.01, 0.02), (0.1, 10.0))
    assert 0.45 < np.mean(found[:, 3] > found[:, 2]) < 0.55  # as many wide windows as tall ones


def test_the_place_is_uniform_and_reaches_all_rims():
    found = windows(draws(3000), 90, 120, (0.2, 0.3), RATIO)
    room = np.array([90, 120]) - found[:, 2:]
    assert (found[:, :2] == 0).any(axis=0).all() and (found[:, :2] == room).any(axis=0).all()
    share = (found[:, :2] + 0.5) / (room + 1)
    for axis in range(2):
        assert distance_to_uniform(share[:, axis], 0, 1) < 0.04
    assert abs(np.corrcoef(share.T)[0, 1]) < 0.07


@pytest.mark.parametrize(("shape", "size"), [((10, 1000), (10, 13)), ((1000, 10), (13, 10)), ((100, 120), (100, 120)), ((9, 90), (9, 12))])
def test_the_fallback_is_the_largest_centred_window_of_the_nearest_aspect(shape, size):
    random = draws(50)
    random[:, crop.AREA] = 1.0 - 2**-24  # the whole area with an extreme aspect: no draw fits
    random[:, crop.ASPECT] = 0.0 if shape[1] > shape[0] else 1.0 - 2**-24
    for top, left, height, width in windows(random, *shape, (1.0, 1.0)):
        assert (height, width) == size
        assert abs(top - (shape[0] - height) / 2) <= 0.5 and abs(left - (shape[1] - width) / 2) <= 0.5


def test_no_scale_and_no_aspect_is_the_whole_square():
    assert {tuple(row) for row in windows(draws(100), 64, 64, (1.0, 1.0), (1.0, 1.0))} == {(0, 0, 64, 64)}


def test_windows_of_a_mixed_batch_are_those_of_each_alone():
    random, shapes = draws(4), [(40, 60), (1, 900), (64, 64), (500, 20)]
    heights, widths = (np.array(side, np.int32) for side in zip(*shapes, strict=True))
    together = crop.crop_windows(random, heights, widths, scale=SCALE, ratio=RATIO).numpy()
    alone = [windows(random[i : i + 1], *shape)[0] for i, shape in enumerate(shapes)]
    np.testing.assert_array_equal(together, alone)


def test_windows_and_flips_are_the_same_inside_a_dataset():
    random, side = draws(40), np.full(8, 100, np.int32)

    def plan(rows):
        return crop.crop_windows(rows, side, side, scale=SCALE, ratio=RATIO), crop.flips(rows, 0.5)

    dataset = tf.data.Dataset.from_tensor_slices(random.reshape(5, 8, -1)).map(plan, num_parallel_calls=4)
    found = [(window.numpy(), flip.numpy()) for window, flip in dataset]
    np.testing.assert_array_equal(np.concatenate([window for window, _ in found]), windows(random, 100, 100))
    np.testing.assert_array_equal(np.concatenate([flip for _, flip in found]), mirrored(random, 0.5))


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.5, 1.0])
def test_flips_come_with_their_probability(probability):
    found = mirrored(draws(4000), probability)
    assert abs(found.mean() - probability) <= 4 * math.sqrt(probability * (1 - probability) / 4000)


def test_flips_do_not_depend_on_the_window():
    random = draws(3000)
    found, flipped = windows(random, 200, 200), mirrored(random, 0.5)
    for column in range(4):
        assert abs(np.corrcoef(found[:, column], flipped)[0, 1]) < 0.07


def resized(pixels: np.ndarray, size: int, flip: bool = False) -> np.ndarray:
    return crop.resize_window(tf.constant(pixels), size, tf.constant(flip)).numpy()


def pillow(pixels: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("shape", [(20, 30), (48, 48), (1, 1), (5, 47)], ids=str)
def test_enlarging_equals_pillow(shape, photo_arrays):
    pixels = np.ascontiguousarray(photo_arrays["cat"][100 : 100 + shape[0], 200 : 200 + shape[1]])
    difference = np.abs(resized(pixels, 48).astype(int) - pillow(pixels, 48))
    assert difference.max() <= 1


def coverage(size: int, sides: int) -> np.ndarray:
    """[size, sides]: the share of each result pixel that comes from each pixel when `sides` are put together to `size`."""
    edges = np.arange(size + 1)[:, None] * sides / size
    inside = np.clip(edges - np.arange(sides), 0, 1)  # how much of a pixel lies before an edge
    return (inside[1:] - inside[:-1]) * size / sides


@pytest.mark.parametrize("name", ["cat", "coffee", "rocket"])
def test_shrinking_to_less_than_half_is_the_mean_of_what_a_pixel_covers(name, photo_arrays):
    pixels = photo_arrays[name]
    rows, columns = (coverage(48, side) for side in pixels.shape[:2])
    found, expected = resized(pixels, 48), np.einsum("ij,jkc,lk->ilc", rows, pixels, columns)
    assert np.abs(found - expected).max() <= 0.51
    assert np.abs(found.astype(int) - pillow(pixels, 48)).mean() < 3  # which is antialiased, over twice the area


def test_shrinking_by_less_than_two_stays_near_pillow(photo_arrays):
    pixels = photo_arrays["coffee"][:90, :80]
    difference = np.abs(resized(pixels, 48).astype(int) - pillow(pixels, 48))
    assert difference.mean() < 2.5


def test_a_pattern_finer_than_the_result_becomes_grey():
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    found = resized(stripes, 32)
    assert found.min() >= 120 and found.max() <= 135


@pytest.mark.parametrize("shape", [(30, 40), (200, 300)], ids=str)
def test_flip_is_the_mirror_image(shape, photo_arrays):
    pixels = photo_arrays["rocket"][: shape[0], : shape[1]]
    plain, mirrored = resized(pixels, 32), resized(pixels, 32, flip=True)
    np.testing.assert_array_equal(mirrored, plain[:, ::-1])
    assert (plain != mirrored).any() and plain.dtype == np.uint8 and plain.shape == (32, 32, 3)
