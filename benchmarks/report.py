"""What the measurements are held against, and how they are told: a table to read and a JSON file to keep."""

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from measure import Measured

HERE = Path(__file__).parent
README = HERE / "README.md"
_END = "<!-- end -->\n"
_FINE = 20  # images a second, below which hundredths are told


@dataclass(frozen=True)
class Comparison:
    """How a case is to do beside `other`: at least `goal` times as fast, or with `extra` at most that share of CPU time on top.

    `recorded` is a rate in images per CPU-second that was measured elsewhere; otherwise `other` is a case of the same run.
    """

    case: str
    other: str
    goal: float
    extra: bool = False
    recorded: float | None = None


@dataclass(frozen=True)
class Subject:
    """A benchmark: its file, how its settings are told, what its cases are held against, and the packages that matter."""

    name: str
    settings: str
    comparisons: Sequence[Comparison]
    packages: Sequence[str] = ()


# PaddleClas 2.6 on PaddlePaddle 3.3.1 and two shared cores of an AMD EPYC, these images: its loader needs the sources of its repository.
_PADDLECLAS = {"kclassify, 2 threads": (275, 3.0), "kclassify, autoaugment": (213, 2.0), "kclassify, randaugment": (183, 2.0)}
_PER_BATCH = ("cutout", "gridmask", "hide_and_seek", "random_erasing", "mixup", "cutmix")

_PIPELINE_COMPARISONS = (
    Comparison("kclassify, 2 threads", "tf.data as documented", 1.8),
    Comparison("kclassify, 2 threads", "simplejpeg + OpenCV", 0.85),
    Comparison("kclassify, 2 threads", "C limit", 0.7),
    *(Comparison(case, "PaddleClas' loader, recorded", goal, recorded=rate) for case, (rate, goal) in _PADDLECLAS.items()),
    Comparison("kclassify, data pack --short-side 256", "kclassify", 1.35),
    Comparison("kclassify, --cache ram", "kclassify", 2.0),
    *(Comparison(f"kclassify, {name}", "kclassify", 0.1, extra=True) for name in _PER_BATCH),
    Comparison("randaugment alone", "keras.layers.RandAugment", 20.0),
    Comparison("random_erasing alone", "keras.layers.RandomErasing", 4.0),
    Comparison("mixup alone", "keras.layers.MixUp", 4.0),
    Comparison("cutmix alone", "keras.layers.CutMix", 4.0),
)

PIPELINE = Subject(
    "input_pipeline",
    "{images} images of {mean_kB:.0f} kB",
    _PIPELINE_COMPARISONS,
    ("tensorflow", "keras", "numpy", "pillow", "simplejpeg", "opencv-python-headless"),
)


def train_step(net: str) -> Subject:
    """The train step of one network."""
    comparisons = (
        Comparison("kclassify", "PaddleClas", 2.0),
        Comparison("kclassify", "Keras fit, the same network", 1.0),
        Comparison("kclassify", "timm", 1.0),
        Comparison("kclassify, PyTorch", "PaddleClas", 2.0),
        Comparison("kclassify, PyTorch", "timm", 1.0),
        Comparison("kclassify train", "kclassify", 0.05, extra=True),
    )
    return Subject(f"train_step_{net}", f"{net}, batches of {{batch}} images of 224 pixels, float32, one thread", comparisons)


ZOO_ROWS = (
    *("mobilenetv3_large", "tf_efficientnet_b0", "efficientnet_lite0", "resnet18", "resnet50"),
    *("regnety_016", "densenet121", "vit_small_patch16_224", "swin_tiny_patch4_window7_224", "convnext_tiny"),
)
ZOO = Subject(
    "zoo_speed",
    "Forward passes of {batch} images, float32, one thread",
    [Comparison(f"kclassify, {name}", f"timm, {name}", 1.0) for name in ZOO_ROWS],
    ("tensorflow", "keras", "torch", "timm"),
)


def collect(
    subject: Subject, measured: Mapping[str, Measured], settings: Mapping[str, Any], packages: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Everything that is worth keeping of a run, as JSON takes it; `packages` are versions that other processes have told."""
    where = machine(subject.packages)
    return {
        "machine": where | {"packages": where["packages"] | dict(packages or {})},
        "settings": dict(settings),
        "cases": {
            name: {"images_per_cpu_second": spread(found.per_cpu_second), "images_per_second": spread(found.per_second)}
            for name, found in measured.items()
        },
        "comparisons": list(_compared(subject, measured)),
    }


def machine(packages: Sequence[str]) -> dict[str, Any]:
    """Where, when and with what: processor, cores, load, the versions of those `packages` that there are."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "python": platform.python_version(),
        "packages": {name: number for name in packages if (number := _version(name))},
    }


def spread(numbers: Sequence[float]) -> dict[str, float]:
    """Median, lowest and highest, to four digits."""
    return {name: float(f"{of(numbers):.4g}") for name, of in (("median", median), ("lowest", min), ("highest", max))}


def table(subject: Subject, results: Mapping[str, Any]) -> str:
    """The results for people: a line for each case, then one for each comparison, in Markdown."""
    how = results["settings"]
    lines = [
        f"{told_machine(results['machine'])} {subject.settings.format(**how)}, median of {how['rounds']} rounds (lowest to highest).",
        "",
        "| | images per CPU-second | images/s |",
        "|---|---:|---:|",
    ]
    for name, case in results["cases"].items():
        lines.append(f"| {name} | {_told(case['images_per_cpu_second'])} | {_told(case['images_per_second'])} |")
    lines += ["", "| | beside | ratio | goal | |", "|---|---|---:|---:|---|"]
    for row in results["comparisons"]:
        number, goal = (
            (f"{_told(row['extra'], '{:+.1%}')}", f"at most +{row['goal']:.0%}")
            if "extra" in row
            else (_told(row["ratio"], "{:.2f}"), f"at least {row['goal']:g}")
        )
        lines.append(f"| {row['case']} | {row['other']} | {number} | {goal} | {'met' if row['met'] else '**missed**'} |")
    return "\n".join(lines) + "\n"


def told_machine(where: Mapping[str, Any]) -> str:
    """What `machine` found, as a sentence."""
    packages = ", ".join(f"{name} {number}" for name, number in where["packages"].items())
    return f"{where['cpu']}, {where['cores']} cores, load {where['load'][0]}, {where['date']}; Python {where['python']}, {packages}."


def save(name: str, results: Mapping[str, Any], text: str) -> None:
    """Keep the numbers of the benchmark `name` as JSON, and put the table of them into the README."""
    kept(name).parent.mkdir(exist_ok=True)
    kept(name).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    before, _, rest = README.read_text(encoding="utf-8").partition(begin(name))
    _, _, after = rest.partition(_END)
    README.write_text(f"{before}{begin(name)}\n{text}\n{_END}{after}", encoding="utf-8")


def kept(name: str) -> Path:
    """Where the numbers of a benchmark are kept."""
    return HERE / "results" / f"{name}.json"


def begin(name: str) -> str:
    """The line of the README after which the table of a benchmark stands."""
    return f"<!-- written by {name} -->\n"


def _compared(subject: Subject, measured: Mapping[str, Measured]) -> Iterator[dict[str, Any]]:
    """The comparisons whose cases were measured; each ratio is of two measurements of the same round."""
    for row in subject.comparisons:
        if row.case not in measured or (row.recorded is None and row.other not in measured):
            continue
        rates = measured[row.case].per_cpu_second
        others = [row.recorded] * len(rates) if row.recorded else measured[row.other].per_cpu_second
        told = {"case": row.case, "other": row.other, "goal": row.goal}
        if row.extra:
            found = spread([other / rate - 1.0 for rate, other in zip(rates, others, strict=True)])
            yield told | {"extra": found, "met": found["median"] <= row.goal}
        else:
            found = spread([rate / other for rate, other in zip(rates, others, strict=True)])
            yield told | {"ratio": found, "met": found["median"] >= row.goal}


def _told(numbers: Mapping[str, float], form: str = "") -> str:
    form = form or ("{:,.0f}" if numbers["median"] >= _FINE else "{:.2f}")
    return "{} ({} to {})".format(*(form.format(numbers[name]) for name in ("median", "lowest", "highest")))


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor() or "?")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
