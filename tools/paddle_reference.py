"""Runs one model of PaddleClas for tools/references.py, in a Python that has paddlepaddle and paddleclas.

Arguments: model, classes, an .npz with `images/N` (normalised [n, 3, H, W]) and maybe `state/NAME`, and the .npz to write, with
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


# Of ResNeSt and HRNet: saturated gates turn rounding into other logits, in PaddleClas too.
GATES = ("conv2.conv3.weight", "se.fc_squeeze.weight", "se.fc_excitation.weight")


def randomise(model: Any, seed: int) -> None:
    """Fresh statistics and scales for BatchNorm, and some spread for parameters that start at 0."""
    import paddle

    generator = np.random.default_rng(seed)
    for name, tensor in model.state_dict().items():
        shape = tensor.shape
        if name.endswith("_variance"):
            values = generator.uniform(0.5, 1.5, shape)
        elif name.endswith("_mean") or (len(shape) == 1 and name.endswith("bias")):
            values = generator.normal(0, 0.1, shape)
        elif len(shape) == 1:
            values = generator.uniform(0.5, 1.5, shape)
        elif name.endswith(GATES):
            values = 0.01 * tensor.numpy()
        elif name.endswith("conv2.conv2.conv.weight"):  # an involution squares large numbers
            values = generator.normal(0, 1e-3, shape)
        else:
            continue
        tensor.set_value(paddle.to_tensor(values.astype("float32")))


def main(name: str, classes: str, given: str, made: str) -> None:
    """See the file's docstring."""
    import paddle

    model = find_model(name)(class_num=int(classes))
    model.eval()
    with np.load(given) as file:
        arrays = {key: file[key] for key in file}
    state = {key.removeprefix("state/"): paddle.to_tensor(value) for key, value in arrays.items() if key.startswith("state/")}
    if state:
        known = {key.replace("/", "."): key for key in model.state_dict()}
        state = {known.get(key, key): value for key, value in state.items()}
        missing = set(model.state_dict()) ^ set(state)
        if missing:
            sys.exit(f"{name}: other tensors than PaddleClas': {sorted(missing)[:5]}")
        model.set_state_dict(state)
    else:
        randomise(model, int.from_bytes(np.random.default_rng().bytes(4), "little"))
    out = {f"state/{key}": value.numpy() for key, value in model.state_dict().items()}
    with paddle.no_grad():
        for key, value in arrays.items():
            if key.startswith("images/"):
                out[key.replace("images", "logits")] = model(paddle.to_tensor(value)).numpy()
    np.savez(made, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
