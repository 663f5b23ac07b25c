"""`kclassify data preview`: a contact sheet of the very pixels that a training with the same settings sees first."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kclassify import devices
from kclassify.config import RunConfig
from kclassify.console import Console
from kclassify.data.sources import check_exists
from kclassify.errors import DataError, SetupError, UsageError
from kclassify.training.packing import check_outside

if TYPE_CHECKING:
    import numpy as np

    from kclassify.data.dataset import Dataset
    from kclassify.presets.card import ModelCard

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Sheet:
    """A contact sheet that was written: its place, its size in pixels, and how many images of how many steps are on it."""

    path: Path
    width: int
    height: int
    images: int
    steps: int

    def to_json(self) -> dict[str, Any]:
        """The result as `kclassify data preview --json` prints it."""
        return {"schema_version": 1, "path": str(self.path), **{key: getattr(self, key) for key in ("width", "height", "images", "steps")}}


@dataclass(frozen=True)
class Seen:
    """Images of so many steps: `pixels` uint8 [n, size, size, 3], `targets` float32 [n, classes], `rows` of the index [n]."""

    pixels: "np.ndarray"
    targets: "np.ndarray"
    rows: "np.ndarray"
    steps: int


def preview(
    config: RunConfig, path: Path, *, count: int, columns: int | None = None, before: bool = False, force: bool = False, console: Console
) -> Sheet:
    """Write the first images of a training with this config, after their augmentations, with their classes, to a picture.

    Args:
        columns: images side by side; by default so many that the sheet is a little wider than high.
        before: put each image as it is in its file above what became of it.
        force: replace the file if it is there.

    Raises:
        UsageError: the file is there, lies in the data set, or has another ending than SUFFIXES.
        KClassifyError: as `dataset.load`.
    """
    check_target(path, config, force=force)
    check_exists(config.data)
    devices.start()
    from kclassify.training import sheet
    from kclassify.training.setup import load_data, make_card

    devices.set_seeds(config.seed, deterministic=config.deterministic)
    data = load_data(config, console)
    card = make_card(config, data.train.class_names)
    with console.progress("augmenting", 1):
        seen = first_images(config, data, card, count)
    labels = [sheet.label(target, card.class_names) for target in seen.targets]
    originals = [_original(data, row) for row in seen.rows] if before else None
    drawn = sheet.draw(_title(config, card), seen.pixels, labels, columns=columns, originals=originals)
    save_picture(drawn, path)
    return Sheet(path, *drawn.size, images=len(labels), steps=seen.steps)


def first_images(config: RunConfig, data: "Dataset", card: "ModelCard", count: int) -> Seen:
    """The first images of a training, in order; those that only fill up an epoch's last batch are left out."""
    import numpy as np

    from kclassify.data import decoded, pipeline
    from kclassify.training.batch_size import for_cpu
    from kclassify.training.setup import make_transform

    batch_size = config.batch_size or for_cpu(len(data.train), config.accumulate)  # of any size the images are the same
    order: dict[str, Any] = {"batch_size": batch_size // config.accumulate, "accumulate": config.accumulate, "seed": config.seed}
    kept = None if config.image_cache == "none" else decoded.keep_decoded(data.train, config.image_cache)
    transform = make_transform(config, card)
    batches = pipeline.train_batches(data.train, transform, **order, first_step=0, last_step=count, decoded=kept)
    found: list[tuple[np.ndarray, ...]] = []
    iterator = batches.as_numpy_iterator()
    while sum(len(pixels) for pixels, *_ in found) < count:
        pixels, targets, weights = next(iterator)
        rows = pipeline.rows_of_steps(len(data.train), steps=range(len(found), len(found) + 1), repeats=config.augment.repeats, **order)
        found.append(tuple(column[weights > 0] for column in (pixels, targets, rows)))
    pixels, targets, rows = (np.concatenate(column)[:count] for column in zip(*found, strict=True))
    return Seen(pixels, targets, rows, steps=len(found))


def _title(config: RunConfig, card: "ModelCard") -> tuple[str, str]:
    """What the sheet shows: the data set's name, and all that decides the pixels."""
    augment, size = config.augment, card.preprocessing.size
    crop = f"crops of {augment.crop_scale[0]:.0%} to {augment.crop_scale[1]:.0%}, {augment.flip:.0%} flipped"
    ops = ", ".join(augment.ops) or "no further augmentation"
    name = "/".join(Path(config.data).parts[-2:]) or Path(config.data).resolve().name
    return name, f"{config.preset} · {size} x {size} pixels · {crop} · {ops} · seed {config.seed} · from step 0"


def save_picture(picture: Any, path: Path) -> None:
    """Write a Pillow picture; SetupError if that cannot be."""
    try:
        picture.save(path)
    except OSError as error:
        raise SetupError(f"Cannot write '{path}': {error.strerror or error}.") from error


def check_target(path: Path, config: RunConfig, *, force: bool, option: str = "-o") -> None:
    """Before any work: UsageError or SetupError for a picture that could not, or should not, be written there."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"'{path}' has no ending of a format that is written. Expected {', '.join(SUFFIXES)}, such as: {option} sheet.png")
    if path.is_dir() or (path.exists() and not force):
        raise UsageError(f"'{path}' exists. Name another file with {option}, or replace it with: --force")
    check_outside(path, config.data)
    folder = path.absolute().parent
    if not os.access(folder, os.W_OK):
        raise SetupError(f"Cannot write '{path}': {'no right to write into' if folder.is_dir() else 'there is no folder'} '{folder}'.")


def _original(data: "Dataset", row: int) -> "np.ndarray":
    """The picture as it is in its file, uint8 [H, W, 3]."""
    from kclassify.data.images.decode import BadImage, read_rgb

    try:
        return read_rgb(data.train.source(row))
    except (BadImage, OSError) as error:
        raise DataError(f"{data.train.root / data.train.paths[row]}: {error}") from error
