"""The command line: each verb parses, calls one function and prints. Nothing heavy is imported before a verb needs it."""

import errno
import io
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from kclassify import presets, screen
from kclassify.errors import KClassifyError, SetupError, UsageError
from kclassify.presets.augmentations import AUGMENTATIONS
from kclassify.screen import data as data_screen

INTERRUPTED = 128 + signal.SIGINT

app = typer.Typer(
    name="kclassify",
    help="Train, judge, use and ship image classifiers.",
    epilog="Start with: kclassify predict PHOTO.jpg, then: kclassify train --data FOLDER. Docs: README.md.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
presets_app = typer.Typer(help="The models that can be named with --preset.", no_args_is_help=True)
config_app = typer.Typer(help="The settings of a run.", no_args_is_help=True)
data_app = typer.Typer(help="Look at images before a model is trained on them.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(presets_app, name="presets")
app.add_typer(config_app, name="config")


def _augmentations(incomplete: str) -> list[str]:
    """For a shell's completion: what may come after the last comma."""
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in AUGMENTATIONS if name.startswith(last) and name not in before.split(",")]


def _caches() -> list[str]:
    from kclassify.config.limits import CACHES

    return list(CACHES)


def _stay_offline(wanted: bool) -> bool:
    """Told to whatever downloads by the environment, before anything is opened."""
    if wanted:
        os.environ["KCLASSIFY_OFFLINE"] = "1"
    return wanted


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="YAML file with settings, such as RUN/config.yaml.")]
Settings = Annotated[list[str] | None, typer.Option("--set", "-o", metavar="KEY=VALUE", help="Any setting; see: kclassify config show.")]
Gpus = Annotated[str | None, typer.Option(help="0,1,2,3 or all or none. By default the first GPU, else the CPU.")]
Preset = Annotated[str | None, typer.Option("--preset", "-p", help="Model; see: kclassify presets list.", autocompletion=presets.names)]
Data = Annotated[str | None, typer.Option("--data", "-d", help="Folder of class folders, list of images, or a name such as digits.")]
DataSet = Annotated[str, typer.Argument(metavar="DATA", help="What train takes as --data: a folder, a list, or a name such as digits.")]
Val = Annotated[str | None, typer.Option(help="Validation folder or list, if the data has none.")]
Augment = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Augmentations beside crop and flip, such as randaugment,mixup, or none. Settings: --set augment.mixup.alpha=0.8.",
        autocompletion=_augmentations,
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Download nothing.", callback=_stay_offline)]
LongSettings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting; see: kclassify config show.")]
Seed = Annotated[int | None, typer.Option(help="Of the split, the order, the crops and the weights.")]
Epochs = Annotated[int | None, typer.Option("--epochs", "-e", help="How often every image is seen.")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", "-b", help="Images a step, over all devices.")]
ImageSize = Annotated[int | None, typer.Option(help="Side of the model's square input in pixels.")]
Model = Annotated[str, typer.Argument(metavar="RUN|MODEL.keras|PRESET", help="What was trained, or a preset with weights.")]


@app.command()
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
        typer.Option(metavar="WHERE", help="Keep decoded images in ram or on disk; none reads them anew.", autocompletion=_caches),
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


@app.command()
def resume(run: Annotated[Path, typer.Argument(help="Run folder.")], quiet: Quiet = False, as_json: Json = False) -> None:
    """Go on with a stopped run at the exact step of its last checkpoint.

    Example: kclassify resume runs/mobilenetv3_large-digits-1
    """
    from kclassify import training

    screen.run_result(training.resume(run, screen.console(quiet)), as_json)


@app.command(name="eval")
def evaluate(
    model: Model,
    data: Data = None,
    batch_size: Annotated[int, typer.Option("--batch-size", "-b", min=1)] = 32,
    gpus: Gpus = None,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Judge a model: top1, top5 and loss on labelled images.

    Examples: kclassify eval runs/mobilenetv3_large-digits-1 · kclassify eval best.keras --data flowers/val
    """
    from kclassify import evaluation

    found = evaluation.evaluate(model, data, batch_size=batch_size, gpus=gpus, console=screen.console(quiet))
    screen.evaluation(found, as_json)


@app.command()
def predict(
    inputs: Annotated[list[Path], typer.Argument(metavar="FILE|DIR...", help="Images, or folders of images.")],
    model: Annotated[str, typer.Option("--model", "-m", metavar="RUN|MODEL|EXPORT|PRESET")] = "efficientnet_lite0",
    topk: Annotated[int, typer.Option("--topk", "-k", min=1, help="Classes a picture.")] = 5,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a table to this file.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Say what is on pictures.

    Examples: kclassify predict img.jpg · kclassify predict photos/ --model runs/resnet18-digits-1 --csv answers.csv
    """
    from kclassify import formats, predictor, reference

    files = predictor.image_files(inputs)
    opened = formats.open_predictor(reference.find(model))
    results = screen.watched(predictor.predict_files(opened, files, topk=topk), len(files), screen.console(quiet))
    screen.predictions(opened.name, results, csv, as_json)


@app.command()
def export(
    model: Model,
    format_name: Annotated[str, typer.Option("--format", "-f", help="onnx, saved_model, tf-trt or keras.")] = "onnx",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File or folder; by default beside the model.")] = None,
    as_json: Json = False,
) -> None:
    """Write a model for deployment: uint8 pixels of any size in, probabilities out, compared with Keras before it gets its name.

    Example: kclassify export runs/mobilenetv3_large-digits-1 --format onnx -o digits.onnx
    """
    from kclassify import formats, reference

    screen.export_report(formats.export_reference(reference.find(model), format_name, output), as_json)


@data_app.command("check")
def data_check(  # noqa: PLR0913 - the options of a verb
    data: DataSet,
    val: Val = None,
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

    config = screen.resolve({"data": data, "val": val, "preset": preset}, None, settings).config
    crop_pct = config.crop_pct or presets.get(config.preset).preprocessing.crop_pct
    with screen.console(quiet).progress("indexing", 1) as bar:
        found = check(
            *(config.data, config.val),
            val_fraction=config.val_fraction,
            seed=config.seed,
            crop_pct=crop_pct,
            progress=lambda title, done, total: bar.advance(done, {}, total=total, description=title),
        )
    data_screen.check(found, everything=everything, strict=strict, as_json=as_json)


@data_app.command("preview")
def data_preview(  # noqa: PLR0913 - the options of a verb
    data: DataSet,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .png, .jpg or .webp.")] = Path("sheet.png"),
    val: Val = None,
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


@data_app.command("pack")
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


@presets_app.command("list")
def presets_list(as_json: Json = False) -> None:
    """All models: parameters, input size, published accuracy, and whether weights are at hand."""
    screen.presets_table(as_json)


@presets_app.command("show")
def presets_show(name: Annotated[str, typer.Argument(autocompletion=presets.names)], as_json: Json = False) -> None:
    """Everything about one model."""
    screen.preset(presets.get(name), as_json)


@config_app.command("show")
def config_show(
    preset: Preset = None,
    data: Data = None,
    recipe: Annotated[str | None, typer.Option(help="Row of settings to start from.")] = None,
    config: ConfigFile = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """Every setting of a run with these arguments, and where its value comes from."""
    flags = {"preset": preset, "data": data, "recipe": recipe}
    screen.settings(screen.resolve(flags, config, settings), as_json)


@app.callback(invoke_without_command=True)
def main(
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    """Options that stand before the verb."""
    del debug  # `run` has looked for it already, for a wrong command never comes here
    if version:
        from kclassify import __version__

        typer.echo(__version__)
        raise typer.Exit


def run() -> None:
    """Entry point: every error becomes one message of at most three lines and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console that is not Unicode shows names by their numbers
    if "--debug" in sys.argv:
        os.environ["KCLASSIFY_DEBUG"] = "1"
    sys.exit(_exit_code())


def _exit_code() -> int:
    try:
        code = app(standalone_mode=False) or 0  # typer returns the code of an Exit, and 130 for Ctrl-C
        sys.stdout.flush()
    except KClassifyError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        return _fail(*_unexpected(error))
    return _fail("Interrupted.", code) if code == INTERRUPTED else code


def _unexpected(error: Exception) -> tuple[str, int]:
    if isinstance(error, typer.Exit):
        return "", error.exit_code
    if isinstance(error, typer.Abort):
        return "Interrupted.", INTERRUPTED
    if hasattr(error, "format_message"):  # a wrong option or argument; which class that is differs between versions of typer
        command = getattr(getattr(error, "ctx", None), "command_path", "kclassify")
        message = error.format_message().rstrip(".")
        return f"{message}{'' if message.endswith('?') else '.'} See: {command} --help" if message else "", UsageError.exit_code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return f"Cannot write: {error.strerror}.", SetupError.exit_code
    return f"{type(error).__name__}: {str(error)[:400]}\nThis is a fault of kclassify. See all of it with: kclassify --debug ...", 1


def _fail(message: str, code: int) -> int:
    if os.environ.get("KCLASSIFY_DEBUG") and sys.exc_info()[0]:
        traceback.print_exc()
    if message:
        sys.stderr.write("Error: " + "\n".join(message.splitlines()[:3]) + "\n")
    return code
