"""Where a run's first weights are: a run folder, an address or a hub id becomes a file on this machine."""

import hashlib
import os
import re
from pathlib import Path

from kclassify.data.cache import cache_folder
from kclassify.data.sources.download import fetch
from kclassify.errors import ModelError, SetupError
from kclassify.presets.datasets import RemoteFile

FILES = (".safetensors", ".pth", ".pt", ".bin", ".keras")
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")  # as timm's repositories hold them, in the order of choice
_INSTALL = "Type: pip install kclassify[hub]"


def find(text: str) -> Path:
    """The file that FILE, RUN, http://... or owner/name of a hub stands for, downloaded if it is not here.

    An address is kept in the cache folder; a hub's files are where huggingface_hub keeps them (HF_HOME), from HF_ENDPOINT if that is set.

    Raises:
        ModelError: the hub has no such weights.
        DataError, SetupError: as `download.fetch`; huggingface_hub is not installed; no connection.
    """
    if text.startswith(("http://", "https://")):
        return _from_address(text)
    path = Path(text).expanduser()
    if (path / "run.json").is_file():
        return path / "best.keras"
    if path.exists() or not re.fullmatch(r"(hf[:-]hub:|hf://)?[\w.-]+/[\w.-]+", text) or text.endswith(FILES):
        return path
    return _from_hub(re.sub(r"^(hf[:-]hub:|hf://)", "", text))


def _from_address(url: str) -> Path:
    file = RemoteFile(url.partition("?")[0])
    if not file.name.endswith(FILES):
        raise ModelError(f"{url}: expected the address of a file of one of these kinds: {', '.join(FILES)}.")
    # Many addresses end in model.safetensors: each has a folder of its own.
    return fetch(file, cache_folder() / "weights" / hashlib.sha256(file.url.encode()).hexdigest()[:16])


def _from_hub(name: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError
    except ImportError:
        raise SetupError(f"{name}: no such file, and for weights from a hub huggingface_hub is missing. {_INSTALL}") from None
    offline = os.environ.get("KCLASSIFY_OFFLINE", "0") not in ("", "0")
    for file in _HUB_FILES:
        try:
            return Path(hf_hub_download(name, file, local_files_only=offline, endpoint=os.environ.get("HF_ENDPOINT")))
        except LocalEntryNotFoundError as error:
            if offline and file != _HUB_FILES[-1]:
                continue
            why = "KCLASSIFY_OFFLINE forbids to download them" if offline else "the hub cannot be reached"
            raise SetupError(f"{name}: no such file, and its weights are not on this machine; {why}.") from error
        except RepositoryNotFoundError as error:
            raise ModelError(
                f"{name}: no such file here, and no such repository on the hub. Expected such as timm/resnet18.a1_in1k."
            ) from error
        except HFValidationError as error:
            raise ModelError(f"{name}: no such file, and no id of a hub either. Expected such as timm/resnet18.a1_in1k.") from error
        except EntryNotFoundError:
            continue
    raise ModelError(f"{name}: the repository holds none of {', '.join(_HUB_FILES)}.")
