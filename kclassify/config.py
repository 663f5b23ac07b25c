"""RunConfig: everything that decides a training run, resolved once from recipe, preset, data set, file, environment, flags and --set."""

import dataclasses
import math
import os
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kclassify import presets
from kclassify.errors import UsageError, near_names
from kclassify.presets.datasets import DATASETS
from kclassify.presets.recipes import RECIPES

PRECISIONS = ("float32", "bfloat16", "float16")
ENVIRONMENT_PREFIX = "KCLASSIFY_"
# Environment variables that are not settings of a run.
NOT_SETTINGS = frozenset({"KCLASSIFY_CACHE", "KCLASSIFY_LOGICAL_CPUS", "KCLASSIFY_DEBUG"})


@dataclass(frozen=True)
class OptimizerConfig:
    """Stochastic gradient descent with momentum; `weight_decay` is the L2 factor of kernels, `ema` the decay of the averaged weights."""

    lr: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 1e-4
    ema: float = 0.99


@dataclass(frozen=True)
class ScheduleConfig:
    """Cosine from `optimizer.lr` to 0 over the run, after a linear rise over the first epochs. Changes with every step."""

    warmup_epochs: float = 1.0


@dataclass(frozen=True)
class LossConfig:
    """Cross-entropy against targets softened by `label_smoothing` (arXiv:1512.00567)."""

    label_smoothing: float = 0.1


@dataclass(frozen=True)
class AugmentConfig:
    """Random resized crop (share of the area, width / height) and the probability of a left-right flip."""

    crop_scale: tuple[float, float] = (0.25, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5


@dataclass(frozen=True)
class CheckpointConfig:
    """When the state is saved beyond every epoch's end: after so many steps or minutes (0: never); how many are kept."""

    steps: int = 0
    minutes: float = 10.0
    keep: int = 2


@dataclass(frozen=True)
class RunConfig:
    """One training run. Field by field what `kclassify config show` prints; sections are written with a dot (`optimizer.lr`)."""

    preset: str = "mobilenetv3_large"
    recipe: str = "default"
    data: str = "digits"
    val: str | None = None
    val_fraction: float = 0.2
    max_bad: float = 0.05
    weights: str = "auto"
    image_size: int | None = None
    crop_pct: float | None = None
    dropout: float | None = None
    epochs: int = 10
    batch_size: int = 32
    seed: int = 0
    precision: str = "float32"
    deterministic: bool = True
    gpus: str | None = None
    out: str = "runs"
    name: str | None = None
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)


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
    choice = {"recipe": "default", "preset": RunConfig.preset, "data": RunConfig.data}
    for _, values in given:
        choice.update({key: str(values[key]) for key in choice if key in values})
    if choice["recipe"] not in RECIPES:
        raise UsageError(f"No recipe is named '{choice['recipe']}'.{near_names(choice['recipe'], RECIPES)} Known: {', '.join(RECIPES)}.")
    layers: list[tuple[str, Mapping[str, Any]]] = [(f"recipe {choice['recipe']}", RECIPES[choice["recipe"]])]
    layers.append((f"preset {choice['preset']}", {"preset": presets.get(choice["preset"]).name}))
    if choice["data"] in DATASETS:
        layers.append((f"data {choice['data']}", DATASETS[choice["data"]].settings))
    values, origins = dict(flatten(RunConfig())), dict.fromkeys(KEYS, "default")
    for origin, layer in [*layers, *given]:
        for key, value in layer.items():
            values[_known(key, origin)] = _typed(key, value, origin)
            origins[key] = origin
    values["preset"] = presets.get(values["preset"]).name
    return Resolved(_check(unflatten(values)), origins)


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
    nested = _nested(values)
    sections = {key: _SECTIONS[key](**value) for key, value in nested.items() if key in _SECTIONS}
    return RunConfig(**{**nested, **sections})


def _key_types(cls: Any, prefix: str = "") -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    keys: dict[str, Any] = {}
    for item in dataclasses.fields(cls):
        kind = hints[item.name]
        keys |= _key_types(kind, f"{prefix}{item.name}.") if dataclasses.is_dataclass(kind) else {prefix + item.name: kind}
    return keys


KEYS = _key_types(RunConfig)
_TEXT_ORIGINS = ("environment", "--set")  # where every value is a text, so that "null" must be a word for nothing
_SECTIONS: dict[str, Any] = {key: kind for key, kind in typing.get_type_hints(RunConfig).items() if dataclasses.is_dataclass(kind)}


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in values.items():
        section, _, rest = key.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[rest] = value
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


def _known(key: str, origin: str) -> str:
    if key not in KEYS:
        raise UsageError(f"Unknown key '{key}' ({origin}).{_near_key(key)} See: kclassify config show")
    return key


def _near_key(key: str) -> str:
    """A hint by the whole key, or by its last part, for a section is easily forgotten."""
    last = {known.rpartition(".")[2]: known for known in KEYS}
    return f" Did you mean '{last[key]}'?" if key in last else near_names(key, KEYS)


def _typed(key: str, value: Any, origin: str) -> Any:
    """The value in the type of its key; texts are read as YAML values are."""
    kind = KEYS[_known(key, origin)]
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if origin in _TEXT_ORIGINS and types.NoneType in options and value in ("", "null", "~"):
        return None
    if isinstance(value, str) and str not in options:
        value = _from_text(value)
    if value is None and types.NoneType in options:
        return None
    for option in options:
        if option is types.NoneType:
            continue
        converted = _convert(value, option)
        if converted is not None:
            return converted
    raise UsageError(f"{key}: expected {_spoken(kind)}, got {value!r} ({origin}).")


def _from_text(text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
    try:
        return float(value) if isinstance(value, str) else value  # YAML 1.1 reads 1e-4 as text
    except ValueError:
        return value


def _convert(value: Any, kind: Any) -> Any:
    if typing.get_origin(kind) is tuple:
        parts = (
            [_convert(_from_text(item) if isinstance(item, str) else item, float) for item in value]
            if isinstance(value, (list, tuple))
            else []
        )
        return tuple(parts) if len(parts) == len(typing.get_args(kind)) and None not in parts else None
    if kind is str:
        return str(value) if isinstance(value, (str, int, float, Path)) and not isinstance(value, bool) else None
    if kind is bool:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return kind(value) if kind(value) == value and math.isfinite(value) else None
    except (ValueError, OverflowError):
        return None


def _spoken(kind: Any) -> str:
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "nothing"}
    if isinstance(kind, types.UnionType):
        return " or ".join(_spoken(option) for option in typing.get_args(kind))
    return words.get(kind, "two numbers such as [0.08, 1.0]")


_RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 100_000),
    "batch_size": (1, 1_000_000),
    "seed": (0, 2**31 - 1),
    "image_size": (8, 4096),
    "val_fraction": (0.001, 0.9),
    "max_bad": (0, 1),
    "crop_pct": (0.1, 1),
    "dropout": (0, 0.99),
    "optimizer.lr": (0, 1e6),
    "optimizer.momentum": (0, 0.9999),
    "optimizer.weight_decay": (0, 1e6),
    "optimizer.ema": (0, 0.999999),
    "schedule.warmup_epochs": (0, 1e6),
    "loss.label_smoothing": (0, 0.99),
    "augment.flip": (0, 1),
    "checkpoint.steps": (0, 2**31),
    "checkpoint.minutes": (0, 1e6),
    "checkpoint.keep": (1, 1000),
}


def _check(config: RunConfig) -> RunConfig:
    values = flatten(config)
    for key, (low, high) in _RANGES.items():
        value = values[key]
        if value is not None and not low <= value <= high:
            raise UsageError(f"{key}: expected {low} to {high}, got {value}.")
    if config.precision not in PRECISIONS:
        raise UsageError(
            f"precision: expected one of {', '.join(PRECISIONS)}, got '{config.precision}'.{near_names(config.precision, PRECISIONS)}"
        )
    if config.name is not None and (Path(config.name).name != config.name or config.name in ("", ".", "..")):
        raise UsageError(f"name: expected the name of a folder to be made in '{config.out}', got '{config.name}'.")
    for key, limit in (("augment.crop_scale", 1.0), ("augment.crop_ratio", 100.0)):
        low, high = values[key]
        if not 0 < low <= high <= limit:
            raise UsageError(f"{key}: expected 0 < low <= high <= {limit:g}, got [{low:g}, {high:g}].")
    return config
