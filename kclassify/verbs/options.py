"""Options that several verbs share, as named types."""

import os
from pathlib import Path
from typing import Annotated

import typer

from kclassify import presets
from kclassify.presets.augmentations import AUGMENTATIONS


def augmentation_names(incomplete: str) -> list[str]:
    """For a shell's completion: what may come after the last comma."""
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in AUGMENTATIONS if name.startswith(last) and name not in before.split(",")]


def cache_names() -> list[str]:
    """For a shell's completion: where decoded images can be kept."""
    from kclassify.config.limits import CACHES

    return list(CACHES)


def stay_offline(wanted: bool) -> bool:
    """Told to whatever downloads by the environment, before anything is opened."""
    if wanted:
        os.environ["KCLASSIFY_OFFLINE"] = "1"
    return wanted


def fetch_preset(name: str) -> str:
    """The same name; what it stands for is downloaded if it is keras_hub's and not here."""
    from kclassify.remote import kerashub

    kerashub.fetch(name)
    return name


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="YAML file with settings, such as RUN/config.yaml.")]
Settings = Annotated[list[str] | None, typer.Option("--set", "-o", metavar="KEY=VALUE", help="Any setting; see: kclassify config show.")]
Gpus = Annotated[str | None, typer.Option(help="0,1,2,3 or all or none. By default the first GPU, else the CPU.")]
Preset = Annotated[
    str | None,
    typer.Option("--preset", "-p", help="Model; see: kclassify presets list.", autocompletion=presets.names, callback=fetch_preset),
]
Data = Annotated[str | None, typer.Option("--data", "-d", help="Folder of class folders, list of images, or a name such as digits.")]
DataSet = Annotated[str, typer.Argument(metavar="DATA", help="What train takes as --data: a folder, a list, or a name such as digits.")]
Val = Annotated[str | None, typer.Option(help="Validation folder or list, if the data has none.")]
Augment = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Augmentations beside crop and flip, such as randaugment,mixup, or none. Settings: --set augment.mixup.alpha=0.8.",
        autocompletion=augmentation_names,
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Download nothing.", callback=stay_offline, is_eager=True)]
LongSettings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting; see: kclassify config show.")]
Seed = Annotated[int | None, typer.Option(help="Of the split, the order, the crops and the weights.")]
Epochs = Annotated[int | None, typer.Option("--epochs", "-e", help="How often every image is seen.")]
BatchSize = Annotated[
    str | None, typer.Option("--batch-size", "-b", metavar="NUMBER|auto", help="Images a step, over all devices; auto: what fits.")
]
ImageSize = Annotated[int | None, typer.Option(help="Side of the model's square input in pixels.")]
InChannels = Annotated[int | None, typer.Option(metavar="3|1", help="Channels of the first convolution; 1: pictures become grey.")]
LearningRate = Annotated[str | None, typer.Option("--lr", metavar="NUMBER|auto", help="Peak learning rate; auto looks for it, as lr-find.")]
LrScale = Annotated[
    str | None,
    typer.Option(metavar="none|linear|sqrt", help="How --lr, meant for optimizer.reference_batch images a step, follows --batch-size."),
]
Nodes = Annotated[str | None, typer.Option(metavar="HOST:PORT,...", help="All machines of a run; start the same on each.")]
Rank = Annotated[int | None, typer.Option(help="The place of this machine in --nodes, from 0.")]
Cache = Annotated[
    str | None,
    typer.Option(metavar="WHERE", help="Keep decoded images in ram or on disk; none reads them anew.", autocompletion=cache_names),
]
OnNan = Annotated[
    str | None, typer.Option(metavar="stop|rollback", help="When the loss is not a number: stop, or go back and on at half the rate.")
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="START", help="auto, pretrained, none, a file, a run folder, an address, or a hub id such as timm/resnet18.a1_in1k."
    ),
]
FreezeEpochs = Annotated[int | None, typer.Option(metavar="EPOCHS", help="Train the head alone for so long, then everything.")]
FreezeBn = Annotated[bool | None, typer.Option("--freeze-bn/--no-freeze-bn", help="Leave BatchNorm as the weights bring it.")]
Balance = Annotated[
    bool | None, typer.Option("--balance/--no-balance", help="Show images of small classes as often as those of large ones.")
]
MultiLabel = Annotated[
    bool | None, typer.Option("--multi-label/--no-multi-label", help="A picture may have several labels or none, as `cat;dog` in a list.")
]
Teacher = Annotated[str | None, typer.Option(metavar="PRESET|RUN|MODEL", help="Learn from this model's answers too.")]
Precision = Annotated[str | None, typer.Option(help="float32, bfloat16 or float16.")]
Patience = Annotated[int | None, typer.Option(metavar="EPOCHS", help="End after so many epochs without a better model; 0: never.")]
TimeLimit = Annotated[str | None, typer.Option(metavar="2h|90m", help="Save and stop after this time, to be resumed later.")]
Watch = Annotated[str | None, typer.Option(metavar="NAMES", help="Where to watch the run: tensorboard,wandb,mlflow, or none.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, build the model, train nothing.")]
Model = Annotated[str, typer.Argument(metavar="RUN|MODEL.keras|PRESET", help="What was trained, or a preset with weights.")]
