"""Verbs that make models: train, resume."""

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
    DryRun,
    Epochs,
    Gpus,
    ImageSize,
    Json,
    LearningRate,
    LrScale,
    Nodes,
    Offline,
    OnNan,
    Patience,
    Precision,
    Preset,
    Quiet,
    Rank,
    Seed,
    Settings,
    TimeLimit,
    Val,
)


def train(  # noqa: PLR0913 - the options of the main verb
    preset: Preset = None,
    data: Data = None,
    val: Val = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    lr_scale: LrScale = None,
    image_size: ImageSize = None,
    weights: Annotated[str | None, typer.Option(help="auto, pretrained, none, or a file.")] = None,
    pretrained: Annotated[bool | None, typer.Option("--pretrained/--no-pretrained", help="Short for --weights pretrained or none.")] = None,
    gpus: Gpus = None,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    nodes: Nodes = None,
    rank: Rank = None,
    precision: Precision = None,
    augment: Augment = None,
    cache: Cache = None,
    seed: Seed = None,
    on_nan: OnNan = None,
    patience: Patience = None,
    time_limit: TimeLimit = None,
    recipe: Annotated[str | None, typer.Option(help="Row of settings to start from.")] = None,
    out: Annotated[str | None, typer.Option(help="Folder for run folders.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run folder.")] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    dry_run: DryRun = False,
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
    flags |= {"optimizer.lr": lr, "optimizer.lr_scale": lr_scale, "augment.ops": augment, "image_cache": cache}
    flags |= {"stop.patience": patience, "stop.time_limit": time_limit}
    if pretrained is not None:
        flags["weights"] = "pretrained" if pretrained else "none"
    resolved = screen.resolve(flags, config, settings)
    from kclassify import training

    if dry_run:
        return screen.plan(training.dry_run(resolved.config, screen.console(quiet)), as_json)
    screen.run_result(training.train(resolved.config, screen.console(quiet)), as_json)


def resume(  # noqa: PLR0913 - what may change in a run
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    epochs: Epochs = None,
    lr: LearningRate = None,
    batch_size: BatchSize = None,
    gpus: Gpus = None,
    precision: Precision = None,
    nodes: Nodes = None,
    rank: Rank = None,
    patience: Patience = None,
    time_limit: TimeLimit = None,
    settings: Settings = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Go on with a stopped run at the exact step of its last checkpoint; what is set here changes from that step on.

    Examples: kclassify resume runs/mobilenetv3_large-digits-1 ·
    kclassify resume runs/mobilenetv3_large-digits-1 --epochs 40 --lr 0.01
    """
    from kclassify import training

    flags: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "gpus": gpus, "precision": precision, "nodes": nodes, "rank": rank}
    flags |= {"optimizer.lr": lr, "stop.patience": patience, "stop.time_limit": time_limit}
    screen.run_result(training.resume(run, screen.console(quiet), flags=flags, settings=settings or ()), as_json)
