"""Images that are kept decoded: the pixels and batches of reading each file anew, from a file that is made once and never out of date."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kclassify.data import decoded, index, sources
from kclassify.data.decoded import keep_decoded
from kclassify.data.images.decode import TENSORFLOW_JPEG, read_rgb
from kclassify.data.pipeline import TrainTransform, train_batches
from kclassify.errors import DataError, SetupError


def scan(root) -> index.Index:
    return index.scan(sources.find(str(root)).train)


def whole(kept, found, row: int) -> np.ndarray:
    """All pixels of an image."""
    window = tf.constant([0, 0, found.heights[row], found.widths[row]], tf.int32)
    return kept.window(tf.constant(row), window).numpy()


def files(folder) -> list:
    return sorted(folder.glob("decoded/*"))


@pytest.mark.parametrize("where", ["ram", "disk"])
def test_windows_are_those_of_the_whole_picture(photos, own_cache, where):
    Image.fromarray(read_rgb(photos / "cat" / "cat0.jpg")).rotate(90, expand=True).convert("P").save(photos / "cat" / "odd.gif")
    found, calls = scan(photos), []
    kept = keep_decoded(found, where, lambda done, total: calls.append((done, total)))
    assert calls == [(number, 13) for number in range(1, 14)] and len(files(own_cache)) == (where == "disk")
    dice = np.random.default_rng(0)
    for row in range(len(found)):
        pixels = read_rgb(found.source(row))
        # TensorFlow decodes JPEG files here as it does in training; it may differ from Pillow by rounding.
        assert np.abs(whole(kept, found, row).astype(int) - pixels).max() <= (2 if found.decoders[row] == TENSORFLOW_JPEG else 0)
        top, left = dice.integers(0, [found.heights[row], found.widths[row]])
        height, width = dice.integers(1, [found.heights[row] - top + 1, found.widths[row] - left + 1])
        cut = kept.window(tf.constant(row), tf.constant([top, left, height, width], tf.int32)).numpy()
        np.testing.assert_array_equal(cut, whole(kept, found, row)[top : top + height, left : left + width])


def test_batches_are_those_of_the_files(photos, own_cache):
    """Of PNG files, because JPEG windows are decoded in another way where that is faster."""
    for path in photos.glob("*/*.jpg"):
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()
    found, transform = scan(photos), TrainTransform(24)
    steps = {"batch_size": 5, "seed": 3, "first_step": 1, "last_step": 4}
    expected, *kept = (
        [part.numpy().tobytes() for batch in train_batches(found, transform, **steps, decoded=decoded) for part in batch]
        for decoded in (None, keep_decoded(found, "ram"), keep_decoded(found, "disk"))
    )
    assert len(expected) == 9 and kept == [expected, expected]


def test_the_file_on_the_disk_is_taken_up_until_an_image_changes(photos, own_cache, monkeypatch):
    Image.new("RGB", (20, 30), (200, 0, 0)).save(photos / "cat" / "a.bmp")
    first = scan(photos)
    expected = whole(keep_decoded(first, "disk"), first, 0)
    with monkeypatch.context() as patch:
        patch.setattr(decoded, "_decode_all", lambda *_: pytest.fail("decoded again"))
        np.testing.assert_array_equal(whole(keep_decoded(first, "disk"), first, 0), expected)
    assert len(files(own_cache)) == 1
    Image.new("RGB", (20, 30), (0, 0, 200)).save(photos / "cat" / "a.bmp")  # as many bytes, other pixels
    assert whole(keep_decoded(scan(photos), "disk"), first, 0)[0, 0].tolist() == [0, 0, 200]
    files(own_cache)[0].write_bytes(b"short")
    files(own_cache)[1].write_bytes(b"short")
    assert whole(keep_decoded(scan(photos), "disk"), first, 0)[0, 0].tolist() == [0, 0, 200]


@pytest.mark.parametrize(("where", "free"), [("ram", "_free_memory"), ("disk", "_free_disk")])
def test_too_little_room_is_said_before_anything_is_decoded(photos, own_cache, monkeypatch, where, free):
    found = scan(photos)
    monkeypatch.setattr(decoded, free, lambda: 50_000)
    monkeypatch.setattr(decoded, "_decode_all", lambda *_: pytest.fail("decoded"))
    with pytest.raises(SetupError) as caught:
        keep_decoded(found, where)
    text = str(caught.value)
    assert f"--cache {where}" in text and "GiB are free" in text and "--short-side" in text and len(text.splitlines()) <= 3
    assert not files(own_cache)


@pytest.mark.parametrize("change", ["cut", "other size", "gone"])
def test_an_image_that_has_changed_is_named_and_nothing_is_left(photos, own_cache, change):
    found, file = scan(photos), photos / "coffee" / "coffee1.png"
    if change == "gone":
        file.unlink()
    elif change == "cut":
        file.write_bytes(file.read_bytes()[:200])
    else:
        Image.new("RGB", (9, 9)).save(file)
    for where in ("ram", "disk"):
        with pytest.raises((DataError, SetupError)) as caught:
            keep_decoded(found, where)
        assert str(file) in str(caught.value) and len(str(caught.value).splitlines()) <= 3
    assert not files(own_cache)


def test_a_cache_folder_that_cannot_be_written_is_named(photos, tmp_path, monkeypatch):
    found = scan(photos)
    (tmp_path / "file").touch()
    monkeypatch.setenv("KCLASSIFY_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(SetupError, match="file/below"):
        keep_decoded(found, "disk")
    assert keep_decoded(found, "ram")
