"""A data set ready to train on: found, indexed, checked and split."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kclassify.data import index as indexes
from kclassify.data import sources
from kclassify.data.index import Index
from kclassify.data.split import stratified
from kclassify.errors import DataError


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
                yield {"split": split, "path": path, "class": part.class_names[label]}

    def bad(self) -> list[Mapping[str, str]]:
        """The files left out, with the reason, for the run's bad_files.csv."""
        return [{"path": path, "reason": reason} for part in (self.train, self.val) for path, reason in part.bad]


def load(
    data: str, val: str | None, *, val_fraction: float, seed: int, max_bad: float, progress: Callable[[int, int], None] | None = None
) -> Dataset:
    """Find and index `data`; without a validation part, a stratified share of it is set aside.

    Raises:
        DataError: nothing usable, too many bad files, or fewer than two classes.
    """
    source = sources.find(data, val)
    train = indexes.scan(source.train, progress)
    indexes.check_usable(train, data, max_bad)
    if len(train.class_names) < 2:
        raise DataError(f"'{data}' has one class ('{train.class_names[0]}'). Expected two or more, one folder each.")
    notes = [*source.notes]
    if source.val:
        held_out = indexes.scan(source.val, progress)
        indexes.check_usable(held_out, val or f"{data} (validation)", max_bad)
    else:
        kept, chosen = stratified(train.labels, val_fraction, seed)
        held_out = train.take(chosen)
        notes.append(f"no validation part in '{data}': {len(chosen)} of {len(train)} images are set aside for it, by class (see split.csv)")
        bad = train.bad
        train = train.take(kept)
        held_out = dataclasses.replace(held_out, bad=bad)
    if source.train.others:
        counted = ", ".join(f"{suffix or 'no ending'} {count}" for suffix, count in sorted(source.train.others.items()))
        notes.append(f"files that are not looked at, by their ending: {counted}")
    left_out = len(train.bad) + len(held_out.bad)
    if left_out:
        path, reason = (train.bad + held_out.bad)[0]
        notes.append(f"{left_out} unusable files are left out (see bad_files.csv), such as {path}: {reason}")
    return Dataset(train, held_out, tuple(notes))


def load_for_eval(data: str, class_names: tuple[str, ...], *, max_bad: float = 0.0) -> Index:
    """Index `data` (its validation part if it has one) to judge a model whose classes are `class_names`.

    Raises:
        DataError: it holds classes that the model does not know, or files that cannot be used.
    """
    source = sources.find(data, class_names=class_names)
    listing = sources.match_classes(source.val or source.train, class_names, data)
    found = indexes.scan(listing)
    indexes.check_usable(found, data, max_bad)
    return found
