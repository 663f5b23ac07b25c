"""What the verbs of `kclassify data` print: the table of a data set with its findings, a contact sheet's place, a pack's size."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kclassify.errors import DataError
from kclassify.screen.tables import json_document, one_line, pairs, plain_rows

if TYPE_CHECKING:
    from rich.table import Table

    from kclassify.data.check import Report
    from kclassify.training.packing import Packed
    from kclassify.training.preview import Sheet

_CLASSES, _FINDINGS, _BAR = 30, 10, 30  # classes and findings of a kind that are shown, and the width of the longest bar in letters
# Of each kind: one, several.
_KINDS = {
    "class_problems": ("class problem", "class problems"),
    "bad_files": ("file that cannot be used", "files that cannot be used"),
    "duplicates_across_splits": ("image in both train and val", "images in both train and val"),
    "label_conflicts": ("image in two classes", "images in two classes"),
    "exact_duplicates": ("image that is there more than once, byte for byte", "images that are there more than once, byte for byte"),
    "near_duplicates": (
        "image that is there more than once, but for small changes",
        "images that are there more than once, but for small changes",
    ),
    "small_classes": ("class with fewer than 10 images to train on", "classes with fewer than 10 images to train on"),
}


def check(found: "Report", *, everything: bool, strict: bool, as_json: bool) -> None:
    """A data set as a table for people, as rows in a pipe, or as JSON; with `strict` DataError if something serious was found."""
    if as_json:
        json_document(found.to_json())
    elif sys.stdout.isatty():
        _print_report(found, everything)
    else:
        plain_rows(list(_rows(found)))
    if strict and found.serious():
        counted = ", ".join(f"{count} {_KINDS[kind][count > 1]}" for kind, count in found.serious().items())
        raise DataError(f"{found.data}: {counted}. Expected none (--strict).")


def preview(sheet: "Sheet", as_json: bool) -> None:
    """Where a contact sheet is."""
    if as_json:
        return json_document(sheet.to_json())
    steps = "step 0" if sheet.steps == 1 else f"steps 0 to {sheet.steps - 1}"
    pairs([("sheet", f"{sheet.path} ({sheet.width} x {sheet.height} pixels)"), ("images", f"{sheet.images} of {steps}")])


def packed(found: "Packed", as_json: bool) -> None:
    """What a pack came to, and what to type next."""
    if as_json:
        return json_document(found.to_json())
    images = ", ".join(f"{count:,} to {use}" for count, use in zip(found.images.values(), ("train", "validate on"), strict=True))
    size = f"{found.bytes_after / 1e6:.1f} MB, {found.bytes_after / found.bytes_before:.0%} of {found.bytes_before / 1e6:.1f} MB"
    pairs(
        [
            ("pack", str(found.folder)),
            ("images", images),
            ("size", size),
            ("next", f"kclassify train --data {shlex.quote(str(found.folder))}"),
        ]
    )


def _rows(found: "Report") -> Iterator[Sequence[str]]:
    """One fact a line, its kind first, so that `grep` and `cut` find it; nothing is left out."""
    for name, split in found.splits.items():
        yield ("split", name, *map(str, split.values()))
    for row in found.classes:
        yield ("class", *map(str, row.values()))
    yield from _measures(found)
    for kind, items in found.findings.items():
        for number, item in enumerate(items, start=1):
            for line in _lines(kind, item):
                yield (kind, str(number), *line)
    for note in found.notes:
        yield ("note", note)


def _measures(found: "Report") -> Iterator[Sequence[str]]:
    if found.balance:
        yield ("balance", f"{found.balance['ratio']:g}", found.balance["largest"]["class"], found.balance["smallest"]["class"])
    for name, values in (found.sizes or {}).items():
        yield (name, *(f"{value:g}" for value in values.values()))
    for name, count in found.formats.items():
        yield ("format", name, str(count))
    if found.crop:
        yield ("cropped", f"{found.crop['mean']:.3f}", f"{found.crop['worst']:.3f}", found.crop["worst_file"])


def _lines(kind: str, item: Any) -> Iterator[Sequence[str]]:
    """A finding in columns: a line each, of equal images a line an image."""
    if kind == "class_problems":
        yield (item,)
    elif kind == "bad_files":
        yield (item["path"], item["reason"])
    elif kind == "small_classes":
        yield (item["class"], str(item["train"]))
    else:
        for image in item["images"]:
            yield (item["match"], image["split"], image["class"], image["path"])


def _print_report(found: "Report", everything: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(_splits(found))
    console.print(_classes(found, None if everything else _CLASSES, "█" if "utf" in console.encoding.lower() else "#"))
    console.print()
    console.print(_facts(found))
    for kind, items in found.findings.items():
        if items:
            title = f"\n{len(items):,} {_KINDS[kind][len(items) > 1]}"
            console.print(Text(title, "bold red" if kind in found.serious() else "bold yellow"))
            console.print(Text("\n".join(_listed(kind, items, None if everything else _FINDINGS))), soft_wrap=True)
    console.print()
    for note in found.notes:
        console.print(Text(f"note: {one_line(note)}"), soft_wrap=True)
    if not any(found.findings.values()):
        console.print(Text("nothing is wrong with it", "green"))


def _splits(found: "Report") -> "Table":
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), title=Text(one_line(found.data), "bold"), title_justify="left")
    for name, justify in (("split", "left"), ("images", "right"), ("classes", "right"), ("MB", "right")):
        drawn.add_column(name, justify=justify)  # type: ignore[arg-type]
    for name, split in found.splits.items():
        drawn.add_row(name, f"{split['images']:,}", f"{split['classes']:,}", f"{split['bytes'] / 1e6:,.1f}")
    return drawn


def _classes(found: "Report", limit: int | None, block: str) -> "Table":
    """Classes by size, with a bar each for the images to train on."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    drawn.add_column("\nclass", max_width=40, overflow="ellipsis", no_wrap=True)
    for name in ("\ntrain", "\nval"):
        drawn.add_column(name, justify="right")
    drawn.add_column("")
    longest = max([1, *(row["train"] for row in found.classes)])
    for row in found.classes[:limit]:
        bar = block * -(-_BAR * row["train"] // longest)
        drawn.add_row(Text(one_line(row["class"])), f"{row['train']:,}", f"{row['val']:,}", Text(bar, "cyan"))
    if limit and len(found.classes) > limit:
        drawn.add_row(Text(f"... and {len(found.classes) - limit:,} more (--all)", "dim"))
    return drawn


def _facts(found: "Report") -> "Table":
    from rich.table import Table
    from rich.text import Text

    drawn = Table.grid(padding=(0, 2, 0, 0))
    if found.balance:
        large, small = found.balance["largest"], found.balance["smallest"]
        sides = f"the largest class has {found.balance['ratio']:g} times as many images as the smallest, '{small['class']}'"
        even = f"{large['images']:,} images to train on in every class"
        drawn.add_row("balance", Text(one_line(sides if large["images"] > small["images"] else even)))
    for name, values in (found.sizes or {}).items():
        low, middle, high = (f"{round(value, 2):g}" for value in values.values())
        title, unit = ("width / height", "") if name == "aspect" else (name, " pixels")
        drawn.add_row(title, f"{low} to {high}{unit}, median {middle}")
    if found.formats:
        drawn.add_row("formats", ", ".join(f"{name} {count:,}" for name, count in found.formats.items()))
    if found.crop:
        lost = f"cuts away {found.crop['mean']:.0%} of an image on average, {found.crop['worst']:.0%} of {found.crop['worst_file']}"
        drawn.add_row("centre crop", Text(one_line(f"{lost} (crop_pct {found.crop['crop_pct']:g})")))
    return drawn


def _listed(kind: str, items: Sequence[Any], limit: int | None) -> Iterator[str]:
    """The lines of some findings in columns; images that are the same stand one below the other."""
    rows: list[Sequence[str]] = []
    for item in items[:limit]:
        first, *others = _lines(kind, item)
        rows += [first, *(("", *cells[1:]) for cells in others[:limit])]
        if len(others) > len(others[:limit]):
            rows.append((f"... and {len(others) - len(others[:limit]):,} more like it",))
    widths = [max(len(one_line(cells[place])) for cells in rows if place < len(cells) - 1) for place in range(len(rows[0]) - 1)]
    for *cells, last in rows:
        yield "".join(f"  {one_line(cell):{width}}" for cell, width in zip(cells, widths, strict=False)) + f"  {one_line(last)}"
    if len(items) > len(items[:limit]):
        yield f"  ... and {len(items) - len(items[:limit]):,} more (--all)"
