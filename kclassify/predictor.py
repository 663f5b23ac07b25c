"""Predictor: any callable that maps a batch of pixels to probabilities, and what is done with it: files in, ranked classes out."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kclassify.data.images.decode import SUFFIXES, BadImage, read_rgb
from kclassify.errors import UsageError
from kclassify.presets.card import ModelCard

THRESHOLD = 0.5  # the probability from which on a picture has a label, where it may have several
_TOPK = 5
_READERS = 2  # threads that decode ahead of the model
_AHEAD = 8  # pictures


@dataclass(frozen=True)
class Predictor:
    """A model that is ready to answer.

    `forward` takes uint8 RGB pixels [N, H, W, 3] of any height and width and returns float32 probabilities [N, classes].
    """

    name: str
    card: ModelCard
    forward: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Prediction:
    """One class with its probability in 0..1."""

    class_id: int
    label: str
    score: float


@dataclass(frozen=True)
class Result:
    """The answer for one file: ranked classes, the most probable first, or the reason why there is none.

    Of a model for several labels a picture these are the labels that it has, and there may be none.
    """

    file: str
    predictions: tuple[Prediction, ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The row of this file in `kclassify predict --json`."""
        if self.error is not None:
            return {"file": self.file, "error": self.error}
        rows = [{"class_id": item.class_id, "label": item.label, "score": round(item.score, 6)} for item in self.predictions]
        return {"file": self.file, "predictions": rows}


def image_files(inputs: Iterable[str | os.PathLike[str]]) -> list[str]:
    """The files that the inputs name: a file is itself (whatever its ending), a folder all images below it, sorted, hidden ones left out.

    Raises:
        UsageError: a folder has no image in it.
    """
    files: list[str] = []
    for given in inputs:
        path = Path(given)
        if not os.fspath(given):
            raise UsageError("An empty file name. Expected a file or a folder.")
        if not path.is_dir():
            files.append(str(given))
            continue
        below = sorted(item for item in path.rglob("*") if item.suffix.lower() in SUFFIXES and _is_visible(item, path))
        if not below:
            raise UsageError(f"'{given}' holds no images. Expected a file, or a folder with .jpg, .png, .webp ... files.")
        files.extend(map(str, below))
    return files


def predict_files(predictor: Predictor, files: Iterable[str], *, topk: int | None = None) -> Iterator[Result]:
    """Classify files one after the other; one that cannot be read gives a Result with its error.

    The next files are decoded while the model computes. `topk` is as in `rank`.
    """
    if topk is not None and topk < 1:
        raise UsageError(f"topk: expected 1 or more, got {topk}.")
    with ThreadPoolExecutor(_READERS) as pool:
        waiting: list[tuple[str, Any]] = []
        for file in files:
            waiting.append((file, pool.submit(_read, file)))
            if len(waiting) > _AHEAD:
                yield _answer(predictor, *waiting.pop(0), topk)
        while waiting:
            yield _answer(predictor, *waiting.pop(0), topk)


def rank(card: ModelCard, probabilities: np.ndarray, topk: int | None = None) -> tuple[Prediction, ...]:
    """The `topk` most probable classes of one picture, by default 5; `probabilities` is float32 [classes].

    Of several labels a picture those with a probability of 0.5 or more, by default all of them.
    """
    order = np.argsort(-probabilities, kind="stable")
    order = order[probabilities[order] >= THRESHOLD][:topk] if card.multi_label else order[: topk or _TOPK]
    return tuple(Prediction(int(number), card.class_names[number], float(probabilities[number])) for number in order)


def _read(file: str) -> np.ndarray | str:
    try:
        return read_rgb(file)
    except BadImage as reason:
        return str(reason)


def _answer(predictor: Predictor, file: str, reading: Any, topk: int | None) -> Result:
    pixels = reading.result()
    if isinstance(pixels, str):
        return Result(file, error=pixels)
    return Result(file, rank(predictor.card, predictor.forward(pixels[None])[0], topk))


def _is_visible(path: Path, root: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
