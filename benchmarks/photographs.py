"""The images that are loaded: JPEGs of natural content in the size of ImageNet's, cut from photographs that come with Python packages."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_images

CLASSES = 10
_SIDES = (500, 375)
_GRAIN = 2.5  # grey levels of noise; without it enlarged parts of photographs would be smoother, and smaller as files, than photographs


def write_photographs(folder: Path, count: int, seed: int = 0) -> float:
    """Write `count` JPEGs of 500x375 pixels, each fourth upright, at quality 90 with halved colours, in class folders.

    Returns:
        their mean size in kB.
    """
    sizes = []
    for number, pixels in enumerate(_pictures(count, np.random.default_rng(seed))):
        path = folder / f"class{number % CLASSES}" / f"{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=90, subsampling="4:2:0")
        sizes.append(path.stat().st_size)
    return float(np.mean(sizes)) / 1000


def _pictures(count: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    photographs = [_rgb(pixels) for pixels in (*_of_scikit_image(), *load_sample_images().images)]
    for number in range(count):
        width, height = _SIDES if number % 4 else _SIDES[::-1]
        cut = _random_cut(photographs[number % len(photographs)], width / height, random)
        resized = np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BICUBIC))
        grain = random.normal(0.0, _GRAIN, (height, width, 1))
        yield np.clip(np.round(resized + grain), 0, 255).astype(np.uint8)


def _of_scikit_image() -> Iterator[np.ndarray]:
    for photograph in (data.astronaut, data.cat, data.coffee, data.rocket, data.camera, data.grass, data.gravel, data.immunohistochemistry):
        yield photograph()


def _rgb(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2)


def _random_cut(pixels: np.ndarray, aspect: float, random: np.random.Generator) -> np.ndarray:
    """A part of a photograph with a width of `aspect` times its height, of 0.6 to 0.95 of its height where it is wide enough."""
    full_height, full_width = pixels.shape[:2]
    width = int(min(full_width, full_height * random.uniform(0.6, 0.95) * aspect))
    height = int(width / aspect)
    top, left = random.integers(0, full_height - height + 1), random.integers(0, full_width - width + 1)
    return pixels[top : top + height, left : left + width]
