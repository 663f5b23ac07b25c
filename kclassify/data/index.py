"""The index: every file of a data set looked at once, with its label, size and decoder, or the reason why it cannot be used."""

import dataclasses
import hashlib
import json
import os
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kclassify.data.cache import cache_folder
from kclassify.data.decode import BadImage, Header, probe
from kclassify.data.listing import Listing
from kclassify.errors import DataError

_FORMAT = 1  # raise it when what an index holds changes, so that older cached ones are made again
_THREADS = 8


@dataclass(frozen=True)
class Index:
    """The usable files of a listing, in its order. Heights and widths are in pixels, upright.

    `fingerprint` is the same for the same names, labels and file sizes, wherever the folder lies.
    """

    root: Path
    paths: tuple[str, ...]
    labels: np.ndarray  # int32 [n], in 0 .. classes - 1
    heights: np.ndarray  # int32 [n]
    widths: np.ndarray  # int32 [n]
    decoders: np.ndarray  # int32 [n], see decode.py
    class_names: tuple[str, ...]
    bad: tuple[tuple[str, str], ...]  # (path, reason)
    fingerprint: str

    def __len__(self) -> int:
        return len(self.paths)

    def full_paths(self) -> list[str]:
        """The files' absolute paths, in order."""
        return [os.path.join(self.root, path) for path in self.paths]  # noqa: PTH118 - a million Path objects cost seconds

    def take(self, rows: np.ndarray) -> "Index":
        """The index of some of the files, by their row numbers; bad files stay with no part."""
        paths = tuple(self.paths[row] for row in rows)
        mark = hashlib.sha256((self.fingerprint + ",".join(map(str, rows))).encode()).hexdigest()
        columns = {name: getattr(self, name)[rows] for name in ("labels", "heights", "widths", "decoders")}
        return dataclasses.replace(self, paths=paths, **columns, bad=(), fingerprint=mark)


def scan(listing: Listing, progress: Callable[[int, int], None] | None = None) -> Index:
    """Look at every file of a listing, or take the cached index of an unchanged one.

    Args:
        progress: called with (files looked at, files in all).
    """
    sizes, changes = _stat(listing)
    fingerprint = _digest([list(listing.class_names), listing.paths, listing.labels, sizes])
    cached = cache_folder() / "index" / f"{_digest([_FORMAT, str(listing.root), fingerprint, changes])}.npz"
    headers = _load(cached)
    if headers is None:
        headers = _probe_all(listing, progress)
        _save(cached, headers)
    good = np.array([not reason for reason in headers["reasons"]], bool)
    rows = np.flatnonzero(good)
    table = headers["table"][rows]
    bad = tuple((listing.paths[i], str(headers["reasons"][i])) for i in np.flatnonzero(~good))
    labels = np.array(listing.labels, np.int32)[rows]
    paths = tuple(listing.paths[i] for i in rows)
    return Index(listing.root, paths, labels, table[:, 0], table[:, 1], table[:, 2], listing.class_names, bad, fingerprint)


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


def _probe_all(listing: Listing, progress: Callable[[int, int], None] | None) -> dict[str, np.ndarray]:
    table = np.zeros((len(listing.paths), 3), np.int32)
    reasons = [""] * len(listing.paths)
    with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata; what matters is in the reasons
        for row, result in enumerate(pool.map(lambda path: _look(listing.root / path), listing.paths)):
            if isinstance(result, Header):
                table[row] = result.height, result.width, result.decoder
            else:
                reasons[row] = result
            if progress:
                progress(row + 1, len(listing.paths))
    return {"table": table, "reasons": np.array(reasons, dtype=np.str_)}


def _look(path: Path) -> Header | str:
    try:
        return probe(path)
    except BadImage as reason:
        return str(reason)


def _stat(listing: Listing) -> tuple[list[int], list[int]]:
    sizes, changes = [], []
    for path in listing.paths:
        try:
            status = (listing.root / path).stat()
            sizes.append(status.st_size)
            changes.append(status.st_mtime_ns)
        except OSError:
            sizes.append(-1)
            changes.append(-1)
    return sizes, changes


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts, default=list).encode("utf-8", "surrogatepass")).hexdigest()


def _load(path: Path) -> dict[str, np.ndarray] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {"table": stored["table"], "reasons": stored["reasons"]}
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
