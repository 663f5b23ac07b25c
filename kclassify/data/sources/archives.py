"""The published archives of small data sets, read without unpacking: their images as encoded files, with labels."""

import gzip
import io
import itertools
import math
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kclassify.presets.datasets import DatasetRow

Images = Iterable[tuple[str, bytes, int]]  # (name, encoded image, label)
Splits = Mapping[str, Images]
BROKEN = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    LookupError,
)  # what reading a broken archive raises

_SIDE = 32  # pixels of a CIFAR image
_PIXELS = 3 * _SIDE * _SIDE
_LARGEST = 2**28  # bytes of one member or unpacked file; the largest published one has 47 million
_FLOWER_SPLITS = {"train": "trnid", "val": "valid"}


def cifar(row: DatasetRow, files: Sequence[Path]) -> tuple[Splits, Sequence[str]]:
    """The binary version of CIFAR-10 or CIFAR-100 (Krizhevsky, 2009); of the two labels of CIFAR-100 the fine one.

    A record is one label (or a coarse and a fine one) and 3 x 32 x 32 bytes: the red, the green and the blue plane.
    """
    wanted = ("data_batch_", "train.bin", "test", "batches.meta.txt", "fine_label_names.txt")
    members = _members(files[0], lambda name: name.startswith(wanted))
    text = members.get("fine_label_names.txt") or members["batches.meta.txt"]
    class_names = [line.strip() for line in text.decode("ascii").splitlines() if line.strip()]
    labels = 2 if "train.bin" in members else 1

    def images(start: tuple[str, ...]) -> Iterator[tuple[str, bytes, int]]:
        numbers = itertools.count()
        for name in sorted(name for name in members if name.startswith(start)):
            records = np.frombuffer(members[name], np.uint8).reshape(-1, labels + _PIXELS)
            for record, number in zip(records, numbers, strict=False):
                planes = record[labels:].reshape(3, _SIDE, _SIDE)
                yield f"{number:05d}.png", _png(planes.transpose(1, 2, 0)), int(record[labels - 1])

    return {"train": images(("data_batch_", "train.bin")), "val": images(("test",))}, class_names


def idx(row: DatasetRow, files: Sequence[Path]) -> tuple[Splits, Sequence[str]]:
    """MNIST and those in its form (LeCun et al., 1998): images and labels to train on, images and labels to test with."""

    def images(pictures: Path, labels: Path) -> Iterator[tuple[str, bytes, int]]:
        for number, (picture, label) in enumerate(zip(_idx(pictures), _idx(labels), strict=True)):
            yield f"{number:05d}.png", _png(picture), int(label)

    return {"train": images(*files[:2]), "val": images(*files[2:])}, row.class_names


def flowers(row: DatasetRow, files: Sequence[Path]) -> tuple[Splits, Sequence[str]]:
    """Oxford 102 Flowers (Nilsback and Zisserman, ICVGIP 2008): the JPEG files as they are; labels count from 1 there, from 0 here."""
    archive, labels, parts = files[0], read_matlab(files[1].read_bytes())["labels"], read_matlab(files[2].read_bytes())

    def images(numbers: np.ndarray) -> Iterator[tuple[str, bytes, int]]:
        label_of = {f"image_{number:05d}.jpg": int(labels[number - 1]) - 1 for number in numbers.tolist()}
        members = _members(archive, label_of.__contains__)
        return ((name, members[name], label) for name, label in label_of.items())

    return {split: images(np.sort(parts[key])) for split, key in _FLOWER_SPLITS.items()}, row.class_names


READERS: Mapping[str, Callable[[DatasetRow, Sequence[Path]], tuple[Splits, Sequence[str]]]] = {
    "cifar": cifar,
    "idx": idx,
    "flowers": flowers,
}


def read_matlab(content: bytes) -> Any:
    """The variables of a MATLAB file by name, with axes of length 1 left out; ValueError if it is none."""
    from scipy.io import loadmat

    try:
        return loadmat(io.BytesIO(content), squeeze_me=True)
    except Exception as error:  # scipy raises nearly anything on a broken file
        raise ValueError(f"not a MATLAB file ({error})") from error


def _members(archive: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The regular files of a tar whose last name is wanted: links and devices are none, and no path of the archive is ever used."""
    found = {}
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            name = member.name.rpartition("/")[2]
            if member.isfile() and wanted(name):
                if member.size > _LARGEST:
                    raise ValueError(f"{name} has {member.size:,} bytes")
                file = tar.extractfile(member)
                found[name] = file.read() if file else b""
    return found


def _idx(path: Path) -> np.ndarray:
    """An IDX file of bytes: two zeros, the type 8, the number of axes, their lengths as big-endian int32, the values."""
    with gzip.open(path) as file:
        content = file.read(_LARGEST)
    zeros, kind, axes = struct.unpack_from(">HBB", content)
    shape = struct.unpack_from(f">{axes}I", content, 4)
    start = 4 + 4 * axes
    if (zeros, kind) != (0, 8) or len(content) != start + math.prod(shape):
        raise ValueError(f"{path.name} is not an IDX file of bytes")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
