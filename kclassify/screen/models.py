"""The zoo on stdout: a table of models, and everything about one."""

from collections.abc import Sequence
from typing import Any

from kclassify.presets import ModelRow
from kclassify.screen.tables import json_document, pairs, table

COLUMNS = ("preset", "series", "parameters", "GMACs", "size", "top1", "weights")


def models_table(rows: Sequence[ModelRow], as_json: bool) -> None:
    """One line a model."""
    if as_json:
        return json_document({"schema_version": 1, "presets": [facts(row) for row in rows]})
    table(COLUMNS, [_line(row) for row in rows])


def model(row: ModelRow, as_json: bool) -> None:
    """One model."""
    known = facts(row)
    if as_json:
        return json_document({"schema_version": 1, **known})
    pairs([(key, ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "-")) for key, value in known.items()])


def facts(row: ModelRow) -> dict[str, Any]:
    """What is known of a model, as JSON takes it; accuracies are in percent, 0 if none is known."""
    spec = row.preprocessing
    return {
        "name": row.name,
        "series": row.series,
        "aliases": list(row.aliases),
        "paper": f"arXiv {row.paper}" if row.paper else "",
        "params": row.params,
        "macs": row.macs,
        "size": spec.size,
        "crop_pct": spec.crop_pct,
        "interpolation": spec.interpolation,
        "mean": [round(value, 6) for value in spec.mean],
        "std": [round(value, 6) for value in spec.std],
        "top1": row.top1,
        "top5": row.top5,
        "top1_source": row.top1_source,
        "timm": row.timm,
        "weights": where(row),
        "sources": list(row.sources),
        "licence": row.licence,
        "headless": row.headless,
    }


def where(row: ModelRow) -> str:
    """Where pretrained weights are: "installed", a "package" to install, a "hub", an "address", "keras" itself, or "" for none."""
    if row.weights:
        return "installed"
    if not row.sources:
        return ""
    return {"http": "address", "https": "address", "package": "package", "ka": "keras"}.get(row.sources[0].partition(":")[0], "hub")


def _line(row: ModelRow) -> tuple[str, ...]:
    top1 = f"{row.top1:.1f}" if row.top1 else "-"
    size = str(row.preprocessing.size)
    return row.name, row.series, f"{row.params / 1e6:.1f} M", f"{row.macs / 1e9:.2f}", size, top1, where(row) or "-"
