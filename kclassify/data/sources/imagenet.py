"""ImageNet of ILSVRC 2012 where it lies: inside its own tar files, which are not unpacked, or in folders."""

import hashlib
import json
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kclassify.data.sources.archives import read_matlab
from kclassify.data.sources.listing import Listing
from kclassify.errors import DataError
from kclassify.presets import imagenet_class_names
from kclassify.presets.datasets import DatasetRow, RemoteFile
from kclassify.remote.cache import cache_folder

Progress = Callable[[int, int], None]
Member = tuple[str, int, int, int]  # name, label, offset, length

_CLASSES = 1000
_WNID = re.compile(r"n\d{8}")
_SUFFIXES = (".jpeg", ".jpg")
_LISTS = ("val.txt", "val_list.txt", "ILSVRC2012_val.txt")  # `name label` lines: Caffe's and PaddleClas' forms


def train(root: Path, row: DatasetRow, progress: Progress | None = None) -> Listing | None:
    """The training images below `root`: in the tar of 1,000 tars if it is there, else in `train/n01440764/*.JPEG`; None without both.

    Raises:
        DataError: the tar is cut off, or there are not 1,000 classes.
    """
    if (root / row.files[0].name).is_file():
        return _in_tar(root, row, "train", lambda path: _train_members(path, progress))
    return _class_folders(root / "train") if (root / "train").is_dir() else None


def val(root: Path, row: DatasetRow) -> Listing | None:
    """The 50,000 validation images below `root`: in their tar, in `val/n01440764/*.JPEG` or in a flat `val/`; None without all.

    Images that do not lie in class folders have their labels from the development kit's archive, or from a list
    (`val.txt` or `val_list.txt`: a name and a label from 0 to 999, in the order of the sorted WordNet ids, a line).

    Raises:
        DataError: the tar is cut off, there are no labels, or not as many as images.
    """
    folder, (_, archive, devkit) = root / "val", row.files
    if (root / archive.name).is_file():
        labels = _val_labels(root, devkit)
        return _in_tar(root, row, "val", lambda path: _val_members(path, labels))
    if not folder.is_dir():
        return None
    if any(_WNID.fullmatch(item.name) for item in folder.iterdir()):
        return _class_folders(folder)
    labels, names = _val_labels(root, devkit), sorted(item.name for item in folder.iterdir() if item.name.lower().endswith(_SUFFIXES))
    return Listing(folder.resolve(), tuple(names), _labels_of(names, labels, folder), imagenet_class_names())


def _class_folders(root: Path) -> Listing:
    wnids = sorted(item.name for item in root.iterdir() if item.is_dir() and _WNID.fullmatch(item.name))
    _check_classes(wnids, root)
    files = [sorted(entry.name for entry in os.scandir(root / wnid) if entry.name.lower().endswith(_SUFFIXES)) for wnid in wnids]
    paths = tuple(f"{wnid}/{name}" for wnid, names in zip(wnids, files, strict=True) for name in names)
    labels = tuple(label for label, names in enumerate(files) for _ in names)
    return Listing(root.resolve(), paths, labels, imagenet_class_names())


def _check_classes(wnids: list[str], place: Path) -> None:
    if len(wnids) != _CLASSES:
        raise DataError(f"{place} has {len(wnids)} classes (n01440764 ...). Expected all 1,000; for a part of ImageNet: --data {place}")


def _train_members(path: Path, progress: Progress | None) -> Iterator[Member]:
    with path.open("rb") as file:
        tars = sorted((Path(name).stem, offset, length) for name, offset, length in _members(file) if name.endswith(".tar"))
        _check_classes([wnid for wnid, _, _ in tars], path)
        for label, (wnid, start, _) in enumerate(tars):
            file.seek(start)
            for name, offset, length in _members(file):
                yield f"{wnid}/{name}", label, offset, length
            if progress:
                progress(label + 1, _CLASSES)


def _val_members(path: Path, labels: dict[str, int]) -> Iterator[Member]:
    with path.open("rb") as file:
        members = sorted(_members(file))
    for (name, offset, length), label in zip(members, _labels_of([name for name, _, _ in members], labels, path), strict=True):
        yield name, label, offset, length


def _members(file: Any) -> Iterator[tuple[str, int, int]]:
    """Last name, offset in the file and length of each regular file of the tar that starts at the file's position."""
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            if member.isfile():
                yield member.name.rpartition("/")[2], member.offset_data, member.size


def _in_tar(root: Path, row: DatasetRow, split: str, members: Callable[[Path], Iterator[Member]]) -> Listing:
    """The listing of a tar's members; it is kept in the cache, because reading a million headers takes minutes."""
    archive = row.files[0 if split == "train" else 1]
    path, root = root / archive.name, root.resolve()
    status = path.stat()
    if archive.size is not None and status.st_size != archive.size:
        raise DataError(f"{path} has {status.st_size:,} bytes; the published file has {archive.size:,}. Copy it again.")
    key = json.dumps([1, split, str(root), archive.name, status.st_size, status.st_mtime_ns])
    cached = cache_folder() / "index" / f"tar-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}.npz"
    columns = _load(cached)
    if columns is None:
        try:
            found = list(members(path))
        except (tarfile.TarError, EOFError) as error:
            raise DataError(f"{path} is not a whole tar file ({error}). Copy it again.") from error
        if len(found) != row.images.get(split, len(found)):  # tarfile takes a broken header for the end
            raise DataError(f"{path} holds {len(found):,} images that can be read; {row.images[split]:,} were published. Copy it again.")
        columns = {
            "names": np.frombuffer("\n".join(name for name, *_ in found).encode("utf-8", "surrogateescape"), np.uint8),
            "labels": np.array([label for _, label, _, _ in found], np.int32),
            "ranges": np.array([place for _, _, *place in found], np.int64).reshape(-1, 2),
        }
        _save(cached, columns)
    names = tuple(columns["names"].tobytes().decode("utf-8", "surrogateescape").split("\n"))
    labels = tuple(columns["labels"].tolist())
    return Listing(root, names, labels, imagenet_class_names(), containers=(archive.name,) * len(names), ranges=columns["ranges"])


def _val_labels(root: Path, devkit: RemoteFile) -> dict[str, int]:
    """Label by file name, from the development kit or a list."""
    if (root / devkit.name).is_file():
        return _devkit_labels(root / devkit.name)
    for path in (folder / name for folder in (root, root / "val") for name in _LISTS):
        if path.is_file():
            lines = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
            wrong = next((line for line in lines if len(line) != 2 or not line[1].isdecimal() or int(line[1]) >= _CLASSES), None)
            if wrong:
                raise DataError(f"{path}: expected 'name label' with a label from 0 to 999, got {' '.join(wrong)[:60]!r}.")
            return {name.rpartition("/")[2]: int(label) for name, label in lines}
    raise DataError(f"{root} has validation images without labels.\nPut {devkit.name} there, or val.txt with a line 'name label' for each.")


def _devkit_labels(path: Path) -> dict[str, int]:
    try:
        with tarfile.open(path, "r:*") as tar:
            content = {item.name.rpartition("/")[2]: file.read() for item in tar if (file := tar.extractfile(item)) is not None}
        synsets = read_matlab(content["meta.mat"])["synsets"]
        wnid_of = {int(item["ILSVRC2012_ID"]): str(item["WNID"]) for item in synsets if int(item["ILSVRC2012_ID"]) <= _CLASSES}
        numbers = [int(line) for line in content["ILSVRC2012_validation_ground_truth.txt"].split()]
        label_of = {wnid: label for label, wnid in enumerate(sorted(wnid_of.values()))}
        return {f"ILSVRC2012_val_{i:08d}.JPEG": label_of[wnid_of[number]] for i, number in enumerate(numbers, start=1)}
    except (tarfile.TarError, EOFError, OSError, ValueError, LookupError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path} is not the development kit of ILSVRC 2012 ({reason}). Copy it again.") from error


def _labels_of(names: list[str], labels: dict[str, int], place: Path) -> tuple[int, ...]:
    missing = [name for name in names if name not in labels]
    if missing or len(names) != len(labels):
        what = f"{missing[0]} has no label" if missing else f"{len(names)} images, but {len(labels)} labels"
        raise DataError(f"{place}: {what}. Copy images and labels again.")
    return tuple(labels[name] for name in names)


def _load(path: Path) -> dict[str, np.ndarray] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in ("names", "labels", "ranges")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not there or damaged: it is made again


def _save(path: Path, columns: dict[str, np.ndarray]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(partial, allow_pickle=False, **columns)
        os.replace(partial, path)
    except OSError:
        return  # a cache that cannot be written costs time, nothing else
