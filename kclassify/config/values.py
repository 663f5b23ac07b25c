"""Values as people write them - texts, YAML, flags - in the type of the setting that they are for."""

import dataclasses
import math
import types
import typing
from pathlib import Path
from typing import Any

import yaml

from kclassify.config.settings import RunConfig
from kclassify.errors import UsageError


def _key_types(cls: Any, prefix: str = "") -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    keys: dict[str, Any] = {}
    for item in dataclasses.fields(cls):
        kind = hints[item.name]
        keys |= _key_types(kind, f"{prefix}{item.name}.") if dataclasses.is_dataclass(kind) else {prefix + item.name: kind}
    return keys


KEYS = _key_types(RunConfig)
TEXT_ORIGINS = ("environment", "--set")  # where every value is a text, so that "null" must be a word for nothing


def typed(key: str, value: Any, origin: str) -> Any:
    """The value in the type of its key; texts are read as YAML values are."""
    if key == "batch_size" and value == "auto":
        return 0
    kind = KEYS[key]
    options = typing.get_args(kind) if typing.get_origin(kind) in (types.UnionType, typing.Union) else (kind,)
    if origin in TEXT_ORIGINS and types.NoneType in options and value in ("", "null", "~"):
        return None
    if isinstance(value, str) and str not in options and (kind != tuple[str, ...] or value.startswith("[")):
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
        return _convert_tuple(value, typing.get_args(kind))
    if typing.get_origin(kind) is typing.Literal:
        return value if value in typing.get_args(kind) else None
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


def _convert_tuple(value: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Two numbers, or any number of values of one kind; a text stands for its parts between commas."""
    if isinstance(value, str) and kinds[-1] is ...:
        value = [part for part in _split(value) if part not in ("", "none")]
    if not isinstance(value, (list, tuple)):
        return None
    of = kinds[0]
    parts = [_convert(_from_text(item) if isinstance(item, str) and of is not str else item, of) for item in value]
    fits = kinds[-1] is ... or len(parts) == len(kinds)
    return tuple(parts) if fits and None not in parts else None


def _split(text: str) -> list[str]:
    """The parts between the commas that are not inside parentheses or brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def _spoken(kind: Any) -> str:
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "nothing"}
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return " or ".join(_spoken(option) for option in typing.get_args(kind))
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(typing.get_args(kind))
    if typing.get_args(kind)[-1:] == (...,):
        return "values with commas between them"
    return words.get(kind, "two numbers such as [0.08, 1.0]")
