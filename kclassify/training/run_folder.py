"""The run folder: one run's config, facts, metrics, checkpoints and models, each file written whole or not at all."""

import csv
import dataclasses
import io
import json
import os
import platform
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kclassify import config as configs
from kclassify import presets
from kclassify.config import RunConfig
from kclassify.console import to_json
from kclassify.data.dataset import Dataset
from kclassify.errors import DataError, SetupError, UsageError
from kclassify.presets.datasets import DATASETS
from kclassify.processors import processors
from kclassify.training.stop import StoppedEarly

SCHEMA_VERSION = 1  # of run.json
UPDATE = "Update with: pip install -U kclassify"
FACTS, CONFIG, METRICS, BEST, LAST = "run.json", "config.yaml", "metrics.csv", "best.keras", "last.keras"


class RunFolder:
    """A run on the disk. `path` is the folder; `facts` is the content of its run.json."""

    def __init__(self, path: Path, facts: dict[str, Any]):
        self.path = path
        self.facts = facts
        self.best, self.last, self.checkpoints = path / BEST, path / LAST, path / "checkpoints"
        self.lock = FileLock(path / ".lock")

    @classmethod
    def create(cls, config: RunConfig) -> "RunFolder":
        """Make the folder of a new run; one that exists is never taken (UsageError if it was named)."""
        parent = Path(config.out)
        facts = {"schema_version": SCHEMA_VERSION, "status": "created", "created": _now(), "seed": config.seed}
        facts |= {"versions": _versions(), "processors": processors()}
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".new-run-", dir=parent) as scratch:
                draft = cls(Path(scratch) / "run", facts)
                draft.path.mkdir()
                write_text(draft.path / CONFIG, configs.to_yaml(_repeatable(config)))
                draft.update()
                return cls(_claim(draft.path, parent, config), facts)
        except OSError as error:
            raise SetupError(f"Cannot make a run folder in '{parent}': {error.strerror}. Choose another place with --out.") from error

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "RunFolder":
        """An existing run; UsageError if the folder is not one."""
        folder = Path(path)
        try:
            facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            if not isinstance(facts, dict) or "status" not in facts:
                raise ValueError("no status")
            made_by = facts.get("schema_version", SCHEMA_VERSION)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"'{path}' is not a run folder: no readable {FACTS} in it. Expected a folder such as runs/resnet18-digits-1."
            ) from error
        if made_by > SCHEMA_VERSION:
            raise UsageError(f"{folder / FACTS}: its format is {made_by}, this kclassify reads up to {SCHEMA_VERSION}. {UPDATE}")
        return cls(folder, facts)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the run for as long as the block lasts; SetupError if another process has it."""
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            raise SetupError(f"Another process is working on {self.path}. Wait for it to end, or stop it.") from None
        except OSError as error:
            raise SetupError(f"Cannot write in '{self.path}': {error.strerror}.") from error
        try:
            self._clear()
            yield
        finally:
            self.lock.release()

    def _clear(self) -> None:
        """Remove what a process left unfinished that was killed in the middle of writing."""
        for file in (*self.path.glob(".*.keras"), *self.path.glob(".*.tmp")):
            file.unlink(missing_ok=True)
        for folder in self.checkpoints.glob("*.tmp"):
            shutil.rmtree(folder, ignore_errors=True)

    def config(self) -> RunConfig:
        """The config that made the run."""
        return configs.resolve(file=self.path / CONFIG).config

    def update(self, **facts: Any) -> None:
        """Change run.json."""
        self.facts.update(facts, updated=_now())
        write_text(self.path / FACTS, to_json(self.facts, indent=1) + "\n")

    def record_data(self, data: Dataset) -> None:
        """Note which data the run has: its facts in run.json, the split and the files left out as tables."""
        self.write_csv("split.csv", ["split", "path", "class"], data.rows())
        if data.bad():
            self.write_csv("bad_files.csv", ["path", "reason"], data.bad())
        self.update(data=data.facts())

    def check_data(self, data: Dataset) -> None:
        """DataError unless `data` is what the run began with: a resumed run is exact or it is refused."""
        if "data" not in self.facts:  # killed before it could note them
            return self.record_data(data)
        before, now = self.facts["data"], data.facts()
        if before["classes"] != now["classes"]:
            raise DataError(
                f"{data.train.root}: the run has {before['classes']} classes, the data now has {now['classes']}. "
                "Put them back, or begin a new run with: kclassify train"
            )
        for part in ("train", "val"):
            if before[part]["fingerprint"] != now[part]["fingerprint"]:
                was, found = (f"{facts[part]['images']} images ({facts[part]['fingerprint'][:12]})" for facts in (before, now))
                raise DataError(
                    f"{data.train.root}: the {part} set has changed since the run began: it had {was}, now {found}.\n"
                    "Put it back, or begin a new run with: kclassify train"
                )

    def surroundings(self) -> str:
        """What is not as it was where the run began and has a say in the last digits: `processors 2 instead of 1`; empty if nothing has."""
        here = _versions() | {"processors": processors()}
        before = self.facts.get("versions", {}) | {"processors": self.facts.get("processors")}
        others = [name for name in ("keras", "tensorflow", "processors") if before.get(name) not in (None, here[name])]
        return ", ".join(f"{name} {here[name]} instead of {before[name]}" for name in others)

    def record_changes(self, config: RunConfig, noted: Mapping[str, Any]) -> None:
        """Go on by another config: run.json says from which step on, and config.yaml becomes the new one."""
        self.update(changes=[*self.facts.get("changes", []), noted])
        write_text(self.path / CONFIG, configs.to_yaml(_repeatable(config)))

    @contextmanager
    def failure_noted(self) -> Iterator[None]:
        """An error inside leaves `failed` as the status in run.json."""
        try:
            yield
        except BaseException as error:
            with suppress(OSError):  # a full disk is what the error tells of
                if isinstance(error, (KeyboardInterrupt, StoppedEarly)):
                    self.update(status="interrupted")
                elif self.facts["status"] != "interrupted":
                    self.update(status="failed", error=f"{type(error).__name__}: {error}"[:2000])
            raise

    def bytes_present(self) -> int:
        """What the run's checkpoints and models take on the disk."""
        files = [*self.checkpoints.rglob("*"), *self.path.glob("*.keras")]
        return sum(file.stat().st_size for file in files if file.is_file())

    def write_metrics(self, history: Iterable[Mapping[str, Any]]) -> None:
        """Write metrics.csv: one row an epoch."""
        rows = list(history)
        columns = list(dict.fromkeys(key for row in rows for key in row))
        self.write_csv(METRICS, columns, rows)

    def write_csv(self, name: str, columns: list[str], rows: Iterable[Mapping[str, Any]]) -> None:
        """Write a table into the run folder."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path / name, text.getvalue())


def write_text(path: Path, text: str) -> None:
    """Replace a file's content in one step: a reader sees the old text or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with partial.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_place(config: RunConfig) -> None:
    """Before any work: UsageError if the name is taken or the place lies inside the data, SetupError if it cannot be written to."""
    place = Path(config.out).resolve()
    if config.name and (place / config.name).exists():
        path = Path(config.out) / config.name
        raise UsageError(f"{path} exists. Choose another --name, or go on with it: kclassify resume {shlex.quote(str(path))}")
    data = Path(config.data).expanduser().resolve()
    if config.data not in DATASETS and data.is_dir() and place.is_relative_to(data):
        raise UsageError(
            f"--out '{config.out}' lies inside the data folder '{config.data}', which is never written to. Choose another --out."
        )
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise SetupError(f"Cannot make a run folder in '{config.out}': '{existing}' cannot be written to. Choose another place with --out.")


def _repeatable(config: RunConfig) -> RunConfig:
    """The config that makes such a run again, from any working directory and under a name of its own."""

    def absolute(text: str | None) -> Any:
        return str(Path(text).resolve()) if text and text not in DATASETS and Path(text).exists() else text

    paths = {"data": absolute(config.data), "val": absolute(config.val), "weights": absolute(config.weights)}
    distill = dataclasses.replace(config.distill, teacher=absolute(config.distill.teacher))
    return dataclasses.replace(config, name=None, distill=distill, **paths)


def _claim(draft: Path, parent: Path, config: RunConfig) -> Path:
    """Give the finished draft a name that nobody had: the given one, or preset-data-1, -2, ..."""
    if config.name:
        path = parent / config.name
        if path.exists():
            raise UsageError(f"{path} exists. Choose another --name, or go on with it: kclassify resume {shlex.quote(str(path))}")
        draft.rename(path)
        return path
    data = Path(config.data).resolve().name or "data"
    number = 1
    while True:
        path = parent / f"{presets.short(config.preset).replace(':', '-')}-{data}-{number}"
        try:
            if not path.exists():
                draft.rename(path)
                return path
        except OSError:
            if not path.exists():
                raise  # another run was quicker: take the next number
        number += 1


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("kclassify", "keras", "tensorflow", "numpy")}
    return {**packages, "python": platform.python_version(), "platform": platform.platform()}
