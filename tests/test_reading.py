"""JPEG files that are shrunk while they are decoded: nearly the pixels of a full decode, and windows that stay inside."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kclassify.data import index, order, reading, sources
from kclassify.data.augment import crop

SIZE, SCALE, RATIO = 24, (0.2, 1.0), (3 / 4, 4 / 3)


@pytest.fixture(scope="module")
def large(tmp_path_factory, photo_arrays) -> index.Index:
    """Photographs of 300 to 427 rows, three to seventeen times SIZE; odd sizes and colours at half the resolution as cameras store them."""
    root = tmp_path_factory.mktemp("large")
    for number, (name, pixels) in enumerate(photo_arrays.items()):
        (root / name).mkdir()
        Image.fromarray(pixels[number:, : -1 - number]).save(root / name / "a.jpg", quality=92, subsampling=2 - number)
        Image.fromarray(pixels).save(root / name / "b.png")
    return index.scan(sources.find(str(root)).train)


def windows(found: index.Index, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the index and random crops of them."""
    rows = np.arange(count) % len(found)
    random = order.uniforms(0, tf.constant(0, tf.int64), count)
    return rows, crop.crop_windows(random, found.heights[rows], found.widths[rows], scale=SCALE, ratio=RATIO).numpy()


def resized(found: index.Index, row: int, window: np.ndarray, shrink: int) -> np.ndarray:
    sample = {name: column[row] for name, column in reading.columns(found).items()}
    pixels = reading.decode_window(sample | {"window": tf.constant(window), "shrink": tf.constant(shrink)})
    return crop.resize_window(pixels, SIZE, tf.constant(False)).numpy().astype(int)


def test_a_shrunk_decode_differs_by_less_than_a_level_on_average(large):
    rows, wanted = windows(large, 48)
    shrink, moved = (part.numpy() for part in reading.shrinking(wanted, large.decoders[rows], SIZE))
    jpeg = np.array([large.paths[row].endswith(".jpg") for row in rows])
    assert set(shrink[jpeg]) >= {1, 2} and not shrink[~jpeg].any()
    np.testing.assert_array_equal(moved[shrink == 0], wanted[shrink == 0])
    differences = [
        np.abs(resized(large, row, moved[i], shrink[i]) - resized(large, row, moved[i], 0)).mean()
        for i, row in enumerate(rows)
        if shrink[i]
    ]
    assert len(differences) > 15 and max(differences) < 1
    assert min(differences) > 0  # or nothing was shrunk


def test_shrunk_windows_stay_inside_and_large_enough(large):
    rows, wanted = windows(large, 3000)
    jpegs = np.full(3000, reading.TENSORFLOW_JPEG, np.int32)
    for size in (1, 2, 7, SIZE):
        shrink, moved = (part.numpy() for part in reading.shrinking(wanted, jpegs, size))
        ratio = np.array(reading.RATIOS)[shrink][:, None]
        assert (moved % ratio == 0).all() and moved.min() >= 0
        assert (moved[:, 0] + moved[:, 2] <= large.heights[rows]).all() and (moved[:, 1] + moved[:, 3] <= large.widths[rows]).all()
        assert (np.abs(moved - wanted) < ratio).all()
        shorter = (moved[:, 2:] // ratio).min(axis=1)
        assert (shorter[shrink > 0] >= 3 * size).all()
        largest = np.array(reading.RATIOS)[np.minimum(shrink + 1, 3)]
        could = wanted[:, 2:].min(axis=1) >= 3 * size * largest
        assert (shrink[could] == 3).all()  # no larger ratio would have done


def test_the_rim_of_odd_sizes_can_be_shrunk(large):
    """The last rows and columns of a picture whose sides are no multiples of the ratio."""
    for row in np.flatnonzero(large.decoders == reading.TENSORFLOW_JPEG):
        height, width = int(large.heights[row]), int(large.widths[row])
        window = np.array([[height - 250, width - 250, 250, 250]], np.int32)
        shrink, moved = (part.numpy() for part in reading.shrinking(window, large.decoders[[row]], SIZE))
        assert shrink[0] == 1
        assert np.abs(resized(large, row, moved[0], shrink[0]) - resized(large, row, moved[0], 0)).mean() < 1
