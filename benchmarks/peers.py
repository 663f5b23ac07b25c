"""The same work by other means: read a JPEG, cut a random window, resize it to 224 pixels, mirror every second one, make a batch."""

import io
import math
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from jpeg_limit import build
from measure import Case, Work
from PIL import Image

BATCH = 64
SIZE = 224
_MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # of ImageNet, in grey levels
_STD = np.array([58.395, 57.12, 57.375], np.float32)
_THREADS = 2

Window = tuple[int, int, int, int]  # top, left, height, width in pixels


def pulling(dataset: tf.data.Dataset) -> Work:
    """Work that takes batches of BATCH images from an endless dataset, each time with an iterator of its own that ends with them."""

    def work(images: int) -> None:
        for _ in dataset.take(images // BATCH):
            pass

    return work


def documented(paths: list[Path]) -> Case:
    """The form of TensorFlow's and Keras' guides: decode all, cut, resize, mirror, normalise in float32."""

    def load(path: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        begin, size, _ = tf.image.sample_distorted_bounding_box(
            tf.shape(image),
            tf.zeros([1, 0, 4]),
            min_object_covered=0.0,
            aspect_ratio_range=(3 / 4, 4 / 3),
            area_range=(0.08, 1.0),
            max_attempts=10,
            use_image_if_no_bounding_boxes=True,
        )
        image = tf.image.resize(tf.slice(image, begin, size), [SIZE, SIZE])
        return (tf.image.random_flip_left_right(image) - _MEAN) / _STD

    files = tf.data.Dataset.from_tensor_slices([str(path) for path in paths]).repeat()
    batches = files.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH, drop_remainder=True).prefetch(tf.data.AUTOTUNE)
    return Case("tf.data as documented", lambda: pulling(batches), BATCH)


def in_python(paths: list[Path]) -> Iterator[Case]:
    """Loaders of Python packages; those of packages that are not installed are left out."""
    yield _looping("Pillow, torchvision's form", _pillow, paths)
    try:
        import cv2
    except ImportError:
        return
    cv2.setNumThreads(0)  # as the workers of PyTorch and PaddleClas do
    yield _looping("OpenCV, PaddleClas' form", _opencv, paths)
    try:
        import simplejpeg
    except ImportError:
        return
    yield _looping("simplejpeg + OpenCV", _simplejpeg, paths, _THREADS)
    yield _looping("simplejpeg, decode alone", simplejpeg.decode_jpeg, paths, stack=False)


def c_limit(paths: list[Path], folder: Path) -> Case:
    """The C program on windows drawn beforehand, its files in memory.

    Raises:
        jpeg_limit.CannotBuild: no compiler, or no headers.
    """
    load = build(folder)
    files = [path.read_bytes() for path in paths]
    sizes = [Image.open(path).size for path in paths]
    windows = np.array([_random_window(height, width) for width, height in sizes], np.int32)
    places = cycle(range(0, len(files) - BATCH + 1, BATCH))

    pool = ThreadPoolExecutor(_THREADS)  # as many as the pipeline that is compared: a core is slower when its neighbour works too

    def one(first: int) -> None:
        load(files[first : first + BATCH], windows[first : first + BATCH], SIZE, max(map(max, sizes)))

    def work(images: int) -> None:
        list(pool.map(one, islice(places, images // BATCH)))

    return Case("C limit", lambda: work, BATCH)


def _looping(name: str, load: Callable[[bytes], np.ndarray], paths: list[Path], threads: int = 1, *, stack: bool = True) -> Case:
    """A case that loads file after file, in this thread or in several."""
    files = cycle(paths)
    pool = ThreadPoolExecutor(threads)
    run: Callable[..., Any] = map if threads == 1 else pool.map

    def work(images: int) -> None:
        for _ in range(images // BATCH):
            loaded = list(run(lambda path: load(path.read_bytes()), islice(files, BATCH)))
            if stack:
                np.stack(loaded)

    return Case(name, lambda: work, BATCH)


def _random_window(height: int, width: int) -> Window:
    """As torchvision draws it: the first of ten tries that fits, otherwise the middle."""
    for _ in range(10):
        area = height * width * random.uniform(0.08, 1.0)
        aspect = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        cut_width, cut_height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < cut_width <= width and 0 < cut_height <= height:
            return random.randint(0, height - cut_height), random.randint(0, width - cut_width), cut_height, cut_width
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side


def _pillow(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    top, left, height, width = _random_window(image.height, image.width)
    image = image.crop((left, top, left + width, top + height)).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return ((np.asarray(image, np.float32) - _MEAN) / _STD).transpose(2, 0, 1)


def _opencv(data: bytes) -> np.ndarray:
    import cv2

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    return ((_cut_and_resize(image).astype(np.float32) - _MEAN) / _STD).transpose(2, 0, 1)


def _simplejpeg(data: bytes) -> np.ndarray:
    import simplejpeg

    return _cut_and_resize(simplejpeg.decode_jpeg(data))


def _cut_and_resize(image: np.ndarray) -> np.ndarray:
    import cv2

    top, left, height, width = _random_window(*image.shape[:2])
    image = cv2.resize(image[top : top + height, left : left + width], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    return cv2.flip(image, 1) if random.random() < 0.5 else image
