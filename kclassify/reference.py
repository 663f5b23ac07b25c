"""What a user means by a model: a run folder, a model file, an export, or a preset's name."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kclassify import devices, presets
from kclassify.errors import ModelError, UsageError, near_names
from kclassify.presets import ModelRow
from kclassify.presets.card import ModelCard
from kclassify.remote import kerashub

DEFAULT = "efficientnet_lite0"  # its real ImageNet weights come with a package that is always installed


@dataclass(frozen=True)
class Reference:
    """A model that was found but not opened: exactly one of `path` and `row` is set. `run` is the folder if it came from a run."""

    name: str
    path: Path | None = None
    row: ModelRow | None = None
    run: Path | None = None


def find(text: str) -> Reference:
    """Find what RUN | MODEL.keras | EXPORT | PRESET stands for, without opening it.

    Raises:
        ModelError: there is no such file, and no preset of that name.
    """
    path = Path(text).expanduser()
    if (path / "run.json").is_file():
        best = path / "best.keras"
        if not best.is_file():
            raise ModelError(f"{path}: the run has no best.keras yet; its first epoch has not ended. Go on with: kclassify resume {path}")
        return Reference(text, path=best, run=path)
    if path.exists():
        return Reference(text, path=path)
    try:
        return Reference(text, row=presets.get(kerashub.fetch(text)))
    except UsageError as error:
        if text.startswith(presets.PASSED_ON):
            raise ModelError(str(error)) from None
        hint = near_names(text, presets.names())
        raise ModelError(
            f"No model at '{text}', and no preset has that name.{hint} Expected a run folder, a model file or a preset."
        ) from None


def open_keras(reference: Reference, *, classifier: bool = True) -> tuple[Any, ModelCard]:
    """The Keras model (probabilities out) and its card; `classifier` False is for those who want features alone.

    Raises:
        ModelError: a preset without weights at hand or whose weights have no classifier, or a file that is no `.keras` file of kclassify.
    """
    if reference.path is not None and not zipfile.is_zipfile(reference.path):
        raise ModelError(
            f"{reference.path}: not a .keras file. Expected a run folder, a .keras file or a preset.\n"
            f"An export is for predictions: kclassify predict FILE --model {reference.path}"
        )
    if classifier and reference.row is not None and reference.row.headless:
        name = reference.row.name
        raise ModelError(f"{name}: its weights have no classifier. Train one: kclassify train DATA --preset {name} --weights pretrained")
    devices.start()
    if reference.row is None:
        from kclassify import bundle

        return bundle.load(reference.path or "")
    from kclassify.models import create_model

    row, names = reference.row, presets.imagenet_class_names()
    if row.classes != len(names):  # a file for classes whose names it does not know
        names = tuple(str(number) for number in range(row.classes))
    return create_model(row.name, num_classes=row.classes, weights="pretrained"), ModelCard(row.name, names, row.preprocessing)
