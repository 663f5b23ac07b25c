"""Where data comes from: a name, a folder or a list becomes listings of images and labels to train on and to validate on."""

import os
from dataclasses import dataclass
from pathlib import Path

from kclassify.data.sources import folders, lists, named, pack
from kclassify.data.sources.class_names import match_classes
from kclassify.data.sources.listing import Listing
from kclassify.errors import DataError, near_names
from kclassify.presets.datasets import DATASETS

_Parts = tuple[dict[str, Listing], list[str]]


@dataclass(frozen=True)
class Source:
    """What was found at `--data`: a training listing, a validation listing if the source has one, and lines worth telling the user."""

    train: Listing
    val: Listing | None = None
    notes: tuple[str, ...] = ()


def find(data: str, val: str | None = None, *, multi_label: bool = False) -> Source:
    """Find out what `data` is and list it.

    Args:
        data: a data set's name, a folder (of class folders, of `train/` and `val/`, of lists such as `train_list.txt`, of TFRecord files),
            or a list: text, CSV or JSON Lines.
        val: what to validate on instead of the part that `data` brings for it; of a folder with such a part, that part is taken.
        multi_label: lists may have several labels a picture.

    Raises:
        DataError: nothing usable is there, or the two do not fit each other; the message says what was expected.
    """
    parts, notes = listings(data, multi_label=multi_label)
    if "train" not in parts:
        raise DataError(f"'{data}' holds a part for {' and '.join(parts)}, but none for training. Expected train/ or lines for train too.")
    train = parts["train"]
    own = "val" if "val" in parts else "test"
    if val is not None:
        held_out = find_held_out(val, train.class_names, multi_label=multi_label)
        notes += [f"validated on '{val}' and not on the {own} part of '{data}'"] if own in parts else []
    elif own in parts:
        held_out = match_classes(parts[own], train.class_names, str(parts[own].root))
        notes += [f"'{data}' has no validation part; its test part is taken for it"] if own == "test" else []
    else:
        return Source(train, None, tuple(notes))
    _check_is_another(held_out, train, val or data)
    return Source(train, held_out, tuple(notes))


def find_held_out(data: str, class_names: tuple[str, ...], *, multi_label: bool = False) -> Listing:
    """List what a model with these classes is to be judged on: the validation part of `data`, else its test part, else all of it.

    Raises:
        DataError: as `find`, or there are images of other classes.
    """
    parts = named.listings(data, splits=("val",)) if data in DATASETS else listings(data, class_names, multi_label=multi_label)[0]
    return match_classes(next(parts[split] for split in ("val", "test", "train") if split in parts), class_names, data)


def check_exists(data: str) -> None:
    """DataError if there is nothing at `data`: a quick look before the heavy work."""
    if data not in DATASETS:
        _existing(data)


def listings(data: str, known: tuple[str, ...] = (), *, multi_label: bool = False) -> _Parts:
    """The listings "train", "val" and "test" of `data`, and lines worth telling; `known` are the classes that a model has decided."""
    if data in DATASETS:
        hidden = f"; your folder of that name is ./{data}" if Path(data).is_dir() else ""
        return named.listings(data), [f"data '{data}': {DATASETS[data].description}{hidden}"]
    path = _existing(data)
    try:
        return _folder_parts(path, known, multi_label) if path.is_dir() else lists.parts(path, known, multi_label=multi_label)
    except OSError as error:
        what = f"{error.filename or data}: {error.strerror or error}"
        raise DataError(f"{what}. Expected files and folders that can be read.") from error


def _folder_parts(folder: Path, known: tuple[str, ...], multi_label: bool) -> _Parts:
    root = _descend(folder, known)
    told = [f"the data set begins at {root}"] if root != folder else []
    if pack.is_pack(root):
        return pack.listings(root), told
    files = lists.in_folder(root)
    found, notes = lists.folder_parts(files, known, multi_label=multi_label) if files else folders.parts(root, known)
    return found, told + notes


def _descend(root: Path, known: tuple[str, ...]) -> Path:
    """Where the data set begins: an archive's lone top folders, at most four, are gone through."""
    for _ in range(4):
        begins = folders.splits(root) or lists.in_folder(root) or pack.is_pack(root)
        inner = None if begins else folders.lone_folder(root, known)
        if inner is None:
            break
        root = inner
    return root


def _check_is_another(held_out: Listing, train: Listing, name: str) -> None:
    if (held_out.root, held_out.containers, held_out.paths) == (train.root, train.containers, train.paths):
        raise DataError(
            f"{name}: these are the training images themselves. Expected others to validate on, or no --val to have some set aside."
        )


def _existing(data: str) -> Path:
    path = Path(os.path.expanduser(data))  # noqa: PTH111 - Path's own raises where it finds no such user
    try:
        path.stat()
    except (OSError, ValueError) as error:
        near = near_names(data, DATASETS) or near_names(path.name, _beside(path))
        raise DataError(
            f"No data at '{data}'{_reason(error)}.{near} Expected a folder of images, a list file, or one of: {', '.join(DATASETS)}."
        ) from None
    if not data.strip() or not (path.is_dir() or path.is_file()):
        raise DataError(
            f"'{data}' is neither a folder nor a file. Expected a folder of images, a list file, or one of: {', '.join(DATASETS)}."
        )
    return path


def _reason(error: Exception) -> str:
    return "" if isinstance(error, FileNotFoundError) else f" ({getattr(error, 'strerror', None) or error})"


def _beside(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)  # noqa: PTH208 - names alone
    except (OSError, ValueError):
        return []
