"""Verbs that look for a setting: lr-find."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kclassify import screen
from kclassify.verbs.options import (
    Augment,
    BatchSize,
    Cache,
    ConfigFile,
    Data,
    Gpus,
    ImageSize,
    Json,
    MultiLabel,
    Offline,
    Precision,
    Preset,
    Quiet,
    Seed,
    Settings,
    Val,
)


def lr_find(  # noqa: PLR0913 - the options of a verb
    preset: Preset = None,
    data: Data = None,
    val: Val = None,
    multi_label: MultiLabel = None,
    batch_size: BatchSize = None,
    image_size: ImageSize = None,
    weights: Annotated[str | None, typer.Option(help="auto, pretrained, none, or a file.")] = None,
    gpus: Gpus = None,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    precision: Precision = None,
    augment: Augment = None,
    cache: Cache = None,
    seed: Seed = None,
    recipe: Annotated[str | None, typer.Option(help="Row of settings to start from.")] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the losses: .png, .jpg or .webp.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the picture if it is there.")] = False,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Look for a learning rate: let it rise over 100 steps until the loss diverges. Nothing is trained or written.

    Examples: kclassify lr-find --data flowers/ --plot lr.png · kclassify train --data flowers/ --lr auto
    """
    flags: dict[str, Any] = {key: value for key, value in locals().items() if key in screen.RUN_FLAGS}
    flags |= {"augment.ops": augment, "image_cache": cache}
    resolved = screen.resolve(flags, config, settings)
    from kclassify import training

    found = training.find_learning_rate(resolved.config, screen.console(quiet), plot=plot, force=force)
    screen.range_test(found, _command(flags, config, settings or ()), plot, as_json)


def _command(flags: Mapping[str, Any], config: Path | None, settings: Sequence[str]) -> str:
    """The training with the same options."""
    names = {"augment.ops": "augment", "image_cache": "cache"}
    given = {names.get(key, key).replace("_", "-"): value for key, value in flags.items() if value is not None}
    words = [f"--{name}" if value else f"--no-{name}" for name, value in given.items() if isinstance(value, bool)]
    words += [word for name, value in given.items() if not isinstance(value, bool) for word in (f"--{name}", str(value))]
    words += ["-c", str(config)] if config else []
    return shlex.join(["kclassify", "train", *words, *(word for setting in settings for word in ("-o", setting))])
