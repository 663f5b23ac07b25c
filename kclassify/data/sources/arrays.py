"""Arrays and tf.data datasets from Python as a source: written once into a pack in the cache, so that they train like any other data."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from kclassify.data.sources import pack
from kclassify.errors import DataError
from kclassify.remote.cache import cache_folder

_IMAGE_KEYS, _LABEL_KEYS = ("image", "images", "x"), ("label", "labels", "y")


def store(data: Any, class_names: Sequence[str] | None = None) -> str:
    """Put labelled images from Python into the cache and return the folder, to be used as `data`.

    Args:
        data: (images, labels) with images uint8 [n, h, w, 3], [n, h, w] or [n, h, w, 1], or a list of such images, and labels int [n] or
            [n, 1]; or a finite tf.data.Dataset (or other iterable) of (image, label) or {"image": ..., "label": ...}. An image may also be
            the encoded bytes of a file; those are stored as they are, pixels as PNG.
        class_names: what the labels count; by default their numbers.

    Raises:
        DataError: the images or labels have another form.
    """
    rows = list(_encoded(data))
    if not rows:
        raise DataError("The data from Python has no image in it.")
    labels = [label for _, label in rows]
    names = tuple(class_names) if class_names is not None else tuple(map(str, range(min(max(labels) + 1, pack.MOST_CLASSES))))
    if min(labels) < 0 or max(labels) >= len(names):
        raise DataError(f"Labels of {min(labels)} to {max(labels)} with {len(names)} classes. Expected 0 to {len(names) - 1}.")
    digest = hashlib.sha256(repr(names).encode())
    for image, label in rows:
        digest.update(hashlib.sha256(image).digest() + label.to_bytes(4, "little"))
    folder = cache_folder() / "arrays" / digest.hexdigest()[:32]
    if not folder.exists():
        pack.write(folder, {"train": ((f"{number:07d}", image, label) for number, (image, label) in enumerate(rows))}, names)
    return str(folder)


def _encoded(data: Any) -> Iterator[tuple[bytes, int]]:
    for number, (image, label) in enumerate(_pairs(data)):
        value = np.asarray(label)
        if value.size != 1 or not np.issubdtype(value.dtype, np.integer):
            raise DataError(
                f"Label {number} from Python is {value.dtype} {list(value.shape)}.\n"
                "Expected one whole number an image, not one-hot, not batched."
            )
        yield _bytes(image, number), int(value.item())


def _pairs(data: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(data, tuple) and len(data) == 2:
        images, labels = data
        if len(images) != len(labels):
            raise DataError(f"{len(images)} images with {len(labels)} labels. Expected one label an image.")
        return zip(images, labels, strict=True)
    if getattr(data, "cardinality", None) and int(data.cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
        raise DataError("The tf.data.Dataset never ends. Leave its repeat() out.")
    if not isinstance(data, Iterable):
        raise DataError(f"data: expected a path, a name, (images, labels) or a tf.data.Dataset, got {type(data).__name__}.")
    return map(_pair, data)


def _pair(element: Any) -> tuple[Any, Any]:
    if isinstance(element, dict):
        image = next((element[key] for key in _IMAGE_KEYS if key in element), None)
        label = next((element[key] for key in _LABEL_KEYS if key in element), None)
        if image is not None and label is not None:
            return image, label
    elif isinstance(element, (tuple, list)) and len(element) == 2:
        return element[0], element[1]
    raise DataError("Expected elements (image, label) or {'image': ..., 'label': ...} in the data from Python, not batched.")


def _bytes(image: Any, number: int) -> bytes:
    value = image if isinstance(image, bytes) else np.asarray(image)
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS" and not value.ndim:
        value = value.item()
    if isinstance(value, bytes):
        return value
    if value.dtype != np.uint8 or value.ndim not in (2, 3) or not value.size or (value.ndim == 3 and value.shape[2] not in (1, 3)):
        raise DataError(
            f"Image {number} from Python is {value.dtype} {list(value.shape)}.\n"
            "Expected uint8 pixels [h, w, 3] or [h, w], 0 to 255, or the bytes of an image file."
        )
    target = io.BytesIO()
    Image.fromarray(value[..., 0] if value.ndim == 3 and value.shape[2] == 1 else value).save(target, "PNG", compress_level=1)
    return target.getvalue()
