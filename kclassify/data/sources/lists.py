"""Lists of images: `path label` text, CSV and JSON Lines, with the file and line of whatever is wrong in them."""

import csv
import functools
import io
import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kclassify.data.sources import class_names
from kclassify.data.sources.folders import SPLITS, splits, subfolders, suffix
from kclassify.data.sources.listing import Listing
from kclassify.errors import DataError

# Names of columns in the order in which they are taken, without case and underscores; `file_name` is Hugging Face's.
PATH_COLUMNS = ("path", "filepath", "file", "filename", "image", "imagepath")
LABEL_COLUMNS = ("label", "labels", "class", "target")
SPLIT_COLUMNS = ("split",)
_LABEL_LIST = "*label_list.txt"
_WHOLE_NUMBER = re.compile(r"[0-9]{1,7}")
_SEVERAL = re.compile(r"[;|]|^\[.*\]$")
_COLUMNS = f"a column for the path ({', '.join(PATH_COLUMNS)}) and one for the label ({', '.join(LABEL_COLUMNS)})"


class Row(NamedTuple):
    """One line of a list, not checked against the others yet. `label` is a name or a whole number, as text."""

    line: int
    path: str
    label: str
    split: str = "train"


def in_folder(folder: Path) -> dict[str, Path]:
    """The lists of a folder by their part: `train_list.txt`, `train.csv`, `train.tsv` or `train.jsonl`, and so for val and test.

    Class folders in `train/` go before all but `train_list.txt`, for a table beside them may be about anything.
    """
    train = splits(folder).get("train")
    endings = ("_list.txt",) if train and subfolders(train) else ("_list.txt", ".csv", ".tsv", ".jsonl")
    found: dict[str, Path] = {}
    for name, split in SPLITS.items():
        for ending in endings:
            if (folder / f"{name}{ending}").is_file():
                found.setdefault(split, folder / f"{name}{ending}")
    return found if "train" in found else {}


def folder_parts(files: Mapping[str, Path], known: tuple[str, ...] | None = None) -> tuple[dict[str, Listing], list[str]]:
    """The listings of a folder's lists, and lines worth telling the user; beside a list for "val" one for "test" is left alone."""
    listings, notes = parts(files["train"], known)
    notes.insert(0, f"the images are those of {files['train']}")
    for split in ("val", "test"):
        if split in files and "train" in listings and not (split == "test" and "val" in listings):
            found, more = parts(files[split], listings["train"].class_names)
            listings[split] = next(iter(found.values()))
            notes += more
    return listings, notes


def parts(path: Path, known: tuple[str, ...] | None = None) -> tuple[dict[str, Listing], list[str]]:
    """The listings "train", "val" and "test" of a list file (all "train" without a column for it), and lines worth telling the user.

    Paths are relative to the list's folder. Whole numbers count the classes from 0, in the order of `known` or of a `*label_list.txt`
    beside the list; names are counted in the same order, or sorted where there is none. Numbers that are all names of classes are names.

    Args:
        known: the class names that a model or a training set has decided.

    Raises:
        DataError: a line cannot be used; the message names the file and the line.
        OSError: the file cannot be read.
    """
    rows, repeated = _distinct(list(_rows(path)), path)
    notes = [f"lines of {path} that name an image a second time and are left out: {repeated}"] if repeated else []
    listed = known or _label_list(path.parent)
    trained = [row for row in rows if row.split == "train"] or rows
    if suffix(path.name) not in _READERS or _by_number(rows, listed, path):
        names = known or _number_names(trained, listed, path)
        number = _numbers(rows, names, path)
    else:
        names = listed or _sorted_names(trained, path)
        number = _named(rows, names, path)
    listings = {}
    for split in dict.fromkeys(row.split for row in rows):
        group = [row for row in rows if row.split == split]
        listings[split] = Listing(path.parent.resolve(), tuple(row.path for row in group), tuple(number[row.label] for row in group), names)
    return listings, notes


def _by_number(rows: list[Row], known: tuple[str, ...], path: Path) -> bool:
    """Whether the labels are class numbers; a name among numbers is a slip of the pen and no new class."""
    labels = {row.label for row in rows}
    if not labels or labels <= set(known):
        return False
    counted = {label for label in labels if _WHOLE_NUMBER.fullmatch(label)}
    if counted and counted != labels:
        first = next(row for row in rows if row.label not in counted)
        raise DataError(
            f"{path}:{first.line}: the label is the name {first.label!r}, others are whole numbers. Expected all names or all numbers."
        )
    return bool(counted)


def _number_names(rows: list[Row], listed: tuple[str, ...], path: Path) -> tuple[str, ...]:
    last = max(rows, key=lambda row: int(row.label))
    if int(last.label) >= max(1000, 10 * len(rows), len(listed)):
        raise DataError(
            f"{path}:{last.line}: label {last.label} with {len(rows)} images in all. Expected labels that count the classes from 0."
        )
    return (*listed, *(str(number) for number in range(len(listed), int(last.label) + 1)))


def _sorted_names(rows: list[Row], path: Path) -> tuple[str, ...]:
    names = tuple(sorted({row.label for row in rows}, key=class_names.counting_order))
    class_names.check(names, str(path))
    return names


def _numbers(rows: list[Row], names: tuple[str, ...], path: Path) -> dict[str, int]:
    for row in rows:
        if int(row.label) >= len(names):
            raise DataError(f"{path}:{row.line}: label {row.label} found, but there are {len(names)} classes (0 to {len(names) - 1}).")
    return {row.label: int(row.label) for row in rows}


def _named(rows: list[Row], names: tuple[str, ...], path: Path) -> dict[str, int]:
    first = {row.label: f"{path}:{row.line}" for row in reversed(rows)}
    return class_names.numbers(dict(reversed(first.items())), names)


def _distinct(rows: list[Row], path: Path) -> tuple[list[Row], int]:
    """The rows without those that repeat another, which would put one image on both sides of a split, and how many these were."""
    found: dict[str, Row] = {}
    for row in rows:
        first = found.setdefault(os.path.normpath(row.path), row)
        if (first.label, first.split) != (row.label, row.split):
            told = f"({first.label}, {first.split}) and here ({row.label}, {row.split})"
            raise DataError(
                f"{path}:{row.line}: {row.path} stands in line {first.line} already {told}. Expected one label and one part for an image."
            )
    return list(found.values()), len(rows) - len(found)


def _rows(path: Path) -> Iterator[Row]:
    count = 0
    for line, image, label, split in _READERS.get(suffix(path.name), _text_rows)(path):
        where = f"{path}:{line}"
        if not _is_name(image) or not label:
            raise DataError(f"{where}: no {'path' if label else 'label'} in this line. Expected a path and a label.")
        if split.lower() not in SPLITS:
            raise DataError(f"{where}: unknown split {split!r}. Expected train, val or test.")
        count += 1
        yield Row(line, _with_slashes(image, path.parent), label, SPLITS[split.lower()])
    if not count:
        raise DataError(f"{path}: no line with an image in it. Expected lines of the form 'path label', or {_COLUMNS}.")


def _is_name(image: str) -> bool:
    """Whether a file can be called so on this system; JSON may hold what cannot."""
    try:
        return bool(image) and b"\0" not in os.fsencode(image)
    except UnicodeEncodeError:
        return False


def _with_slashes(image: str, folder: Path) -> str:
    """A path as Windows writes it, read on other systems; unless a file is really called so."""
    return image.replace("\\", "/") if "\\" in image and os.sep == "/" and not (folder / image).exists() else image


def _text_rows(path: Path) -> Iterator[tuple[int, str, str, str]]:
    """PaddleClas' form: one `path label` a line, with a whole number as label."""
    for number, line in enumerate(io.StringIO(_text(path), newline=None), start=1):
        if line.strip():
            match = re.fullmatch(r"(.*\S)\s+([0-9]{1,7})\s*", line)
            if not match:
                raise DataError(
                    f"{path}:{number}: expected 'path label' with a whole number as label, got {line.strip()[:60]!r}.\n"
                    "For labels that are names use a .csv file whose first line is: path,label"
                )
            yield number, match[1].strip(), str(int(match[2])), "train"


def _csv_rows(path: Path) -> Iterator[tuple[int, str, str, str]]:
    text = _text(path)
    header = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",\t;", key=header.count), skipinitialspace=True, strict=True)
    names: tuple[str, ...] = ()
    try:
        for fields in reader:
            where = f"{path}:{reader.line_num}"
            if not names:
                names = tuple(fields)
                _check_columns(names, where)
            elif len(fields) > len(names):
                raise DataError(f"{where}: {len(fields)} fields, but {len(names)} columns. Expected quotes around a field with commas.")
            elif any(fields):
                yield reader.line_num, *_fields(dict(itertools.zip_longest(names, fields, fillvalue="")), where)
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: not a line of CSV ({error}). Expected each quote to be closed.") from None


def _json_rows(path: Path) -> Iterator[tuple[int, str, str, str]]:
    for number, line in enumerate(io.StringIO(_text(path), newline=None), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            example = '{"path": "1.jpg", "label": "cat"}'
            raise DataError(f"{path}:{number}: expected one JSON object a line, such as {example}, got {line.strip()[:60]!r}.")
        _check_columns(tuple(values), f"{path}:{number}")
        yield number, *_fields(values, f"{path}:{number}")


_READERS = {".csv": _csv_rows, ".tsv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows, ".json": _json_rows}


@functools.lru_cache(16)
def _columns(names: tuple[str, ...]) -> tuple[str | None, ...]:
    """The names of the columns with the path, the label and the split."""
    plain = {name.strip().lower().replace("_", ""): name for name in reversed(names)}
    return tuple(next((plain[name] for name in wanted if name in plain), None) for wanted in (PATH_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS))


def _check_columns(names: tuple[str, ...], where: str) -> None:
    if None in _columns(names)[:2]:
        raise DataError(f"{where}: found the columns {class_names.some(names)[:60]!r}.\nExpected {_COLUMNS}.")


def _fields(values: Mapping[str, Any], where: str) -> tuple[str, str, str]:
    """Path, label and split of a row of named values; a column that the row is too short for is empty."""
    path, label, split = (values.get(name, "") if name else "train" for name in _columns(tuple(values)))
    if not isinstance(path, str):
        raise DataError(f"{where}: the path is {path!r}. Expected text.")
    return path.strip(), _label(label, where), str(split).strip()


def _label(value: Any, where: str) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list) or (isinstance(value, str) and _SEVERAL.search(value.strip())):
        raise DataError(f"{where}: several labels, {str(value)[:60]}. Expected one label a picture.")
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise DataError(f"{where}: the label is {value!r}. Expected a name or a whole number.")
    return str(value).strip()


def _label_list(folder: Path) -> tuple[str, ...]:
    """The names in a `*label_list.txt`, one `number name` a line; a number without a name is its own name."""
    names: dict[int, str] = {}
    for file in sorted(folder.glob(_LABEL_LIST))[:1]:
        for number, line in enumerate(io.StringIO(_text(file), newline=None), start=1):
            match = re.fullmatch(r"\s*([0-9]{1,7})\s+(\S.*?)\s*", line)
            if line.strip() and not match:
                raise DataError(f"{file}:{number}: expected 'label name', such as '0 cat', got {line.strip()[:60]!r}.")
            if match and names.setdefault(int(match[1]), match[2]) != match[2]:
                raise DataError(
                    f"{file}:{number}: label {match[1]} is {names[int(match[1])]!r} in a line above. Expected one name a label."
                )
    return tuple(names.get(number, str(number)) for number in range(max(names, default=-1) + 1))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)  # first, for a wrong file may be an archive of any size
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise DataError(f"{path}: UTF-16 text. Expected UTF-8; save it anew in that encoding.")
        if b"\0" in head:
            raise DataError(f"{path}: not a text file. Expected a folder of images, or a list with 'path label' lines.")
        return (head + file.read()).decode("utf-8-sig", errors="surrogateescape")  # names of files may be any bytes
