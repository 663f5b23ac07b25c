"""Compares rows of the zoo with their reference implementations, on weights and pixels that are new in each run.

The references are timm, torchvision (both need torch) and PaddleClas (in a Python of its own, --paddle-python).
"""

import argparse
import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
from filelock import FileLock
from keras import layers, ops

ROOT = Path(__file__).parent.parent
PARITY = ROOT / "docs" / "parity.json"
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tools")]

import reference_weights as reference  # noqa: E402
import references  # noqa: E402
from timm_on_cpu import INSTALL  # noqa: E402

from kclassify.models import load_state, paddle, state_dict  # noqa: E402
from kclassify.presets import ModelRow  # noqa: E402
from kclassify.presets.models import modules, rows_of  # noqa: E402

APART = 0.01  # of the largest logit: closer logits of two pictures would be those of the last bias alone
GATE = 0.1  # what the drawn weights of gates are multiplied with


@dataclass(frozen=True)
class Comparison:
    """Trained numbers, largest difference in parts of the largest logit, and by how much two pictures' logits differ in the same unit.

    `equal` says whether the state dict comes back from the reference bit for bit.
    """

    params: int
    rel: float
    apart: float
    equal: bool


def settle(model: keras.Model, images: np.ndarray) -> None:
    """Put the drawn statistics of each BatchNorm in units of what it is given for these pictures [N, H, W, 3], and keep gates half open.

    So the signal has one size however deep the net is. Where it grew or died out, the figure would be that of the last bias; and dozens of
    gates of large numbers, one after the other, make much of rounding, in timm alone (float32 beside float64) as between timm and us.
    """
    known = {layer.name: layer for layer in model.layers}
    for layer in model.layers:
        if isinstance(layer, layers.Activation) and layer.activation.__name__ in ("sigmoid", "hard_sigmoid"):
            before = known[layer.name.removesuffix("-activation")]
            before.kernel.assign(GATE * before.kernel)
    call = layers.BatchNormalization.call

    def settled(layer: layers.BatchNormalization, x: Any, *rest: Any, **more: Any) -> Any:
        size = float(ops.mean(ops.square(x)))
        layer.moving_variance.assign(layer.moving_variance * size)
        layer.moving_mean.assign(layer.moving_mean * size**0.5)
        return call(layer, x, *rest, **more)

    with mock.patch.object(layers.BatchNormalization, "call", settled):
        model(images, training=False)


def compare(row: ModelRow, seed: int, paddle_python: str) -> Comparison:
    """Build the row and its reference, give both the same fresh numbers and the same pictures."""
    source = references.reference_of(row)
    ours = reference.build(row, num_classes=1000)
    images = reference.images_for(ours, seed)
    load_state(ours, reference.draw_state({name: tensor.shape for name, tensor in state_dict(ours).items()}, seed), source="draw")
    settle(ours, images[0])
    state = state_dict(ours)
    if source.startswith("paddle:"):
        held, expected = references.paddle(paddle_python, row, images, paddle.from_torch(state, ours), num_classes=1000)
        held = paddle.to_torch(held, ours)
    else:
        theirs = references.torch_model(source)
        references.set_torch_state(theirs, state)
        held, expected = references.torch_state(theirs), [references.torch_logits(theirs, row, batch) for batch in images]
    load_state(ours, held, source=source)
    back = state_dict(ours)
    pairs = zip(images, expected, strict=True)
    return Comparison(
        params=sum(int(np.prod(variable.shape)) for variable in ours.trainable_variables),
        rel=max(reference.largest_difference(ours.predict_on_batch(batch), logits) for batch, logits in pairs),
        apart=min(float(np.ptp(logits, axis=0).max() / np.abs(logits).max()) for logits in expected),
        equal=held.keys() == state.keys() and all(np.array_equal(tensor, back[name]) for name, tensor in state.items()),
    )


def print_table(rows: list[ModelRow], seed: int, paddle_python: str, save: bool) -> bool:
    """Print one line for each row, and keep its figure with `save` if it passes; whether all of them do."""
    columns = f"{'name':<36}{'reference':<44}{'params':>12}{'rel':>10}{'apart':>8}"
    print(f"seed {seed}, backend {keras.backend.backend()}\n{columns}  state dict")
    passed = True
    for row in rows:
        found = compare(row, seed, paddle_python)
        fine = found.rel < reference.TOLERANCE and found.apart > APART and found.equal and found.params == row.params
        line = f"{row.name:<36}{references.reference_of(row):<44}{found.params:>12,}{found.rel:>10.1e}{found.apart:>8.2f}"
        print(f"{line}  {'bit-equal' if found.equal else 'DIFFERS'}{'' if fine else '  FAILED'}", flush=True)
        passed = passed and fine
        if save and fine:
            keep(row, found.rel)
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
            logits = references.paddle(paddle_python, row, images, given, num_classes=reference.NUM_CLASSES)[1]
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
