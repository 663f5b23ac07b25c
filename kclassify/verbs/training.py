"""Verbs that make models: train, resume."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kclassify import screen
from kclassify.verbs.options import (
    Augment,
    BatchSize,
    ConfigFile,
    Data,
    Epochs,
    Gpus,
    ImageSize,
    Json,
    Offline,
    Preset,
    Quiet,
    Seed,
    Settings,
    Val,
    cache_names,
)


def train(  # noqa: PLR0913 - the options of the main verb
    preset: Preset = None,
    data: Data = None,
    val: Val = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    image_size: ImageSize = None,
    weights: Annotated[str | None, typer.Option(help="auto, pretrained, none, or a file.")] = None,
    pretrained: Annotated[bool | None, typer.Option("--pretrained/--no-pretrained", help="Short for --weights pretrained or none.")] = None,
    gpus: Gpus = None,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    nodes: Annotated[str | None, typer.Option(metavar="HOST:PORT,...", help="All machines of a run; start the same on each.")] = None,
    rank: Annotated[int | None, typer.Option(help="The place of this machine in --nodes, from 0.")] = None,
    precision: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16.")] = None,
    augment: Augment = None,
    cache: Annotated[
        str | None,
        typer.Option(metavar="WHERE", help="Keep decoded images in ram or on disk; none reads them anew.", autocompletion=cache_names),
    ] = None,
    seed: Seed = None,
    recipe: Annotated[str | None, typer.Option(help="Row of settings to start from.")] = None,
    out: Annotated[str | None, typer.Option(help="Folder for run folders.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run folder.")] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, build the model, train nothing.")] = False,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a model into a new run folder.

    Examples: kclassify train --preset mobilenetv3_large --gpus 0,1,2,3 ·
    kclassify train --data flowers/ --epochs 20 -o optimizer.lr=0.02 ·
    kclassify train --data flowers/ --augment autoaugment,random_erasing,mixup --cache ram
    """
    flags: dict[str, Any] = {key: value for key, value in locals().items() if key in screen.RUN_FLAGS}
    flags |= {"optimizer.lr": lr, "augment.ops": augment, "image_cache": cache}
    if pretrained is not None:
        flags["weights"] = "pretrained" if pretrained else "none"
    resolved = screen.resolve(flags, config, settings)
    from kclassify import training

    if dry_run:
        return screen.plan(training.dry_run(resolved.config, screen.console(quiet)), as_json)
    screen.run_result(training.train(resolved.config, screen.console(quiet)), as_json)


def resume(run: Annotated[Path, typer.Argument(help="Run folder.")], quiet: Quiet = False, as_json: Json = False) -> None:
    """Go on with a stopped run at the exact step of its last checkpoint.

    Example: kclassify resume runs/mobilenetv3_large-digits-1
    """
    from kclassify import training

    screen.run_result(training.resume(run, screen.console(quiet)), as_json)
