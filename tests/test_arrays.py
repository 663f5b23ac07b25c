"""Images from Python: arrays, lists, tf.data datasets and encoded bytes become data that trains like any other."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kclassify as kc
from kclassify.data import dataset, index, sources
from kclassify.data.images.decode import read_rgb
from kclassify.data.sources import arrays
from kclassify.errors import DataError

DICE = np.random.default_rng(0)
IMAGES, LABELS = DICE.integers(0, 256, (6, 9, 7, 3), np.uint8), np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture(autouse=True)
def empty_cache(own_cache):
    """Every test begins with nothing stored."""
    return own_cache


def stored(data, names=None) -> tuple[list[np.ndarray], list[int], tuple[str, ...]]:
    """Pixels, labels and class names as training finds them."""
    found = index.scan(sources.find(arrays.store(data, names)).train)
    assert not found.bad
    return [read_rgb(found.source(row)) for row in range(len(found))], found.labels.tolist(), found.class_names


def png(pixels) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


PAIRS = list(zip(IMAGES, LABELS.tolist(), strict=True))
FORMS = {
    "arrays": lambda: (IMAGES, LABELS),
    "labels of Keras' own data sets": lambda: (IMAGES, LABELS[:, None].astype(np.uint8)),
    "lists": lambda: (list(IMAGES), LABELS.tolist()),
    "tensors": lambda: (tf.constant(IMAGES), tf.constant(LABELS)),
    "pairs": lambda: PAIRS,
    "a generator": lambda: iter(PAIRS),
    "a dataset of pairs": lambda: tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)),
    "a dataset of dicts": lambda: tf.data.Dataset.from_tensor_slices({"image": IMAGES, "label": LABELS, "id": LABELS}),
    "bytes": lambda: ([png(image) for image in IMAGES], LABELS),
    "a dataset of bytes": lambda: tf.data.Dataset.from_tensor_slices(([png(image) for image in IMAGES], LABELS)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_pixels_and_labels(form):
    pixels, labels, names = stored(FORMS[form]())
    np.testing.assert_array_equal(pixels, IMAGES)
    assert labels == LABELS.tolist() and names == ("0", "1", "2")


def test_images_of_several_sizes_grey_ones_and_files_as_they_are():
    jpeg = io.BytesIO()
    Image.fromarray(IMAGES[0]).save(jpeg, "JPEG")
    images = [IMAGES[0], IMAGES[1][:3], IMAGES[2][:, :2, 0], IMAGES[3][..., :1], jpeg.getvalue()]
    pixels, labels, names = stored((images, [0, 1, 0, 1, 1]), ["ab", "ü"])
    assert [image.shape for image in pixels] == [(9, 7, 3), (3, 7, 3), (9, 2, 3), (9, 7, 3), (9, 7, 3)]
    for image, grey in ((pixels[2], images[2]), (pixels[3], images[3][..., 0])):
        np.testing.assert_array_equal(image, np.repeat(grey[..., None], 3, axis=2))
    assert labels == [0, 1, 0, 1, 1] and names == ("ab", "ü")
    found = index.scan(sources.find(arrays.store((images, [0, 1, 0, 1, 1]))).train)
    assert found.source(4) == jpeg.getvalue() and found.formats[4] == "jpeg"


def test_the_same_images_are_stored_once(own_cache):
    first = arrays.store((IMAGES, LABELS))
    assert arrays.store(PAIRS) == first and len(list((own_cache / "arrays").iterdir())) == 1
    others = [(IMAGES, LABELS[::-1]), (IMAGES[::-1], LABELS), (IMAGES[:5], LABELS[:5])]
    assert len({first, arrays.store((IMAGES, LABELS), np.array(["a", "b", "c"])), *map(arrays.store, others)}) == 5


WRONG = {
    "no image": ([], "no image"),
    "floats": ((IMAGES / 255, LABELS), "Image 0 from Python is float64"),
    "four channels": ((np.zeros((6, 4, 4, 4), np.uint8), LABELS), r"uint8 \[4, 4, 4\]"),
    "no pixel": ((np.zeros((6, 0, 4, 3), np.uint8), LABELS), r"uint8 \[0, 4, 3\]"),
    "paths": ((["a.jpg", "b.jpg"], [0, 1]), "Image 0"),
    "one label too few": ((IMAGES, LABELS[:5]), "6 images with 5 labels"),
    "a label below": ((IMAGES, LABELS - 1), "Labels of -1 to 1"),
    "a huge label": ((IMAGES, [0, 1, 2, 3, 4, 10**10]), "to 10000000000"),
    "labels with a point": ((IMAGES, LABELS / 2), "Label 0 from Python is float64"),
    "text": ((IMAGES, list("abcabc")), "Label 0 .*\n.*whole number"),
    "one-hot": ((IMAGES, np.eye(3, dtype=int)[LABELS]), r"Label 0 .* \[3\].\n.*not one-hot"),
    "batches": (tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(3), r"\[3\].\n.*not batched"),
    "without an end": (tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).repeat(), "never ends"),
    "a list of two arrays": ([IMAGES, LABELS], r"\(image, label\)"),
    "other keys": ([{"pixels": IMAGES[0], "class": 1}], "'image'"),
    "a number": (3, "got int"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_other_forms_are_refused_and_nothing_is_stored(own_cache, kind):
    data, reason = WRONG[kind]
    with pytest.raises(DataError, match=reason) as caught:
        arrays.store(data)
    assert len(str(caught.value).splitlines()) <= 3 and max(map(len, str(caught.value).splitlines())) < 200
    assert not (own_cache / "arrays").exists()


def test_more_classes_than_names_are_refused():
    with pytest.raises(DataError, match="0 to 2 with 2 classes"):
        arrays.store((IMAGES, LABELS), ["a", "b"])


def test_train_takes_arrays_for_data_and_for_validation(monkeypatch, own_cache):
    """What reaches the training is a folder in the cache; a run on one is in test_mixing.py."""
    from kclassify import training

    seen = []
    monkeypatch.setattr(training, "train", lambda config, console: seen.append(config))
    kc.train(data=(IMAGES, LABELS), val=PAIRS[:3], preset="resnet18")
    kc.train(data=own_cache, preset="resnet18")
    config = seen[0]
    assert config.data.startswith(str(own_cache)) and config.val.startswith(str(own_cache))
    found = dataset.load(config.data, config.val, val_fraction=0.2, seed=0, max_bad=0.0)
    assert (len(found.train), len(found.val), found.val.labels.tolist()) == (6, 3, [0, 1, 2])
    assert (seen[1].data, seen[1].val) == (str(own_cache), None)
    with pytest.raises(DataError, match="got int"):
        kc.train(data=3)
