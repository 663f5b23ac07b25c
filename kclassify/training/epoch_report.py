"""An epoch in words: the line of a pipe or a log, and the cells of a table on a terminal."""

from collections.abc import Mapping
from typing import Any

from kclassify.presets.card import MULTI_LABEL, ONE_LABEL

# Where a terminal is too narrow for all cells these are left out, one after the other.
LEAST = ("images/s", "lr", "ema loss", "train loss", "val loss", "eta")


def line(row: Mapping[str, Any], epochs: int, images_left: int) -> str:
    """All of a row of metrics.csv, with the time that the epochs to come will take."""

    def part(name: str, prefix: str) -> str:
        values = [(metric, row.get(f"{prefix}_{metric}")) for metric in ("loss", *ONE_LABEL, *MULTI_LABEL)]
        return f"{name} " + ", ".join(f"{metric}: {value:.5f}" for metric, value in values if value is not None)

    parts = [part(name, name) for name in ("train", "val", "ema") if f"{name}_loss" in row]
    end = f"lr: {row['lr']:.6f}, {row['images_per_second']:.1f} images/s, eta: {_eta(row, images_left)}"
    return f"[epoch {row['epoch']}/{epochs}] {' | '.join([*parts, end])}"


def cells(row: Mapping[str, Any], epochs: int, images_left: int) -> dict[str, str]:
    """The same, shorter: texts by the names of their columns."""
    metrics = [(name, metric) for name in ("train", "val", "ema") for metric in ("loss", ONE_LABEL[0], MULTI_LABEL[0])]
    found = {f"{name} {metric}": f"{row[f'{name}_{metric}']:.4f}" for name, metric in metrics if f"{name}_{metric}" in row}
    rates = {"lr": f"{row['lr']:.2g}", "images/s": f"{row['images_per_second']:.1f}", "eta": _eta(row, images_left)}
    return {"epoch": f"{row['epoch']}/{epochs}", **found, **rates}


def _eta(row: Mapping[str, Any], images_left: int) -> str:
    minutes, seconds = divmod(round(images_left / max(row["images_per_second"], 1e-9)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
