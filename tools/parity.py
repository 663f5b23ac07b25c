"""Compares rows of the zoo with their reference implementations, on weights and pixels that are new in each run.

The references are timm, torchvision (both need torch) and PaddleClas (in a Python of its own, --paddle-python).
"""

import argparse
import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from filelock import FileLock

ROOT = Path(__file__).parent.parent
PARITY = ROOT / "docs" / "parity.json"
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tools")]

import reference_weights as reference  # noqa: E402
import references  # noqa: E402
from timm_on_cpu import INSTALL  # noqa: E402

from kclassify.models import load_state, paddle, state_dict  # noqa: E402
from kclassify.presets import ModelRow  # noqa: E402
from kclassify.presets.models import modules, rows_of  # noqa: E402


def randomise(model: Any) -> None:
    """Fresh statistics and scales for BatchNorm, which starts at 0 and 1 and would hide mistakes, and values for what starts at 0.

    The rest are the reference's own fresh numbers.
    """
    import torch

    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and module.affine:
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
            elif isinstance(module, torch.nn.LayerNorm) and module.elementwise_affine:
                module.weight.uniform_(0.5, 1.5)
                if module.bias is not None:
                    module.bias.normal_(0, 0.1)
        for parameter in model.parameters():
            if parameter.numel() > 1 and (parameter == parameter.flatten()[0]).all():  # tables, tokens, layer scales, offsets
                parameter.normal_(0, 0.2)


def compare(row: ModelRow, seed: int, paddle_python: str) -> tuple[int, float, bool]:
    """(trained numbers, largest difference in parts of the largest logit, whether the state dict comes back bit for bit)."""
    source = references.reference_of(row)
    ours = reference.build(row, num_classes=1000)
    images = reference.images_for(ours, seed)
    if source.startswith("paddle:"):
        given, expected = references.paddle(paddle_python, row, images)
        state = paddle.to_torch(given, ours)
    else:
        import torch

        torch.manual_seed(seed)
        theirs = references.torch_model(source)
        randomise(theirs)
        state, expected = references.torch_state(theirs), [references.torch_logits(theirs, row, batch) for batch in images]
    load_state(ours, state, source=source)
    back = state_dict(ours)
    equal = back.keys() == state.keys() and all(np.array_equal(back[name], state[name]) for name in state)
    pairs = zip(images, expected, strict=True)
    worst = max(reference.largest_difference(ours.predict_on_batch(batch), logits) for batch, logits in pairs)
    return sum(int(np.prod(variable.shape)) for variable in ours.trainable_variables), worst, equal


def print_table(rows: list[ModelRow], seed: int, paddle_python: str, save: bool) -> bool:
    """Print one line for each row, and keep its figure with `save` if it passes; whether all of them do."""
    print(f"seed {seed}, backend {keras.backend.backend()}\n{'name':<36}{'reference':<44}{'params':>12}{'rel':>10}  state dict")
    passed = True
    for row in rows:
        params, rel, equal = compare(row, seed, paddle_python)
        fine = rel < reference.TOLERANCE and equal and params == row.params
        line = f"{row.name:<36}{references.reference_of(row):<44}{params:>12,}{rel:>10.1e}  {'bit-equal' if equal else 'DIFFERS'}"
        print(f"{line}{'' if fine else '  FAILED'}", flush=True)
        passed = passed and fine
        if save and fine:
            keep(row, rel)
        keras.backend.clear_session()
    return passed


def keep(row: ModelRow, rel: float) -> None:
    """Note the figure in the file from which docs/models.md is made; several of these may run beside each other."""
    with FileLock(f"{PARITY}.lock"):
        known = json.loads(PARITY.read_text()) if PARITY.is_file() else {}
        known[row.name] = {"reference": references.reference_of(row), "rel": float(f"{rel:.2g}")}
        PARITY.write_text("{\n" + ",\n".join(f" {json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known)) + "\n}\n")
    Path(f"{PARITY}.lock").unlink(missing_ok=True)


def smallest(rows: list[ModelRow]) -> Iterator[ModelRow]:
    """The row with the fewest parameters of each series."""
    for series in dict.fromkeys(row.series for row in rows):
        yield min((row for row in rows if row.series == series), key=lambda row: row.params)


def write_reference(module: str, rows: list[ModelRow], paddle_python: str) -> None:
    """Write the references' logits of some rows for the drawn weights and pictures, so that the tests need no torch."""
    models = {}
    for row in rows:
        source = references.reference_of(row)
        ours = reference.build(row)
        state, images = reference.draw_state({name: tensor.shape for name, tensor in state_dict(ours).items()}), reference.images_for(ours)
        if source.startswith("paddle:"):
            given = paddle.from_torch(state, ours)
            logits = references.paddle(paddle_python, row, images, num_classes=reference.NUM_CLASSES, state=given)[1]
        else:
            theirs = references.torch_model(source, reference.NUM_CLASSES)
            references.set_torch_state(theirs, state)
            logits = [references.torch_logits(theirs, row, batch) for batch in images]
        models[row.name] = {"reference": source, "logits": [np.round(values, 6).tolist() for values in logits]}
    document = {"written_by": "tools/parity.py --write-reference", "models": models}
    path = reference.REFERENCES / f"{module}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{path.relative_to(ROOT)}: {', '.join(models)}")


def main() -> int:
    """0 when every row agrees with its reference, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"Install: {INSTALL}")
    parser.add_argument("modules", nargs="*", help="modules of kclassify/presets/zoo; all of them by default")
    parser.add_argument(
        "--rows", nargs="*", default=[], help="these rows alone; with --write-reference the smallest row of each series by default"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbits(31), help="repeat a run; by default a new one each time")
    parser.add_argument("--write-reference", action="store_true", help=f"write {reference.REFERENCES.relative_to(ROOT)}/MODULE.json")
    parser.add_argument("--save", action="store_true", help=f"keep the figures in {PARITY.relative_to(ROOT)}")
    parser.add_argument("--paddle-python", default=".venv-paddle/bin/python", help="a Python that has paddlepaddle and paddleclas")
    arguments = parser.parse_args()
    passed = True
    for module in arguments.modules or modules():
        rows = [row for row in rows_of(module) if not arguments.rows or row.name in arguments.rows]
        if arguments.write_reference:
            write_reference(module, rows if arguments.rows else list(smallest(rows)), arguments.paddle_python)
        elif rows:
            passed = print_table(rows, arguments.seed, arguments.paddle_python, arguments.save) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
