"""Where data comes from: folders of classes, `path label` lists and the built-in sets become listings of files and labels."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from kclassify.data import digits
from kclassify.data.decode import SUFFIXES
from kclassify.data.listing import Listing
from kclassify.errors import DataError, near_names
from kclassify.presets.datasets import DATASETS

TRAIN_NAMES = ("train", "training")
VAL_NAMES = ("val", "valid", "validation", "test")
_LABEL_LIST = "*label_list.txt"
_LOOSE = "images without class folder"


@dataclass(frozen=True)
class Source:
    """What was found at `--data`: a training listing, a validation listing if the source has one, and lines worth telling the user."""

    train: Listing
    val: Listing | None = None
    notes: tuple[str, ...] = field(default=())


def find(data: str, val: str | None = None, class_names: tuple[str, ...] | None = None) -> Source:
    """Find out what `data` is and list it.

    Args:
        data: the name of a built-in set, a folder (of class folders, or of `train/` and `val/`, or with `train_list.txt`), or a list file.
        val: a folder or list file to validate on, where `data` does not bring one.
        class_names: what the labels of a list file count, where a model has decided that; by default a `*label_list.txt` beside the list.

    Raises:
        DataError: nothing usable is there; the message says what was expected.
    """
    source = _find(data, class_names)
    if val is None:
        return source
    known = source.train.class_names
    return Source(source.train, match_classes(_listing(_existing(val), known), known, val), source.notes)


def _find(data: str, class_names: tuple[str, ...] | None) -> Source:
    if data in DATASETS:
        return _with_splits(digits.folder(), None, notes=(f"data '{data}': {DATASETS[data].description}",))
    return _with_splits(_existing(data), class_names)


def check_exists(data: str) -> None:
    """DataError if there is nothing at `data`: a quick look before the heavy work."""
    if data not in DATASETS:
        _existing(data)


def _existing(data: str) -> Path:
    path = Path(data).expanduser()
    if not path.exists():
        expected = f"Expected a folder of images, a list file, or one of: {', '.join(DATASETS)}."
        raise DataError(f"No data at '{data}'.{near_names(data, DATASETS)} {expected}")
    return path


def _with_splits(path: Path, class_names: tuple[str, ...] | None, notes: tuple[str, ...] = ()) -> Source:
    if path.is_dir():
        train, val = _first(path, TRAIN_NAMES), _first(path, VAL_NAMES)
        if train and _is_split(train):
            listing = _class_folders(train)
            if _loose_images(path):
                listing = replace(listing, others={**listing.others, _LOOSE: _loose_images(path) + listing.others.get(_LOOSE, 0)})
            return Source(listing, match_classes(_class_folders(val), listing.class_names, str(val)) if val else None, notes)
        if (path / "train_list.txt").is_file():
            listing = _list_file(path / "train_list.txt", class_names)
            val_list = path / "val_list.txt"
            return Source(listing, _list_file(val_list, listing.class_names) if val_list.is_file() else None, notes)
    return Source(_listing(path, class_names), None, notes)


def _first(path: Path, names: tuple[str, ...]) -> Path | None:
    return next((path / name for name in names if (path / name).is_dir()), None)


def _is_split(train: Path) -> bool:
    """Whether a folder called `train` is the training part, and not one of several flat classes about vehicles."""
    folders = {item.name for item in _entries(train.parent) if _is_folder(item)}
    return folders <= {*TRAIN_NAMES, *VAL_NAMES} or any(_is_folder(item) for item in _entries(train))


def _listing(path: Path, class_names: tuple[str, ...] | None = None) -> Listing:
    return _class_folders(path) if path.is_dir() else _list_file(path, class_names)


def match_classes(listing: Listing, class_names: tuple[str, ...], name: str) -> Listing:
    """The listing with its labels counted in `class_names`; classes may be missing, but a stranger is a DataError that names it."""
    if listing.class_names == class_names:
        return listing
    strangers = [item for item in listing.class_names if item not in class_names]
    if strangers:
        raise DataError(
            f"{name}: {len(strangers)} classes that were never trained: {', '.join(strangers[:5])}.\n"
            f"Known are {len(class_names)}: {', '.join(class_names[:5])} ..."
        )
    number = {item: i for i, item in enumerate(class_names)}
    labels = tuple(number[listing.class_names[label]] for label in listing.labels)
    return replace(listing, labels=labels, class_names=class_names, others={})


def _class_folders(root: Path) -> Listing:
    """One folder a class; images may lie in folders below it. Hidden files and folders, `__MACOSX` and the like are not looked at."""
    classes = [item for item in _entries(root) if _is_folder(item)]
    others: Counter[str] = Counter()
    loose = _loose_images(root)
    if loose:
        others[_LOOSE] = loose
    found = [
        (item.name, sorted(_images(item.path, item.name, others, (_identity(root),))))
        for item in sorted(classes, key=lambda item: _natural(item.name))
    ]
    found = [(name, files) for name, files in found if files]
    if not found:
        what = f"{loose} images without class folders" if loose else "no images"
        raise DataError(
            f"'{root}' holds {what}. Expected one folder a class, such as {root}/cat/1.jpg and {root}/dog/1.jpg, or train/ and val/."
        )
    paths = [path for _, files in found for path in files]
    labels = [label for label, (_, files) in enumerate(found) for _ in files]
    return Listing(root.resolve(), tuple(paths), tuple(labels), tuple(name for name, _ in found), others)


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [item for item in entries if not item.name.startswith((".", "__MACOSX"))]
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}.") from error


def _identity(folder: str | Path) -> tuple[int, int]:
    status = Path(folder).stat()
    return (status.st_dev, status.st_ino)


def _loose_images(folder: Path) -> int:
    return sum(Path(item.name).suffix.lower() in SUFFIXES for item in _entries(folder) if not _is_folder(item))


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link to itself
        return False


def _images(folder: str, relative: str, others: Counter[str], above: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Images below a folder; a link that leads back into a folder above it is not followed."""
    here = _identity(folder)
    if here in above:
        return
    for item in _entries(folder):
        if _is_folder(item):
            yield from _images(item.path, f"{relative}/{item.name}", others, (*above, here))
        elif Path(item.name).suffix.lower() in SUFFIXES:
            yield f"{relative}/{item.name}"
        else:
            others[Path(item.name).suffix.lower()] += 1


def _natural(name: str) -> tuple[bool, int, str]:
    """Folders called 0, 1, ... 10 stand in the order of their numbers, after them all others by name."""
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)


def _list_file(path: Path, class_names: tuple[str, ...] | None = None) -> Listing:
    """PaddleClas' form: one `path label` a line, the path relative to the list's folder, names in a `*label_list.txt` beside it."""
    paths, labels = [], []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        match = re.fullmatch(r"(.*\S)\s+(\d{1,7})\s*", line)
        if not match:
            raise DataError(f"{path}:{number}: expected 'path label' with a whole number as label, got {line[:60]!r}.")
        paths.append(match[1])
        labels.append(int(match[2]))
    if not paths:
        raise DataError(f"{path}: no line of the form 'path label' in it.")
    if not class_names and max(labels) >= max(1000, 10 * len(labels)):
        entry = labels.index(max(labels)) + 1
        raise DataError(f"{path}: label {max(labels)} (image {entry}) with {len(labels)} images in all; labels count the classes from 0.")
    names = class_names or _label_names(path.parent, max(labels) + 1)
    if max(labels) >= len(names):
        raise DataError(f"{path}: label {max(labels)} found, but there are {len(names)} classes (0 to {len(names) - 1}).")
    return Listing(path.parent.resolve(), tuple(paths), tuple(labels), names)


def _label_names(folder: Path, count: int) -> tuple[str, ...]:
    names = {i: str(i) for i in range(count)}
    for file in sorted(folder.glob(_LABEL_LIST))[:1]:
        for number, line in enumerate(_lines(file), start=1):
            if not line.strip():
                continue
            match = re.fullmatch(r"\s*(\d{1,7})\s+(\S.*?)\s*", line)
            if not match:
                raise DataError(f"{file}:{number}: expected 'label name', got {line[:60]!r}.")
            names[int(match[1])] = match[2]
    return tuple(names.get(i, str(i)) for i in range(max(names) + 1))


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
        if b"\0" in content[:4096]:
            raise DataError(f"{path}: not a text file. Expected a folder of images, or a list with 'path label' lines.")
        return content.decode("utf-8-sig", errors="surrogateescape").splitlines()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}.") from error
