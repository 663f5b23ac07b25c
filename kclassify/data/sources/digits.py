"""The built-in data set: scikit-learn's handwritten digits, written once as an image folder into the cache."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from kclassify.remote.cache import cache_folder

SIDE = 64  # pixels; the originals are 8 x 8 with 17 grey levels
_TRAIN_OF_FIVE = 4


def folder() -> Path:
    """The folder with `train/` (1,442 images) and `val/` (355), made on first use.

    Source: UCI Optical Recognition of Handwritten Digits, the 1,797 test digits, as scikit-learn ships them (CC BY 4.0).
    """
    final = cache_folder() / "digits-1"
    if not final.is_dir():
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=final.parent, prefix="digits-"))
        _write(partial)
        try:
            os.replace(partial, final)
        except OSError:  # another process was first
            shutil.rmtree(partial)
    return final


def _write(root: Path) -> None:
    from sklearn.datasets import load_digits

    pictures, labels = load_digits(return_X_y=True)
    seen = np.zeros(10, int)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        split = "train" if seen[label] % 5 < _TRAIN_OF_FIVE else "val"
        seen[label] += 1
        target = root / split / str(label)
        target.mkdir(parents=True, exist_ok=True)
        grey = Image.fromarray((255 - picture.reshape(8, 8) * (255 / 16)).astype(np.uint8))  # ink on paper, as in a photo
        grey.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(target / f"{number:04d}.png")
