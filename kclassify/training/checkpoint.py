"""Checkpoints: folders that are complete or not there, found again by their step."""

import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kclassify.errors import UsageError

FORMAT = 1
_NAME = re.compile(r"step-(\d{8,})(?:-(\d+))?")
_STATE, _MANIFEST = "state.npz", "manifest.json"


@dataclass(frozen=True)
class Checkpoint:
    """One saved state: arrays by name, and the facts that were saved with them."""

    path: Path
    step: int
    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]


def save(folder: Path, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], *, keep: int) -> Path:
    """Commit a state as `folder/step-XXXXXXXX`; of the older ones the newest `keep - 1` stay.

    Everything is on the disk before the folder gets its name, so a crash at any moment leaves either the whole checkpoint or none. A step
    that is saved again (before and after its validation) is step-XXXXXXXX-1, and takes the first one's place only when it is whole.
    """
    before = [path for path in _steps(folder) if _number(path)[0] == step]
    final = folder / (f"step-{step:08d}" + (f"-{_number(before[0])[1] + 1}" if before else ""))
    partial = folder / f"{final.name}.tmp"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(partial, step, arrays, facts)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)  # on a full disk others need the room
        raise
    os.replace(partial, final)
    _flush(folder)
    for old in (*before, *[path for path in _steps(folder) if path not in before][keep:]):
        shutil.rmtree(old, ignore_errors=True)
    return final


def _write(partial: Path, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    state, manifest = partial / _STATE, partial / _MANIFEST
    with state.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    files = {_STATE: {"sha256": _sha256(state), "bytes": state.stat().st_size}}
    with manifest.open("w", encoding="utf-8") as text:
        text.write(json.dumps({"format": FORMAT, "step": step, "files": files, **facts}, indent=1))
        text.flush()
        os.fsync(text.fileno())
    _flush(partial)


def latest(folder: Path, note: Callable[[str], None] = lambda text: None) -> Checkpoint | None:
    """The valid checkpoint of the highest step, or None; of damaged ones, which are passed over, `note` is told."""
    for path in _steps(folder):
        found = _read(path)
        if found:
            return found
        note(f"{path} is damaged and passed over")
    return None


def last_step(folder: Path) -> int | None:
    """The step of the valid checkpoint of the highest step, or None."""
    found = latest(folder)
    return found.step if found else None


def _read(path: Path) -> Checkpoint | None:
    try:
        manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] > FORMAT:
            newest = f"its format is {manifest['format']}, this kclassify reads up to {FORMAT}"
            raise UsageError(f"{path}: {newest}. Update with: pip install -U kclassify")
        if _sha256(path / _STATE) != manifest["files"][_STATE]["sha256"]:
            return None
        with np.load(path / _STATE, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Checkpoint(path, int(manifest["step"]), arrays, manifest)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _steps(folder: Path) -> list[Path]:
    """Committed checkpoints, the newest first."""
    return sorted((path for path in folder.glob("step-*") if _NAME.fullmatch(path.name)), key=_number, reverse=True)


def _number(path: Path) -> tuple[int, int]:
    """The step of a checkpoint, and how often that step had been saved before."""
    match = _NAME.fullmatch(path.name)
    return (int(match[1]), int(match[2] or 0)) if match else (-1, 0)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(folder: Path) -> None:
    """Wait until a folder's entries are on the disk; Windows has no such call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
