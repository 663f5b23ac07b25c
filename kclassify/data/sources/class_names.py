"""Class names: the order that numbers them, mistakes that can be seen in them, and labels counted anew in another order."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from kclassify.data.sources.listing import Listing
from kclassify.errors import DataError, near_names

_SHOWN = 5
_NO_LETTERS = ("Cc", "Cs")  # control characters, and bytes that are no UTF-8


def counting_order(name: str) -> tuple[bool, int, str]:
    """Sort key: names that are numbers (0, 1, ... 10) by their value, after them all others by name."""
    number = name.isdecimal() and len(name) < 19
    return (not number, int(name) if number else 0, name)


def some(names: Collection[str]) -> str:
    """The names in one line, cut short where there are many."""
    first = ", ".join(list(names)[:_SHOWN])
    return first if len(names) <= _SHOWN else f"{first} ... ({len(names)} in all)"


def check(names: Iterable[str], where: str) -> None:
    """Refuse names that differ by case or by the spelling of an accent alone, which one system tells apart and the next does not.

    Raises:
        DataError: two such names, or one that is no Unicode text.
    """
    twins: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        if any(unicodedata.category(letter) in _NO_LETTERS for letter in name):
            raise DataError(f"{where}: the class name {name!r} holds what is no Unicode letter. Expected a plain name; rename it.")
        twins[unicodedata.normalize("NFC", name).casefold()].append(name)
    for alike in twins.values():
        if len(alike) > 1:
            raise DataError(
                f"{where}: the classes {alike[0]!r} and {alike[1]!r} have the same name but for its spelling.\n"
                "If they are one class, give both the same name; if they are two, give one of them another name."
            )


def numbers(wanted: Mapping[str, str], names: tuple[str, ...]) -> dict[str, int]:
    """The number of each wanted class in `names`.

    Args:
        wanted: where each name stands, for the message.

    Raises:
        DataError: no class is called so, or several are, as ImageNet's two cranes.
    """
    counts, found = Counter(names), {name: number for number, name in enumerate(names)}
    for name, where in wanted.items():
        if name not in found:
            raise DataError(f"{where}: '{name}' is not one of the {len(names)} classes: {some(names)}.{near_names(name, names)}")
        if counts[name] > 1:
            raise DataError(f"{where}: {counts[name]} classes are called '{name}'. Expected a text list with class numbers instead.")
    return {name: found[name] for name in wanted}


def match_classes(listing: Listing, class_names: tuple[str, ...], name: str) -> Listing:
    """The listing with its labels counted in `class_names`, some of which may have no image in it.

    Raises:
        DataError: the listing has classes that `class_names` does not know; both sides are told.
    """
    if listing.class_names == class_names:
        return listing
    strangers = _without(listing.class_names, class_names)
    if strangers:
        missing = _without(class_names, listing.class_names)
        without = f" Without an image here: {some(missing)}." if missing else ""
        raise DataError(
            f"{name}: classes that were never trained: {some(strangers)}.{near_names(strangers[0], class_names)}\n"
            f"Expected no others than these {len(class_names)}: {some(class_names)}.{without}"
        )
    number = numbers(dict.fromkeys(listing.class_names, name), class_names)
    here = [number[name] for name in listing.class_names]
    if listing.label_sets is not None:
        sets = tuple(tuple(sorted(here[label] for label in classes)) for classes in listing.label_sets)
        return replace(listing, label_sets=sets, class_names=class_names, others={})
    return replace(listing, labels=tuple(here[label] for label in listing.labels), class_names=class_names, others={})


def _without(names: Iterable[str], others: Iterable[str]) -> list[str]:
    known = set(others)
    return [name for name in names if name not in known]
