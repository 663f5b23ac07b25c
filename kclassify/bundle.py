"""The `.keras` file with its card: loads in plain Keras, and tells kclassify its class names and preprocessing."""

import os
import zipfile
from pathlib import Path

import keras

from kclassify.errors import ModelError
from kclassify.presets.card import ModelCard

MEMBER = "kclassify.json"  # Keras ignores members of the zip that it does not know


def save(model: keras.Model, card: ModelCard, path: str | os.PathLike[str]) -> None:
    """Write `model` (float32 RGB 0..255 in, probabilities out) and its card; the file gets its name when it is whole."""
    target = Path(path)
    partial = target.with_name(f".{target.stem}.{os.getpid()}.keras")
    try:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(zipfile.ZipInfo(MEMBER), card.to_json())
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def read_card(path: str | os.PathLike[str]) -> ModelCard:
    """The card in a `.keras` file, read without Keras; ModelError if the file has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(MEMBER)
    except KeyError:
        raise ModelError(f"{path}: a Keras file without class names (no {MEMBER} in it): kclassify did not write it.") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: not a readable .keras file ({error}).") from error
    return ModelCard.from_json(content, str(path))


def load(path: str | os.PathLike[str]) -> tuple[keras.Model, ModelCard]:
    """The model and its card. Keras' safe mode is on: nothing in the file can run code.

    Raises:
        ModelError: not a `.keras` file of kclassify, or damaged.
    """
    card = read_card(path)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True), card
    except Exception as error:  # Keras raises many kinds here
        raise ModelError(f"{path}: Keras cannot load it ({str(error).splitlines()[0][:200]}).") from error
