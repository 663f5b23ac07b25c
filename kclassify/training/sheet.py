"""A contact sheet: pictures in an even grid, each above its class, under a line that says what they are."""

import functools
import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

Label = Sequence[tuple[str, float]]  # class names with their shares, the largest first

_MARGIN, _GAP, _PAD = 28, 16, 6  # pixels around the sheet, between cells, between a picture and its label
_TEXT, _TITLE = 15, 24  # font sizes in pixels
_LINE = 19  # pixels from one line of a label to the next
_LEAST = 128  # pixels a cell is wide at least, so that a label has room
_MIXED = 0.005  # a share below this is not worth a word
# Paper a little darker than white, on which a white picture still has an edge.
_PAPER, _INK, _FAINT, _FRAME = "#f1f3f5", "#1f2328", "#636c76", "#dfe3e8"
# Beyond Pillow's own font, which knows the letters of English: what Linux, macOS and Windows have for others.
_OTHER_FONTS = ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "Arial Unicode.ttf", "msyh.ttc", "malgun.ttf")


def label(target: np.ndarray, class_names: Sequence[str]) -> Label:
    """The classes of a target, float32 [classes]; of several labels a picture there may be none."""
    order = np.argsort(-target, kind="stable")
    return [(class_names[number], float(target[number])) for number in order if target[number] >= _MIXED]


def draw(
    title: tuple[str, str],
    pictures: np.ndarray,
    labels: Sequence[Label],
    *,
    columns: int | None = None,
    originals: Sequence[np.ndarray] | None = None,
) -> Image.Image:
    """Draw a sheet; the pictures keep their pixels, each of them repeated a whole number of times where they are small.

    Args:
        title: a short line in large letters and one in small ones.
        pictures: uint8 [n, size, size, 3].
        columns: pictures side by side; by default the sheet is a little wider than high.
        originals: pictures of any size, uint8 [h, w, 3], to be put above the others, made to fit.
    """
    count, size = pictures.shape[:2]
    side = size * -(-_LEAST // size)
    columns = min(count, columns or _columns(count, 1 if originals is None else 2))
    captions = [_caption(item, side) for item in labels]
    above = 0 if originals is None else side + _PAD
    height = above + side + _PAD + _LINE * max(map(len, captions))
    width = columns * (side + _GAP) - _GAP
    details = _wrapped(title[1], width)
    top = _MARGIN + _TITLE + _PAD + _LINE * len(details) + _GAP
    rows = -(-count // columns)
    sheet = Image.new("RGB", (width + 2 * _MARGIN, top + rows * (height + _GAP) - _GAP + _MARGIN), _PAPER)
    pen = ImageDraw.Draw(sheet)
    _write(pen, (_MARGIN, _MARGIN), _shortened(title[0], width, _TITLE), _TITLE, _INK)
    _write_lines(pen, (_MARGIN, _MARGIN + _TITLE + _PAD), details, _FAINT)
    for number, caption in enumerate(captions):
        left, upper = _MARGIN + number % columns * (side + _GAP), top + number // columns * (height + _GAP)
        if originals is not None:
            sheet.paste(ImageOps.pad(Image.fromarray(originals[number]), (side, side), color=_FRAME), (left, upper))
        sheet.paste(Image.fromarray(pictures[number]).resize((side, side), Image.Resampling.NEAREST), (left, upper + above))
        _write_lines(pen, (left, upper + above + side + _PAD), caption, _INK)
    return sheet


def _columns(count: int, height: int) -> int:
    """So many columns that a sheet is about 1.6 times as wide as high, or a few less or one more where the last row is fuller for it."""
    best = math.ceil(math.sqrt(1.6 * count * height))
    return min(range(max(1, best - 2), best + 2), key=lambda columns: (-count % columns, abs(columns - best)))


def _caption(item: Label, width: int) -> list[str]:
    """A label in lines of at most `width` pixels: "cat", "cat 0.62 + dog 0.38", or a line a class where that is too long."""
    shares = [(name, "" if share > 1.0 - _MIXED else f" {share:.2f}") for name, share in item] or [("no label", "")]
    together = " + ".join(_plain(name) + share for name, share in shares)
    if _width(together, _TEXT) <= width:
        return [together]
    return [_shortened(name, width, _TEXT, share) for name, share in shares]


def _shortened(text: str, width: int, size: int, end: str = "") -> str:
    """The text, cut short with an ellipsis where text and end are wider than `width` pixels."""
    text = _plain(text)
    if _width(text + end, size) <= width:
        return text + end
    while text and _width(f"{text}…{end}", size) > width:
        text = text[:-1].rstrip()
    return f"{text}…{end}"


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for part in _plain(text).split(" · "):
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        if lines[-1] and _width(longer, _TEXT) > width:
            lines.append(part)
        else:
            lines[-1] = longer
    return [_shortened(line, width, _TEXT) for line in lines]


def _plain(text: str) -> str:
    """The text without what cannot be drawn in a line."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _write(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, colour: str) -> None:
    pen.text(place, text, fill=colour, font=_font(text, size))


def _write_lines(pen: ImageDraw.ImageDraw, place: tuple[int, int], lines: Sequence[str], colour: str) -> None:
    for number, line in enumerate(lines):
        _write(pen, (place[0], place[1] + number * _LINE), line, _TEXT, colour)


def _width(text: str, size: int) -> float:
    return _font(text, size).getlength(text)


def _font(text: str, size: int) -> Any:
    """The first font that has all letters of a text, else the one that has the most; what it lacks becomes boxes."""
    return max(_fonts(size), key=lambda font: sum(_has(font, char) for char in set(text)))


@functools.cache
def _fonts(size: int) -> list[Any]:
    package = importlib.util.find_spec("matplotlib")  # which brings a font of many alphabets; looked for, not imported
    brought = [Path(folder, "mpl-data/fonts/ttf/DejaVuSans.ttf") for folder in (package and package.submodule_search_locations) or ()]
    fonts: list[Any] = [ImageFont.load_default(size)]
    for name in (*map(str, brought), *_OTHER_FONTS):
        try:
            fonts.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return fonts


@functools.cache
def _has(font: Any, char: str) -> bool:
    """Whether a font draws something else for a letter than for one that no font has."""
    return char == " " or bytes(font.getmask(char)) != bytes(font.getmask("\U0010fffe"))
