"""The picture of a learning rate range test: the loss over the rate, with the rate that was chosen."""

import math
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from kclassify.training.lr_finder import RULE, RangeTest

_WIDTH, _HEIGHT = 960, 600
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 930, 80, 530  # the frame of the curve, in pixels
_FINE = 2  # drawn so many times as large and made smaller, for smooth lines
_PAPER, _INK, _FAINT, _FRAME, _LINE, _CHOSEN = "#ffffff", "#1f2328", "#9aa3ac", "#dfe3e8", "#0969da", "#cf222e"


def draw(test: RangeTest) -> Image.Image:
    """Loss and smoothed loss over the learning rate, which is on a logarithmic axis; a line marks the one to train with."""
    chart = Image.new("RGB", (_WIDTH * _FINE, _HEIGHT * _FINE), _PAPER)
    pen = ImageDraw.Draw(chart)
    low, high = math.log10(test.rates[0]), math.log10(test.rates[-1])
    bottom, top = 0.0, 1.15 * max(test.smoothed[0], min(test.smoothed))

    def place(rate: float, loss: float) -> tuple[float, float]:
        across = (math.log10(rate) - low) / max(high - low, 1e-9)
        up = (min(loss, top) - bottom) / (top - bottom)
        return _FINE * (_LEFT + across * (_RIGHT - _LEFT)), _FINE * (_BOTTOM - up * (_BOTTOM - _TOP))

    for power in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1):
        pen.line([place(10.0**power, bottom), place(10.0**power, top)], fill=_FRAME, width=_FINE)
        _write(pen, place(10.0**power, bottom), f"{10.0**power:g}", "mt", 6)
    for part in range(5):
        loss = top * part / 4
        pen.line([place(test.rates[0], loss), place(test.rates[-1], loss)], fill=_FRAME, width=_FINE)
        _write(pen, place(test.rates[0], loss), f"{loss:.2f}", "rm", 0, -8)
    pen.line([place(*point) for point in zip(test.rates, test.losses, strict=True)], fill=_FAINT, width=_FINE)
    pen.line([place(*point) for point in zip(test.rates, test.smoothed, strict=True)], fill=_LINE, width=3 * _FINE, joint="curve")
    pen.line([place(test.peak, bottom), place(test.peak, top)], fill=_CHOSEN, width=2 * _FINE)
    _write(pen, (_LEFT * _FINE, 24 * _FINE), f"learning rate {test.peak:g}: {RULE}", "lt", 0, size=20)
    _write(pen, (_LEFT * _FINE, 52 * _FINE), "loss (grey: of a step, blue: smoothed) over the learning rate", "lt", 0)
    return chart.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS)


def _write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, anchor: str, down: int, right: int = 0, size: int = 15) -> None:
    font: Any = ImageFont.load_default(size * _FINE)
    pen.text((at[0] + right * _FINE, at[1] + down * _FINE), text, fill=_INK, font=font, anchor=anchor)
