"""Verbs that use models: eval, predict, export."""

from pathlib import Path
from typing import Annotated

import typer

from kclassify import screen
from kclassify.verbs.options import Data, Gpus, Json, Model, Offline, Quiet


def evaluate(
    model: Model,
    data: Data = None,
    batch_size: Annotated[int, typer.Option("--batch-size", "-b", min=1)] = 32,
    gpus: Gpus = None,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Judge a model: top1, top5 and loss on labelled images; map (mean average precision), f1 and loss where they have several labels.

    Examples: kclassify eval runs/mobilenetv3_large-digits-1 · kclassify eval best.keras --data flowers/val
    """
    from kclassify import evaluation

    found = evaluation.evaluate(model, data, batch_size=batch_size, gpus=gpus, console=screen.console(quiet))
    screen.evaluation(found, as_json)


def predict(
    inputs: Annotated[list[Path], typer.Argument(metavar="FILE|DIR...", help="Images, or folders of images.")],
    model: Annotated[str, typer.Option("--model", "-m", metavar="RUN|MODEL|EXPORT|PRESET")] = "efficientnet_lite0",
    topk: Annotated[
        int | None, typer.Option("--topk", "-k", min=1, help="Classes a picture; by default 5, or all labels that it has of several.")
    ] = None,
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


def export(
    model: Model,
    format_name: Annotated[str, typer.Option("--format", "-f", help="onnx, saved_model, tf-trt, timm or keras.")] = "onnx",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File or folder; by default beside the model.")] = None,
    as_json: Json = False,
) -> None:
    """Write a model for deployment: uint8 pixels of any size in, probabilities out, compared with Keras before it gets its name.

    Example: kclassify export runs/mobilenetv3_large-digits-1 --format onnx -o digits.onnx
    """
    from kclassify import formats, reference

    screen.export_report(formats.export_reference(reference.find(model), format_name, output), as_json)
