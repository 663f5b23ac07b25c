"""Class folders: images that lie in one folder a class, in the layouts that people and archives make."""

import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from kclassify.data.images.decode import SUFFIXES
from kclassify.data.sources import class_names
from kclassify.data.sources.listing import Listing
from kclassify.errors import DataError

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# Left behind by systems, and no one's data; whatever begins with a dot is not looked at either.
_LITTER = {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found"}
_LIST_SUFFIXES = (".csv", ".tsv", ".jsonl")


def parts(root: Path, known: Collection[str] = ()) -> tuple[dict[str, Listing], list[str]]:
    """The listings "train", "val" and "test" of a folder, as far as it has them, and lines worth telling the user.

    A folder without `train/` is all "train". Beside `val/`, a `test/` is left alone.

    Raises:
        DataError: no class folder with images, or a layout that can be read in two ways.
        OSError: a folder cannot be read.
    """
    notes: list[str] = []
    found = splits(root)
    if not found:
        _refuse_a_stray_split(root)
        return {"train": _class_folders(root, notes)}, notes
    _note_loose_images(root, notes)
    _note_stray_folders(root, found, notes)
    if "test" in found and ("val" in found or ("train" in found and not subfolders(found["test"]))):
        path = found.pop("test")
        what = f"to judge on it: kclassify eval RUN --data {path}" if subfolders(path) else "it has no class folders"
        notes.append(f"{path} is not used; {what}")
    listings: dict[str, Listing] = {}
    for split, path in found.items():  # "train" comes first
        names = listings["train"].class_names if "train" in listings else known
        listings[split] = _class_folders(lone_folder(path, names) or path, notes)
    return listings, notes


def splits(root: Path) -> dict[str, Path]:
    """The folders of the parts "train", "val" and "test"; empty where `root` holds classes, one of which may be called `train`."""
    folders = subfolders(root)
    found: dict[str, Path] = {}
    for item in folders:
        split = SPLITS.get(item.name.lower())
        if split in found:
            raise DataError(f"'{root}' holds both {found[split].name}/ and {item.name}/. Expected one of them; rename or move the other.")
        if split:
            found[split] = Path(item.path)
    if len(found) < len(folders) and not ("train" in found and subfolders(found["train"])):
        return {}
    if list(found) == ["train"] and splits(found["train"]):  # an archive that is called so
        return {}
    return {split: found[split] for split in ("train", "val", "test") if split in found}


def lone_folder(root: Path, known: Collection[str] = ()) -> Path | None:
    """The folder inside `root` in which the data set really begins, or None where it begins at `root`.

    Raises:
        DataError: several folders are data sets of their own, or one is and there are images beside it.
    """
    folders = subfolders(root)
    if not folders or _loose_images(root):
        return None
    nested = [item for item in folders if _is_nested_split(Path(item.path))]
    if nested:
        beside = [item.name for item in folders if item != nested[0] and _has_images(item.path)]
        if beside:
            raise DataError(
                f"'{root}' holds several data sets: {nested[0].name}/ has a train/ of its own, and there are images in {beside[0]}/ too.\n"
                f"Expected class folders, or train/ and val/ above them. Or name one, such as --data {nested[0].path}"
            )
        return Path(nested[0].path)
    inner = Path(folders[0].path)
    if len(folders) > 1 or inner.name in known or _loose_images(inner):
        return None
    return inner if subfolders(inner) or _files(inner) else None


def _is_nested_split(folder: Path) -> bool:
    """Whether a folder holds nothing but parts. A few quick looks come first, for it is asked of every class folder."""
    if not any((folder / name).is_dir() for name in ("train", "Train", "training", "Training")):
        return False
    found = splits(folder)
    return len(found) == len(subfolders(folder)) and "train" in found and bool(subfolders(found["train"]))


def _refuse_a_stray_split(root: Path) -> None:
    for item in subfolders(root):
        if SPLITS.get(item.name.lower(), "train") != "train":
            raise DataError(
                f"'{root}' holds {item.name}/ beside class folders. Expected the class folders in {root}/train and {root}/{item.name}.\n"
                f"If '{item.name}' is a class, rename it; if not, move it out and type --val FOLDER."
            )


def _note_stray_folders(root: Path, found: dict[str, Path], notes: list[str]) -> None:
    stray = sorted({item.name for item in subfolders(root)} - {path.name for path in found.values()})
    if list(found) == ["train"] and any(_has_images(root / name) for name in stray):
        raise DataError(
            f"'{root}' holds {found['train'].name}/ and images in {class_names.some(stray)} beside it: a part of a data set, or a class?\n"
            f"To train on the part alone: --data {found['train']}. If '{found['train'].name}' is a class, rename it."
        )
    if stray:
        notes.append(f"folders in {root} that are not looked at: {class_names.some(stray)}")


def _has_images(folder: str | Path) -> bool:
    return any(_images(str(folder), "", Counter(), ()))


def _note_loose_images(root: Path, notes: list[str]) -> int:
    loose = _loose_images(root)
    if loose:
        notes.append(f"images without class folder in {root} that are not used: {loose}")
    return loose


def _class_folders(root: Path, notes: list[str]) -> Listing:
    """One folder a class; images may lie in folders below it."""
    others: Counter[str] = Counter()
    loose = _note_loose_images(root, notes)
    folders = sorted(subfolders(root), key=lambda item: class_names.counting_order(item.name))
    images = {item.name: sorted(_images(item.path, item.name, others, (_identity(root),))) for item in folders}
    names = tuple(name for name, files in images.items() if files)
    if not names:
        raise DataError(_nothing_in(root, loose))
    class_names.check(names, str(root))
    empty = [name for name, files in images.items() if not files]
    if empty:
        notes.append(f"folders in {root} without an image, which are no classes: {class_names.some(empty)}")
    paths = tuple(path for name in names for path in images[name])
    labels = tuple(label for label, name in enumerate(names) for _ in images[name])
    return Listing(root.resolve(), paths, labels, names, others)


def _nothing_in(root: Path, loose: int) -> str:
    what = f"{loose} images without class folders" if loose else "no images"
    lists = sorted(item.path for item in _files(root) if suffix(item.name) in _LIST_SUFFIXES)
    hint = f"\nOr name the list of their labels: --data {lists[0]}" if loose and lists else ""
    return f"'{root}' holds {what}. Expected one folder a class, such as {root}/cat/1.jpg and {root}/dog/1.jpg, or train/ and val/.{hint}"


def suffix(name: str) -> str:
    """The ending of a file's name in lower case, such as `.jpg`; a Path for each of a million names costs seconds."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [item for item in entries if not item.name.startswith(".") and item.name.lower() not in _LITTER]


def subfolders(folder: str | Path) -> list[os.DirEntry[str]]:
    """The folders in a folder by name, without what is hidden."""
    return sorted((item for item in _entries(folder) if _is_folder(item)), key=lambda item: item.name)


def _files(folder: str | Path) -> list[os.DirEntry[str]]:
    return [item for item in _entries(folder) if not _is_folder(item)]


def _loose_images(folder: Path) -> int:
    return sum(suffix(item.name) in SUFFIXES for item in _files(folder))


def _identity(folder: str | Path) -> tuple[int, int]:
    status = Path(folder).stat()
    return (status.st_dev, status.st_ino)


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
        elif suffix(item.name) in SUFFIXES:
            yield f"{relative}/{item.name}"
        else:
            others[suffix(item.name)] += 1
