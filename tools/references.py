"""The reference implementations that rows of the zoo are compared with: timm, torchvision, and PaddleClas in an environment of its own."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from reference_weights import BUFFERS
from timm_on_cpu import import_timm

from kclassify.presets import ModelRow

State = dict[str, np.ndarray]

# Rows that timm lacks and torchvision has: ours -> torchvision's name. All other rows without timm's name are PaddleClas' by their alias.
TORCHVISION = {
    "alexnet": "alexnet",
    "googlenet": "googlenet",
    "squeezenet1_0": "squeezenet1_0",
    "squeezenet1_1": "squeezenet1_1",
    "shufflenetv2_x0_5": "shufflenet_v2_x0_5",
    "shufflenetv2": "shufflenet_v2_x1_0",
    "shufflenetv2_x1_5": "shufflenet_v2_x1_5",
    "shufflenetv2_x2_0": "shufflenet_v2_x2_0",
}


def reference_of(row: ModelRow) -> str:
    """Where the row's reference is: "timm:NAME", "torchvision:NAME" or "paddle:NAME"."""
    if row.timm:
        return f"timm:{row.timm}"
    return f"torchvision:{TORCHVISION[row.name]}" if row.name in TORCHVISION else f"paddle:{architecture(row.aliases[0])}"


def architecture(name: str) -> str:
    """PaddleClas' model of a name that also says how its weights were trained."""
    return name.removeprefix("Fix_").removesuffix("_ssld")


def torch_model(reference: str, num_classes: int = 1000, **options: Any) -> Any:
    """The reference model of timm or torchvision with its own random weights, in evaluation mode."""
    timm = import_timm()
    package, _, name = reference.partition(":")
    if package == "timm":
        return timm.create_model(name, num_classes=num_classes, **options).eval()
    import torchvision.models

    more = {"aux_logits": False, "init_weights": True} if name in {"googlenet", "inception_v3"} else {}
    return torchvision.models.get_model(name, weights=None, num_classes=num_classes, **more).eval()


def torch_state(model: Any) -> State:
    """The model's tensors without what is no weight."""
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items() if not name.endswith(BUFFERS)}


def set_torch_state(model: Any, state: State) -> None:
    """Give the model these tensors, each of them."""
    import torch

    rest = {name: tensor for name, tensor in model.state_dict().items() if name.endswith(BUFFERS)}
    model.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in state.items()} | rest, strict=True)
    model.eval()


def normal(row: ModelRow, images: np.ndarray) -> np.ndarray:
    """[N, H, W, 3] in 0..255 -> what a torch model is fed: normalised [N, 3, H, W]."""
    spec = row.preprocessing
    values = ((images / 255 - np.array(spec.mean)) / np.array(spec.std)).astype("float32")
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def torch_logits(model: Any, row: ModelRow, images: np.ndarray) -> np.ndarray:
    """[N, H, W, 3] in 0..255 -> the model's logits [N, classes] for the normalised picture."""
    import torch

    with torch.no_grad():
        logits = model(torch.from_numpy(normal(row, images)))
    return logits.numpy()


def paddle(
    python: str, row: ModelRow, images: list[np.ndarray], state: State, *, num_classes: int = 1000
) -> tuple[State, list[np.ndarray]]:
    """(state, logits of each batch) of PaddleClas' model that has been given `state`, under Paddle's names, run by another Python."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "given.npz"), Path(folder, "made.npz")
        arrays: dict[str, Any] = {f"images/{number}": normal(row, batch) for number, batch in enumerate(images)}
        arrays |= {f"state/{name}": tensor for name, tensor in state.items()}
        np.savez(given, **arrays)
        script = Path(__file__).with_name("paddle_reference.py")
        subprocess.run([python, str(script), reference_of(row).partition(":")[2], str(num_classes), str(given), str(made)], check=True)
        with np.load(made) as file:
            found = {name.removeprefix("state/"): file[name] for name in file if name.startswith("state/")}
            return found, [file[f"logits/{number}"] for number in range(len(images))]
