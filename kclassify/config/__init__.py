"""RunConfig: everything that decides a training run, resolved once from recipe, preset, data set, file, environment, flags and --set."""

import dataclasses
import os
import typing
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kclassify import presets
from kclassify.config.limits import check, duration
from kclassify.config.settings import (
    AugmentConfig,
    CheckpointConfig,
    DistillConfig,
    FinetuneConfig,
    LossConfig,
    OptimizerConfig,
    RunConfig,
    ScheduleConfig,
    StopConfig,
)
from kclassify.config.values import KEYS, typed
from kclassify.errors import UsageError, near_names
from kclassify.presets.datasets import DATASETS
from kclassify.presets.recipes import RECIPES, chosen_recipe

__all__ = [
    "KEYS",
    "AugmentConfig",
    "CheckpointConfig",
    "DistillConfig",
    "FinetuneConfig",
    "LossConfig",
    "OptimizerConfig",
    "Resolved",
    "RunConfig",
    "ScheduleConfig",
    "StopConfig",
    "duration",
    "flat",
    "flatten",
    "read_file",
    "resolve",
    "to_yaml",
    "unflatten",
]
ENVIRONMENT_PREFIX = "KCLASSIFY_"
# Environment variables that are not settings of a run.
NOT_SETTINGS = frozenset(f"KCLASSIFY_{name}" for name in ("CACHE", "LOGICAL_CPUS", "DEBUG", "OFFLINE", "MIRROR", "DATASETS", "MAX_PIXELS"))


@dataclass(frozen=True)
class Resolved:
    """A config and, for each key, where its value came from."""

    config: RunConfig
    origins: Mapping[str, str]


def resolve(
    flags: Mapping[str, Any] | None = None,
    *,
    file: str | os.PathLike[str] | None = None,
    settings: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """Build the config of a run; later layers win: recipe < preset < data set < file < environment < flags < settings.

    Args:
        flags: values by dotted key; None means not given.
        file: a YAML file, as `config.yaml` in a run folder.
        settings: `key=value` texts, as after `--set`.
        environment: variables such as KCLASSIFY_EPOCHS or KCLASSIFY_OPTIMIZER__LR.

    Raises:
        UsageError: an unknown key (with the nearest known one) or a value of the wrong type or range.
    """
    given: list[tuple[str, dict[str, Any]]] = []
    if file is not None:
        given.append((f"file {file}", read_file(file)))
    given.append(("environment", _from_environment(environment or {})))
    given.append(("flag", {key: value for key, value in (flags or {}).items() if value is not None}))
    given.append(("--set", dict(_assignment(text) for text in settings)))
    choice = {key: getattr(RunConfig, key) for key in ("recipe", "preset", "data", "weights")}
    for _, values in given:
        choice.update({key: str(values[key]) for key in choice if key in values})
    if choice["recipe"] not in RECIPES:
        raise UsageError(f"No recipe is named '{choice['recipe']}'.{near_names(choice['recipe'], RECIPES)} Known: {', '.join(RECIPES)}.")
    row = presets.get(choice["preset"])
    recipe = chosen_recipe(choice["recipe"], from_weights=choice["weights"] not in ("none", "" if row.weights else "auto"))
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (f"recipe {recipe}", RECIPES[recipe]),
        (f"preset {choice['preset']}", {"preset": row.name}),
    ]
    if choice["data"] in DATASETS:
        layers.append((f"data {choice['data']}", DATASETS[choice["data"]].settings))
    values, origins = dict(flatten(RunConfig())), dict.fromkeys(KEYS, "default")
    for origin, layer in [*layers, *given]:
        for key, value in layer.items():
            _check_known(key, origin)
            values[key], origins[key] = typed(key, value, origin), origin
    values["preset"] = presets.get(values["preset"]).name
    for key, (value, origin) in _following(values, said={key for _, layer in given for key in layer}).items():
        values[key], origins[key] = value, origin
    config = unflatten(values)
    check(config, values)
    return Resolved(config, origins)


def _following(values: Mapping[str, Any], said: Collection[str]) -> dict[str, tuple[Any, str]]:
    """Settings that follow from others where nobody said them, each with its origin."""
    found: dict[str, tuple[Any, str]] = {}
    if "epochs" in said:
        found["min_steps"] = 0, "epochs are given"
    if values["multi_label"]:
        found["loss.name"] = "bce", "multi_label"
    return {key: value for key, value in found.items() if key not in said}


def read_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The dotted keys and values of a YAML file; a file that is not there or not a mapping is a UsageError."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read the config file '{path}': {getattr(error, 'strerror', None) or error}.") from error
    except ValueError as error:  # such as a date that does not exist
        raise UsageError(f"{path}: not valid YAML ({error}).") from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f":{place.line + 1}" if place else ""
        raise UsageError(f"{path}{line}: not valid YAML ({getattr(error, 'problem', error)}).") from error
    if content is not None and not isinstance(content, dict):
        raise UsageError(f"{path}: expected lines of the form 'key: value', got {type(content).__name__}.")
    return flat(content or {})


def to_yaml(config: RunConfig) -> str:
    """The config as YAML that `read_file` and `resolve` turn back into the same config."""
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in flatten(config).items()}
    return yaml.safe_dump(_nested(plain), sort_keys=False, allow_unicode=True)


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted keys and values of a config, in the order of its fields."""
    flat: dict[str, Any] = {}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        flat |= flatten(value, f"{prefix}{item.name}.") if dataclasses.is_dataclass(value) else {prefix + item.name: value}
    return flat


def unflatten(values: Mapping[str, Any]) -> RunConfig:
    """The config with these values by dotted key; keys left out keep their defaults."""
    return _build(RunConfig, _nested(values))


def _build(cls: Any, nested: Mapping[str, Any]) -> Any:
    hints = typing.get_type_hints(cls)
    return cls(**{key: _build(hints[key], value) if dataclasses.is_dataclass(hints[key]) else value for key, value in nested.items()})


_SECTIONS = {key.rpartition(".")[0] for key in KEYS} | {"augment"}


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *sections, last = key.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return nested


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted keys."""
    dotted: dict[str, Any] = {}
    for key, value in values.items():
        if value is None and f"{prefix}{key}" in _SECTIONS:
            continue  # a section whose lines are all commented out
        dotted |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return dotted


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    names = [name for name in environment if name.startswith(ENVIRONMENT_PREFIX) and name not in NOT_SETTINGS]
    return {name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", "."): environment[name] for name in sorted(names)}


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"Expected key=value after --set, got '{text}'. Such as: --set optimizer.lr=0.1")
    return key.strip(), value.strip()


def _check_known(key: str, origin: str) -> None:
    if key not in KEYS:
        raise UsageError(f"Unknown key '{key}' ({origin}).{_near_key(key)} See: kclassify config show")


def _near_key(key: str) -> str:
    """A hint by the whole key, or by its last part, for a section is easily forgotten."""
    sections = [known for known in KEYS if known.rpartition(".")[2] == key]
    return f" Did you mean '{sections[0]}'?" if len(sections) == 1 else near_names(key, KEYS)
