"""A listing: images with labels that were found but not opened yet, whether each is a file or a stretch of a larger one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Listing:
    """Images with labels, not opened yet.

    `paths` are the images' names for people, relative to `root`; `labels` count from 0 in the order of `class_names`. Where `containers`
    is None they are files. Otherwise image i is the `ranges[i]` = (offset, length) bytes of the file `containers[i]` (relative to `root`
    too), as in a TFRecord shard or a tar file. `others` counts the files of a folder that are not images by their ending. Where an image
    may have several classes or none, a label is the number of a set of classes in `label_sets`.
    """

    root: Path
    paths: tuple[str, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    others: Mapping[str, int] = field(default_factory=dict)
    containers: tuple[str, ...] | None = None
    ranges: np.ndarray | None = None  # int64 [n, 2]
    label_sets: tuple[tuple[int, ...], ...] | None = None


def read_range(path: Path | str, offset: int, length: int) -> bytes:
    """A stretch of a file.

    Raises:
        OSError: the file cannot be read, or ends before.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - called once an image
        file.seek(offset)
        data = file.read(length)
    if len(data) != length:
        raise OSError(f"{path} ends before byte {offset + length}")
    return data
