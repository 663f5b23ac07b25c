"""The index: every image of a data set looked at once, with its label, size and decoder, or the reason why it cannot be used."""

import dataclasses
import functools
import hashlib
import json
import operator
import os
import warnings
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kclassify.data.images.decode import BadImage, Header, probe, reader_version
from kclassify.data.sources.listing import Listing, read_range
from kclassify.errors import DataError
from kclassify.remote.cache import cache_folder

_FORMAT = 2  # raise it when what an index holds changes, so that older cached ones are made again
_THREADS = 8


@dataclass(frozen=True)
class Index:
    """The usable images of a listing, in its order. Heights and widths are in pixels, upright.

    `fingerprint` is the same for the same names, labels and file sizes, wherever the folder lies. A label is the number of a class, or
    with `label_sets`, where an image may have several classes or none, that of a set of them.
    """

    root: Path
    paths: tuple[str, ...]
    labels: np.ndarray  # int32 [n], in 0 .. classes - 1, or in 0 .. sets - 1
    heights: np.ndarray  # int32 [n]
    widths: np.ndarray  # int32 [n]
    decoders: np.ndarray  # int32 [n], see decode.py
    formats: np.ndarray  # text [n], such as jpeg
    class_names: tuple[str, ...]
    bad: tuple[tuple[str, str], ...]  # (path, reason)
    fingerprint: str
    containers: tuple[str, ...] | None = None  # as in a Listing
    ranges: np.ndarray | None = None  # int64 [n, 2]
    label_sets: tuple[tuple[int, ...], ...] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def files(self) -> list[str]:
        """The absolute path of the file that holds each image, in order."""
        return [os.path.join(self.root, path) for path in self.containers or self.paths]  # noqa: PTH118 - a million Path objects cost seconds

    def source(self, row: int) -> Path | bytes:
        """What `decode.read_rgb` takes for the image of a row."""
        return _source(self.root, self.paths, self.containers, self.ranges, row)

    def classes_of(self, label: int) -> tuple[int, ...]:
        """The classes that a label stands for, by their numbers."""
        return (int(label),) if self.label_sets is None else self.label_sets[label]

    def class_text(self, label: int) -> str:
        """The names of the classes that a label stands for, such as `cat` or `cat;dog`."""
        return ";".join(self.class_names[number] for number in self.classes_of(label))

    def target_table(self) -> np.ndarray:
        """What a model should answer for each label, 1 for its classes and 0 for others: uint8 [labels, classes]."""
        if self.label_sets is None:
            return np.eye(len(self.class_names), dtype=np.uint8)
        table = np.zeros((len(self.label_sets), len(self.class_names)), np.uint8)
        for label, classes in enumerate(self.label_sets):
            table[label, list(classes)] = 1
        return table

    def class_counts(self) -> np.ndarray:
        """How many images each class has: int64 [classes]."""
        if self.label_sets is None:
            return np.bincount(self.labels, minlength=len(self.class_names))
        return np.bincount(self.labels, minlength=len(self.label_sets)) @ self.target_table().astype(np.int64)

    def take(self, rows: np.ndarray) -> "Index":
        """The index of some of the images, by their row numbers; bad files stay with no part."""
        mark = hashlib.sha256((self.fingerprint + ",".join(map(str, rows))).encode()).hexdigest()
        columns = {name: getattr(self, name)[rows] for name in ("labels", "heights", "widths", "decoders", "formats")}
        return dataclasses.replace(self, bad=(), fingerprint=mark, **columns, **_taken(self, rows))


def balanced(index: Index, seed: int) -> Index:
    """The index with images of the smaller classes repeated until all classes have as many as the largest.

    Every image comes equally often, or once more; which ones do is drawn by the seed.
    """
    counts = np.bincount(index.labels, minlength=len(index.class_names))
    rows = []
    for label in np.flatnonzero(counts):
        own = np.flatnonzero(index.labels == label)
        whole, rest = divmod(int(counts.max()), len(own))
        rows += [np.tile(own, whole), np.random.default_rng([seed, int(label)]).permutation(own)[:rest]]
    return index.take(np.sort(np.concatenate(rows)))


def scan(listing: Listing, progress: Callable[[int, int], None] | None = None) -> Index:
    """Look at every image of a listing, or take the cached index of an unchanged one.

    Args:
        progress: called with (images looked at, images in all).
    """
    sizes, changes = _stat(listing)
    sets = [] if listing.label_sets is None else [listing.label_sets]
    fingerprint = _digest([list(listing.class_names), listing.paths, listing.labels, sizes, *sets])
    places = None if listing.ranges is None else [listing.containers, listing.ranges.tolist()]
    cached = cache_folder() / "index" / f"{_digest([_FORMAT, reader_version(), str(listing.root), fingerprint, changes, places])}.npz"
    headers = _load(cached)
    if headers is None:
        headers = _probe_all(listing, progress)
        _save(cached, headers)
    reasons = headers["reasons"]
    good = np.array([not reason for reason in reasons], bool)
    rows = np.flatnonzero(good)
    heights, widths, decoders = headers["table"][rows].T
    bad = tuple((listing.paths[i], str(reasons[i])) for i in np.flatnonzero(~good))
    labels = np.array(listing.labels, np.int32)[rows]
    columns = {"labels": labels, "heights": heights, "widths": widths, "decoders": decoders, "formats": headers["formats"][rows]}
    known: dict[str, Any] = {"class_names": listing.class_names, "label_sets": listing.label_sets}
    return Index(listing.root, bad=bad, fingerprint=fingerprint, **known, **columns, **_taken(listing, rows))


def check_usable(index: Index, name: str, max_bad: float) -> None:
    """Raise DataError if nothing can be learnt from the index, or more than the share `max_bad` of its files is unusable."""
    total = len(index) + len(index.bad)
    if index.bad and len(index.bad) > max_bad * total:
        path, reason = index.bad[0]
        raise DataError(
            f"{name}: {len(index.bad)} of {total} files cannot be used, more than {max_bad:.0%} (--set max_bad=...).\n"
            f"The first is {path}: {reason}."
        )
    if not len(index):
        raise DataError(f"{name}: no usable image in {index.root}.")


def _taken(found: Listing | Index, rows: np.ndarray) -> dict[str, Any]:
    """Where the images of some rows are."""
    pick = operator.itemgetter(*rows) if len(rows) > 1 else lambda column: tuple(column[row] for row in rows)
    containers = None if found.containers is None else pick(found.containers)
    return {"paths": pick(found.paths), "containers": containers, "ranges": None if found.ranges is None else found.ranges[rows]}


def _source(root: Path, paths: Sequence[str], containers: Sequence[str] | None, ranges: np.ndarray | None, row: int) -> Path | bytes:
    if containers is None or ranges is None:
        return root / paths[row]
    return read_range(root / containers[row], int(ranges[row, 0]), int(ranges[row, 1]))


def _probe_all(listing: Listing, progress: Callable[[int, int], None] | None) -> dict[str, np.ndarray]:
    count = len(listing.paths)
    table, formats, reasons = np.zeros((count, 3), np.int32), [""] * count, [""] * count
    with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata; what matters is in the reasons
        for row, result in enumerate(pool.map(lambda row: _look(listing, row), range(count))):
            if isinstance(result, Header):
                table[row] = result.height, result.width, result.decoder
                formats[row] = result.format
            else:
                reasons[row] = result
            if progress:
                progress(row + 1, count)
    return {"table": table, "formats": np.array(formats, np.str_), "reasons": np.array(reasons, np.str_)}


def _look(listing: Listing, row: int) -> Header | str:
    try:
        return probe(_source(listing.root, listing.paths, listing.containers, listing.ranges, row))
    except BadImage as reason:
        return str(reason)
    except OSError as error:
        return error.strerror or str(error)


def _stat(listing: Listing) -> tuple[list[int], list[int]]:
    """Sizes in bytes and times of change of all images; -1 where there is no such file."""

    @functools.cache
    def stat(path: str) -> tuple[int, int]:
        try:
            status = (listing.root / path).stat()
        except OSError:
            return -1, -1
        return status.st_size, status.st_mtime_ns

    found = [stat(path) for path in listing.containers or listing.paths]
    sizes = [size for size, _ in found] if listing.ranges is None else listing.ranges[:, 1].tolist()
    return sizes, [change for _, change in found]


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts, default=list).encode("utf-8", "surrogatepass")).hexdigest()


def _load(path: Path) -> dict[str, np.ndarray] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in ("table", "formats", "reasons")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not there or damaged: it is made again


def _save(path: Path, headers: dict[str, np.ndarray]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(partial, allow_pickle=False, **headers)
        os.replace(partial, path)
    except OSError:
        return  # a cache that cannot be written costs time, nothing else
