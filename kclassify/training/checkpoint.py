"""Checkpoints: folders that are complete or not there, found again by their step."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1
_NAME = re.compile(r"step-(\d{8,})")
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

    Everything is on the disk before the folder gets its name, so a crash at any moment leaves either the whole checkpoint or none.
    """
    final = folder / f"step-{step:08d}"
    partial = folder / f"{final.name}.tmp"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    np.savez(partial / _STATE, allow_pickle=False, **arrays)
    state = partial / _STATE
    manifest = {"format": FORMAT, "step": step, "files": {_STATE: {"sha256": _sha256(state), "bytes": state.stat().st_size}}, **facts}
    (partial / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for file in (state, partial / _MANIFEST):
        _flush(file)
    _flush(partial)
    if final.exists():  # the same step, saved before a kill that came between here and the epoch's end
        shutil.rmtree(final)
    os.replace(partial, final)
    _flush(folder)
    for old in _steps(folder)[keep:]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def latest(folder: Path) -> Checkpoint | None:
    """The valid checkpoint of the highest step, or None; damaged ones are passed over."""
    for path in _steps(folder):
        found = _read(path)
        if found:
            return found
    return None


def _read(path: Path) -> Checkpoint | None:
    try:
        manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] > FORMAT or _sha256(path / _STATE) != manifest["files"][_STATE]["sha256"]:
            return None
        with np.load(path / _STATE, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Checkpoint(path, int(manifest["step"]), arrays, manifest)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _steps(folder: Path) -> list[Path]:
    """Committed checkpoints, the newest first."""
    found = [(int(match[1]), path) for path in folder.glob("step-*") if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found, reverse=True)]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Wait until a file or a folder's entries are on the disk; Windows has no such call for folders."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
