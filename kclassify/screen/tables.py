"""The forms of all answers on stdout: a JSON document, pairs of a name and a value, a table."""

import sys
from collections.abc import Sequence
from typing import Any

from kclassify.console import to_json


def json_document(document: Any) -> None:
    """One line of JSON."""
    sys.stdout.write(to_json(document) + "\n")


def pairs(rows: Sequence[tuple[str, str]]) -> None:
    """A name and its value on each line."""
    width = max(len(name) for name, _ in rows)
    sys.stdout.write("".join(f"{name:<{width}}  {value}\n" for name, value in rows))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Boxes and colours on a terminal; in a pipe one line a row, tabs between the columns, no head line."""
    if not sys.stdout.isatty():
        return plain_rows(rows)
    from rich.console import Console as RichConsole
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns, header_style="bold")
    for row in rows:
        drawn.add_row(*(Text(one_line(cell)) for cell in row))
    RichConsole().print(drawn)


def plain_rows(rows: Sequence[Sequence[str]]) -> None:
    """One line a row, tabs between the columns."""
    sys.stdout.write("".join("\t".join(one_line(cell) for cell in row) + "\n" for row in rows))


def one_line(text: str) -> str:
    """The text with everything that would move the cursor written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
