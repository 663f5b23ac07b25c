"""preprocess(): against Pillow and tf.image on photographs, and at the edges of what a picture can measure."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_images

from kclassify.data.preprocess import preprocess, resized_shape
from kclassify.presets.card import Preprocessing

SIZES = ((427, 640), (640, 427), (375, 500), (61, 83), (200, 900), (1, 40), (40, 1), (1, 1), (2, 3), (256, 300))
SPECS = (
    Preprocessing(),
    Preprocessing(interpolation="bicubic"),
    Preprocessing(size=33, crop_pct=0.9, interpolation="bicubic"),
    Preprocessing(size=64, crop_pct=1.0),
)
PILLOW = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def photo(height: int, width: int, which: int = 0) -> np.ndarray:
    """A photograph brought to a size by Pillow: uint8 [1, H, W, 3]."""
    return np.asarray(Image.fromarray(load_sample_images().images[which]).resize((width, height), Image.Resampling.BICUBIC))[None]


def target(height: int, width: int, short: int) -> tuple[int, int]:
    """The contract in plain Python: (long * resize_short) // short."""
    return height * short // min(height, width), width * short // min(height, width)


def centre(picture: np.ndarray, size: int) -> np.ndarray:
    top, left = (picture.shape[0] - size) // 2, (picture.shape[1] - size) // 2
    return picture[top : top + size, left : left + size]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_equals_tf_image_resize_and_a_crop(spec):
    different = total = 0
    for shape in SIZES:
        pixels = photo(*shape)
        whole = tf.image.resize(pixels, target(*shape, spec.resize_short), method=spec.interpolation, antialias=True)[0].numpy()
        expected = centre(np.clip(np.round(whole), 0, 255), spec.size)
        found = preprocess(pixels, spec).numpy()[0]
        assert np.abs(found - expected).max() <= 1
        different, total = different + np.sum(found != expected), total + found.size
    assert different / total < 1e-4


def pillow(pixels: np.ndarray, spec: Preprocessing, mode: str) -> np.ndarray:
    """Pillow's resize and a crop; mode "F" computes in float32, "L" in whole levels that it also cuts to 0..255 between its two passes."""
    height, width = target(pixels.shape[0], pixels.shape[1], spec.resize_short)
    planes = [Image.fromarray(plane.astype({"F": np.float32, "L": np.uint8}[mode])) for plane in np.moveaxis(pixels, 2, 0)]
    whole = np.stack([np.asarray(plane.resize((width, height), PILLOW[spec.interpolation]), np.float32) for plane in planes], 2)
    return centre(np.clip(np.round(whole), 0, 255), spec.size)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_is_within_a_grey_level_of_pillow(spec):
    exact, near = [], []
    for shape in SIZES[:5]:
        for which in (0, 1):
            pixels = photo(*shape, which)
            found = preprocess(pixels, spec).numpy()[0]
            exact.append(np.abs(found - pillow(pixels[0], spec, "F")).ravel())
            near.append(np.abs(found - pillow(pixels[0], spec, "L")).ravel())
    exact, near = np.concatenate(exact), np.concatenate(near)
    assert exact.max() <= 1 and np.mean(exact > 0) < 2e-4
    assert np.mean(near > 1) < 1e-3  # the rest is where bicubic overshoots and Pillow cuts between its passes


def test_a_picture_of_the_right_size_keeps_its_pixels():
    spec = Preprocessing(interpolation="bicubic")
    pixels = photo(spec.resize_short, 300)
    np.testing.assert_array_equal(preprocess(pixels, spec).numpy()[0], centre(pixels[0], spec.size))


@pytest.mark.parametrize("shape", [(1, 65535), (65535, 1), (1, 1), (3, 5000), (7, 224), (225, 224)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_any_size_gives_whole_levels_within_range(shape, interpolation):
    pixels = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (1, *shape, 3))  # the hardest edges: bicubic overshoots
    found = preprocess(pixels, Preprocessing(interpolation=interpolation)).numpy()
    assert found.shape == (1, 224, 224, 3) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 255
    np.testing.assert_array_equal(found, np.round(found))


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (50, 61), (700, 431)])
def test_a_plain_colour_stays_that_colour(shape):
    pixels = np.broadcast_to(np.array([3, 200, 255], np.uint8), (1, *shape, 3))
    for spec in SPECS:
        np.testing.assert_array_equal(np.unique(preprocess(pixels, spec).numpy().reshape(-1, 3), axis=0), [[3, 200, 255]])


def test_the_long_side_is_whole_number_arithmetic():
    random = np.random.default_rng(0)
    for shape in [*random.integers(1, 9000, (200, 2)).tolist(), [300, 8_500_000], [2**31 - 1, 2**31 - 1]]:
        for spec in SPECS[:3]:
            assert resized_shape(tf.constant(shape, tf.int64), spec).numpy().tolist() == list(target(*shape, spec.resize_short))


def test_tf_data_with_unknown_sizes_and_batches_equal_one_by_one():
    spec = SPECS[0]
    pictures = [photo(*shape)[0] for shape in SIZES[:4]]
    signature = tf.TensorSpec([None, None, 3], tf.uint8)
    dataset = tf.data.Dataset.from_generator(lambda: iter(pictures), output_signature=signature)
    dataset = dataset.map(lambda picture: preprocess(picture[None], spec)[0])
    assert dataset.element_spec.shape.as_list() == [224, 224, 3]
    for picture, found in zip(pictures, dataset, strict=True):
        np.testing.assert_array_equal(found, preprocess(picture[None], spec)[0])
    both = preprocess(np.stack([photo(300, 400)[0], photo(300, 400, 1)[0]]), spec)
    np.testing.assert_array_equal(both[1:], preprocess(photo(300, 400, 1), spec))
