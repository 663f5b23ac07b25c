"""Runs one model of PaddleClas for tools/references.py, in a Python that has paddlepaddle and paddleclas.

Arguments: model, classes, an .npz with `images/N` (normalised [n, 3, H, W]) and `state/NAME`, and the .npz to write, with
`state/NAME` and `logits/N`.
"""

import importlib
import logging
import pkgutil
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np


def find_model(name: str) -> Any:
    """The function or class that makes the model: PaddleClas' packages import more than its models need, so they are stepped around."""
    root = next(Path(folder) for folder in sys.path if Path(folder, "paddleclas", "ppcls").is_dir())
    for name_of in ("ppcls", "ppcls.arch", "ppcls.arch.backbone", "ppcls.utils"):
        module: Any = types.ModuleType(name_of)
        module.__path__ = [str(Path(root, "paddleclas", *name_of.split(".")))]
        sys.modules[name_of] = module
    save_load = types.ModuleType("ppcls.utils.save_load")
    for function in ("load_dygraph_pretrain", "load_dygraph_pretrain_from_url", "get_weights_path_from_url"):
        setattr(save_load, function, None)
    sys.modules["ppcls.utils.save_load"] = save_load
    logger: Any = importlib.import_module("ppcls.utils.logger")
    logger._logger = logging.getLogger("ppcls")  # some models warn before there is one
    for folder in ("legendary_models", "model_zoo", "variant_models"):
        package = importlib.import_module(f"ppcls.arch.backbone.{folder}")
        for item in pkgutil.iter_modules(package.__path__):
            source = Path(package.__path__[0], f"{item.name}.py").read_text()
            if f"def {name}(" in source or f"class {name}(" in source:
                module = importlib.import_module(f"{package.__name__}.{item.name}")
                getattr(module, "MODEL_URLS", {}).setdefault(name, "")  # HRNet's table of addresses lacks models of its file
                return getattr(module, name)
    sys.exit(f"PaddleClas has no model called {name}")


def main(name: str, classes: str, given: str, made: str) -> None:
    """See the file's docstring."""
    import paddle

    model = find_model(name)(class_num=int(classes))
    model.eval()
    known = {key.replace("/", "."): key for key in model.state_dict()}
    out = {}
    with np.load(given) as file, paddle.no_grad():
        names = [key.removeprefix("state/") for key in file if key.startswith("state/")]
        missing = set(model.state_dict()) ^ {known.get(key, key) for key in names}
        if missing:
            sys.exit(f"{name}: other tensors than PaddleClas': {sorted(missing)[:5]}")
        tensors = model.state_dict()
        for key in names:  # one after the other: the largest model has 3 GB of them
            tensors[known.get(key, key)].set_value(file[f"state/{key}"])
        for key in file:
            if key.startswith("images/"):
                out[key.replace("images", "logits")] = model(paddle.to_tensor(file[key])).numpy()
    out |= {f"state/{key}": value.numpy() for key, value in model.state_dict().items()}
    np.savez(made, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
