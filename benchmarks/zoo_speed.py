"""How fast ten common models answer on one thread, beside timm in the same run: `make bench-zoo`."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
for _name in ("OMP", "MKL", "OPENBLAS"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from measure import Case, Work, measure  # noqa: E402
from report import ZOO, ZOO_ROWS, collect, save, table  # noqa: E402

sys.path.append(str(Path(__file__).parents[1] / "tools"))


def main() -> None:
    """Measure, print the table; with --save keep it."""
    options = _options()
    measured = measure(list(_cases(options.only or ZOO_ROWS, options.batch)), rounds=options.rounds, seconds=options.seconds, progress=_say)
    results = collect(ZOO, measured, {"rounds": options.rounds, "batch": options.batch})
    print(table(ZOO, results))
    if options.save:
        save(ZOO.name, results, table(ZOO, results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=16, metavar="N", help="images of a forward pass (default 16)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often everything is measured (default 5)")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="CPU-seconds of one measurement (default 3)")
    parser.add_argument("--only", nargs="+", choices=ZOO_ROWS, metavar="PRESET", help="these models alone")
    parser.add_argument("--save", action="store_true", help="write results/zoo_speed.json and the table of README.md")
    return parser.parse_args()


def _cases(names: list[str], batch: int) -> Iterator[Case]:
    for name in names:
        yield Case(f"kclassify, {name}", lambda name=name: _keras(name, batch), batch)  # type: ignore[misc]
        yield Case(f"timm, {name}", lambda name=name: _timm(name, batch), batch)  # type: ignore[misc]


def _keras(name: str, batch: int) -> Work:
    """As a user serves it: the graph of the model from grey levels to probabilities."""
    from kclassify import devices

    devices.start()
    import tensorflow as tf

    if tf.config.threading.get_intra_op_parallelism_threads() != 1:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    import kclassify

    model = kclassify.create_model(name)
    forward = tf.function(lambda images: model(images, training=False))
    images = tf.constant(_pixels(batch, model.input_shape[1]))

    def work(count: int) -> None:
        for _ in range(count // batch):
            forward(images).numpy()

    return work


def _timm(name: str, batch: int) -> Work:
    """Eager PyTorch with channels last, without gradients."""
    import torch
    from timm_on_cpu import import_timm

    from kclassify import presets

    torch.set_num_threads(1)
    model = import_timm().create_model(presets.get(name).timm).eval().to(memory_format=torch.channels_last)
    pixels = _pixels(batch, presets.get(name).preprocessing.size)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

    def work(count: int) -> None:
        with torch.inference_mode():
            for _ in range(count // batch):
                torch.softmax(model(images / 255.0), -1).numpy()

    return work


def _pixels(batch: int, size: int) -> np.ndarray:
    """Grey levels, float32 [batch, size, size, 3]."""
    return np.random.default_rng(0).integers(0, 256, (batch, size, size, 3)).astype(np.float32)


def _say(number: int, name: str) -> None:
    print("warm-up" if number == 0 else f"round {number}", name, sep=": ", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
