"""How many images a second each framework trains on one thread: `make bench-train-step`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measure import Measurement, in_turns
from report import collect, save, table, train_step

HERE = Path(__file__).parent
NETS = ("mobilenetv3_large", "resnet50")
_WARM_UP = 2  # steps before the first that counts: compiling is in them
_LONG = 20.0  # CPU-seconds after which there need be no further step
_THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}


@dataclass(frozen=True)
class Framework:
    """A row of the table: a case of step_worker.py, on a backend of Keras, with the Python of PaddlePaddle where it is its."""

    case: str
    backend: str = ""
    paddle: bool = False


FRAMEWORKS = {
    "kclassify": Framework("kclassify_step", "tensorflow"),
    "kclassify train": Framework("kclassify_train", "tensorflow"),
    "Keras fit": Framework("keras_fit", "tensorflow"),
    "Keras fit, the same network": Framework("keras_same_layers", "tensorflow"),
    "kclassify, JAX": Framework("kclassify_step", "jax"),
    "kclassify, PyTorch": Framework("kclassify_step", "torch"),
    "timm": Framework("timm_eager"),
    "timm, torch.compile": Framework("timm_compiled"),
    "PaddleClas": Framework("paddleclas", paddle=True),
}

# Rows that differ by a few percent do their steps in alternation: a machine's speed drifts by more within a minute.
TOGETHER = ("kclassify", "kclassify train")


@dataclass
class Worker:
    """A process that does a step when asked, all of them on the same processor."""

    process: subprocess.Popen[str]
    batch: int
    versions: Mapping[str, str] = field(default_factory=dict)
    making_ready: float = 0.0  # CPU-seconds, those of the steps that do not count

    def step(self) -> Measurement:
        """Images, CPU-seconds and seconds of one step.

        Raises:
            RuntimeError: the process has ended; its own words are on standard error.
        """
        if self.process.poll() is not None or not (answer := self._asked()):
            raise RuntimeError(f"{self.process.args!r} ended with status {self.process.wait()}.")
        told = json.loads(answer)
        self.versions = told["versions"]
        return self.batch, told["cpu"], told["wall"]

    def end(self) -> None:
        """Gives its memory back."""
        self.process.kill()
        self.process.wait()

    def _asked(self) -> str:
        if self.process.stdin is None or self.process.stdout is None:
            return ""
        print(1, file=self.process.stdin, flush=True)
        return self.process.stdout.readline()


def alternated(workers: Sequence[Worker], most: int) -> list[Measurement]:
    """So many steps of each, one of each at a time; of a worker alone fewer when those have taken long."""
    sums = [(0, 0.0, 0.0)] * len(workers)
    for _ in range(most):
        if len(workers) == 1 and sums[0][1] > _LONG:
            break
        for place, worker in enumerate(workers):
            (images, cpu, wall), (images_more, cpu_more, wall_more) = sums[place], worker.step()
            sums[place] = images + images_more, cpu + cpu_more, wall + wall_more
    return sums


def main() -> None:
    """Start a worker for each framework, measure in rounds, print the table; with --save keep it."""
    options = _options()
    subject = train_step(options.net)
    workers: dict[str, Worker] = {}
    versions: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        images = Path(name) / "images"
        _write_images(images, (options.rounds * options.steps + _WARM_UP + 2) * options.batch)

        def turn(rows: Sequence[str]) -> list[Measurement]:
            for row in rows:
                if row not in workers:
                    workers[row] = _start(FRAMEWORKS[row], options, images)
                    ((_, workers[row].making_ready, _),) = alternated([workers[row]], _WARM_UP)
            measured = alternated([workers[row] for row in rows], options.steps)
            for row in rows:
                versions.update(workers[row].versions)
            while options.restart and len(workers) > 1:
                workers.pop(min(workers, key=lambda other: workers[other].making_ready)).end()
            return measured

        try:
            measured = in_turns(_groups(options.only or FRAMEWORKS), turn, rounds=options.rounds, progress=_say)
        finally:
            for worker in workers.values():
                worker.end()
    results = collect(subject, measured, {"batch": options.batch, "rounds": options.rounds, "steps": options.steps}, versions)
    print(table(subject, results))
    if options.save:
        save(subject.name, results, table(subject, results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net", choices=NETS)
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="images of a step (default 32)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often everything is measured (default 5)")
    parser.add_argument("--steps", type=int, default=4, metavar="N", help="steps of one measurement (default 4, fewer of slow ones)")
    parser.add_argument("--only", nargs="+", choices=FRAMEWORKS, metavar="NAME", help="these frameworks alone, such as 'kclassify' 'timm'")
    parser.add_argument("--restart", action="store_true", help="end processes after their turn, all but the slowest to start: less memory")
    parser.add_argument("--paddle-python", default=sys.executable, metavar="PATH", help="the Python that has paddlepaddle and paddleclas")
    parser.add_argument("--save", action="store_true", help="write results/train_step_NET.json and the table of README.md")
    return parser.parse_args()


def _groups(rows: Iterable[str]) -> list[list[str]]:
    """Rows that are measured together: `TOGETHER`, and every other one alone."""
    together, alone = ([row for row in rows if (row in TOGETHER) == first] for first in (True, False))
    return [group for group in (together, *([row] for row in alone)) if group]


def _write_images(folder: Path, to_train_on: int) -> None:
    """More than those that are trained on: the run sets some aside, 1 % and at least one of each class."""
    from photographs import CLASSES, write_photographs

    write_photographs(folder, to_train_on * 100 // 98 + CLASSES)


def _start(framework: Framework, options: argparse.Namespace, images: Path) -> Worker:
    python = options.paddle_python if framework.paddle else sys.executable
    command = [python, str(HERE / "step_worker.py"), framework.case, options.net, str(images), "--batch", str(options.batch)]
    environment = os.environ | _THREADS | {"TF_CPP_MIN_LOG_LEVEL": "3", "KCLASSIFY_CACHE": str(images.parent / "cache")}
    if framework.backend:
        environment["KERAS_BACKEND"] = framework.backend
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(command, env=environment, text=True, preexec_fn=_one_processor, **pipes)  # noqa: PLW1509
    return Worker(process, options.batch)


def _one_processor() -> None:
    """The last of those that this process may use: what has no setting for its threads has one all the same."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _say(number: int, name: str) -> None:
    """What is being done, a line each: a run takes the better part of an hour."""
    print(f"round {number}: {name}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
