"""The table of all models: the rows of the zoo, completed by the facts that were counted or published."""

import dataclasses
import importlib
import importlib.resources
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

from kclassify.presets import zoo
from kclassify.presets.card import Preprocessing
from kclassify.presets.row import ModelRow


def modules() -> list[str]:
    """The names of the zoo's modules in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(zoo.__path__))


def rows_of(module: str) -> Iterator[ModelRow]:
    """The rows of one module of the zoo, with their facts."""
    file = importlib.resources.files(zoo).joinpath(f"{module}.json")
    facts = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for row in importlib.import_module(f"{zoo.__name__}.{module}").ROWS:
        yield _with_facts(row, facts.get(row.name, {}))


def _with_facts(row: ModelRow, facts: dict[str, Any]) -> ModelRow:
    """What a person wrote in the row wins over what is known of timm's weights."""
    known = {key: value for key, value in facts.items() if key != "timm_layout"}  # of use to tests alone
    spec: dict[str, Any] = known.pop("preprocessing", {})
    if row.preprocessing == Preprocessing():
        spec = {key: tuple(value) if isinstance(value, list) else value for key, value in spec.items()}
        known["preprocessing"] = Preprocessing(**spec)
    return dataclasses.replace(row, **{key: value for key, value in known.items() if key != "licence" or not row.licence})


MODELS: dict[str, ModelRow] = {row.name: row for module in modules() for row in rows_of(module)}
