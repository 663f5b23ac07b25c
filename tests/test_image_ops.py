"""The operations on one image against Pillow, pixel by pixel, and against themselves: eagerly, in a parallel map and in a second run."""

import platform

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps
from scipy.ndimage import gaussian_filter

from kclassify.data.augment import affine
from kclassify.data.augment.image_ops import NAMES, NUMBER, apply_operations

GREY = (128, 128, 128)
# Pillow blends in float32; where its compiler may fuse a product and a sum, its own levels differ by one between machines.
SLACK = 0 if platform.machine() in ("x86_64", "AMD64") else 1
RESAMPLING = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR}
CASES = [(name, "nearest") for name in NAMES] + [(name, "bilinear") for name in affine.MATRICES]


def affine_by_pillow(matrix):
    def apply(image, magnitude, resample):
        return image.transform(image.size, Image.Transform.AFFINE, matrix(magnitude), resample=resample, fillcolor=GREY)

    return apply


def enhanced(kind):
    return lambda image, factor, _: kind(image).enhance(factor)


def hue_by_pillow(image, turn, _):
    hue, saturation, value = image.convert("HSV").split()
    turned = ((np.asarray(hue, np.int32) + int(turn * 255)) % 256).astype(np.uint8)
    return Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert("RGB")


def blur_by_scipy(image, sigma, _):
    blurred = gaussian_filter(np.asarray(image, float), (sigma, sigma, 0), mode="nearest", truncate=8)
    return Image.fromarray(np.round(blurred).astype(np.uint8))


FACTORS = (0.0, 0.1, 0.37, 0.5, 1.0, 1.3, 1.9, 2.5)
SHEARS = (-0.99, -0.3, -0.123, 0.0, 0.07, 0.3, 0.99)
SHIFTS = (-400.0, -20.5, -7.3, -0.5, 0.0, 0.49999997, 0.5, 1.7, 30.0, 500.0)
# By name: the same in Pillow (image, magnitude, resampling), and magnitudes to try.
REFERENCE = {
    "identity": (lambda image, *_: image, (0.0,)),
    "shear_x": (affine_by_pillow(lambda m: (1, m, 0, 0, 1, 0)), SHEARS),
    "shear_y": (affine_by_pillow(lambda m: (1, 0, 0, m, 1, 0)), SHEARS),
    "translate_x": (affine_by_pillow(lambda m: (1, 0, m, 0, 1, 0)), SHIFTS),
    "translate_y": (affine_by_pillow(lambda m: (1, 0, 0, 0, 1, m)), SHIFTS),
    "rotate": (
        lambda image, degrees, resample: image.rotate(degrees, resample=resample, fillcolor=GREY),
        (-180.0, -135.0, -90.0, -30.0, -7.3, 0.0, 0.01, 4.0, 30.0, 45.0, 60.0, 90.0, 135.0, 270.0, 359.0),
    ),
    "autocontrast": (lambda image, *_: ImageOps.autocontrast(image), (0.0,)),
    "invert": (lambda image, *_: ImageOps.invert(image), (0.0,)),
    "equalize": (lambda image, *_: ImageOps.equalize(image), (0.0,)),
    "solarize": (lambda image, threshold, _: ImageOps.solarize(image, threshold), (0.0, 1.0, 100.5, 128.0, 255.0, 256.0)),
    "solarize_add": (
        lambda image, added, _: image.point([min(255, level + int(added)) if level < 128 else level for level in range(256)] * 3),
        (0.0, 1.0, 33.0, 110.0, 200.0),
    ),
    "posterize": (
        lambda image, bits, _: ImageOps.posterize(image, int(bits)) if bits else Image.new("RGB", image.size),
        (0.0, 1.0, 2.0, 4.0, 7.0, 8.0),
    ),
    "contrast": (enhanced(ImageEnhance.Contrast), FACTORS),
    "color": (enhanced(ImageEnhance.Color), FACTORS),
    "brightness": (enhanced(ImageEnhance.Brightness), FACTORS),
    "sharpness": (enhanced(ImageEnhance.Sharpness), FACTORS),
    "hue": (hue_by_pillow, (-0.5, -0.3, -0.004, 0.0, 0.1, 0.25, 0.5)),
    "grey": (lambda image, *_: ImageOps.grayscale(image).convert("RGB"), (0.0,)),
    "blur": (blur_by_scipy, (0.1, 0.5, 1.0, 1.7, 2.0, 5.0)),
}


@pytest.fixture(scope="module")
def pictures(photo_arrays):
    """Photographs, and what is odd: one level, black, white, two levels, few levels, all levels, a tiny one."""
    photos = {name: Image.fromarray(pixels).resize((61, 83) if name == "rocket" else (48, 48)) for name, pixels in photo_arrays.items()}
    draw = np.random.default_rng(0).integers
    shape = (48, 48, 3)
    odd = {
        "black": np.zeros(shape),
        "white": np.full(shape, 255),
        "one level": np.full(shape, 77),
        "two neighbouring levels": draw(100, 102, shape),
        "black and white": draw(0, 2, shape) * 255,
        "six levels": draw(0, 6, shape) * 51,
        "noise": draw(0, 256, shape),
        "one bright pixel": np.pad([[[200, 100, 50]]], ((20, 27), (20, 27), (0, 0))),
        "tiny": draw(0, 256, (8, 8, 3)),
    }
    return {name: np.asarray(picture).astype(np.uint8) for name, picture in {**photos, **odd}.items()}


def done(pixels, name, magnitude, **options) -> np.ndarray:
    return apply_operations(tf.constant(pixels), tf.constant([NUMBER[name]]), tf.constant([magnitude], tf.float32), **options).numpy()


def test_every_operation_is_tested():
    assert tuple(REFERENCE) == NAMES


@pytest.mark.parametrize(("name", "interpolation"), CASES)
def test_pillow_gives_the_same_levels(name, interpolation, pictures):
    reference, magnitudes = REFERENCE[name]
    slack = 1 if name == "blur" or interpolation == "bilinear" else SLACK
    for title, pixels in pictures.items():
        for magnitude in magnitudes:
            found = done(pixels, name, magnitude, interpolation=interpolation)
            expected = reference(Image.fromarray(pixels), float(np.float32(magnitude)), RESAMPLING[interpolation])
            difference = np.abs(found.astype(int) - np.asarray(expected)).max()
            assert found.dtype == np.uint8 and difference <= slack, f"{title} at {magnitude}: {difference} levels"


def test_every_colour_turns_as_in_pillow():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(52 * 4, -1, 3)
    for turn in (0.0, 0.37):
        expected = hue_by_pillow(Image.fromarray(colours), float(np.float32(turn)), None)
        assert np.array_equal(done(colours, "hue", turn), expected)


@pytest.mark.parametrize("interpolation", RESAMPLING)
def test_the_same_bytes_in_every_map_and_run(interpolation, pictures):
    pixels = tf.constant(pictures["coffee"])
    cases = [(NUMBER[name], magnitude) for name, (_, magnitudes) in REFERENCE.items() for magnitude in magnitudes]
    operations, magnitudes = (np.array(column)[:, None] for column in zip(*cases, strict=True))
    table = tf.constant(operations, tf.int32), tf.constant(magnitudes, tf.float32)

    def apply(operation, magnitude):
        return apply_operations(pixels, operation, magnitude, interpolation=interpolation)

    expected = [apply(*row).numpy() for row in zip(*table, strict=True)]
    for threads in (1, 2, 8, 8):
        mapped = tf.data.Dataset.from_tensor_slices(table).map(apply, num_parallel_calls=threads)
        assert mapped.element_spec == tf.TensorSpec([48, 48, 3], tf.uint8)
        assert np.array_equal(np.stack(list(mapped.as_numpy_iterator())), expected)


def test_operations_come_one_after_the_other(pictures):
    pixels = pictures["cat"]
    order = tf.constant([NUMBER["rotate"], NUMBER["identity"], NUMBER["solarize"]])
    found = apply_operations(tf.constant(pixels), order, tf.constant([30.0, 5.0, 90.0]))
    assert np.array_equal(found, done(done(pixels, "rotate", 30.0), "solarize", 90.0))
    assert not np.array_equal(found, done(done(pixels, "solarize", 90.0), "rotate", 30.0))


@pytest.mark.parametrize(("name", "interpolation"), [case for case in CASES if case[0] in affine.MATRICES])
def test_what_is_uncovered_has_the_colour_asked_for(name, interpolation, pictures):
    moved = done(pictures["black"], name, 0.9 if name.startswith("shear") else 13.0, fill=(10, 20, 30), interpolation=interpolation)
    colours, counts = np.unique(moved.reshape(-1, 3), axis=0, return_counts=True)
    assert colours.tolist() == [[0, 0, 0], [10, 20, 30]]
    assert counts.min() > 100
