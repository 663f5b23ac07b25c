"""What the verbs print on stdout: tables on a terminal, plain rows in a pipe, one JSON document with --json."""

import csv as csv_files
import io
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kclassify.console import Console
from kclassify.errors import InputsFailed, SetupError
from kclassify.presets.card import MULTI_LABEL, ONE_LABEL
from kclassify.screen.tables import json_document as _json
from kclassify.screen.tables import pairs as _pairs
from kclassify.screen.tables import table as _table

if TYPE_CHECKING:
    from kclassify.config import Resolved
    from kclassify.evaluation import Evaluation
    from kclassify.formats import ExportReport
    from kclassify.predictor import Result
    from kclassify.training import Plan, Run
    from kclassify.training.lr_finder import RangeTest

# Options of `train` that are settings of the run under the same name.
RUN_FLAGS = (
    *("preset", "data", "val", "recipe", "epochs", "batch_size", "image_size", "in_channels", "weights"),
    *("gpus", "backend", "nodes", "rank", "precision", "seed", "on_nan", "balance", "multi_label", "watch", "out", "name"),
)


def console(quiet: bool) -> Console:
    """Progress on stderr, or none."""
    return Console(quiet=quiet)


def resolve(flags: Mapping[str, Any], config: Path | None, settings: Sequence[str] | None) -> "Resolved":
    """The run's settings from the options of a verb, the file and the environment."""
    from kclassify import config as configs

    return configs.resolve(flags, file=config, settings=settings or (), environment=os.environ)


def run_result(run: "Run", as_json: bool) -> None:
    """What a training came to."""
    if as_json:
        return _json(run.to_json())
    best, last = run.best, run.last
    which = f"epoch {best['epoch']}, {best['weights']} weights"
    names = [name for name in (*ONE_LABEL, *MULTI_LABEL, "loss") if name in best]
    rows = [
        ("best", "  ".join([*(f"{name} {best[name]:.4f}" for name in names), f"({which})"])),
        ("last", "  ".join([*(f"{name} {last['val_' + name]:.4f}" for name in names), f"(epoch {last['epoch']})"])),
        ("run", str(run.path)),
        ("model", str(run.best_model)),
        ("next", f"kclassify predict FILE --model {shlex.quote(str(run.path))}"),
        ("", f"kclassify export {shlex.quote(str(run.path))} --format onnx"),
    ]
    if not run.path.is_dir():  # of several machines the first one has it
        rows = [*rows[:2], ("run", "written by worker 0")]
    _pairs(rows)


def plan(found: "Plan", as_json: bool) -> None:
    """What a training would do."""
    if as_json:
        return _json(found.to_json())
    _pairs([(key.replace("_", " "), str(value)) for key, value in found.to_json().items() if key != "schema_version"])


def range_test(found: "RangeTest", command: str, plot: Path | None, as_json: bool) -> None:
    """What a learning rate range test came to; `command` is the training that it is for, without its learning rate."""
    if as_json:
        return _json(found.to_json() | {"plot": str(plot) if plot else None})
    rates = f"{found.rates[0]:.2g} to {found.rates[-1]:.2g}"
    rows = [
        ("lr", f"{found.lr:g}"),
        ("rule", f"{found.rule}: {found.rates[found.best]:.2g}"),
        ("steps", f"{len(found.rates)}, at {rates}, {'where the loss diverged' if found.diverged else 'where it ended'}"),
        *([("plot", str(plot))] if plot else []),
        ("next", f"{command} --lr {found.lr:g}"),
    ]
    _pairs(rows)


def evaluation(found: "Evaluation", as_json: bool) -> None:
    """How good a model is."""
    if as_json:
        return _json(found.to_json())
    _pairs(
        [
            *((name, f"{value:.4f}") for name, value in found.measured().items()),
            ("images", f"{found.images} of {found.data}, {found.classes} classes"),
            ("model", found.model),
        ]
    )


def watched(results: Iterable["Result"], total: int, bar: Console) -> Iterator["Result"]:
    """The results, with a bar that moves as they come."""
    with bar.progress("predicting", total) as progress:
        for done, result in enumerate(results, start=1):
            progress.advance(done, {})
            yield result


def predictions(model: str, results: Iterable["Result"], csv: Path | None, as_json: bool) -> None:
    """One row a file, errors too; InputsFailed at the end if there was one."""
    rows = list(results)
    if csv:
        _write_csv(csv, rows)
    if as_json:
        _json({"schema_version": 1, "model": model, "results": [row.to_json() for row in rows]})
    elif csv:
        _pairs([("table", f"{csv} ({len(rows)} files)")])
    else:
        _table(("file", "answers"), [(row.file, (row.error and f"error: {row.error}") or _ranked(row)) for row in rows])
    failed = sum(row.error is not None for row in rows)
    if failed:
        raise InputsFailed(f"{failed} of {len(rows)} files could not be read.")


def export_report(report: "ExportReport", as_json: bool) -> None:
    """What an export came to."""
    document = {
        "schema_version": 1,
        "path": str(report.path),
        "format": report.format,
        "max_difference": report.max_difference,
        "images": report.images,
        "megabytes": round(report.megabytes, 3),
        "seconds": round(report.seconds, 2),
    }
    if as_json:
        return _json(document)
    agreement = f"largest difference {report.max_difference:.1e} over {report.images} photographs"
    _pairs([("export", f"{report.path} ({report.format}, {report.megabytes:.1f} MB)"), ("as Keras", agreement)])


def settings(resolved: "Resolved", as_json: bool) -> None:
    """Every setting with its origin."""
    from kclassify.config import flatten

    values = flatten(resolved.config)
    if as_json:
        return _json(
            {"schema_version": 1, "settings": {key: {"value": value, "from": resolved.origins[key]} for key, value in values.items()}}
        )
    _table(("setting", "value", "from"), [(key, _shown(value), resolved.origins[key]) for key, value in values.items()])


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(item if isinstance(item, str) else f"{item:g}" for item in value) if isinstance(value, tuple) else str(value)


def _ranked(row: "Result") -> str:
    return ", ".join(f"{item.label} {item.score:.3f}" for item in row.predictions) or "no label has a probability of 0.5 or more"


def _write_csv(path: Path, rows: Sequence["Result"]) -> None:
    text = io.StringIO(newline="")
    writer = csv_files.writer(text, lineterminator="\n")
    writer.writerow(["file", "rank", "class_id", "label", "score", "error"])
    for row in rows:
        if row.error is not None:
            writer.writerow([row.file, "", "", "", "", row.error])
        elif not row.predictions:  # none of several labels
            writer.writerow([row.file, "", "", "", "", ""])
        for rank, item in enumerate(row.predictions, start=1):
            writer.writerow([row.file, rank, item.class_id, item.label, f"{item.score:.6f}", ""])
    try:
        path.write_text(text.getvalue(), encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise SetupError(f"Cannot write '{path}': {error.strerror}.") from error
