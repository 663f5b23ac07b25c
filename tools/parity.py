"""Compares every model row with timm's equal one, on weights and pixels that are new in each run. Needs torch and timm (see --help)."""

import argparse
import json
import secrets
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tools")]

import reference_weights as reference  # noqa: E402
from timm_on_cpu import INSTALL, import_timm  # noqa: E402

from kclassify.models import create_model, load_state, state_dict  # noqa: E402
from kclassify.presets import MODELS, ModelRow  # noqa: E402

SIDES = ((224, 224), (97, 131))


def torch_logits(model: torch.nn.Module, row: ModelRow, images: np.ndarray) -> np.ndarray:
    """[N, H, W, 3] in 0..255 -> timm's logits [N, classes] for the normalised picture."""
    spec = row.preprocessing
    normal = ((images / 255 - np.array(spec.mean)) / np.array(spec.std)).astype("float32")
    with torch.no_grad():
        return model(torch.from_numpy(np.ascontiguousarray(normal.transpose(0, 3, 1, 2)))).numpy()


def torch_state(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """The model's tensors without BatchNorm's counters."""
    return {name: tensor.numpy() for name, tensor in model.state_dict().items() if not name.endswith("num_batches_tracked")}


def set_state(model: torch.nn.Module, state: dict[str, np.ndarray]) -> None:
    """Give timm's model these tensors, each of them."""
    counters = {name: tensor for name, tensor in model.state_dict().items() if name.endswith("num_batches_tracked")}
    model.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in state.items()} | counters, strict=True)
    model.eval()


def randomise(model: torch.nn.Module) -> None:
    """Fresh statistics and scales for BatchNorm, which starts at 0 and 1 and would hide mistakes; the rest are timm's own fresh numbers."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
    model.eval()


def compare(timm: Any, row: ModelRow, seed: int) -> tuple[int, float, bool]:
    """(trained numbers, largest difference in parts of the largest logit, whether the state dict comes back bit for bit)."""
    torch.manual_seed(seed)
    theirs = timm.create_model(row.timm)
    randomise(theirs)
    ours = create_model(row.name, activation=None, input_shape=(None, None, 3))
    state = torch_state(theirs)
    load_state(ours, state, source=f"timm {row.timm}")
    back = state_dict(ours)
    equal = back.keys() == state.keys() and all(np.array_equal(back[name], state[name]) for name in state)
    worst = 0.0
    for images in reference.draw_images(seed, SIDES):
        logits = keras.ops.convert_to_numpy(ours(images, training=False))
        worst = max(worst, reference.largest_difference(logits, torch_logits(theirs, row, images)))
    return sum(parameter.numel() for parameter in theirs.parameters()), worst, equal


def print_table(timm: Any, seed: int) -> bool:
    """Print one line for each row; whether all of them pass."""
    print(f"seed {seed}\n{'name':<20}{'params':>12}{'rel':>10}  state dict")
    passed = True
    for row in MODELS.values():
        params, rel, equal = compare(timm, row, seed)
        fine = rel < reference.TOLERANCE and equal and params == row.params
        print(f"{row.name:<20}{params:>12,}{rel:>10.1e}  {'bit-equal' if equal else 'DIFFERS'}{'' if fine else '  FAILED'}", flush=True)
        passed = passed and fine
    return passed


def write_reference(timm: Any) -> None:
    """Write timm's logits for the drawn weights and pictures, so that the tests need no torch."""
    models = {}
    for row in MODELS.values():
        layout = reference.layout_digest({name: tensor.shape for name, tensor in timm.create_model(row.timm).state_dict().items()})
        theirs = timm.create_model(row.timm, num_classes=reference.NUM_CLASSES)
        set_state(theirs, reference.draw_state({name: tensor.shape for name, tensor in torch_state(theirs).items()}))
        logits = [torch_logits(theirs, row, images).tolist() for images in reference.draw_images()]
        models[row.name] = {"timm": row.timm, "layout_sha256": layout, "logits": logits}
    document = {"written_by": "tools/parity.py --write-reference", "timm": timm.__version__, "torch": torch.__version__, "models": models}
    reference.REFERENCE_FILE.parent.mkdir(exist_ok=True)
    reference.REFERENCE_FILE.write_text(json.dumps(document, indent=1) + "\n")


def main() -> int:
    """0 when every row agrees with timm, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"Install: {INSTALL}")
    parser.add_argument("--seed", type=int, default=secrets.randbits(31), help="repeat a run; by default a new one each time")
    parser.add_argument("--write-reference", action="store_true", help=f"write {reference.REFERENCE_FILE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    timm = import_timm()
    if arguments.write_reference:
        write_reference(timm)
        return 0
    return 0 if print_table(timm, arguments.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
