"""Verbs that show what can be chosen: presets list, presets show, config show."""

from typing import Annotated

import typer

from kclassify import presets, screen
from kclassify.verbs.options import ConfigFile, Data, Json, Preset, Settings


def presets_list(as_json: Json = False) -> None:
    """All models: parameters, input size, published accuracy, and whether weights are at hand."""
    screen.presets_table(as_json)


def presets_show(name: Annotated[str, typer.Argument(autocompletion=presets.names)], as_json: Json = False) -> None:
    """Everything about one model."""
    screen.preset(presets.get(name), as_json)


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
