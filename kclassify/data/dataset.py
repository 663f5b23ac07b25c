"""A data set ready to train on: found, indexed, checked and split."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kclassify.data import index as indexes
from kclassify.data import sources
from kclassify.data.index import Index
from kclassify.data.sources.class_names import some
from kclassify.data.sources.listing import Listing
from kclassify.data.split import stratified, stratified_by_class
from kclassify.errors import DataError

_Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Dataset:
    """Training and validation files, and lines worth telling the user."""

    train: Index
    val: Index
    notes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """What run.json keeps: enough to tell another data set from this one."""
        return {
            "root": str(self.train.root),
            "classes": len(self.train.class_names),
            "train": {"images": len(self.train), "fingerprint": self.train.fingerprint},
            "val": {"images": len(self.val), "fingerprint": self.val.fingerprint},
        }

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """One row a file, for the run's split.csv."""
        for split, part in (("train", self.train), ("val", self.val)):
            for path, label in zip(part.paths, part.labels, strict=True):
                yield {"split": split, "path": path, "class": part.class_text(label)}

    def bad(self) -> list[Mapping[str, str]]:
        """The files left out, with the reason, for the run's bad_files.csv."""
        return [{"path": path, "reason": reason} for part in (self.train, self.val) for path, reason in part.bad]


def load(
    data: str,
    val: str | None,
    *,
    val_fraction: float,
    seed: int,
    max_bad: float,
    multi_label: bool = False,
    progress: _Progress | None = None,
) -> Dataset:
    """Find and index `data`; without a validation part, a stratified share of it is set aside.

    Args:
        multi_label: lists may have several labels a picture.

    Raises:
        DataError: nothing usable, too many bad files, or fewer than two classes.
    """
    source = sources.find(data, val, multi_label=multi_label)
    notes = list(source.notes)
    train = _scan(source.train, data, max_bad, progress)
    _check_classes(train, data, source.notes)
    if source.val:
        held_out = _scan(source.val, val or f"{data} (validation)", max_bad, progress)
    else:
        total = len(train)
        train, held_out = _set_aside(train, data, val_fraction, seed)
        notes.append(f"no validation part in '{data}': {len(held_out)} of {total} images are set aside for it, by class")
    _check_labelled(held_out, val or data)
    notes += _remarks(source.train.others, train, held_out)
    return Dataset(train, held_out, tuple(notes))


def load_for_eval(data: str, class_names: tuple[str, ...], *, max_bad: float = 0.0, multi_label: bool = False) -> Index:
    """Index `data` (its validation part if it has one) to judge a model whose classes are `class_names`.

    Raises:
        DataError: it holds classes that the model does not know, or files that cannot be used.
    """
    found = _scan(sources.find_held_out(data, class_names, multi_label=multi_label), data, max_bad)
    _check_labelled(found, data)
    return found


def _scan(listing: Listing, name: str, max_bad: float, progress: _Progress | None = None) -> Index:
    found = indexes.scan(listing, progress)
    if not len(found) and listing.containers is None and not any((listing.root / path).exists() for path in listing.paths):
        raise DataError(
            f"{name}: none of its {len(listing.paths)} images exists, such as {listing.paths[0]}.\n"
            f"They were sought in {listing.root}. Expected paths relative to the folder of their list."
        )
    indexes.check_usable(found, name, max_bad)
    return found


def _check_classes(train: Index, data: str, notes: tuple[str, ...]) -> None:
    present = np.unique(train.labels)
    if len(present) < 2 and train.label_sets is not None:
        same = train.class_text(present[0]) or "none"
        raise DataError(f"'{data}' has the same labels ({same}) for all images to train on. Expected images that differ in them.")
    if len(present) < 2:
        message = f"'{data}' has one class ('{train.class_names[present[0]]}'). Expected two or more, one folder each."
        raise DataError("\n".join([message, *notes[:2]]))


def _check_labelled(held_out: Index, name: str) -> None:
    """DataError for images without any class, on which no score of a class can be judged."""
    if not held_out.class_counts().any():
        raise DataError(f"{name}: no image to validate on has a label. Expected some that have.")


def _set_aside(index: Index, data: str, fraction: float, seed: int) -> tuple[Index, Index]:
    """Training and validation rows of one index; the bad files, which are in neither, are told with the second."""
    try:
        if index.label_sets is None:
            kept, chosen = stratified(index.labels, fraction, seed)
        else:
            kept, chosen = stratified_by_class(index.labels, index.target_table(), fraction, seed)
    except DataError as error:
        raise DataError(f"{data}: {error}") from None
    return index.take(kept), dataclasses.replace(index.take(chosen), bad=index.bad)


def _remarks(others: Mapping[str, int], train: Index, val: Index) -> Iterator[str]:
    """What a user should know about the parts of a data set before it is trained on."""
    for part, use in ((train, "train"), (val, "validate")):
        absent = np.flatnonzero(part.class_counts() == 0)
        if len(absent):
            yield f"classes without an image to {use} on: {some([part.class_names[label] for label in absent])}"
    if others:
        counted = ", ".join(f"{suffix or 'no ending'} {count}" for suffix, count in sorted(others.items()))
        yield f"files that are not looked at, by their ending: {counted}"
    bad = train.bad + val.bad
    if bad:
        yield f"unusable files are left out: {len(bad)}, such as {bad[0][0]}: {bad[0][1]}"
