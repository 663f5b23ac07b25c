"""Verbs that look at images before a model is trained on them: data check, preview, pack."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kclassify import presets, screen
from kclassify.screen import data as data_screen
from kclassify.verbs.options import (
    Augment,
    BatchSize,
    ConfigFile,
    DataSet,
    ImageSize,
    Json,
    LongSettings,
    MultiLabel,
    Offline,
    Preset,
    Quiet,
    Seed,
    Val,
)


def data_check(  # noqa: PLR0913 - the options of a verb
    data: DataSet,
    val: Val = None,
    multi_label: MultiLabel = None,
    preset: Preset = None,
    settings: LongSettings = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 3 for unusable files, class problems, and images in both parts or two classes.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every class and every finding.")] = False,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Count and compare all images: classes, sizes, unusable files, duplicates, images in both train and val.

    Examples: kclassify data check flowers/ · kclassify data check flowers/train --val flowers/val --strict --json
    """
    from kclassify.data.check import check

    config = screen.resolve({"data": data, "val": val, "multi_label": multi_label, "preset": preset}, None, settings).config
    crop_pct = config.crop_pct or presets.get(config.preset).preprocessing.crop_pct
    with screen.console(quiet).progress("indexing", 1) as bar:
        found = check(
            *(config.data, config.val),
            val_fraction=config.val_fraction,
            seed=config.seed,
            crop_pct=crop_pct,
            multi_label=config.multi_label,
            progress=lambda title, done, total: bar.advance(done, {}, total=total, description=title),
        )
    data_screen.check(found, everything=everything, strict=strict, as_json=as_json)


def data_preview(  # noqa: PLR0913 - the options of a verb
    data: DataSet,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .png, .jpg or .webp.")] = Path("sheet.png"),
    val: Val = None,
    multi_label: MultiLabel = None,
    preset: Preset = None,
    augment: Augment = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="Images on the sheet.")] = 32,
    columns: Annotated[int | None, typer.Option(min=1, max=100, help="Images side by side.")] = None,
    before: Annotated[bool, typer.Option("--before", help="Each image as it is, above what became of it.")] = False,
    image_size: ImageSize = None,
    batch_size: BatchSize = None,
    seed: Seed = None,
    config: ConfigFile = None,
    settings: LongSettings = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Draw the images that training sees first, after all augmentations, each with its class, on a sheet.

    Examples: kclassify data preview flowers/ · kclassify data preview flowers/ --augment randaugment,cutmix -n 24 --before -o sheet.png
    """
    from kclassify.training.preview import preview

    flags: dict[str, Any] = {key: value for key, value in locals().items() if key in screen.RUN_FLAGS}
    flags["augment.ops"] = augment
    resolved = screen.resolve(flags, config, settings).config
    sheet = preview(resolved, output, count=count, columns=columns, before=before, force=force, console=screen.console(quiet))
    data_screen.preview(sheet, as_json)


def data_pack(  # noqa: PLR0913 - the options of a verb
    data: DataSet,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder to make.")],
    val: Val = None,
    short_side: Annotated[int | None, typer.Option(min=8, max=65535, help="Make larger images so small, in pixels.")] = None,
    quality: Annotated[int | None, typer.Option(min=1, max=100, help="Of the JPEGs that are made smaller; by default 90.")] = None,
    settings: LongSettings = None,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write a data set as TFRecord shards, which are read faster than a folder of files, with the split that it has.

    Examples: kclassify data pack flowers/ -o flowers-256 --short-side 256 · kclassify train --data flowers-256
    """
    from kclassify.training.packing import pack

    config = screen.resolve({"data": data, "val": val}, None, settings).config
    data_screen.packed(pack(config, output, short_side=short_side, quality=quality, console=screen.console(quiet)), as_json)
