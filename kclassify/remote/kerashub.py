"""A classifier of keras_hub comes to this machine, by kagglehub and into its cache, before anything asks for its row."""

import os
from typing import Any

from kclassify.errors import SetupError
from kclassify.presets.kerashub import CACHE, FILES, PREFIX, TABLE, cached


def fetch(name: Any) -> Any:
    """The same name; its files are downloaded if it is one of keras_hub and they are not here.

    Raises SetupError: KCLASSIFY_OFFLINE forbids it, kagglehub is not installed, or the download failed.
    """
    text = name.removeprefix(PREFIX) if isinstance(name, str) and name.startswith(PREFIX) else None
    if text not in TABLE or all((cached(text) / file).is_file() for file in FILES):
        return name
    if os.environ.get("KCLASSIFY_OFFLINE", "0") not in ("", "0"):
        raise SetupError(f"{name}: not on this machine, and KCLASSIFY_OFFLINE forbids to download it.")
    try:
        import kagglehub
    except ImportError:
        raise SetupError(f'{name}: kagglehub is not installed. Install it with: pip install "kclassify[keras-hub]"') from None
    try:
        folder = kagglehub.model_download(TABLE[text])
    except Exception as error:  # of requests, of kagglehub, or of the disk
        raise SetupError(f"{name}: cannot be downloaded ({' '.join(str(error).split())[:200]}).") from error
    if missing := [file for file in FILES if not (cached(text) / file).is_file()]:
        raise SetupError(f"{name}: {cached(text)} has no {missing[0]} after the download. Is {CACHE} set? Try: --preset {PREFIX}{folder}")
    return name
