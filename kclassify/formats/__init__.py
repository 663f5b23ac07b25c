"""Exports: the table of formats, and the one function that writes any of them and proves that it agrees with Keras."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from kclassify import devices, presets
from kclassify.errors import KClassifyError, ModelError, SetupError, UsageError, near_names
from kclassify.formats import gate, keras_file, onnx, saved_model, tf_trt, timm
from kclassify.predictor import Predictor
from kclassify.presets.card import ModelCard
from kclassify.reference import Reference, open_keras


@dataclass(frozen=True)
class Format:
    """One format: the suffix of its files ("" for a folder) and its functions; `final` for one that is never trained again."""

    name: str
    suffix: str
    save: Callable[[Any, ModelCard, Path], None]
    load: Callable[[Path], Predictor]
    detect: Callable[[Path], bool]
    final: bool = False


@dataclass(frozen=True)
class ExportReport:
    """What an export came to: the largest absolute difference to Keras over `images` photographs, its size on disk and the time it took."""

    path: Path
    format: str
    max_difference: float
    images: int
    megabytes: float
    seconds: float


ROWS = (
    Format("saved_model", "", saved_model.save, saved_model.load, saved_model.detect, final=True),
    Format("onnx", ".onnx", onnx.save, onnx.load, onnx.detect, final=True),
    Format("tf-trt", "", partial(tf_trt.save, save_plain=saved_model.save), saved_model.load, tf_trt.detect, final=True),
    Format("timm", "", timm.save, timm.load, timm.detect),
    Format("keras", ".keras", keras_file.save, keras_file.load, keras_file.detect),
)
FORMATS = {row.name: row for row in ROWS}


def export_model(model: Any, card: ModelCard, format_name: str, path: Path) -> ExportReport:
    """Write `model` in a format, load it back, compare it with Keras on photographs, and only then give it its name.

    Raises UsageError for an unknown format or a target in the way, SetupError where the format cannot be written, ModelError for a model
    that it cannot hold, GateError for a disagreement. On any error nothing is left and an older export of that name is untouched.
    """
    start = time.monotonic()
    row = find_format(format_name)
    check_target(row, path)
    devices.require_tensorflow("An export")
    with draft_folder(path) as folder:
        draft = folder / path.name
        write(row, model, card, draft)
        exported = row.load(draft)
        agreement = gate.check(row.name, card.preprocessing, keras_file.keras_forward(model, card), exported.forward)
        megabytes = size_on_disk(draft) / 1e6
        publish(draft, path)
    return ExportReport(path, row.name, agreement.max_difference, agreement.images, megabytes, time.monotonic() - start)


def open_export(path: Path) -> Predictor | None:
    """A Predictor for an export of any format, recognised by its content; None if `path` is none. A damaged one raises ModelError."""
    for row in ROWS:
        if row.detect(path):
            return row.load(path)
    return None


def open_predictor(reference: Reference) -> Predictor:
    """A Predictor for RUN | MODEL.keras | EXPORT | PRESET; ModelError if the path is none of them."""
    if reference.path is None:
        return Predictor(reference.name, *_opened(reference))
    found = open_export(reference.path)
    if found is None:
        raise ModelError(f"'{reference.path}' is no model: expected a run folder, a .keras file, or an export ({', '.join(FORMATS)}).")
    return replace(found, name=reference.name)


def _opened(reference: Reference) -> tuple[ModelCard, Callable[[Any], Any]]:
    model, card = open_keras(reference)
    return card, keras_file.keras_forward(model, card)


def export_reference(reference: Reference, format_name: str, path: Path | None = None) -> ExportReport:
    """Export RUN | MODEL.keras | PRESET; by default into the run's folder, else into this one.

    Raises what `export_model` and `reference.open_keras` raise.
    """
    row = find_format(format_name)
    model, card = open_keras(reference)
    folder = (reference.run / "exports") if reference.run else Path()
    name = presets.short(card.preset)
    default = folder / (f"{name}{row.suffix}" if row.suffix else f"{name}_{row.name.replace('-', '_')}")
    return export_model(model, card, format_name, path or default)


def find_format(name: str) -> Format:
    """The row of that name, or UsageError with the nearest one."""
    if name not in FORMATS:
        raise UsageError(f"No export format is named '{name}'.{near_names(name, FORMATS)} Known: {', '.join(FORMATS)}.")
    return FORMATS[name]


def check_target(row: Format, path: Path) -> None:
    """Raise UsageError if `path` holds something that an export in this format must not replace."""
    if row.suffix and path.is_dir():
        raise UsageError(f"{path}: is a folder; the format {row.name} writes a file. Name one: {path / ('model' + row.suffix)}")
    if not path.exists() or (row.detect(path) if row.suffix else (path / saved_model.CARD).is_file()):
        return
    if row.suffix:
        raise UsageError(
            f"{path}: exists and does not hold a model in the format {row.name}, so it will not be replaced. Choose another name."
        )
    if not path.is_dir() or any(path.iterdir()):
        raise UsageError(f"{path}: exists and is not an export of kclassify, so it will not be replaced. Choose another name.")


@contextmanager
def draft_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path`, so on its file system, that vanishes at the end; a disk that refuses becomes a SetupError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".kclassify-export-", dir=path.parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise SetupError(f"{path}: cannot be written ({error.strerror or error}).") from error


def write(row: Format, model: Any, card: ModelCard, draft: Path) -> None:
    """Run the format's exporter; what a converter raises on a model that it cannot hold becomes a ModelError.

    Where nothing will be trained any more, branches that are summed are written as the one convolution that they come to.
    """
    try:
        if row.final:
            from kclassify.reparameterise import reparameterise

            model = reparameterise(model)
        row.save(model, card, draft)
    except (KClassifyError, OSError):
        raise
    except Exception as error:  # converters raise many unrelated types
        raise ModelError(
            f"The model '{card.preset}' cannot be converted to {row.name}: {type(error).__name__}: {str(error)[:200]}"
        ) from error


def publish(draft: Path, path: Path) -> None:
    """Give a finished draft its name; an older folder steps aside into the draft's folder first and returns if the rename fails."""
    if not path.is_dir():
        draft.replace(path)
        return
    older = path.rename(draft.with_name("older"))
    try:
        draft.replace(path)
    except OSError:
        older.rename(path)
        raise


def size_on_disk(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())
