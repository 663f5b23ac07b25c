"""timm beside a CPU build of torch."""

import functools
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

INSTALL = (
    "pip install torch==2.13.0 keras tensorflow pillow safetensors huggingface_hub pyyaml && pip install --no-deps torchvision==0.28.0 timm"
)


@functools.cache
def import_timm() -> Any:
    """timm; torchvision's Python code, which it imports, asks for compiled ops, so they are declared; no classifier calls one."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"torchvision is not installed. Type: {INSTALL}")
    folder = Path(spec.submodule_search_locations[0])
    text = "".join((folder / name).read_text() for name in ("_meta_registrations.py", "extension.py"))
    names = set(re.findall(r'(?:register_meta|register_fake|impl_abstract)\(\s*"(?:torchvision::)?(\w+)"', text)) | {"nms", "_cuda_version"}
    library = torch.library.Library("torchvision", "DEF")
    for name in sorted(names):
        library.define(f"{name}(Tensor x) -> Tensor")
    import timm

    timm.kclassify_library = library  # the declarations last as long as this object
    return timm
