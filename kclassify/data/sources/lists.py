"""Lists of images: `path label` text, CSV and JSON Lines, with the file and line of whatever is wrong in them."""

import ast
import csv
import functools
import io
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
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
_ONE_LABEL = "Expected one label a picture; several are read with --multi-label."
_COLUMNS = f"a column for the path ({', '.join(PATH_COLUMNS)}) and one for the label ({', '.join(LABEL_COLUMNS)})"


class Row(NamedTuple):
    """One line of a list, not checked against the others yet. Each of `labels` is a name or a whole number, as text."""

    line: int
    path: str
    labels: tuple[str, ...]
    split: str = "train"


_Cells = tuple[int, str, tuple[str, ...], str]  # a Row whose path and split may be anything


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


def folder_parts(
    files: Mapping[str, Path], known: tuple[str, ...] | None = None, *, multi_label: bool = False
) -> tuple[dict[str, Listing], list[str]]:
    """The listings of a folder's lists, and lines worth telling the user; beside a list for "val" one for "test" is left alone."""
    listings, notes = parts(files["train"], known, multi_label=multi_label)
    notes.insert(0, f"the images are those of {files['train']}")
    for split in ("val", "test"):
        if split in files and "train" in listings and not (split == "test" and "val" in listings):
            found, more = parts(files[split], listings["train"].class_names, multi_label=multi_label)
            listings[split] = next(iter(found.values()))
            notes += more
    return listings, notes


def parts(path: Path, known: tuple[str, ...] | None = None, *, multi_label: bool = False) -> tuple[dict[str, Listing], list[str]]:
    """The listings "train", "val" and "test" of a list file (all "train" without a column for it), and lines worth telling the user.

    Paths are relative to the list's folder. Whole numbers count the classes from 0, in the order of `known` or of a `*label_list.txt`
    beside the list; names are counted in the same order, or sorted where there is none. Numbers that are all names of classes are names.

    Args:
        known: the class names that a model or a training set has decided.
        multi_label: a picture may have several labels or none: `cat;dog` or an empty field in CSV, a JSON list, in text PaddleClas'
            `path 0,1,0` with a 0 or 1 for every class.

    Raises:
        DataError: a line cannot be used; the message names the file and the line.
        OSError: the file cannot be read.
    """
    rows, repeated = _distinct(list(_rows(path, multi_label)), path)
    notes = [f"lines of {path} that name an image a second time and are left out: {repeated}"] if repeated else []
    listed = known or _label_list(path.parent)
    is_text = suffix(path.name) not in _READERS
    if is_text and any(len(row.labels) > 1 for row in rows):
        listed = listed or tuple(map(str, range(len(rows[0].labels))))
        rows = _from_vectors(rows, len(listed), path)
    trained = [row for row in rows if row.split == "train"] or rows
    if is_text or _by_number(rows, listed, path):
        names = known or _number_names(trained, listed, path)
        number = _numbers(rows, names, path)
    else:
        names = listed or _sorted_names(trained, path)
        number = _named(rows, names, path)
    return _listings(rows, names, number, path.parent.resolve(), multi_label), notes


def _listings(rows: list[Row], names: tuple[str, ...], number: Mapping[str, int], root: Path, multi_label: bool) -> dict[str, Listing]:
    """The rows by their part; `number` is that of every label that occurs."""
    classes = [tuple(sorted(number[label] for label in row.labels)) for row in rows]
    sets = tuple(sorted(set(classes))) if multi_label else None
    place = {own: label for label, own in enumerate(sets if sets is not None else ((number,) for number in range(len(names))))}
    listings = {}
    for split in dict.fromkeys(row.split for row in rows):
        group = [(row.path, place[own]) for row, own in zip(rows, classes, strict=True) if row.split == split]
        paths, labels = (tuple(column) for column in zip(*group, strict=True))
        listings[split] = Listing(root, paths, labels, names, label_sets=sets)
    return listings


def _from_vectors(rows: list[Row], classes: int, path: Path) -> list[Row]:
    """The rows of a text list with the numbers of their classes, where each line has a 0 or 1 for every class."""
    for row in rows:
        if len(row.labels) != classes or not set(row.labels) <= {"0", "1"}:
            raise DataError(
                f"{path}:{row.line}: the labels are {','.join(row.labels)[:60]!r}. Expected a 0 or 1 for each of {classes} classes, "
                "with commas in between."
            )
    return [row._replace(labels=tuple(str(place) for place, has in enumerate(row.labels) if has == "1")) for row in rows]


def _by_number(rows: list[Row], known: tuple[str, ...], path: Path) -> bool:
    """Whether the labels are class numbers; a name among numbers is a slip of the pen and no new class."""
    labels = dict(_first_rows(rows))
    if not labels or labels.keys() <= set(known):
        return False
    counted = {label for label in labels if _WHOLE_NUMBER.fullmatch(label)}
    if counted and counted != labels.keys():
        label, row = next((label, row) for label, row in labels.items() if label not in counted)
        raise DataError(f"{path}:{row.line}: the label is the name {label!r}, others are whole numbers. Expected all names or all numbers.")
    return bool(counted)


def _number_names(rows: list[Row], listed: tuple[str, ...], path: Path) -> tuple[str, ...]:
    label, row = max(_first_rows(rows), key=lambda item: int(item[0]), default=("-1", rows[0]))
    if int(label) >= max(1000, 10 * len(rows), len(listed)):
        raise DataError(f"{path}:{row.line}: label {label} with {len(rows)} images in all. Expected labels that count the classes from 0.")
    return (*listed, *(str(number) for number in range(len(listed), int(label) + 1)))


def _sorted_names(rows: list[Row], path: Path) -> tuple[str, ...]:
    names = tuple(sorted(dict(_first_rows(rows)), key=class_names.counting_order))
    class_names.check(names, str(path))
    return names


def _numbers(rows: list[Row], names: tuple[str, ...], path: Path) -> dict[str, int]:
    for label, row in _first_rows(rows):
        if int(label) >= len(names):
            raise DataError(f"{path}:{row.line}: label {label} found, but there are {len(names)} classes (0 to {len(names) - 1}).")
    return {label: int(label) for label, _ in _first_rows(rows)}


def _named(rows: list[Row], names: tuple[str, ...], path: Path) -> dict[str, int]:
    return class_names.numbers({label: f"{path}:{row.line}" for label, row in _first_rows(rows)}, names)


def _first_rows(rows: Iterable[Row]) -> Iterable[tuple[str, Row]]:
    """Every label that occurs, with the first row that has it, in the order of the rows."""
    found: dict[str, Row] = {}
    for row in rows:
        for label in row.labels:
            found.setdefault(label, row)
    return found.items()


def _distinct(rows: list[Row], path: Path) -> tuple[list[Row], int]:
    """The rows without those that repeat another, which would put one image on both sides of a split, and how many these were."""
    found: dict[str, Row] = {}
    for row in rows:
        first = found.setdefault(os.path.normpath(row.path), row)
        if (first.labels, first.split) != (row.labels, row.split):
            told = f"({_shown(first)}, {first.split}) and here ({_shown(row)}, {row.split})"
            raise DataError(f"{path}:{row.line}: {row.path} stands in line {first.line} already {told}. Expected one line for an image.")
    return list(found.values()), len(rows) - len(found)


def _shown(row: Row) -> str:
    return ";".join(row.labels) or "no label"


def _rows(path: Path, multi_label: bool) -> Iterator[Row]:
    count = 0
    for line, image, labels, split in _READERS.get(suffix(path.name), _text_rows)(path, multi_label):
        where = f"{path}:{line}"
        if not _is_name(image) or not all(labels):
            raise DataError(f"{where}: no {'path' if all(labels) else 'label'} in this line. Expected a path and a label.")
        if split.lower() not in SPLITS:
            raise DataError(f"{where}: unknown split {split!r}. Expected train, val or test.")
        count += 1
        yield Row(line, _with_slashes(image, path.parent), labels, SPLITS[split.lower()])
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


def _text_rows(path: Path, multi_label: bool) -> Iterator[_Cells]:
    """PaddleClas' forms: `path label` a line, with a whole number as label, or with a 0 or 1 for every class: `path 0,1,0`."""
    for number, line in enumerate(io.StringIO(_text(path), newline=None), start=1):
        if line.strip():
            match = re.fullmatch(r"(.*\S)\s+([0-9]{1,7}(?:,[0-9]{1,7})*)\s*", line)
            labels = tuple(str(int(label)) for label in match[2].split(",")) if match else ()
            if match and len(labels) > 1 and not multi_label:
                raise DataError(f"{path}:{number}: several labels, {match[2][:60]}. {_ONE_LABEL}")
            if not match:
                raise DataError(
                    f"{path}:{number}: expected 'path label' with a whole number as label, got {line.strip()[:60]!r}.\n"
                    "For labels that are names use a .csv file whose first line is: path,label"
                )
            yield number, match[1].strip(), labels, "train"


def _csv_rows(path: Path, multi_label: bool) -> Iterator[_Cells]:
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
                if multi_label and len(fields) <= names.index(str(_columns(names)[1])):  # an empty field is another thing: no label
                    raise DataError(
                        f"{where}: no field for the labels in this line. Expected {len(names)} fields; an empty one is no label."
                    )
                yield reader.line_num, *_fields(dict(itertools.zip_longest(names, fields, fillvalue="")), where, multi_label)
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: not a line of CSV ({error}). Expected each quote to be closed.") from None


def _json_rows(path: Path, multi_label: bool) -> Iterator[_Cells]:
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
        yield number, *_fields(values, f"{path}:{number}", multi_label)


_READERS = {".csv": _csv_rows, ".tsv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows, ".json": _json_rows}


@functools.lru_cache(16)
def _columns(names: tuple[str, ...]) -> tuple[str | None, ...]:
    """The names of the columns with the path, the label and the split."""
    plain = {name.strip().lower().replace("_", ""): name for name in reversed(names)}
    return tuple(next((plain[name] for name in wanted if name in plain), None) for wanted in (PATH_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS))


def _check_columns(names: tuple[str, ...], where: str) -> None:
    if None in _columns(names)[:2]:
        raise DataError(f"{where}: found the columns {class_names.some(names)[:60]!r}.\nExpected {_COLUMNS}.")


def _fields(values: Mapping[str, Any], where: str, multi_label: bool) -> tuple[str, tuple[str, ...], str]:
    """Path, labels and split of a row of named values; a column that the row is too short for is empty."""
    path, label, split = (values.get(name, "") if name else "train" for name in _columns(tuple(values)))
    if not isinstance(path, str):
        raise DataError(f"{where}: the path is {path!r}. Expected text.")
    return path.strip(), (_several if multi_label else _one)(label, where), str(split).strip()


def _several(value: Any, where: str) -> tuple[str, ...]:
    """All labels of a picture, each once: of a list, or of text such as `cat;dog`, `cat|dog`, `['cat', 'dog']`, or none of an empty one."""
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise DataError(f"{where}: the labels are {value[:60]!r}. Expected names with semicolons, or a list.") from None
    elif isinstance(value, str):
        value = [label for label in re.split("[;|]", value) if label.strip()]
    return tuple(sorted({_label(label, where) for label in (value if isinstance(value, list) else [value])}))


def _one(value: Any, where: str) -> tuple[str]:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list) or (isinstance(value, str) and _SEVERAL.search(value.strip())):
        raise DataError(f"{where}: several labels, {str(value)[:60]}. {_ONE_LABEL}")
    return (_label(value, where),)


def _label(value: Any, where: str) -> str:
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
