"""`kclassify data pack`: the data set of a config written as shards, with the split that training would use, and what that came to."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kclassify import devices
from kclassify.config import RunConfig
from kclassify.console import Console
from kclassify.data.index import Index
from kclassify.data.sources import check_exists
from kclassify.errors import UsageError
from kclassify.presets.datasets import DATASETS


@dataclass(frozen=True)
class Packed:
    """What a pack came to: `images` by split, and the bytes of all images before and of all shards after."""

    folder: Path
    images: Mapping[str, int]
    bytes_before: int
    bytes_after: int

    def to_json(self) -> dict[str, Any]:
        """The result as `kclassify data pack --json` prints it."""
        return {"schema_version": 1, **dataclasses.asdict(self), "folder": str(self.folder)}


def pack(config: RunConfig, folder: Path, *, short_side: int | None, quality: int | None, console: Console) -> Packed:
    """Write the data set of a config as TFRecord shards into a new folder.

    Args:
        short_side: larger images are resized until their short side has so many pixels, and stored as JPEG; None leaves all as they are.
        quality: of those JPEGs, 1 to 100; by default 90.

    Raises:
        UsageError: the folder exists or lies in the data set, a quality is given where nothing is resized, or pictures have several labels.
        KClassifyError: as `dataset.load` and `pack.write`.
    """
    if config.multi_label:
        raise UsageError(
            "multi_label: a shard holds one label a picture. Expected the list itself: kclassify train --data LIST --multi-label"
        )
    if quality is not None and short_side is None:
        raise UsageError("--quality is that of resized images. Expected --short-side with it, such as: --short-side 256")
    if folder.exists():
        raise UsageError(f"'{folder}' exists. Expected the name of a folder to be made.")
    check_outside(folder, config.data)
    check_exists(config.data)
    devices.start()
    from kclassify.data.repack import pack_dataset
    from kclassify.training.setup import load_data

    data = load_data(config, console)
    with console.progress("packing", len(data.train) + len(data.val)) as bar:
        images = pack_dataset(data, folder, short_side=short_side, quality=quality or 90, progress=lambda done: bar.advance(done, {}))
    after = sum(path.stat().st_size for path in folder.iterdir())
    return Packed(folder, images, _bytes(data.train) + _bytes(data.val), after)


def check_outside(target: Path, data: str) -> None:
    """UsageError for what would be written into the folder of the images, where it would be taken for data."""
    root = Path(data).expanduser()
    if data not in DATASETS and root.is_dir() and target.absolute().resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"'{target}' lies in the data set '{data}', where nothing is ever written. Expected -o with a place outside of it."
        )


def _bytes(index: Index) -> int:
    if index.ranges is not None:
        return int(index.ranges[:, 1].sum())
    return sum(Path(file).stat().st_size for file in index.files())
