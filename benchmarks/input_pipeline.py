"""How fast images are read, decoded, cut and augmented, beside other means and the limit of the machine: `make bench`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported

import numpy as np
from jpeg_limit import CannotBuild
from measure import Case, measure
from photographs import write_photographs
from report import PIPELINE, collect, save, table


def main() -> None:
    """Make the images, measure, print the table; with --save keep it."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["KCLASSIFY_CACHE"] = str(folder / "cache")
        mean_size = write_photographs(folder / "images", options.images)
        cases = [case for case in _cases(folder) if options.only is None or case.name in options.only]
        measured = measure(cases, rounds=options.rounds, seconds=options.seconds, progress=_say)
        _say(None, "")
    results = collect(
        PIPELINE, measured, {"images": options.images, "mean_kB": mean_size, "rounds": options.rounds, "seconds": options.seconds}
    )
    print(table(PIPELINE, results))
    if options.save:
        save(PIPELINE.name, results, table(PIPELINE, results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000, metavar="N", help="how many images are made (default 1000, at least 128)")
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="how often everything is measured (default 15)")
    parser.add_argument("--seconds", type=float, default=1.5, metavar="S", help="CPU-seconds of one measurement (default 1.5)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these cases alone, such as 'kclassify' 'C limit'")
    parser.add_argument("--save", action="store_true", help="write results/input_pipeline.json and the table of README.md")
    return parser.parse_args()


def _cases(folder: Path) -> Iterator[Case]:
    """All cases, in the order of the table: what is compared stands close together, because a machine's speed drifts."""
    import ours
    import peers

    paths = sorted((folder / "images").rglob("*.jpg"))
    yield from peers.in_python(paths)
    try:
        yield peers.c_limit(paths, folder)
    except CannotBuild as reason:
        print(reason, file=sys.stderr)
    yield peers.documented(paths)
    yield from ours.cases(folder / "images", folder / "packed")
    yield from ours.operations(_squares(paths[: peers.BATCH], peers.SIZE))


def _squares(paths: list[Path], size: int) -> np.ndarray:
    """The middles of images: uint8 [n, size, size, 3]."""
    from PIL import Image, ImageOps

    return np.stack([np.asarray(ImageOps.fit(Image.open(path), (size, size))) for path in paths])


def _say(number: int | None, name: str) -> None:
    """What is being done, on one line that is overwritten, where there is a person to see it."""
    if sys.stderr.isatty():
        text = "" if number is None else f"{'warm-up' if number == 0 else f'round {number}'}: {name}"
        print(f"\r{text:<70}", end="" if text else "\r", file=sys.stderr)


if __name__ == "__main__":
    main()
