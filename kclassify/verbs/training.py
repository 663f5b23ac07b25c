"""Verbs that make models: train, resume."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kclassify import screen
from kclassify.verbs.options import (
    Augment,
    Balance,
    BatchSize,
    Cache,
    ConfigFile,
    Data,
    DryRun,
    Epochs,
    FreezeBn,
    FreezeEpochs,
    Gpus,
    ImageSize,
    InChannels,
    Json,
    LearningRate,
    LrScale,
    MultiLabel,
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
    Teacher,
    TimeLimit,
    Val,
    Watch,
    Weights,
)

if TYPE_CHECKING:
    from kclassify.config import RunConfig

# Options that are settings under another name.
_KEYS = {
    **{"lr": "optimizer.lr", "lr_scale": "optimizer.lr_scale", "augment": "augment.ops", "cache": "image_cache"},
    **{"patience": "stop.patience", "time_limit": "stop.time_limit", "teacher": "distill.teacher"},
    **{"freeze_epochs": "finetune.freeze_epochs", "freeze_bn": "finetune.freeze_bn"},
}


def train(  # noqa: PLR0913 - the options of the main verb
    preset: Preset = None,
    data: Data = None,
    val: Val = None,
    multi_label: MultiLabel = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    lr_scale: LrScale = None,
    image_size: ImageSize = None,
    in_channels: InChannels = None,
    weights: Weights = None,
    pretrained: Annotated[bool | None, typer.Option("--pretrained/--no-pretrained", help="Short for --weights pretrained or none.")] = None,
    freeze_epochs: FreezeEpochs = None,
    freeze_bn: FreezeBn = None,
    balance: Balance = None,
    teacher: Teacher = None,
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
    watch: Watch = None,
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
    kclassify train --data flowers/ --epochs 20 --augment autoaugment,random_erasing,mixup --cache ram -o optimizer.lr=0.02
    """
    flags: dict[str, Any] = {_KEYS.get(key, key): value for key, value in locals().items() if key in (*screen.RUN_FLAGS, *_KEYS)}
    if pretrained is not None:
        flags["weights"] = "pretrained" if pretrained else "none"
    _begin(screen.resolve(flags, config, settings).config, dry_run=dry_run, quiet=quiet, as_json=as_json)


def _begin(config: "RunConfig", *, dry_run: bool, quiet: bool, as_json: bool) -> None:
    from kclassify import training

    if dry_run:
        return screen.plan(training.dry_run(config, screen.console(quiet)), as_json)
    screen.run_result(training.train(config, screen.console(quiet)), as_json)


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
