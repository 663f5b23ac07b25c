"""Data sets by name: found on this machine or downloaded once, and listed."""

import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from filelock import FileLock

from kclassify.data.sources import archives, digits, folders, imagenet, pack
from kclassify.data.sources.listing import Listing
from kclassify.errors import DataError, SetupError, near_names
from kclassify.presets.datasets import DATASETS, DatasetRow
from kclassify.remote import download
from kclassify.remote.cache import cache_folder

Progress = Callable[[int, int], None]

_PACK = "pack-1"  # count up when what a reader makes of its archive changes


def listings(name: str, *, splits: Collection[str] = ("train", "val"), progress: Progress | None = None) -> dict[str, Listing]:
    """The parts `splits` of the data set called `name`, by "train" and "val".

    Its files are looked for in `KCLASSIFY_DATASETS/name`, which is never written to, and in `data/name` of the cache. What is missing is
    downloaded there once, checked and turned into a pack: JPEG files stay what they are, pixels become PNG files of the same pixels.
    ImageNet is not downloaded and not copied; its images are read inside its own archives.

    Args:
        progress: called with (bytes or archives so far, bytes or archives in all).

    Raises:
        DataError: no such name, or files are missing or not the published ones; the message says which to put where.
        SetupError: no connection, or no room on the disk.
    """
    if name not in DATASETS:
        raise DataError(f"No data set is named '{name}'.{near_names(name, DATASETS)} Known: {', '.join(DATASETS)}.")
    row = DATASETS[name]
    if row.form == "digits":
        found = folders.parts(digits.folder())[0]
    elif row.form == "imagenet":
        found = _local(row, splits, progress)
    else:
        found = pack.listings(_packed(row, progress))
    return {split: found[split] for split in splits}


def _places(row: DatasetRow) -> list[Path]:
    """Where the files of a data set may lie; the last place is the cache's, the only one that is written to."""
    given = os.environ.get("KCLASSIFY_DATASETS")
    return [*([Path(given).expanduser() / row.name] if given else []), cache_folder() / "data" / row.name]


def _local(row: DatasetRow, splits: Collection[str], progress: Progress | None) -> dict[str, Listing]:
    root = next((place for place in _places(row) if place.is_dir()), _places(row)[-1])
    train, val, devkit = row.files
    ways = {
        "train": (lambda: imagenet.train(root, row, progress), f"{train.name} or train/n01440764/*.JPEG"),
        "val": (lambda: imagenet.val(root, row), f"{val.name} with {devkit.name}, or val/n01440764/*.JPEG"),
    }
    found = {split: ways[split][0]() for split in splits}
    missing = [ways[split][1] for split, listing in found.items() if listing is None]
    if missing:
        raise DataError(
            f"Data set '{row.name}' is not in {root} (image-net.org gives it to those who register).\n"
            f"Put there: {'; and '.join(missing)}.\nWhere it lies elsewhere: KCLASSIFY_DATASETS=FOLDER, with FOLDER/{row.name}"
        )
    return {split: listing for split, listing in found.items() if listing}


def _packed(row: DatasetRow, progress: Progress | None) -> Path:
    """The folder of the set's pack; the first process makes it, others wait."""
    home = _places(row)[-1]
    final = home / _PACK
    if final.is_dir():
        return final
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / ".lock"):
            if not final.is_dir():
                _make(row, _files(row, progress), final)
    except OSError as error:
        raise SetupError(
            f"Cannot make {final}: {error.strerror or error}.\nMake room, or name another folder: KCLASSIFY_CACHE=FOLDER"
        ) from error
    return final


def _files(row: DatasetRow, progress: Progress | None) -> list[Path]:
    """The published files, each from the first place that has it; `progress` counts the bytes of all."""
    total, before, found = sum(file.size or 0 for file in row.files), 0, []
    for file in row.files:
        counted = (lambda done, _, before=before: progress(before + done, total)) if progress else None
        place = next((place for place in _places(row) if (place / file.name).exists()), _places(row)[-1])
        found.append(download.fetch(file, place, progress=counted))
        before += file.size or 0
    return found


def _make(row: DatasetRow, files: list[Path], final: Path) -> None:
    for left in final.parent.glob(f".{_PACK}-*"):  # of a process that was killed: whoever holds the lock is alone
        shutil.rmtree(left, ignore_errors=True)
    try:
        splits, class_names = archives.READERS[row.form](row, files)
        pack.write(final, splits, class_names)
    except archives.BROKEN as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{files[0]} cannot be read as {row.name}: {reason}.\nDelete it to have it downloaded again.") from error
