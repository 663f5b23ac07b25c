"""Where kclassify keeps what it can make again: indexes of data sets and the built-in images."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """`KCLASSIFY_CACHE` if it is set, else the user's cache folder of this system."""
    given = os.environ.get("KCLASSIFY_CACHE")
    return Path(given).expanduser() if given else user_cache_path("kclassify", appauthor=False)
