"""What a person wants to know of a data set before a model is trained on it: counts, sizes, and what is wrong with it."""

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kclassify.data import dataset, duplicates, sources
from kclassify.data import index as indexes
from kclassify.data.dataset import Dataset
from kclassify.data.index import Index
from kclassify.data.sources import Source
from kclassify.data.sources.class_names import match_classes
from kclassify.errors import DataError

FEW_IMAGES = 10  # to train on, below which a class is told
# Findings that make `--strict` fail; the others may be meant.
SERIOUS = ("class_problems", "bad_files", "duplicates_across_splits", "label_conflicts")

_Progress = Callable[[str, int, int], None]
_Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """What was found; its fields are the keys of the JSON document.

    `splits`: images, classes and bytes of train and val. `classes`: of each class the images to train and to validate on, the largest
    first. `balance`: the largest and the smallest class, and how many times larger. `sizes`: min, median and max of width and height in
    pixels, upright, and of width / height. `formats`: images by format. `crop`: the share of the area that the centre crop does not show,
    on average and at worst. `findings` by kind: texts for class_problems; path and reason for bad_files; rows of `classes` for
    small_classes; for all others `match` (exact: the same bytes; near: alike to the eye) and `images` with split, class and path.
    """

    data: str
    splits: _Facts
    classes: tuple[_Facts, ...]
    balance: _Facts | None
    sizes: _Facts | None
    formats: _Facts
    crop: _Facts | None
    findings: Mapping[str, tuple[Any, ...]]
    notes: tuple[str, ...]

    def serious(self) -> dict[str, int]:
        """How many findings there are of each kind that should stop a training."""
        return {kind: len(self.findings[kind]) for kind in SERIOUS if self.findings[kind]}

    def to_json(self) -> dict[str, Any]:
        """The report as `kclassify data check --json` prints it."""
        return {"schema_version": 1, **dataclasses.asdict(self)}


def check(
    data: str,
    val: str | None,
    *,
    val_fraction: float,
    seed: int,
    crop_pct: float,
    multi_label: bool = False,
    progress: _Progress | None = None,
) -> Report:
    """Look at every image of a data set, as it would be split for training.

    Args:
        crop_pct: of the preset: the share of the short side that the centre crop keeps.
        multi_label: lists may have several labels a picture.
        progress: called with (what is done, images done, images in all).

    Raises:
        DataError: nothing can be listed there. What only training refuses - one class, no usable file - is among the findings.
    """
    tell = progress or (lambda title, done, total: None)
    how: dict[str, Any] = {"val_fraction": val_fraction, "seed": seed, "multi_label": multi_label}
    found, problems = _load(data, val, how, lambda done, total: tell("indexing", done, total))
    images = _Images(found)
    prints = duplicates.fingerprints((found.train, found.val), lambda done, total: tell("comparing", done, total))
    bad = [{"path": _shown(part, path), "reason": reason} for part in (found.train, found.val) for path, reason in part.bad]
    bad += [{"path": images.names[row], "reason": reason} for row, reason in prints.bad]
    classes = _classes(found)
    findings = {
        "class_problems": (*problems, *_without_images(classes)),
        "bad_files": tuple(bad),
        **_same_images(images, prints),
        "small_classes": tuple(row for row in classes if 0 < row["train"] < FEW_IMAGES),
    }
    splits = {name: _split(part) for name, part in (("train", found.train), ("val", found.val))}
    formats = dict(Counter(images.formats.tolist()).most_common())
    return Report(data, splits, classes, _balance(classes), _sizes(images), formats, _crop(images, crop_pct), findings, _notes(found))


class _Images:
    """The images of both parts of a data set in one column each."""

    def __init__(self, data: Dataset):
        parts = (data.train, data.val)
        numbers: dict[tuple[int, ...], int] = {}  # of label sets, which the two parts may number differently
        self.labels = np.array([numbers.setdefault(part.classes_of(label), len(numbers)) for part in parts for label in part.labels])
        self.classes = [";".join(data.train.class_names[number] for number in classes) for classes in numbers]
        self.names = [_shown(part, path) for part in parts for path in part.paths]
        self.splits = np.repeat(["train", "val"], [len(part) for part in parts])
        self.heights, self.widths, self.formats = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("heights", "widths", "formats")
        )

    def group(self, rows: np.ndarray, match: str) -> _Facts:
        """Images that are the same, as a finding; `match` is exact or near."""
        images = [{"split": str(self.splits[row]), "class": self.classes[self.labels[row]], "path": self.names[row]} for row in rows]
        return {"match": match, "images": images}


def _same_images(images: _Images, prints: duplicates.Fingerprints) -> dict[str, tuple[_Facts, ...]]:
    exact = duplicates.exact_groups(prints)
    near = duplicates.near_groups(prints)
    same = [(rows, "exact") for rows in duplicates.in_groups(exact)]
    alike = [(rows, "near") for rows in duplicates.in_groups(near) if len(np.unique(exact[rows])) > 1]

    def mixed(column: np.ndarray) -> tuple[_Facts, ...]:
        return tuple(images.group(rows, match) for rows, match in (*same, *alike) if len(np.unique(column[rows])) > 1)

    return {
        "duplicates_across_splits": mixed(images.splits),
        "label_conflicts": mixed(images.labels),
        "exact_duplicates": tuple(images.group(*group) for group in same),
        "near_duplicates": tuple(images.group(*group) for group in alike),
    }


def _load(data: str, val: str | None, how: _Facts, progress: Callable[[int, int], None]) -> tuple[Dataset, tuple[str, ...]]:
    """The data set as training sees it, or without a split where training refuses it, with the reason."""
    try:
        return dataset.load(data, val, **how, max_bad=1.0, progress=progress), ()
    except DataError as error:
        source = _unmatched(data, val, how["multi_label"])
        train = indexes.scan(source.train)
        held_out = indexes.scan(source.val) if source.val else train.take(np.arange(0))
        return Dataset(train, held_out, source.notes), (str(error).partition("\n")[0],)


def _unmatched(data: str, val: str | None, multi_label: bool) -> Source:
    """Both parts of a data set; where they do not have the same classes, each with those of both.

    Raises:
        DataError: there is nothing to look at.
    """
    try:
        return sources.find(data, val, multi_label=multi_label)
    except DataError:
        parts, notes = sources.listings(data, multi_label=multi_label)
        if val is not None:
            others = sources.listings(val, multi_label=multi_label)[0]
            parts["val"] = next(others[split] for split in ("val", "test", "train") if split in others)
        train, held_out = parts.get("train"), parts.get("val") or parts.get("test")
        if train is None or held_out is None:
            raise
        names = tuple(dict.fromkeys((*train.class_names, *held_out.class_names)))
        return Source(match_classes(train, names, data), match_classes(held_out, names, val or data), tuple(notes))


def _shown(part: Index, path: str) -> str:
    """An image's name for people: its path, from here where it lies below; in a shard or an archive, its name there."""
    if part.containers is not None:
        return path
    full = os.path.join(part.root, path)  # noqa: PTH118 - a million Path objects cost seconds
    return full.removeprefix(os.path.join(os.getcwd(), ""))  # noqa: PTH109, PTH118


def _split(part: Index) -> _Facts:
    sizes = [Path(file).stat().st_size for file in part.files()] if part.ranges is None else part.ranges[:, 1]
    return {"images": len(part), "classes": int(np.count_nonzero(part.class_counts())), "bytes": int(np.sum(sizes))}


def _classes(data: Dataset) -> tuple[_Facts, ...]:
    names = data.train.class_names
    train, val = (part.class_counts().tolist() for part in (data.train, data.val))
    return tuple({"class": names[label], "train": train[label], "val": val[label]} for label in np.argsort(-np.array(train), kind="stable"))


def _without_images(classes: tuple[_Facts, ...]) -> list[str]:
    """Classes that cannot be learnt, or not judged; of the latter no word where nothing is set aside at all."""
    return [
        f"class '{row['class']}' has no image to {use} on"
        for split, use in (("train", "train"), ("val", "validate"))
        if any(row[split] for row in classes)
        for row in classes
        if not row[split]
    ]


def _balance(classes: tuple[_Facts, ...]) -> _Facts | None:
    there = [row for row in classes if row["train"]]
    if not there:
        return None
    largest, smallest = ({"class": row["class"], "images": row["train"]} for row in (there[0], there[-1]))
    return {"largest": largest, "smallest": smallest, "ratio": round(largest["images"] / smallest["images"], 2)}


def _sizes(images: _Images) -> _Facts | None:
    columns = {"width": images.widths, "height": images.heights, "aspect": np.round(images.widths / images.heights, 3)}
    if not len(images.widths):
        return None
    return {name: {key: getattr(np, key)(values).item() for key in ("min", "median", "max")} for name, values in columns.items()}


def _crop(images: _Images, crop_pct: float) -> _Facts | None:
    """The share of the area that the centre crop of validation and prediction does not show."""
    if not len(images.names):
        return None
    sides = np.sort([images.heights, images.widths], axis=0)  # [2, n]: short, long
    lost = 1 - crop_pct**2 * sides[0] / sides[1]
    worst = int(np.argmax(lost))
    return {
        "crop_pct": crop_pct,
        "mean": round(float(lost.mean()), 4),
        "worst": round(float(lost[worst]), 4),
        "worst_file": images.names[worst],
    }


def _notes(data: Dataset) -> tuple[str, ...]:
    """The data set's own notes without what the findings say."""
    said = ("unusable files are left out", "classes without an image")
    return tuple(note for note in data.notes if not any(words in note for words in said))
