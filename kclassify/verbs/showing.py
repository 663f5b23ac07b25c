"""Verbs that show what can be chosen: presets list, presets show, config show."""

from typing import Annotated

import typer

from kclassify import presets, screen
from kclassify.screen import models
from kclassify.verbs.options import ConfigFile, Data, Json, Preset, Settings, fetch_preset


def presets_list(
    series: Annotated[str | None, typer.Option(help="Models of the series with this in their names, such as swin.")] = None,
    max_params: Annotated[float | None, typer.Option(metavar="MILLIONS", help="Models with at most so many parameters.")] = None,
    sort: Annotated[str, typer.Option(help=f"Order: {', '.join(presets.ORDERS)}.", autocompletion=presets.orders)] = "name",
    as_json: Json = False,
) -> None:
    """All models: parameters, multiplications, input size, published accuracy, and where weights are.

    Example: kclassify presets list --series mobile --max-params 6 --sort top1
    """
    models.models_table(presets.select(series=series, max_params=max_params, sort=sort), as_json)


def presets_show(name: Annotated[str, typer.Argument(autocompletion=presets.names)], as_json: Json = False) -> None:
    """Everything about one model."""
    models.model(presets.get(fetch_preset(name)), as_json)


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
